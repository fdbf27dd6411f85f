"""The bars: how far a statistic of generated volumes may lie from subvolumes of the reference of the same size.

Every bar is brought to one form, a value that must not pass a limit, so that all are judged alike.
"Inside the band" means within mean +- 2 sd of the reference's blocks. For S2 it compares like with like: the
mean error of one generated volume with that of one block against the others, mean + 2 sd, or the bare mean where
the bar is the floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scoring import Band, Figures, axis_errors, mean_of, s2_error

WITHIN, EACH, BAND, AXES_WITHIN = 'within', 'each axis within', 'in band', 'in band on each axis'
FLOOR, EITHER = 'no more than one block', 'within or in band'


@dataclass(frozen=True, eq=False)
class Reference:
    """What volumes are compared with.

    Attributes
    ----------
    real : tuple of Figures
        Figures of every subvolume of the reference.
    band : Band
        Their summary.
    spread : numpy.ndarray
        sd (K,) of the phase fractions between its subvolumes of the edge at which spreads are compared.
    slices : numpy.ndarray
        Pooled phase fractions (K,) of the slices that train.
    slice_figures : Figures
        'faces k' (3) and 's2 k' (3, lags) of the slices, served to every axis.
    """

    real: tuple[Figures, ...]
    band: Band
    spread: np.ndarray
    slices: np.ndarray
    slice_figures: Figures


@dataclass(frozen=True, eq=False)
class Result:
    """Figures of the generated volumes of one contender and seed.

    Attributes
    ----------
    found : tuple of Figures
        Of every volume that is scored in full.
    fractions : numpy.ndarray
        Phase fractions (n, K) of all generated volumes, more than are scored in full.
    cropped : numpy.ndarray
        Phase fractions (n, K) of their corners of the edge at which spreads are compared.
    """

    found: tuple[Figures, ...]
    fractions: np.ndarray
    cropped: np.ndarray


@dataclass(frozen=True)
class Bar:
    """One bar: a statistic of a phase, a limit, and how both are compared.

    `what` is 's2', 'surface', 'surface of slice', 'percolating', 'clusters', 'tau', 'fraction', 'length',
    'spread' or 'interface a-b'. Limits of 's2', 'percolating' and 'fraction' are absolute, the others relative.
    """

    what: str
    phase: int | None
    limit: float = 2.0
    kind: str = WITHIN

    @property
    def title(self) -> str:
        """For the table, with what the value is."""
        of = '' if self.phase is None else f', phase {self.phase}'
        return f'{_TITLES.get((self.what, self.kind), self.what)}{of}'

    def judge(self, result: Result, reference: Reference) -> tuple[float, float]:
        """Value and limit; the bar is met where the value does not pass the limit. NaN never meets it."""
        k, band = self.phase, reference.band
        mean = mean_of(result.found)
        if self.what == 's2':
            return self._s2(result, reference)
        if self.what == 'fraction':
            assert k is not None
            return float(abs(result.fractions[:, k].mean() - reference.slices[k])), self.limit
        if self.what == 'spread':
            assert k is not None
            return float(abs(result.cropped[:, k].std(ddof=1) / reference.spread[k] - 1)), self.limit
        if self.what == 'surface of slice':
            return float(abs(mean[f'faces {k}'].sum() / reference.slice_figures[f'faces {k}'].sum() - 1)), self.limit
        if self.kind == EITHER:
            judged = [replace(self, kind=WITHIN), replace(self, kind=BAND, limit=2.0)]
            shares = [value / limit for value, limit in (bar.judge(result, reference) for bar in judged)]
            return float(np.min(shares)), 1.0
        key = self.what if k is None else f'{ {"surface": "faces"}.get(self.what, self.what) } {k}'
        mine, real = np.atleast_1d(mean[key]), np.atleast_1d(band.mean[key])
        if self.kind == BAND:
            return float((np.abs(mine - real) / np.atleast_1d(band.sd[key])).max()), self.limit
        if self.what == 'percolating':
            return float(abs(mine - real).mean()), self.limit
        if self.kind == EACH:
            return float(np.abs(mine / real - 1).max()), self.limit
        if self.what == 'surface':
            return float(abs(mine.sum() / real.sum() - 1)), self.limit
        return float(np.abs(mine / real - 1).mean()), self.limit

    def _s2(self, result: Result, reference: Reference) -> tuple[float, float]:
        key, band = f's2 {self.phase}', reference.band
        if self.kind == WITHIN:
            return s2_error(mean_of(result.found), band.mean, key), self.limit
        if self.kind in (BAND, FLOOR):
            mine = float(np.mean([s2_error(one, band.mean, key) for one in result.found]))
            return mine, band.own[key] + (2 * band.own_sd[key] if self.kind == BAND else 0.0)
        # The axis that lies worst, as a share of its own limit.
        mine = np.mean([axis_errors(one, band.mean, key) for one in result.found], axis=0)
        own = own_axis_errors(reference.real, key)
        return float((mine / (own.mean(0) + 2 * own.std(0))).max()), 1.0


def own_axis_errors(real: Sequence[Figures], key: str) -> np.ndarray:
    """S2 error per axis of each subvolume of the reference against the mean of the others, (n, 3)."""
    if len(real) < 2:
        return np.full((1, 3), np.nan)
    rest = [mean_of([other for j, other in enumerate(real) if j != i]) for i in range(len(real))]
    return np.stack([axis_errors(one, others, key) for one, others in zip(real, rest, strict=True)])


_TITLES = {
    ('s2', WITHIN): 'S2 error of the mean',
    ('s2', BAND): 'S2 error of one volume, in the band',
    ('s2', FLOOR): 'S2 error of one volume, that of one block',
    ('s2', AXES_WITHIN): 'S2 error of one volume, worst axis / its band',
    ('surface', WITHIN): 'surface, relative error',
    ('surface', EACH): 'surface, relative error, worst axis',
    ('surface of slice', WITHIN): "surface, relative error against the slice's",
    ('percolating', WITHIN): 'percolating fraction, error',
    ('percolating', BAND): "percolating fraction, sd from the blocks'",
    ('clusters', WITHIN): 'clusters, relative error',
    ('tau', WITHIN): 'tau, relative error (mean over axes)',
    ('tau', BAND): "tau, sd from the blocks', worst axis",
    ('tau', EITHER): 'tau, share of 15 % or of its band, the nearer',
    ('fraction', WITHIN): "phase fraction, error against the slices'",
    ('length', EACH): '1/e length, relative error, worst axis',
    ('spread', WITHIN): "sd of the phase fraction / the blocks' - 1",
    ('interface 0-1', WITHIN): 'interface area 0-1, relative error',
    ('interface 0-2', WITHIN): 'interface area 0-2, relative error',
    ('interface 1-2', WITHIN): 'interface area 1-2, relative error',
}
