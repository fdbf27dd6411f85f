"""Two-point probability S2 along the axes, of sections and of periodic volumes; all directions: `correlation`."""

from __future__ import annotations

import numpy as np
import scipy.fft

from .correlation import count_lags, finish


def s2_along_axes(mask: np.ndarray, reach: int) -> np.ndarray:
    """S2 of a volume, without periodic wrap-around, along z, y and x: (3, reach + 1)."""
    counts = [finish(count_lags(mask, [reach if a == axis else 0 for a in range(3)])) for axis in range(3)]
    return np.stack([one.along(axis) for axis, one in enumerate(counts)])


def periodic_s2(mask: np.ndarray, reach: int) -> np.ndarray:
    """S2 of a periodic volume along z, y and x: (3, reach + 1)."""
    spectrum = np.abs(scipy.fft.rfftn(mask.astype(np.float32))) ** 2
    table = scipy.fft.irfftn(spectrum, mask.shape) / mask.size
    return np.stack([np.moveaxis(table, axis, 0)[: reach + 1, 0, 0] for axis in range(3)])


def s2_map(indicator: np.ndarray, reach: int, other: np.ndarray | None = None) -> np.ndarray:
    """S2 of a section for every lag vector within `reach`, without periodic wrap-around.

    Parameters
    ----------
    indicator : numpy.ndarray
        Phase indicator or probability (rows, columns).
    reach : int
        Largest lag in pixels.
    other : numpy.ndarray, optional
        Indicator of another phase, for the cross probability.

    Returns
    -------
    numpy.ndarray
        Shape (reach + 1, 2 reach + 1): row lag 0..reach, column lag -reach..reach.
    """
    other = indicator if other is None else other
    grid = tuple(scipy.fft.next_fast_len(n + reach, real=True) for n in indicator.shape)

    def correlate(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return scipy.fft.irfft2(np.conj(scipy.fft.rfft2(a, grid)) * scipy.fft.rfft2(b, grid), grid)

    rows, columns = np.arange(reach + 1), np.arange(-reach, reach + 1)
    found = correlate(indicator, other)[np.ix_(rows, columns)]
    n, m = indicator.shape
    pairs = (n - rows)[:, None] * (m - np.abs(columns))
    return np.asarray(found / np.maximum(pairs, 1), np.float32)
