"""How phase fractions scatter between volumes of a material, from its slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...voxels import AXES
from ..exemplar import Exemplars
from ..priors.fields import random_stream

LONGEST = 128  # pixels over which slices are asked for correlations
ROUNDS = 50  # of finding independent deviations whose sum is nothing


def fraction_scatter(exemplars: Exemplars, shape: tuple[int, int, int]) -> np.ndarray:
    """Standard deviation (K,) of the phase fractions of volumes of this shape.

    The variance of a mean over a box is the mean of the autocovariance over all pairs of its points (Lantuejoul 1991,
    Journal of Microscopy 161, 387). The slices tell the autocovariance along two axes each; in between it is taken to
    be the same at the same distance in correlation lengths, up to where it first falls to nothing.
    """
    reach = max(2, min(exemplars.smallest // 2, LONGEST))
    found = np.zeros(exemplars.phase_count)
    for phase in range(exemplars.phase_count):
        lengths = exemplars.correlation_length(phase)
        curves = exemplars.covariance_along(phase, reach)
        mean = np.prod([lengths[axis] for axis in AXES]) ** (1 / 3)
        stretch = [max(float(lengths[axis] / mean), 0.05) for axis in AXES]
        lags = np.arange(reach + 1)
        covariance = np.mean([np.interp(lags, lags / s, curves[a]) for a, s in zip(AXES, stretch, strict=True)], axis=0)
        end = int(np.argmax(covariance <= 0)) if (covariance <= 0).any() else len(covariance)
        covariance[end:] = 0
        found[phase] = np.sqrt(_mean_over_pairs(covariance, shape, stretch))
    return found


def _mean_over_pairs(covariance: np.ndarray, shape: tuple[int, int, int], stretch: Sequence[float]) -> float:
    """Mean of a radial covariance over all pairs of voxels of a box."""
    ends = [int(min(n - 1, np.ceil(len(covariance) * s))) for n, s in zip(shape, stretch, strict=True)]
    z, y, x = (np.arange(end + 1) for end in ends)
    # Lags of both signs count; a box of n voxels holds n - |lag| pairs.
    weights = [np.where(lag > 0, 2.0, 1.0) * (1 - lag / n) / n for lag, n in zip((z, y, x), shape, strict=True)]
    total = 0.0
    across = (y[:, None] / stretch[1]) ** 2 + (x / stretch[2]) ** 2
    plane = weights[1][:, None] * weights[2]
    for lag, weight in zip(z, weights[0], strict=True):
        distance = np.sqrt((lag / stretch[0]) ** 2 + across)
        total += weight * float((plane * np.interp(distance, np.arange(len(covariance)), covariance, right=0.0)).sum())
    return max(total, 0.0)


def drawn_fractions(exemplars: Exemplars, shape: tuple[int, int, int], seed: int) -> np.ndarray:
    """Phase fractions (K,) of one volume of the material; over seeds they scatter about those of the slices."""
    variance = fraction_scatter(exemplars, shape) ** 2
    # Independent deviations of variance d, freed from their sum, have d (1 - d / sum d): this must be what is wanted.
    free = variance * 2
    for _ in range(ROUNDS):
        free = variance / np.maximum(1 - free / max(free.sum(), 1e-12), 0.3)
    deviations = random_stream(seed, 33).standard_normal(len(variance)) * np.sqrt(free)
    deviations -= free / max(free.sum(), 1e-12) * deviations.sum()
    wanted = np.maximum(np.asarray(exemplars.fractions) + deviations, 0.1 * np.asarray(exemplars.fractions))
    return wanted / wanted.sum()
