"""S2 as a whole beside real material: one number for its distance from the real mean, and how far real blocks lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..statistics.catalogue import quantity_of
from ..voxels import AXES
from .bands import Band, CurveBand
from .comparison import FEWEST_BLOCKS, Verdict, judge
from .report import Curve, Report, Statistic

_KEYS = tuple(f's2_{axis}' for axis in AXES)
_METHOD = 'mean over lags and axes of |S2 - mean of real S2| / (phi (1 - phi))'


def judge_s2(
    curves: Mapping[str, Curve], bands: Mapping[str, CurveBand], own: Sequence[Report], blocks: Sequence[Report]
) -> tuple[Statistic, Band, Verdict | None] | None:
    """Distance of S2 from the real mean, beside what one real block makes against the others.

    Parameters
    ----------
    curves : dict of str to Curve
        Of the material that is judged.
    bands : dict of str to CurveBand
        Of the real blocks.
    own : sequence of Report
        Blocks of the material, where it was cut into some; otherwise empty.
    blocks : sequence of Report
        The real blocks.

    Returns
    -------
    tuple or None
        The distance, its band and the verdict, which is None where S2 is unknown; None where there are too few blocks.
    """
    keys = [key for key in _KEYS if key in curves and key in bands]
    usable = [r for r in blocks if all(key in r.curves for key in keys)]
    if not keys or len(usable) < FEWEST_BLOCKS:
        return None
    phi = float(np.mean([bands[key].mean[0] for key in keys]))
    reference = [bands[key] for key in keys]
    if own:  # like with like: the error of one block, not of the mean of several
        whole = [r for r in own if all(key in r.curves for key in keys)]
        each = [s2_distance([r.curves[key] for key in keys], reference, phi) for r in whole]
        known = [e for e in each if e is not None]
        value = float(np.mean(known)) if known else None
    else:
        value = s2_distance([curves[key] for key in keys], reference, phi)
    floor: list[float | None] = []
    for i, report in enumerate(usable):
        rest = [CurveBand.of([r.curves[k] for j, r in enumerate(usable) if j != i], k) for k in keys]
        means = [b for b in rest if b is not None]
        floor.append(s2_distance([report.curves[k] for k in keys], means, phi))
    quantity = quantity_of('s2_error')
    band, statistic = Band.over(floor, quantity), Statistic.of(value, '1', _METHOD)
    return statistic, band, None if value is None else judge(value, '', band, quantity)


def s2_distance(
    curves: Sequence[Curve | CurveBand], reference: Sequence[CurveBand | Curve], phi: float
) -> float | None:
    """Mean over lags and axes of |S2 - S2 reference| / (phi (1 - phi)), dimensionless."""
    if not curves or len(curves) != len(reference) or not 0 < phi < 1:
        return None
    parts: list[float] = []
    for one, other in zip(curves, reference, strict=True):
        a, b = (np.asarray(c.value if isinstance(c, Curve) else c.mean) for c in (one, other))
        lag = np.asarray(other.lag)
        common = lag <= one.lag[-1] * (1 + 1e-9)
        parts.append(float(np.abs(np.interp(lag, one.lag, a) - b)[common].mean()))
    return float(np.mean(parts)) / (phi * (1 - phi))
