"""Local thickness and the largest sphere that passes: sizes of pores, walls and throats from distance transforms.

The distance transform gives for every voxel of the phase the distance of its centre to the centre of the nearest
voxel outside, which is taken as the radius of the largest sphere that fits there, as PoreSpy does. Walls along the
axes make it read up to one voxel wide, oblique and curved ones do not. Faces of the volume are no walls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .correlation import Steps
from .percolation import spans

MOST_RADII = 20
_MOST_STEPS = 24  # voxels: radius up to which spheres are grown step by step
MOST_VOXELS = 3_000_000  # larger masks are measured on their middle: the cost stays below about five seconds


def middle(mask: np.ndarray, most: int = MOST_VOXELS) -> np.ndarray:
    """Middle part of a mask with at most `most` voxels, edges cut from the longest down."""
    shape = list(mask.shape)
    while np.prod(shape, dtype=np.int64) > most:
        longest = int(np.argmax(shape))
        others = float(np.prod([n for a, n in enumerate(shape) if a != longest]))
        second = max(n for a, n in enumerate(shape) if a != longest)
        # Down to the next longest edge, or evenly where all are alike.
        shape[longest] = max(1, min(shape[longest] - 1, max(second - 1, int(most / others))))
    window = tuple(slice((n - m) // 2, (n - m) // 2 + m) for n, m in zip(mask.shape, shape, strict=True))
    return mask[window]


def distances(mask: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Distance of every voxel to the nearest one outside the mask, float32, shape (Z, Y, X), in the unit of `spacing`.

    Infinite nowhere: a mask without outside gets the length of its diagonal.
    """
    import edt

    found = edt.edt(np.ascontiguousarray(mask), anisotropy=tuple(map(float, spacing)), black_border=False, parallel=1)
    np.minimum(found, np.float32(np.linalg.norm(np.multiply(mask.shape, spacing))), out=found)
    return found


def thickness_radii(distance: np.ndarray, most: int = MOST_RADII) -> np.ndarray:
    """Radii to open with: distances that occur, up to `most` of them, spaced evenly and the largest included."""
    found = np.unique(distance[distance > 0])
    if len(found) <= most:
        return found
    wanted = np.linspace(found[0], found[-1], most)
    return found[np.unique(np.searchsorted(found, wanted * (1 + 1e-6), side='right') - 1)]


def local_thickness(
    mask: np.ndarray,
    spacing: Sequence[float],
    distance: np.ndarray | None = None,
    radii: Sequence[float] | np.ndarray | None = None,
) -> Steps[np.ndarray]:
    """Diameter of the largest sphere that fits into the phase and covers each voxel (Hildebrand and Ruegsegger 1997).

    Parameters
    ----------
    mask : numpy.ndarray
        bool, shape (Z, Y, X).
    spacing : sequence of float
        Voxel edges in array order.
    distance : numpy.ndarray, optional
        From `distances`, where it is there already.
    radii : sequence of float, optional
        Radii of the spheres to try, ascending, in the unit of `spacing`; by default `thickness_radii`.

    Returns
    -------
    numpy.ndarray
        float32, same shape, in the unit of `spacing`; 0 outside the phase. Diameters are rounded down to twice one of
        the radii.
    """
    distance = distances(mask, spacing) if distance is None else distance
    yield 0.0
    result = np.zeros(mask.shape, dtype=np.float32)
    tried = thickness_radii(distance) if radii is None else np.asarray(radii)
    for number, radius in enumerate(tried):
        seeds = distance >= radius * (1 - 1e-6)
        if not seeds.any():
            break
        reached = spheres(seeds, spacing, radius * (1 - 1e-6))
        reached &= mask
        result[reached] = 2.0 * radius
        yield (number + 1) / len(tried)
    return result


def spheres(seeds: np.ndarray, spacing: Sequence[float], radius: float) -> np.ndarray:
    """Voxels nearer than `radius` to a seed, bool, shape (Z, Y, X): the union of open spheres around all seeds.

    Small spheres of cubic voxels grow axis by axis, as the lower envelope of parabolas (Felzenszwalb and Huttenlocher
    2012) within the reach of the radius and in whole numbers; a transform of all distances takes ten times as long.
    """
    reach = math.ceil(radius / min(spacing)) - 1
    if max(spacing) > min(spacing) or reach > _MOST_STEPS:
        return distances(~seeds, spacing) < radius
    limit = math.ceil((radius / min(spacing)) ** 2)  # squares of whole steps below the radius are at most limit - 1
    kind = np.uint8 if limit < 128 else np.uint16  # a value and a square, each at most `limit`, add up within it
    squares = np.where(seeds, kind(0), kind(limit))
    moved = np.empty_like(squares)
    for axis in range(3):
        former = squares.copy()
        ours, theirs, room = (np.moveaxis(a, axis, 0) for a in (squares, former, moved))
        for step in range(1, min(reach, len(ours) - 1) + 1):
            np.add(theirs, kind(step * step), out=room)
            np.minimum(ours[step:], room[:-step], out=ours[step:])
            np.minimum(ours[:-step], room[step:], out=ours[:-step])
    return squares < limit


def size_distribution(sizes: np.ndarray, grid: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Share of the weight in sizes of at least each value of an ascending `grid`; 1 at zero."""
    order = np.argsort(sizes, kind='stable')
    weight = np.ones(len(sizes)) if weights is None else np.asarray(weights, dtype=np.float64)[order]
    above = np.concatenate([np.cumsum(weight[::-1])[::-1], [0.0]])
    return above[np.searchsorted(sizes[order], grid * (1 - 1e-6), side='left')] / above[0]


def critical_diameters(distance: np.ndarray, axes: Sequence[int] = (0, 1, 2)) -> Steps[dict[int, float | None]]:
    """Diameter of the largest sphere that can pass from face to face, by axis; None where nothing passes."""
    values = np.unique(distance[distance > 0])
    if len(values) > 400:  # enough for a per cent
        values = values[np.unique(np.linspace(0, len(values) - 1, 400).astype(int))]
    known: dict[int, tuple[bool, bool, bool]] = {}  # what percolates, by number of the value: all axes at once
    found: dict[int, float | None] = {}
    for done, axis in enumerate(axes):
        low, high = -1, len(values)  # values[low] passes, values[high] does not
        while high - low > 1:
            at = (low + high) // 2
            if at not in known:
                known[at] = spans(distance >= values[at])
            low, high = (at, high) if known[at][axis] else (low, at)
            yield (done + 1.0 - (high - low) / len(values)) / len(axes)
        found[axis] = None if low < 0 else 2.0 * float(values[low])
    return found
