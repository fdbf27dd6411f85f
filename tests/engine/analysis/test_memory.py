"""Memory is told before the work, and what does not fit is refused with a way out."""

from __future__ import annotations

import re

import numpy as np
import pytest

from napari_microrecon.engine.analysis import check_memory, coarsen, crop_middle, estimate_memory, measure
from napari_microrecon.engine.analysis.memory import crop_that_fits
from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

PHASES = Phases.named('grain', 'pore', pore=1)


def volume(shape: tuple[int, int, int] = (48, 40, 56)) -> Volume:
    labels = (np.random.default_rng(0).random(shape) < 0.4).astype(np.uint8)
    return Volume(labels, PHASES, VoxelSize.cube(3, 'um'), name='rock')


def test_estimates():
    assert estimate_memory((512, 512, 512), tortuosity=False).total < 6e9
    small, large = (estimate_memory((n, n, n)).total for n in (128, 256))
    assert 3 < large / small < 9


def test_what_fits_is_let_through():
    check_memory(volume(), available=1e10)


def test_refusal_names_need_and_ways_out():
    with pytest.raises(InputError) as told:
        check_memory(volume((256, 256, 256)), available=1.2e9)
    text = str(told.value)
    assert text.startswith('rock: needs about')
    assert '1.2 GB are free' in text
    assert 'leave tortuosity out' in text
    crop = re.search(r'crop it to (\d+) x (\d+) x (\d+)', text)
    factor = re.search(r'coarsen it (\d+) times', text)
    assert crop is not None
    assert factor is not None
    z, y, x = (int(n) for n in crop.groups())
    check_memory(volume((z, y, x)), available=1.2e9)
    check_memory(coarsen(volume((256, 256, 256)), int(factor[1])), available=1.2e9)
    with pytest.raises(InputError):
        check_memory(volume((z + 16, y + 16, x + 16)), available=1.2e9)
    assert crop_that_fits((64, 64, 64), 1e6) is None


def test_measuring_asks_first(monkeypatch):
    monkeypatch.setattr('napari_microrecon.engine.analysis.memory.free_memory', lambda: 1e8)
    with pytest.raises(InputError, match='are free'):
        drain(measure(volume()))


def test_crop_and_coarser_grid():
    whole = volume()
    part = crop_middle(whole, (10, 20, 56))
    np.testing.assert_array_equal(part.labels, whole.labels[19:29, 10:30])
    with pytest.raises(InputError, match='does not fit'):
        crop_middle(whole, (10, 41, 10))
    coarse = coarsen(whole, 4)
    assert coarse.shape == (12, 10, 14)
    assert coarse.voxel_size.zyx == (12, 12, 12)
    parts = whole.labels.reshape(12, 4, 10, 4, 14, 4).sum(axis=(1, 3, 5))
    np.testing.assert_array_equal(coarse.labels, parts > 32)
    assert coarsen(volume((9, 10, 11)), 2).shape == (4, 5, 5)
    assert coarsen(whole, 1) is whole
    with pytest.raises(InputError, match='smaller factor'):
        coarsen(whole, 60)


def test_coarse_blocks_take_the_phase_that_most_voxels_have():
    labels = np.zeros((2, 2, 2), dtype=np.uint8)
    labels[0, 0], labels[0, 1], labels[1, 0] = 2, 1, 1
    three = Volume(labels, Phases.default(3))
    assert coarsen(three, 2).labels.item() == 1  # 2, 4, 2 voxels
