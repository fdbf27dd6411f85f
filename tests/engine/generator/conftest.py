"""Small synthetic materials and a generator that was trained for a few steps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from napari_microrecon.engine.generator import FinetuneParams, Weights, choose_weights, finetune
from napari_microrecon.engine.generator.params import Architecture, LossWeights
from napari_microrecon.engine.generator.priors.grains import GrainField
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import Slice, SliceSet

SMALL = Architecture(channels=8)
FEW_STEPS = FinetuneParams(
    minutes=None, steps=10, box=32, evaluations=2, critic_start=0.5, sections=4, threads=1, loss=LossWeights(critic=0.2)
)


@pytest.fixture(scope='session')
def small() -> Architecture:
    """A network that trains in a moment."""
    return SMALL


@pytest.fixture(scope='session')
def few_steps() -> FinetuneParams:
    """A training of ten steps, the last five with critics."""
    return FEW_STEPS


@pytest.fixture(scope='session')
def granular() -> np.ndarray:
    """Spheres in a matrix of 25 %, 64^3, 1 = matrix."""
    field = GrainField.fit(0.25, (0.06, 0.06, 0.06))
    values = field.sample((64, 64, 64), np.random.default_rng(7), periodic=False)
    return (values > np.quantile(values, 0.75)).astype(np.uint8)


@pytest.fixture(scope='session')
def one_slice(granular: np.ndarray) -> SliceSet:
    """A single z slice of the granular material, at its position."""
    phases = Phases.named('grain', 'pore', pore=1)
    return SliceSet.of([Slice(granular[32], phases, 'z', 32, name='granular z=32')])


@pytest.fixture(scope='session')
def three_phases() -> SliceSet:
    """A slice of three phases."""
    field = GrainField.fit(0.5, (0.08, 0.08, 0.08)).sample((64, 64, 64), np.random.default_rng(3), periodic=False)
    labels = (np.digitize(field, [-0.3, 0.8])).astype(np.uint8)
    return SliceSet.of([Slice(labels[20], Phases.named('pore', 'active', 'binder', pore=0), 'z', name='three phases')])


@pytest.fixture(scope='session')
def training(
    one_slice: SliceSet,
    tmp_path_factory: pytest.TempPathFactory,
    little_effort: Callable[[], AbstractContextManager[None]],
) -> tuple[Weights, Path]:
    """Weights after a few steps on the granular slice, and the file with the state at the end."""
    state = tmp_path_factory.mktemp('training') / 'training.safetensors'
    with little_effort():  # the same prior whichever test asks first
        start = choose_weights('scratch', one_slice).weights
        return drain(finetune(one_slice, start, FEW_STEPS, architecture=SMALL, checkpoint=state)), state


@pytest.fixture(scope='session')
def trained(training: tuple[Weights, Path]) -> Weights:
    """Weights after a few steps on the granular slice."""
    return training[0]
