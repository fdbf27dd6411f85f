"""Statistics of one phase in a window of a section."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..statistics.chords import mean_chord
from ..statistics.correlation import autocovariance, count_lags, crossing, finish, half_edges
from ..statistics.interface_density import interface_density


@dataclass(frozen=True, eq=False)
class WindowStatistics:
    """What one window tells of one phase.

    Attributes
    ----------
    fraction : float
        Area fraction.
    perimeter : float
        Length of its boundary per area, 1 / (unit of the pixel size).
    chord, correlation : tuple of float or None
        Mean chord length, and correlation length (1/e of the autocovariance), along rows' and along columns' direction:
        down the image first, then across. None where the phase is absent, fills the window, or the curve does not fall.
    s2 : numpy.ndarray
        Two-point probability, mean of both directions, by pixels of lag up to a quarter of the shorter edge.
    """

    fraction: float
    perimeter: float
    chord: tuple[float | None, float | None]
    correlation: tuple[float | None, float | None]
    s2: np.ndarray

    @classmethod
    def of(cls, mask: np.ndarray, pixel: tuple[float, float]) -> WindowStatistics:
        """Measure a mask, bool (rows, columns), with pixels of (row, column) edge length."""
        phi = float(mask.mean())
        counts = finish(count_lags(mask, half_edges(mask.shape)))
        lags = min(mask.shape) // 4
        curves = [counts.along(axis) for axis in (0, 1)]
        chords, lengths = [], []
        for axis in (0, 1):
            changes = interface_density(mask, axis)
            chord = mean_chord(phi, changes)
            chords.append(None if chord is None else chord * pixel[axis])
            found = None
            if 0 < phi < 1:
                covariance = autocovariance(curves[axis], phi)
                found = crossing(np.arange(len(covariance)) * pixel[axis], covariance)
            lengths.append(found)
        s2 = (curves[0][: lags + 1] + curves[1][: lags + 1]) / 2
        return cls(phi, perimeter_density(mask, pixel), (chords[0], chords[1]), (lengths[0], lengths[1]), s2)


def perimeter_density(mask: np.ndarray, pixel: tuple[float, float]) -> float:
    """Boundary length per area by Cauchy-Crofton: L_A = (pi / 2) P_L, averaged over four directions.

    P_L is the number of boundary points per length of test line along rows, columns and both diagonals, weighted by the
    angle that each direction stands for (Ohser and Muecklich 2000, Statistical Analysis of Microstructures in Materials
    Science, chapter 3). Exact on average for boundaries without a preferred direction.

    Parameters
    ----------
    mask : numpy.ndarray
        bool, (rows, columns).
    pixel : tuple of float
        Row and column edge length.
    """
    row, column = pixel
    diagonal, slope = math.hypot(row, column), math.atan2(row, column)
    down, across = np.diff(mask, axis=0).mean() / row, np.diff(mask, axis=1).mean() / column
    falling = (mask[1:, 1:] != mask[:-1, :-1]).mean() / diagonal
    rising = (mask[1:, :-1] != mask[:-1, 1:]).mean() / diagonal
    # Directions in order: across at 0, one diagonal at `slope`, down at 90 degrees, the other at 180 - slope.
    weight_across, weight_down, weight_diagonal = slope / math.pi, (math.pi / 2 - slope) / math.pi, 0.25
    mean = weight_across * across + weight_down * down + weight_diagonal * (falling + rising)
    return float(math.pi / 2 * mean)
