"""What a comparison takes for granted is said: the other volume's voxel size, and the order of the phases."""

from __future__ import annotations

import logging

import numpy as np
import pytest

import napari_microrecon as mr
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.engine.workflows.compare import remarks

UM = VoxelSize.cube(0.4, 'um')


def _volume(share: float, size: VoxelSize, name: str, seed: int = 0) -> Volume:
    labels = (np.random.default_rng(seed).random((32, 32, 32)) < share).astype(np.uint8)
    return Volume(labels, Phases.default(2), size, name=name)


def test_an_adopted_voxel_size_is_said() -> None:
    bare, sized = _volume(0.3, VoxelSize(), 'made'), _volume(0.3, UM, 'real', 1)
    assert 'made names no voxel size: 0.4 um, that of real' in remarks(bare, sized)[0]
    assert 'real names no voxel size: 0.4 um, that of made' in remarks(
        _volume(0.3, UM, 'made'), _volume(0.3, VoxelSize(), 'real')
    )[0]  # fmt: skip
    assert remarks(sized, sized) == remarks(bare, bare) == []


@pytest.mark.parametrize(('made', 'real', 'told'), [(0.25, 0.75, True), (0.25, 0.3, False), (0.1, 0.5, False)])
def test_exchanged_phases_are_noticed(made: float, real: float, told: bool) -> None:
    said = remarks(_volume(made, UM, 'made'), _volume(real, UM, 'real', 1))
    assert bool(said) == told
    if told:
        assert 'phases seem to be in another order: fractions are 0.75, 0.25 in made and 0.25, 0.75 in real' in said[0]


def test_both_are_said_in_python(caplog: pytest.LogCaptureFixture) -> None:
    made, real = _volume(0.25, VoxelSize(), 'made'), _volume(0.75, UM, 'real', 1)
    with caplog.at_level(logging.WARNING):
        mr.compare(made, real, 1, tortuosity=False)
    assert 'names no voxel size' in caplog.text
    assert 'in another order' in caplog.text
