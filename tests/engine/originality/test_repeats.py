"""A volume that repeats itself is found out; independent draws, trends and real material are not accused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_microrecon.engine.originality.repeats import find_repeats
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

SIZE = VoxelSize(z=4, y=2, x=1, unit='um')


@pytest.fixture(scope='module')
def draws(root):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / 'benchmarks'))
        from bench.random_sets import level_cuts

        return [mask.astype(np.uint8) for mask in level_cuts('gauss', (112,) * 3, 3.5, 0.35, 4, 3)]


def ask(labels, count=2, size=SIZE):
    return drain(find_repeats(Volume(labels, Phases.default(count), size)))


def test_independent_draws_do_not_repeat(draws):
    for labels in draws:
        found = ask(labels)
        assert found.verdict == 'none', found.sentence
        assert found.height.value < 6


@pytest.mark.parametrize('period', [28, 48])
def test_tiles_are_found_with_their_shift(draws, period):
    tile = draws[0][:period, :period, :period]
    found = ask(np.tile(tile, (5, 5, 5))[:112, :112, :112])
    assert found.verdict == 'repeats'
    assert found.likeness.value == pytest.approx(1, abs=0.1)
    shift = np.array([one.value for one in found.shift]) / (4, 2, 1)
    assert np.all(shift % period == 0)
    assert np.any(shift != 0)
    assert [one.unit for one in found.shift] == ['um'] * 3


def test_a_part_that_comes_back_once_is_found(draws):
    labels = draws[1].copy()
    labels[60:112, 50:112, 50:112] = labels[4:56, 0:62, 0:62]
    found = ask(labels)
    assert found.verdict == 'repeats'
    assert [one.value for one in found.shift] == [56 * 4, 50 * 2, 50]
    assert json.loads(json.dumps(found.to_dict()))['shift']['z']['value'] == 224


def test_three_phases(draws):
    labels = draws[0] + draws[1] * (1 - draws[0]) * 2
    assert ask(labels, 3).verdict == 'none'
    assert ask(np.tile(labels[:40], (3, 1, 1))[:112], 3).shift[0].value == 40 * 4


def test_a_trend_is_no_repeat(draws):
    """More of a phase towards one side raises the autocovariance everywhere and makes no peak."""
    layers = np.arange(112)[:, None, None] < 56
    labels = np.where(layers, draws[2] & draws[3], draws[2] | draws[3]).astype(np.uint8)
    assert ask(labels).verdict != 'repeats'


def test_a_period_of_the_whole_edge_is_no_repeat():
    rng = np.random.default_rng(0)
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(rng.standard_normal((96,) * 3), 3, mode='wrap')
    assert ask((field > 0).astype(np.uint8)).verdict == 'none'


def test_what_cannot_be_told_says_why(draws):
    assert 'along z' in ask(np.repeat(draws[0][:1], 64, axis=0)).sentence
    assert 'only one phase' in ask(np.zeros((40,) * 3, np.uint8)).sentence
    small = ask(draws[0][:20, :20, :20])
    assert small.verdict == 'cannot tell'
    assert not small.height.valid


def test_real_volumes_do_not_repeat(shared_data):
    for name, count in (
        ('berea_sandstone', 2),
        ('ketton_limestone', 2),
        ('battery_cathode', 3),
        ('anisotropic_foam', 2),
    ):
        import tifffile

        labels = np.ascontiguousarray(tifffile.imread(shared_data / 'ct' / f'{name}.tif')[:128, :128, :128])
        found = ask(labels.astype(np.uint8), count)
        assert found.verdict == 'none', f'{name}: {found.sentence}'
