"""The classical ways to fill the space between slices: nearest, linear, signed distance.

Parallel slices are interpolated linearly between neighbours and held constant beyond the last ones; several
orientations are combined by inverse squared distance to their nearest slices.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from ..voxels import AXES
from .planes import Planes

SOFTNESS = 1.5  # of `softened`, per voxel
FARTHEST = 12.0  # voxels; beyond it the distance to a border tells nothing more


def linear(planes: Planes) -> np.ndarray:
    """Indicators of the phases, interpolated: (K, Z, Y, X), float32, sum 1."""
    return _interpolated(planes, lambda labels: _one_hot(labels, planes.phase_count))


def signed_distances(planes: Planes) -> np.ndarray:
    """Distance to the border of every phase, positive inside, interpolated: (K, Z, Y, X), float32, voxels.

    Shape-based interpolation (Herman, Zheng and Bucholtz 1992, IEEE Comput. Graph. Appl. 12, 69); its argmax over
    the phases is the interpolated volume.
    """
    return _interpolated(planes, lambda labels: distances_to_border(labels, planes.phase_count))


def softened(distances: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Signed distances (K, Z, Y, X) as probabilities; 0 or 1 at given voxels, `known` as from `Planes.known`."""
    shares = np.exp(SOFTNESS * (distances - distances.max(0)))
    shares /= shares.sum(0)
    given = known < len(shares)
    for k in range(len(shares)):
        shares[k][given] = known[given] == k
    return shares


def nearest(planes: Planes) -> np.ndarray:
    """Labels of the nearest slice (Z, Y, X), uint8."""
    labels = np.empty(planes.shape, np.uint8)
    best = np.full(planes.shape, np.inf, np.float32)
    for axis, normal in enumerate(AXES):
        positions, group = np.asarray(planes.positions(normal)), planes.along(normal)
        for place in range(planes.shape[axis]) if group else ():
            which = int(np.abs(positions - place).argmin())
            distance = abs(int(positions[which]) - place)
            layer, so_far = np.moveaxis(labels, axis, 0)[place], np.moveaxis(best, axis, 0)[place]
            closer = distance < so_far
            layer[closer] = group[which].labels[closer]
            so_far[closer] = distance
    return labels


def distances_to_border(labels: np.ndarray, count: int) -> np.ndarray:
    """(K, rows, columns), float32: distance to the phase's border, positive inside, in voxels."""
    found = np.empty((count, *labels.shape), np.float32)
    for k in range(count):
        mask = labels == k
        if mask.all() or not mask.any():
            found[k] = FARTHEST if mask.all() else -FARTHEST
            continue
        found[k] = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
        found[k] -= np.sign(found[k]) * 0.5
    return np.clip(found, -FARTHEST, FARTHEST)


def _one_hot(labels: np.ndarray, count: int) -> np.ndarray:
    return (labels == np.arange(count)[:, None, None]).astype(np.float32)


def _interpolated(planes: Planes, table: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    total = np.zeros((planes.phase_count, *planes.shape), np.float32)
    alone = len(planes.normals) == 1
    weights = None if alone else np.zeros(planes.shape, np.float32)
    for axis, normal in enumerate(AXES):
        group, positions = planes.along(normal), np.asarray(planes.positions(normal), float)
        if not group:
            continue
        tables = [table(s.labels) for s in group]
        for place in range(planes.shape[axis]):
            after = int(np.searchsorted(positions, place))
            below, above = max(after - 1, 0), min(after, len(group) - 1)
            gap = positions[above] - positions[below]
            t = 0.0 if gap == 0 else (place - positions[below]) / gap
            layer = tables[below] if gap == 0 else (1 - t) * tables[below] + t * tables[above]
            weight = 1.0 if weights is None else 1.0 / (0.25 + float(np.abs(positions - place).min()) ** 2)
            np.moveaxis(total, axis + 1, 1)[:, place] += weight * layer
            if weights is not None:
                np.moveaxis(weights, axis, 0)[place] += weight
    if weights is not None:
        total /= weights
    return total
