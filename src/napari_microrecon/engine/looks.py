"""Pictures that are neither grey values nor labels of phases: maps of numbered regions, labels that were blurred.

Thresholds are wrong for both: between ids they part low numbers from high ones, and between three blurred labels there
is one too few, or a film of the middle one around every piece of the highest.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from .greys import usual_range
from .raw_image import MOST_LABELS

_SAMPLE = 2_000_000  # pixels that are looked at: the middle of a large picture, the middle plane of a stack
_JPEG = 0.03  # of the range: what lossy compression changes within a region


def count_of_regions(array: np.ndarray) -> int:
    """Number of ids in a map of numbered regions (grains, particles), 0 where the picture is no such map.

    In a map neighbours mostly have the same value or a very different one, and a value has hardly more than one region.

    Parameters
    ----------
    array : numpy.ndarray
        2D or 3D, whole numbers of any type.
    """
    part = _middle(array)
    if part.ndim != 2 or min(part.shape) < 16 or (part.dtype.kind == 'f' and np.any(part != np.round(part))):
        return 0
    part = part.astype(np.int64)
    if np.mean(part[:, 1:] == part[:, :-1]) < 0.6 or np.mean(part[1:] == part[:-1]) < 0.6:
        return 0
    values, shares = np.unique(part, return_counts=True)
    if len(values) <= MOST_LABELS or np.sort(shares)[:-1][-MOST_LABELS:].sum() > 0.95 * shares[:-1].sum():
        return 0
    steps = np.concatenate([np.abs(np.diff(part, axis=axis)).ravel() for axis in (0, 1)])
    steps = steps[steps > 0]
    if np.mean(steps > 2) < 0.25:  # a smooth gradient in steps of one
        return 0
    from skimage.measure import label

    pieces = int(cast(Any, label(part - part.min() + 1, background=0, connectivity=1)).max())
    return len(np.unique(array)) if pieces <= 3 * len(values) else 0


def boundaries(array: np.ndarray) -> np.ndarray:
    """Pixels (uint8, 1) behind which another region begins along one of the axes."""
    found = np.zeros(array.shape, np.uint8)
    for axis in range(array.ndim):
        here = tuple(slice(None, -1) if i == axis else slice(None) for i in range(array.ndim))
        found[here] |= np.diff(array.astype(np.int64, copy=False), axis=axis) != 0
    return found


def blurred_labels(array: np.ndarray) -> tuple[float, ...]:
    """Values of labels that a resize or JPEG has blurred, rising; () where the picture does not look like labels.

    Most of such a picture is flat, at two to eight values; all others lie at the edges between them.

    Parameters
    ----------
    array : numpy.ndarray
        2D or 3D, grey values (luminance of colours).
    """
    from scipy.ndimage import maximum_filter, minimum_filter

    part = _middle(array).astype(np.float32)
    if part.ndim != 2 or min(part.shape) < 16:
        return ()
    low, high = usual_range(part)
    values, counts = np.unique(part, return_counts=True)
    if len(values) < 3:
        return ()
    few = len(values) <= MOST_LABELS
    reach = 0.0 if few else _JPEG * (high - low)
    flat = maximum_filter(part, 3) - minimum_filter(part, 3) <= reach
    if high <= low or flat.mean() < 0.3:
        return ()
    level = part[flat]
    if few:
        inside = np.array([np.count_nonzero(level == value) for value in values]) / counts
        films = inside < 0.02
        # The lowest and the highest value cannot have come about between others.
        if not films.any() or films[0] or films[-1]:
            return ()
        return tuple(float(v) for v in values[~films])
    bins = 256
    filled, edges = np.histogram(level, bins, (low, high))
    runs = _runs(filled > 5e-4 * level.size, gap=3)
    shares = [filled[a:b].sum() / level.size for a, b in runs]
    narrow = all(b - a <= 0.08 * bins for a, b in runs)
    if not 2 <= len(runs) <= MOST_LABELS or not narrow or min(shares) < 0.005 or sum(shares) < 0.95:
        return ()
    return tuple(float(np.median(level[(level >= edges[a]) & (level <= edges[b])])) for a, b in runs)


def snapped(array: np.ndarray, values: tuple[float, ...]) -> np.ndarray:
    """Labels 0..K-1 of a picture of blurred labels: the nearest value, but none that only lies between two others.

    Parameters
    ----------
    array : numpy.ndarray
        2D or 3D.
    values : tuple of float
        As `blurred_labels` finds them.
    """
    from scipy.ndimage import binary_dilation, distance_transform_edt, maximum_filter, minimum_filter

    levels = np.asarray(values, np.float32)
    labels = np.searchsorted((levels[1:] + levels[:-1]) / 2, array).astype(np.uint8)
    inside = maximum_filter(labels, 3) == minimum_filter(labels, 3)
    near = np.zeros(labels.shape, bool)
    for label in range(len(levels)):
        own = labels == label
        near |= own & binary_dilation(inside & own, iterations=2)
    if near.all() or not near.any():
        return labels
    nearest = cast(Any, distance_transform_edt(~near, return_distances=False, return_indices=True))
    return labels[tuple(nearest)]


def _middle(array: np.ndarray) -> np.ndarray:
    """The middle plane of a stack, and of a large picture the middle."""
    plane = array[len(array) // 2] if array.ndim == 3 else array
    if plane.size <= _SAMPLE or plane.ndim != 2:
        return plane
    edge = int(_SAMPLE**0.5)
    rows, columns = (max(0, (n - edge) // 2) for n in plane.shape)
    return plane[rows : rows + edge, columns : columns + edge]


def _runs(filled: np.ndarray, gap: int) -> list[tuple[int, int]]:
    """First and last (exclusive) of runs of filled bins that `gap` empty ones or more part."""
    places = np.flatnonzero(filled)
    if not len(places):
        return []
    cuts = np.flatnonzero(np.diff(places) > gap)
    starts, ends = np.r_[places[0], places[cuts + 1]], np.r_[places[cuts], places[-1]] + 1
    return [(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]
