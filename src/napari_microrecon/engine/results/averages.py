"""Reports put together: both parts of one volume's statistics, and the mean over blocks."""

from __future__ import annotations

from collections.abc import Sequence

from ..statistics.catalogue import quantity_of
from .bands import Band, CurveBand
from .report import Curve, Report, Statistic


def joined(quick: Report | None, more: Report) -> Report:
    """Both parts of the statistics of one volume."""
    if quick is None:
        return more
    return more.model_copy(
        update={'statistics': quick.statistics | more.statistics, 'curves': quick.curves | more.curves}
    )


def mean_statistics(reports: Sequence[Report]) -> dict[str, Statistic]:
    """Mean of every statistic over blocks, None where no block has a value."""
    means: dict[str, Statistic] = {}
    for key, first in reports[0].statistics.items():
        entry = Band.over([r.value(key) for r in reports if key in r.statistics], quantity_of(key))
        note = next(
            (r.statistics[key].note for r in reports if key in r.statistics and r.value(key) is None), first.note
        )
        method = f'{first.method}; mean of {entry.n} blocks'
        means[key] = Statistic.of(entry.mean, first.unit, method, note=note if entry.mean is None else '')
    return means


def mean_curves(reports: Sequence[Report]) -> dict[str, Curve]:
    """Mean of every curve over blocks."""
    curves: dict[str, Curve] = {}
    for key in reports[0].curves:
        band = CurveBand.of([r.curves[key] for r in reports if key in r.curves], key)
        if band is not None:
            curves[key] = Curve(lag=band.lag, lag_unit=band.lag_unit, value=band.mean)
    return curves
