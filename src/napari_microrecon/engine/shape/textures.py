"""Local patterns of a phase in windows, at several scales."""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
from scipy import ndimage

SCALES = (1, 2, 4)  # pixels
RADII = (2, 3, 5)
SHARE_BINS = 64
LAG = 8


def blocks(mask: np.ndarray, scale: int) -> np.ndarray:
    """Which blocks of scale x scale pixels are mostly of the phase, bool (n, edge // scale, edge // scale)."""
    if scale == 1:
        return mask
    n, edge, _ = mask.shape
    kept = edge // scale * scale
    parts = mask[:, :kept, :kept].reshape(n, kept // scale, scale, kept // scale, scale)
    return parts.mean((2, 4), dtype=np.float32) > 0.5


@lru_cache(maxsize=2)
def _classes(directed: bool) -> tuple[np.ndarray, int]:
    """Class of each of the 512 patterns of 3 x 3 pixels: mirrors are one, and quarter turns unless directed."""
    bits = ((np.arange(512)[:, None] >> np.arange(9)) & 1).reshape(-1, 3, 3)
    alike = [
        (np.rot90(mirrored, turn, (1, 2)).reshape(-1, 9) << np.arange(9)).sum(1)
        for turn in ((0, 2) if directed else (0, 1, 2, 3))
        for mirrored in (bits, bits[:, :, ::-1])
    ]
    distinct, classes = np.unique(np.min(alike, 0), return_inverse=True)
    return classes, len(distinct)


def configurations(mask: np.ndarray, directed: bool) -> dict[str, np.ndarray]:
    """Numbers of the patterns of 3 x 3 blocks at each scale, (n, classes)."""
    classes, count = _classes(directed)
    found: dict[str, np.ndarray] = {}
    for scale in SCALES:
        coarse = blocks(mask, scale)
        n, edge, _ = coarse.shape
        code = np.zeros((n, edge - 2, edge - 2), np.int32)
        for bit, (i, j) in enumerate(itertools.product(range(3), range(3))):
            code |= coarse[:, i : edge - 2 + i, j : edge - 2 + j].astype(np.int32) << bit
        key = classes[code].reshape(n, -1) + np.arange(n)[:, None] * count
        found[f'pattern {scale}'] = np.bincount(key.ravel(), minlength=n * count).reshape(n, count)
    return found


def outlines(mask: np.ndarray) -> dict[str, np.ndarray]:
    """Boundary places by the phase's share of a disc around them, (n, SHARE_BINS) for each radius.

    Half where the boundary is straight, less where the phase is convex (integral invariants: Manay et al.,
    IEEE PAMI 28, 1602, 2006).
    """
    n, edge, _ = mask.shape
    sums = np.zeros((n, edge, edge + 1), np.int16)
    np.cumsum(mask, axis=2, out=sums[:, :, 1:])
    found: dict[str, np.ndarray] = {}
    for radius in RADII:
        inner = edge - 2 * radius
        share, pixels = np.zeros((n, inner, inner), np.int16), 0
        for dy in range(-radius, radius + 1):
            reach = int(np.sqrt(radius**2 + 0.5 - dy**2))
            rows = sums[:, radius + dy : radius + dy + inner]
            first, last = radius - reach, radius + reach + 1
            share += rows[:, :, last : last + inner] - rows[:, :, first : first + inner]
            pixels += 2 * reach + 1
        middle = mask[:, radius : edge - radius, radius : edge - radius]
        table = np.zeros(n * SHARE_BINS)
        for axis in (1, 2):
            m, s = np.moveaxis(middle, axis, 1), np.moveaxis(share, axis, 1)
            changed = m[:, 1:] != m[:, :-1]
            mean = (s[:, 1:][changed] + s[:, :-1][changed]) / (2 * pixels)
            column = (mean * (SHARE_BINS - 1)).round().astype(int)
            table += np.bincount(np.nonzero(changed)[0] * SHARE_BINS + column, minlength=len(table))
        found[f'outline {radius}'] = table.reshape(n, SHARE_BINS)
    return found


def alignment(mask: np.ndarray) -> np.ndarray:
    """How much boundaries nearby run the same way, numerator and denominator (n, 2).

    Their ratio is the mean cosine of twice the angle between the boundaries at places LAG pixels apart: 1 for straight
    stripes of one direction, 0 where directions are forgotten.
    """
    found = np.zeros((len(mask), 2))
    if mask.shape[1] <= 2 * LAG:
        return found
    smooth = ndimage.gaussian_filter(mask.astype(np.float32), (0, 1, 1))
    # No Sobel filter: it would smooth over the windows as well.
    dy, dx = (ndimage.correlate1d(smooth, [-1, 0, 1], axis) for axis in (1, 2))
    fields = dx * dx - dy * dy, 2 * dx * dy, dx * dx + dy * dy
    for axis in (1, 2):
        ahead = [np.moveaxis(field, axis, 1)[:, LAG:] for field in fields]
        behind = [np.moveaxis(field, axis, 1)[:, :-LAG] for field in fields]
        found[:, 0] += (ahead[0] * behind[0] + ahead[1] * behind[1]).sum((1, 2))
        found[:, 1] += (ahead[2] * behind[2]).sum((1, 2))
    return found
