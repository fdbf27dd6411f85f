"""A small granular material, cut by parallel slices, and what is known of the space between them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_microrecon.engine.conditioned.filling import Filling, fill
from napari_microrecon.engine.generator.device import Placement, placement
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import Slice, SliceSet

PHASES = Phases.named('grain', 'pore', pore=1)


def _blobs(shape: tuple[int, int, int], seed: int, fractions: tuple[float, ...] = (0.7, 0.3)) -> np.ndarray:
    """Level sets of smooth noise with a correlation length of about five voxels."""
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 3.0, mode='wrap')
    return np.searchsorted(np.quantile(noise, np.cumsum(fractions)[:-1]), noise).astype(np.uint8)


@pytest.fixture(scope='session')
def blobs() -> Callable[..., np.ndarray]:
    """Make a material: blobs(shape, seed, fractions)."""
    return _blobs


@pytest.fixture(scope='session')
def rock() -> np.ndarray:
    """Two phases, 48 x 48 x 52."""
    return _blobs((48, 48, 52), 3)


@pytest.fixture(scope='session')
def stack(rock: np.ndarray) -> SliceSet:
    """Parallel slices at unequal distances, out of order."""
    return SliceSet.of([Slice(rock[p], PHASES, 'z', p, name=f'z={p}') for p in (21, 3, 13, 27, 43, 34)])


@pytest.fixture(scope='session')
def cpu() -> Placement:
    """The processor, in the precision it chooses."""
    return placement('cpu')


@pytest.fixture(scope='session')
def filling(stack: SliceSet, rock: np.ndarray, cpu: Placement) -> Filling:
    """Probabilities between the slices of the stack."""
    shape = rock.shape[0], rock.shape[1], rock.shape[2]
    return drain(fill(stack, shape, seed=1, place=cpu))
