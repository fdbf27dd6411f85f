"""Materials of up to five phases, in pieces of different size and number per plane, from start to finish."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microrecon.engine.generator import FinetuneParams, ReconstructParams, choose_weights, finetune, reconstruct
from napari_microrecon.engine.generator.params import Architecture
from napari_microrecon.engine.generator.priors.grains import GrainField
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import Slice, SliceSet

pytestmark = pytest.mark.usefixtures('quick_priors')  # any prior serves here


def _nested(count: int, stretch: tuple[float, float, float]) -> np.ndarray:
    """Shells around grains, (72, 72, 72), each phase the same share."""
    field = GrainField.fit(0.5, (0.07, 0.07, 0.07)).model_copy(update={'stretch': stretch})
    values = field.sample((72, 72, 72), np.random.default_rng(11), periodic=False)
    levels = np.quantile(values, np.arange(1, count) / count)
    return np.digitize(values, levels).astype(np.uint8)


def test_five_phases_are_trained_and_sampled(small: Architecture, few_steps: FinetuneParams) -> None:
    count = 5
    volume = _nested(count, (0.7, 1.0, 1.4))
    names = Phases.named(*'abcde'[:count])
    # Two pieces with normal z, one larger piece with normal y, one narrow piece with normal x.
    slices = SliceSet.of(
        [
            Slice(volume[10, :64, :64], names, 'z', name='first z'),
            Slice(volume[50, 4:70, 2:72], names, 'z', name='second z'),
            Slice(volume[:, 30], names, 'y', name='y'),
            Slice(volume[:64, :, 40][:, :66], names, 'x', name='x'),
        ],
        symmetry='orthotropic',
    )
    start = choose_weights('scratch', slices).weights
    weights = drain(finetune(slices, start, few_steps, architecture=small))
    assert weights.header.training['steps_done'] == few_steps.steps
    params = ReconstructParams(shape=(48, 56, 64), realisations=2, seed=3, device='cpu')
    made = drain(reconstruct(slices, weights, params)).volumes
    found = np.mean([np.bincount(v.labels.ravel(), minlength=count) / v.labels.size for v in made], axis=0)
    assert made[0].labels.shape == (48, 56, 64)
    assert made[0].phases.count == count
    # Two small volumes: their own scatter, not a bias, is what is left.
    assert np.abs(found - slices.fractions).max() < 0.06
    # Stretched along x: phases change least often along it, in the slices and in the volumes.
    changes = [np.mean([(np.diff(v.labels.astype(int), axis=a) != 0).mean() for v in made]) for a in range(3)]
    assert changes[0] > changes[2]
    assert any((one.labels != other.labels).any() for one, other in [made])
