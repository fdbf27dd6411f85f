"""What a vote takes away and is given back: the amount of boundary, by an unsharp mask, and the histogram."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from .pyramid import Level

SHARPEST = 3.0  # strength of the unsharp mask
MEASURED = 96  # edge in voxels of the block that its strength is found on
BLUR = 0.9  # standard deviation in voxels of the mask's filter
BINS = 2048  # of a volume's histogram


def gaussian_ranks(count: int) -> np.ndarray:
    """Ranks of `count` quantiles, 0 to 1."""
    return np.linspace(0, 1, count)


def remapped(field: np.ndarray, quantiles: np.ndarray) -> None:
    """Map every channel (Z, Y, X, C) monotonously onto the histogram of the slices, (C, n) quantiles; in place."""
    ranks = gaussian_ranks(quantiles.shape[1])
    for k in range(field.shape[-1]):
        values = field[..., k]
        low, high = float(values.min()), float(values.max()) + 1e-6
        counts = np.zeros(BINS, np.int64)
        for plane in values:
            at = ((plane - low) * (BINS / (high - low))).astype(np.int32)
            counts += np.bincount(np.minimum(at, BINS - 1).ravel(), minlength=BINS)
        shares = np.concatenate([[0], np.cumsum(counts)]) / counts.sum()
        table = np.interp(shares, ranks, quantiles[k])
        edges = np.linspace(low, high, BINS + 1)
        for plane in values:
            plane[...] = np.interp(plane, edges, table)


def detail_of(values: np.ndarray) -> np.ndarray:
    """What a periodic field (Z, Y, X) has beyond its surroundings."""
    return values - ndimage.gaussian_filter(values, BLUR, mode='wrap', truncate=2.0)


def middle_of(shape: Sequence[int]) -> tuple[slice, slice, slice]:
    """The block in the middle of a volume that measurements are made on."""
    z, y, x = (slice((n - min(n, MEASURED)) // 2, (n + min(n, MEASURED)) // 2) for n in shape)
    return z, y, x


def sharpened(field: np.ndarray, level: Level, fractions: np.ndarray) -> None:
    """Unsharp mask of every channel, as strong as brings its boundary to as many faces as in the slices; in place."""
    shares = fractions[1:] if len(fractions) == 2 else fractions
    block = middle_of(field.shape[:3])
    for k in range(field.shape[-1]):
        values = field[..., k]
        detail = detail_of(values)
        some, more = values[block], detail[block]
        # The block may hold more or less of the phase than the volume.
        share = float((values > np.quantile(values[::2, ::2, ::2], 1 - shares[k]))[block].mean())
        weak, strong = 0.0, SHARPEST
        for _ in range(6):
            middle = (weak + strong) / 2
            tried = some + np.float32(middle) * more
            mask = tried > np.quantile(tried[::2, ::2, ::2], 1 - share)
            faces = np.mean([(np.diff(mask, axis=axis)).mean() for axis in range(3)])
            if faces > level.faces[k]:
                strong = middle
            else:
                weak = middle
        values += np.float32((weak + strong) / 2) * detail
