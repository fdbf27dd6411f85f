"""Mean and spread of statistics and curves: over blocks of real material, or over realisations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_serializer

from ..statistics.catalogue import quantity_of
from ..statistics.quantity import Quantity
from .report import SCHEMA, Curve, Report, dump_json

# A band cannot be narrower than this share of its mean: blocks that agree to all digits (fully percolating, say)
# would call any difference, however small, outside.
RESOLUTION = 0.005
Kind = Literal['blocks', 'realisations', 'sections', 'error']


def band_reach(count: int, further: float = 1.0) -> float:
    """Half-width of a band in standard deviations of `count` values: one more value lies inside with 95 % probability.

    The prediction interval of a normal quantity whose mean and sd are both estimated, t(0.975, n - 1) sqrt(1/m + 1/n)
    for the mean of m further values: 2.5 for one and 8 values, 2.0 for many. With 8 values a fixed 2 would call one
    real block in ten outside.
    """
    from scipy.special import stdtrit

    if count < 2:
        return math.inf
    return float(stdtrit(count - 1, 0.975)) * math.sqrt(1 / further + 1 / count)


class Band(BaseModel):
    """Mean of a statistic over several values, and where 95 % of further ones would lie.

    Attributes
    ----------
    mean, sd : float or None
        Over the values that are known; None where too few are.
    low, high : float or None
        Ends of the band, within the possible range of the statistic; None where it is not known.
    n : int
        Values that are known.
    of : int
        Blocks, volumes or windows that were measured.
    kind : {'blocks', 'realisations', 'sections', 'error'}
        What the values come from: blocks of real material, volumes of other seeds, windows of sections; or none but a
        standard error.
    floor, ceiling : float
        The possible range.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    mean: float | None = Field(allow_inf_nan=False)
    sd: float | None = Field(default=None, allow_inf_nan=False)
    low: float | None = Field(default=None, allow_inf_nan=False)
    high: float | None = Field(default=None, allow_inf_nan=False)
    n: int
    of: int
    kind: Kind = 'blocks'
    floor: float = -math.inf
    ceiling: float = math.inf

    @classmethod
    def over(
        cls, values: Sequence[float | None], quantity: Quantity, kind: Kind = 'blocks', *, further: float = 1.0
    ) -> Self:
        """Band of the values of all blocks, None for blocks without one.

        Parameters
        ----------
        values : sequence of float or None
            One for each block.
        quantity : Quantity
            Declaration of the statistic, which knows its possible range.
        kind : str
            What the values come from.
        further : float
            How many further independent values the mean that is judged is taken over.
        """
        known = [v for v in values if v is not None and math.isfinite(v)]
        if not known:
            return cls(mean=None, n=0, of=len(values), kind=kind, floor=quantity.low, ceiling=quantity.high)
        mean = float(np.mean(known))
        sd = float(np.std(known, ddof=1)) if len(known) > 1 else None
        half = None if sd is None else band_reach(len(known), further) * _resolved(mean, sd)
        return cls._around(mean, sd, half, len(known), len(values), kind, quantity)

    @classmethod
    def of_error(cls, value: float, sd: float, quantity: Quantity) -> Self:
        """Band of one value with a standard error: where the mean of the material lies with 95 % probability."""
        return cls._around(value, sd, 1.96 * sd, 1, 1, 'error', quantity)

    @classmethod
    def _around(
        cls, mean: float, sd: float | None, half: float | None, n: int, of: int, kind: Kind, quantity: Quantity
    ) -> Self:
        low, high = (None, None) if half is None else (mean - half, mean + half)
        if low is not None and high is not None:
            low, high = quantity.low if quantity.is_error else quantity.possible(low), quantity.possible(high)
        return cls(
            mean=mean, sd=sd, low=low, high=high, n=n, of=of, kind=kind, floor=quantity.low, ceiling=quantity.high
        )

    @property
    def spread(self) -> float:
        """Standard deviation that distances are counted in: never below the resolution of the statistic."""
        return 0.0 if self.mean is None or self.sd is None else _resolved(self.mean, self.sd)

    @property
    def is_open_below(self) -> bool:
        """Whether nothing that is possible lies below the band."""
        return self.low == self.floor

    @property
    def is_open_above(self) -> bool:
        """Whether nothing that is possible lies above the band."""
        return self.high == self.ceiling

    def contains(self, value: float) -> bool:
        """Whether a value lies in the band. One beyond the possible range, by rounding, counts as at its end.

        Raises
        ------
        ValueError
            If the band has no ends.
        """
        if self.low is None or self.high is None:
            raise ValueError('the band has no ends')
        return self.low <= min(max(value, self.floor), self.ceiling) <= self.high

    def scaled(self, factor: float) -> Self:
        """The same band in another unit, such as per cent."""
        named = ('mean', 'sd', 'low', 'high', 'floor', 'ceiling')
        known = {name: getattr(self, name) for name in named}
        return self.model_copy(update={name: None if v is None else factor * v for name, v in known.items()})

    def sds(self, value: float) -> float:
        """Distance of a value from the mean in standard deviations, signed."""
        beyond = value - (self.mean or 0.0)
        return beyond / self.spread if self.spread > 0 else 0.0 if beyond == 0 else math.copysign(1e6, beyond)

    @model_serializer
    def _record(self) -> dict[str, Any]:
        """As it stands in files: `n` and `of` have the names of old."""
        return {
            'mean': self.mean, 'sd': self.sd, 'count': self.n, 'blocks': self.of, 'low': self.low, 'high': self.high,
        }  # fmt: skip


def _resolved(mean: float, sd: float) -> float:
    return max(sd, RESOLUTION * abs(mean))


class CurveBand(BaseModel):
    """Mean and spread of a curve over blocks or realisations, per lag."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    lag: tuple[float, ...]
    lag_unit: str
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    count: int
    floor: float = Field(default=-math.inf, exclude=True)
    ceiling: float = Field(default=math.inf, exclude=True)

    @classmethod
    def of(cls, curves: Sequence[Curve], key: str) -> Self | None:
        """Band of the curves with this key over the lags that all share; None for fewer than two curves."""
        if len(curves) < 2:
            return None
        length = min(len(c.lag) for c in curves)
        values = np.asarray([c.value[:length] for c in curves])
        return cls(
            lag=curves[0].lag[:length],
            lag_unit=curves[0].lag_unit,
            mean=tuple(values.mean(axis=0).tolist()),
            sd=tuple(values.std(axis=0, ddof=1).tolist()),
            count=len(curves),
            floor=quantity_of(key).low,
            ceiling=quantity_of(key).high,
        )

    @property
    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end of the band per lag, within what is possible: 95 % of further curves lie between."""
        mean, half = np.asarray(self.mean), band_reach(self.count) * np.asarray(self.sd)
        return np.clip(mean - half, self.floor, self.ceiling), np.clip(mean + half, self.floor, self.ceiling)


class Ensemble(BaseModel):
    """Mean and spread over several realisations, or several volumes of one material.

    Attributes
    ----------
    phase_name : str
        Name of the phase.
    names : tuple of str
        Names of the volumes.
    shapes : tuple of tuple of int
        Their shapes (Z, Y, X).
    units : dict of str to str
        Unit of every statistic, by key.
    statistics : dict of str to Band
        Mean over the volumes, and where 95 % of further ones would lie, by key.
    curves : dict of str to CurveBand
        The same for the curves, by key; empty for a single volume.
    complete : bool
        False while volumes are still being measured.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    phase_name: str
    names: tuple[str, ...]
    shapes: tuple[tuple[int, int, int], ...]
    units: dict[str, str] = Field(default_factory=dict)
    statistics: dict[str, Band] = Field(default_factory=dict)
    curves: dict[str, CurveBand] = Field(default_factory=dict)
    complete: bool = True

    @classmethod
    def of(cls, reports: Sequence[Report], *, complete: bool = True) -> Self:
        """Summarise reports on the same phase; one report is enough, two are needed for a spread."""
        if not reports:
            raise ValueError('an ensemble needs a report')
        keys = dict.fromkeys(key for report in reports for key in report.statistics)
        curves = dict.fromkeys(key for report in reports for key in report.curves)
        bands = {key: CurveBand.of([r.curves[key] for r in reports if key in r.curves], key) for key in curves}
        return cls(
            phase_name=reports[0].phase_name,
            names=tuple(r.volume.name for r in reports),
            shapes=tuple(r.volume.shape for r in reports),
            units={key: next(r.statistics[key].unit for r in reports if key in r.statistics) for key in keys},
            statistics={
                key: Band.over([r.value(key) for r in reports], quantity_of(key), 'realisations') for key in keys
            },
            curves={key: band for key, band in bands.items() if band is not None},
            complete=complete,
        )

    @property
    def count(self) -> int:
        """Number of volumes."""
        return len(self.names)

    def to_dict(self) -> dict[str, Any]:
        """Plain data ready for JSON."""
        return {'schema': SCHEMA, 'count': self.count, **self.model_dump(mode='json')}

    def to_json(self) -> str:
        """JSON; never NaN or Infinity."""
        return dump_json(self.to_dict())
