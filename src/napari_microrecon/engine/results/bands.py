"""Mean and spread of statistics and curves: over blocks of real material, or over realisations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from .report import SCHEMA, Curve, Report, dump_json


def band_reach(count: int) -> float:
    """Half-width of a band in standard deviations of `count` values: one more value lies inside with 95 % probability.

    The prediction interval of a normal quantity whose mean and sd are both estimated, t(0.975, n - 1) sqrt(1 + 1/n):
    2.5 for 8 values, 2.0 for many. With 8 values a fixed 2 would call one real block in ten outside.
    """
    from scipy.special import stdtrit

    if count < 2:
        return math.inf
    return float(stdtrit(count - 1, 0.975)) * math.sqrt(1 + 1 / count)


class BandEntry(BaseModel):
    """Mean and spread of a statistic over blocks or realisations.

    Attributes
    ----------
    mean, sd : float or None
        Over the blocks in which the statistic has a value; None where too few have one.
    count : int
        Blocks with a value.
    blocks : int
        Blocks measured.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    mean: float | None = Field(allow_inf_nan=False)
    sd: float | None = Field(allow_inf_nan=False)
    count: int
    blocks: int

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Self:
        """Band of the values of all blocks, None for blocks without one."""
        known = [v for v in values if v is not None and math.isfinite(v)]
        mean = float(np.mean(known)) if known else None
        sd = float(np.std(known, ddof=1)) if len(known) > 1 else None
        return cls(mean=mean, sd=sd, count=len(known), blocks=len(values))

    @property
    def half(self) -> float | None:
        """Half-width of the band, in the unit of the mean: 95 % of further values lie within it (see `band_reach`)."""
        return None if self.sd is None else band_reach(self.count) * self.sd


class CurveBand(BaseModel):
    """Mean and spread of a curve over blocks or realisations, per lag."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    lag: tuple[float, ...]
    lag_unit: str
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    count: int

    @classmethod
    def of(cls, curves: Sequence[Curve]) -> Self | None:
        """Band of curves over the lags that all share; None for fewer than two curves."""
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
        )

    @property
    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end of the band per lag: 95 % of further curves lie between at that lag."""
        mean, half = np.asarray(self.mean), band_reach(self.count) * np.asarray(self.sd)
        return mean - half, mean + half


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
    statistics : dict of str to BandEntry
        Mean and standard deviation between the volumes, by key.
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
    statistics: dict[str, BandEntry] = Field(default_factory=dict)
    curves: dict[str, CurveBand] = Field(default_factory=dict)
    complete: bool = True

    @classmethod
    def of(cls, reports: Sequence[Report], *, complete: bool = True) -> Self:
        """Summarise reports on the same phase; one report is enough, two are needed for a spread."""
        if not reports:
            raise ValueError('an ensemble needs a report')
        keys = dict.fromkeys(key for report in reports for key in report.statistics)
        curves = dict.fromkeys(key for report in reports for key in report.curves)
        bands = {key: CurveBand.of([r.curves[key] for r in reports if key in r.curves]) for key in curves}
        return cls(
            phase_name=reports[0].phase_name,
            names=tuple(r.volume.name for r in reports),
            shapes=tuple(r.volume.shape for r in reports),
            units={key: next(r.statistics[key].unit for r in reports if key in r.statistics) for key in keys},
            statistics={key: BandEntry.of([r.value(key) for r in reports]) for key in keys},
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
