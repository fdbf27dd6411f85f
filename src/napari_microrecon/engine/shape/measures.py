"""Statistics of one phase in windows: a table per statistic with one row a window, to be summed over any of them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from . import textures

LAGS = 32
MATRIX = 0.25  # of a window; a larger area is what the others lie in
SMALLEST_PIECE = 12  # pixels; below this an outline has no shape
PIECE_BINS = 40
DEPTHS = 24
_IN_PLANE = np.zeros((3, 3, 3), bool)
_IN_PLANE[1] = ndimage.generate_binary_structure(2, 1)

Tables = dict[str, np.ndarray]


def measure(mask: np.ndarray, *, shared: bool, directed: bool) -> Tables:
    """All statistics of a phase in windows.

    Parameters
    ----------
    mask : numpy.ndarray
        bool (n, edge, edge).
    shared : bool
        Whether to measure what is the same for a phase and for its complement, too.
    directed : bool
        Whether rows and columns are told apart.

    Returns
    -------
    dict
        Name -> (n, bins) or (n, axes, bins), float. Sums over windows are what they give together.
    """
    found: Tables = {'pixels': np.full((len(mask), 1), mask[0].size), 'phase': mask.sum((1, 2))[:, None]}
    found['chords'] = chords(mask, directed)
    found |= pieces(mask)
    found['depth'] = depths(mask)
    if shared:
        found['pair probability'] = pair_probability(mask, directed)
        found |= faces(mask, directed)
        found |= textures.configurations(mask, directed)
        found |= textures.outlines(mask)
        found['alignment'] = textures.alignment(mask)
    return {name: table.astype(np.float64) for name, table in found.items()}


def faces(mask: np.ndarray, directed: bool) -> Tables:
    """Changes of phase between neighbours and the neighbours asked, (n, 2), or (n, 1) for both directions together."""
    n, edge, _ = mask.shape
    counts = np.stack([(mask[:, 1:] != mask[:, :-1]).sum((1, 2)), (mask[..., 1:] != mask[..., :-1]).sum((1, 2))], 1)
    pairs = np.full((n, 2), edge * (edge - 1))
    if not directed:
        counts, pairs = counts.sum(1, keepdims=True), pairs.sum(1, keepdims=True)
    return {'faces': counts, 'pairs': pairs}


def pair_probability(mask: np.ndarray, directed: bool) -> np.ndarray:
    """S2 at lags 0, 1, ... along rows and columns, (n, 2, lags), or (n, 1, lags) for their mean."""
    edge = mask.shape[1]
    found = np.empty((len(mask), 2, min(LAGS, edge // 3)))
    for lag in range(found.shape[2]):
        pairs = edge * (edge - lag)
        found[:, 0, lag] = (mask[:, : edge - lag] & mask[:, lag:]).sum((1, 2)) / pairs
        found[:, 1, lag] = (mask[..., : edge - lag] & mask[..., lag:]).sum((1, 2)) / pairs
    return found if directed else found.mean(1, keepdims=True)


def chords(mask: np.ndarray, directed: bool) -> np.ndarray:
    """Numbers of chords of every length inside the phase, (n, 2, edge + 1), or (n, 1, edge + 1) together.

    Their length-weighted sums are the lineal path (Lu and Torquato 1992), which therefore needs no table.
    """
    n, edge, _ = mask.shape
    found: list[np.ndarray] = []
    for lines in (mask.swapaxes(1, 2), mask):
        padded = np.zeros((n * edge, edge + 1), np.int8)
        padded[:, :-1] = lines.reshape(-1, edge)
        change = np.diff(padded.ravel(), prepend=0)
        starts, ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
        key = starts // (edge * (edge + 1)) * (edge + 1) + ends - starts
        found.append(np.bincount(key, minlength=n * (edge + 1)).reshape(n, edge + 1))
    return np.stack(found, 1) if directed else (found[0] + found[1])[:, None]


def pieces(mask: np.ndarray) -> Tables:
    """Connected areas: their number, and their sizes, roundness and aspect, each weighted by area.

    Sizes in half octaves of pixels. Roundness is 4 pi A / P^2 with the perimeter P from the faces (Crofton on two
    directions, pi / 4 of them); aspect is that of the ellipse of the same second moments. Both are taken of areas
    between 12 pixels and a quarter of the window, in eighths of an octave: a matrix has no outline of its own.
    """
    n, edge, _ = mask.shape
    clusters, count = ndimage.label(mask, _IN_PLANE)
    flat = clusters.ravel()
    inside = np.flatnonzero(flat)
    label = flat[inside] - 1
    window, place = np.divmod(inside, edge * edge)
    y, x = (a.astype(np.float64) for a in np.divmod(place, edge))
    area = np.bincount(label, minlength=count).astype(np.float64)
    of = np.zeros(count, int)
    of[label] = window
    sides = np.zeros(count + 1)
    for axis in (1, 2):
        # Inside the window only: a cut is no outline.
        a = np.moveaxis(clusters, axis, 0)
        changed = a[1:] != a[:-1]
        for side in (a[1:], a[:-1]):
            sides += np.bincount(side[changed], minlength=count + 1)

    def mean(value: np.ndarray) -> np.ndarray:
        return np.bincount(label, value, count) / area

    cy, cx = mean(y), mean(x)
    yy, xx, yx = mean(y * y) - cy**2 + 1 / 12, mean(x * x) - cx**2 + 1 / 12, mean(y * x) - cy * cx
    half, lean = (yy + xx) / 2, np.hypot((yy - xx) / 2, yx)
    aspect = np.sqrt((half + lean) / np.maximum(half - lean, 1 / 12))
    roundness = 4 * np.pi * area / np.maximum(np.pi / 4 * sides[1:], 1) ** 2
    shaped = area * ((area >= SMALLEST_PIECE) & (area <= MATRIX * edge * edge))

    def table(value: np.ndarray, weight: np.ndarray) -> np.ndarray:
        column = np.clip(value, 0, PIECE_BINS - 1).astype(int)
        return np.bincount(of * PIECE_BINS + column, weight, n * PIECE_BINS).reshape(n, PIECE_BINS)

    return {
        'areas': np.bincount(of, minlength=n)[:, None],
        'sizes': table(2 * np.log2(np.maximum(area, 1)), area),
        'roundness': table(8 * np.log2(np.maximum(roundness, 1e-3)) + 32, shaped),
        'aspect': table(8 * np.log2(aspect), shaped),
    }


def depths(mask: np.ndarray) -> np.ndarray:
    """Numbers of pixels by their distance to the border of the phase, (n, DEPTHS)."""
    found = np.zeros((len(mask), DEPTHS))
    for row, one in zip(found, mask, strict=True):
        if one.any() and not one.all():
            distance = ndimage.distance_transform_edt(one)[one]
            row += np.bincount(np.minimum(distance.astype(int), DEPTHS - 1), minlength=DEPTHS)
    return found
