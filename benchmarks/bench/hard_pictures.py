"""Pictures that are hard to make a generator for: too few features, too many, too fine, too large, too long."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

LARGEST = 4096  # edge in pixels up to which every picture has bounds

Pictures = list[np.ndarray]


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _blobs(rows: int, columns: int, length: float, levels: int = 2) -> np.ndarray:
    """Level cuts of smoothed noise."""
    noise = ndimage.gaussian_filter(_rng().standard_normal((rows, columns), dtype=np.float32), length, mode='wrap')
    cuts = np.quantile(noise[::3, ::3], np.arange(1, levels) / levels)
    return np.digitize(noise, cuts).astype(np.uint8)


def _bands(count: int, across: bool = False) -> np.ndarray:
    line = (np.arange(256) * count // 256 % 2).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(line if across else line[:, None], (256, 256)))


def _discs(edge: int, radius: int, count: int) -> np.ndarray:
    away = np.ones((edge, edge), bool)
    away[tuple(_rng(1).integers(0, edge, (2, count)))] = False
    return (ndimage.distance_transform_edt(away) <= radius).astype(np.uint8)


def _voronoi(edge: int, count: int, phases: int) -> np.ndarray:
    _, nearest = cKDTree(_rng(2).random((count, 2)) * edge).query(np.moveaxis(np.mgrid[:edge, :edge], 0, -1))
    return _rng(3).integers(0, phases, count).astype(np.uint8)[nearest]


def _gradient() -> np.ndarray:
    noise = ndimage.gaussian_filter(_rng().standard_normal((256, 256)), 3)
    return (noise / noise.std() > np.linspace(2, -2, 256)).astype(np.uint8)


def _fibres() -> Pictures:
    lines = (ndimage.binary_dilation(_rng(seed).random(256) < 0.04, iterations=5) for seed in (1, 2))
    return [_discs(256, 7, 90), *(np.ascontiguousarray(np.broadcast_to(line, (256, 256)), np.uint8) for line in lines)]


def _chequers() -> np.ndarray:
    return (np.add.outer(np.arange(256), np.arange(256)) % 2).astype(np.uint8)


# One picture, or three with normals z, y and x.
HARD_PICTURES: dict[str, Callable[[], Pictures]] = {
    'three bands': lambda: [_bands(3)],
    'two halves': lambda: [_bands(2, across=True)],
    'one grain': lambda: [_discs(256, 80, 1)],
    'gradient': lambda: [_gradient()],
    'one-pixel noise': lambda: [(_rng().random((256, 256)) < 0.4).astype(np.uint8)],
    'one-pixel chequers': lambda: [_chequers()],
    'one-pixel stripes': lambda: [_bands(256, across=True)],
    'half a per cent': lambda: [_discs(512, 3, 45)],
    'thin strip': lambda: [_blobs(60, 2000, 4)],
    'six phases': lambda: [_voronoi(400, 600, 6)],
    'fibres in three planes': _fibres,
    'large, fine blobs': lambda: [_blobs(LARGEST, LARGEST, 3)],
    'large, wide blobs': lambda: [_blobs(LARGEST, LARGEST, 60)],
    'large, one-pixel noise': lambda: [(_rng().random((LARGEST, LARGEST)) < 0.4).astype(np.uint8)],
    'large, three phases': lambda: [_blobs(LARGEST, LARGEST, 5, 3)],
    'large, six phases': lambda: [_voronoi(LARGEST, 60_000, 6)],
}
