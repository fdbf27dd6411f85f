"""The space that a training asks for is what it takes, with some to spare and not much."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_microrecon.engine.generator import FinetuneParams, Weights
from napari_microrecon.engine.generator.disk import state_bytes, training_bytes, weights_bytes
from napari_microrecon.engine.generator.params import Architecture


def test_a_training_takes_what_was_foretold(
    training: tuple[Weights, Path], few_steps: FinetuneParams, tmp_path: Path
) -> None:
    weights, state = training
    architecture = weights.header.architecture
    size, foretold = state.stat().st_size, state_bytes(architecture, few_steps)
    # Patches of earlier volumes fill up over the steps and the scales.
    assert size < foretold < 3 * size
    size = weights.save(tmp_path / 'made.safetensors').stat().st_size
    assert size < weights_bytes(architecture, few_steps) < 3 * size


@pytest.mark.parametrize('recipe', ['sections', 'paper'])
def test_the_default_training_needs_more_than_one_file(recipe: str) -> None:
    params = FinetuneParams.model_validate({'recipe': recipe})
    need = training_bytes(Architecture(), params)
    assert 15e6 < need < 60e6
    assert training_bytes(Architecture(), params, resumes=True) > need
    assert training_bytes(Architecture(channels=128, levels=5), params) > 1e9
