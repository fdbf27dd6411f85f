"""Lineal path and chord length along an axis, from the runs of the phase on straight lines."""

from __future__ import annotations

import numpy as np


def run_lengths(mask: np.ndarray, axis: int, *, whole: bool = False) -> np.ndarray:
    """Lengths of the runs of the phase along `axis`, in voxels.

    Parameters
    ----------
    mask : numpy.ndarray
        bool, shape (Z, Y, X).
    axis : int
        Direction of the lines.
    whole : bool
        Only runs that end within the volume at both sides; otherwise those that its faces cut as well.
    """
    lines = np.moveaxis(mask, axis, -1)
    size = lines.shape[-1] + 2
    padded = np.zeros((*lines.shape[:-1], size), dtype=np.int8)
    padded[..., 1:-1] = lines
    change = np.diff(padded.reshape(-1))  # the zero paddings keep neighbouring lines apart
    begin, end = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    if whole:
        inside = (begin % size != 0) & (end % size != size - 2)
        begin, end = begin[inside], end[inside]
    return end - begin


def lineal_path(mask: np.ndarray, axis: int, max_lag: int) -> np.ndarray:
    """Probability that a segment of 0..max_lag voxel steps along `axis` lies in the phase as a whole.

    Entry r is the share of all segments of r + 1 voxels (r steps) within the volume; entry 0 is the phase
    fraction, as in S2, which the lineal path never exceeds (Lu and Torquato 1992).
    """
    n = mask.shape[axis]
    histogram = np.bincount(run_lengths(mask, axis), minlength=n + 1)[: n + 1].astype(np.float64)
    # A run of m voxels holds m - r segments of r steps: sum both factors over all runs longer than r.
    runs = np.cumsum(histogram[::-1])[::-1]
    voxels = np.cumsum((histogram * np.arange(n + 1))[::-1])[::-1]
    r = np.arange(min(max_lag, n - 1) + 1)
    segments = voxels[r + 1] - r * runs[r + 1]
    return segments / ((n - r) * (mask.size // n))


def mean_chord(phi: float, crossings: float) -> float | None:
    """Mean chord length of the phase in voxels, 2 phi / (crossings per voxel along the line).

    Unbiased by chords that the volume cuts, unlike the mean of the chords that fit in. None without a crossing.
    """
    return 2.0 * phi / crossings if crossings > 0 else None
