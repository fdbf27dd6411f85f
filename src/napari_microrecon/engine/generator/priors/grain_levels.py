"""How high the field of grains is in how much of space, for grains that are not strewn at random or have channels.

Volumes could be drawn and counted, but the fraction of one scatters by a per cent or two, and what is off here is off
in everything that is made of the field.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import qmc

from ...progress import Job
from ..random_streams import Stream, random_stream
from .effort import Trial

ARRIVALS = 2**20  # drawn triples of grains
POINTS, PLACES = 13, 6  # binary logarithms of the points that tell the overlap of two bodies, and of places in a box
RADII = 16  # that stand for grains of mixed size


def channel_levels(channels: float, occupied: float, scores: np.ndarray) -> np.ndarray:
    """Quantiles of u1 - c u3 at normal scores, u1 and u3 the distances to the nearest and third grain in radii.

    What grains occupy up to the distance of the k-th nearest, `occupied` u_k^3, is the k-th arrival of a Poisson
    process of rate one (Stoyan, Kendall and Mecke 1995, section 2.4; grains of any size by marking).

    Parameters
    ----------
    channels, occupied : float
        c, and the volume of all grains per volume, overlaps counted again.
    scores : numpy.ndarray
        Standard normal values, shape (n,).

    Returns
    -------
    numpy.ndarray
        float64 (n,), in radii.
    """
    gaps = random_stream(0, Stream.GRAIN_ARRIVALS).standard_exponential((ARRIVALS, 3), dtype=np.float32)
    nearest, third = np.cbrt(gaps[:, 0] / occupied), np.cbrt(gaps.sum(1) / occupied)
    return np.quantile(nearest - np.float32(channels) * third, ndtr(scores))


def even_survival(
    distances: np.ndarray,
    radius: float,
    spread: float,
    stretch: Sequence[float],
    density: float,
    even: float,
    trial: Trial,
) -> Job[np.ndarray]:
    """Share of space that is farther than these distances, in radii, from all grains; boxes share the grains out.

    The grains of a box lie in it at random, as many in each: none is near with (1 - q)^n, q the share of the box that
    is near, and boxes do not know of each other. Averaged over places in a box (quasi-random, as are the points that
    tell q).

    Parameters
    ----------
    distances : numpy.ndarray
        In radii, shape (n,).
    radius, spread : float
        Median radius in voxels, and standard deviation of its logarithm (cut at two).
    stretch : sequence of float
        Of the grains along z, y, x.
    density, even : float
        Grains per voxel and per box.
    trial : Trial
        That it is for.

    Returns
    -------
    numpy.ndarray
        float64, one share 0..1 per distance.
    """
    edge = (even / density) ** (1 / 3)
    ball = 2 * qmc.Sobol(3, seed=0).random_base2(POINTS) - 1
    ball = ball[(ball**2).sum(1) < 1]
    places = qmc.Sobol(3, seed=1).random_base2(PLACES)
    whole = math.floor(even + 1e-9)
    found = np.zeros(len(distances))
    for index, distance in enumerate(distances):
        yield trial.sign()
        # Balls of all sizes at once: every point is one of the ball of its size.
        axes = distance * radius * _sizes(spread)[:, None] * np.asarray(stretch) / edge
        volume = 4 / 3 * math.pi * axes.prod(1).mean()
        kinds = np.arange(len(ball)) % len(axes)
        weights = axes.prod(1)[kinds] / axes.prod(1)[kinds].mean() / len(ball)
        around = ball * axes[kinds]
        for place in places:
            boxes = np.floor(place + around).astype(int)
            boxes -= boxes.min(0)
            numbers = np.ravel_multi_index(tuple(boxes.T), tuple(boxes.max(0) + 1))
            near = np.minimum(np.bincount(numbers, weights) * volume, 1 - 1e-9)
            found[index] += math.exp((whole * np.log1p(-near) + np.log1p(-(even - whole) * near)).sum()) / len(places)
    return found


def _sizes(spread: float) -> np.ndarray:
    """Radii over the median radius, all equally frequent."""
    if not spread:
        return np.ones(1)
    return np.exp(spread * np.clip(ndtri((np.arange(RADII) + 0.5) / RADII), -2, 2))
