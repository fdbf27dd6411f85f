"""Volumes of bodies whose shapes are known."""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice, SliceSet

EDGE, MARGIN = 72, 8


def _around(seeds: np.ndarray, fraction: float) -> np.ndarray:
    """The voxels nearest to the seeds, as many as make the fraction of the part inside the margin."""
    inner = (slice(MARGIN, -MARGIN),) * 3
    distance = ndimage.distance_transform_edt(~seeds)[inner]
    # Equal distances are many on a grid: the noise parts them.
    distance = distance + np.random.default_rng(0).uniform(0, 0.5, distance.shape)
    return (distance <= np.quantile(distance, fraction)).astype(np.uint8)


def _drawn(points: np.ndarray) -> np.ndarray:
    edge = EDGE + 2 * MARGIN
    seeds = np.zeros((edge,) * 3, bool)
    points = np.round(points).astype(int)
    seeds[tuple(points[((points >= 0) & (points < edge)).all(1)].T)] = True
    return seeds


@lru_cache
def _balls(seed: int, fraction: float = 0.2, count: int = 300) -> np.ndarray:
    """Balls of one size at random places, uint8 (72, 72, 72)."""
    places = np.random.default_rng(seed).uniform(0, EDGE + 2 * MARGIN, (count, 3))
    return _around(_drawn(places), fraction)


@lru_cache
def _needles(seed: int, fraction: float = 0.2, count: int = 160, along: int | None = None) -> np.ndarray:
    """Needles of 24 voxels in random directions, or all along one axis, uint8 (72, 72, 72)."""
    random = np.random.default_rng(seed)
    places = random.uniform(0, EDGE + 2 * MARGIN, (count, 1, 3))
    directions = random.normal(size=(count, 1, 3))
    if along is not None:
        directions = np.zeros((count, 1, 3))
        directions[..., along] = 1
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    steps = np.arange(-12, 12, 0.7)[None, :, None]
    return _around(_drawn((places + steps * directions).reshape(-1, 3)), fraction)


def _slices_of(*images: np.ndarray, phases: int = 2) -> SliceSet:
    """An isotropic set of label images."""
    return SliceSet.of([Slice(np.ascontiguousarray(image), Phases.default(phases)) for image in images], 'isotropic')


def _planes_of(volume: np.ndarray) -> SliceSet:
    """An orthotropic set of three sections per axis."""
    made = [
        Slice(np.ascontiguousarray(np.take(volume, position, axis)), Phases.default(2), normal)
        for axis, normal in enumerate(('z', 'y', 'x'))
        for position in (12, 36, 60)
    ]
    return SliceSet.of(made)


@pytest.fixture(scope='session')
def bodies() -> SimpleNamespace:
    """Makers of volumes and of sets of their sections: balls, needles, slices_of, planes_of."""
    return SimpleNamespace(balls=_balls, needles=_needles, slices_of=_slices_of, planes_of=_planes_of)
