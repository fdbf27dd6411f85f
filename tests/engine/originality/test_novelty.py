"""Copies of the slice in a volume are found, however they are turned; independent draws are not accused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.originality.novelty import find_copies
from napari_microrecon.engine.originality.patch_search import Keep, PatchSearch
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

PHASES = Phases.default(2)


@pytest.fixture(autouse=True)
def _on_the_path(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / 'benchmarks'))


def volumes(count, seed=0, length=3.5, fraction=0.35, kind='gauss'):
    from bench.random_sets import level_cuts, sphere_sections

    if kind == 'spheres':
        return [m.astype(np.uint8) for m in sphere_sections((112,) * 3, 1.3 * length, fraction, count, seed)]
    return [m.astype(np.uint8) for m in level_cuts(kind, (112,) * 3, length, fraction, count, seed)]


def section(labels, **more):
    return Slice(labels=labels, phases=PHASES, **more)


def ask(labels, slices):
    return drain(find_copies(Volume(labels, PHASES, VoxelSize.cube(2, 'um')), slices))


@pytest.fixture(scope='module')
def pair(root):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / 'benchmarks'))
        return volumes(2)


def test_search_equals_brute_force():
    rng = np.random.default_rng(0)
    for phases in (2, 3):
        image, other = (rng.integers(0, phases, (20, 23)).astype(np.uint8) for _ in range(2))
        patch = rng.integers(0, phases, (5, 5)).astype(np.uint8)
        views = [np.rot90(v, k) for v in (patch, patch.T) for k in range(4)]
        kept = Keep(0, (4, 6), 3)
        all_places = []
        for index, where in enumerate((image, other)):
            for y in range(16):
                for x in range(19):
                    if index == 0 and abs(y - 4) <= 3 and abs(x - 6) <= 3:
                        continue
                    all_places += [np.mean(where[y : y + 5, x : x + 5] != view) for view in views]
        found = PatchSearch([image, other], phases).nearest(patch, [kept])
        assert found == pytest.approx(min(all_places) / np.mean(all_places), rel=1e-4)
    assert PatchSearch([image], 3).nearest(patch, skip=[0]) is None


@pytest.mark.parametrize('kind', ['gauss', 'spheres'])
def test_independent_draws_are_new(kind):
    one, *others = volumes(3, 5, kind=kind)
    train = section(one[50])
    for other in others:
        found = ask(other, train)
        assert found.verdict == 'new', found.sentence
        assert set(found.copied) == {'z', 'y', 'x'}
        assert found.nearest.value == pytest.approx(found.natural.value, rel=0.2)
        assert found.limit.value < found.natural.value / 2
        assert found.patch.unit == 'um'
        json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    'change',
    [
        lambda a: a,
        lambda a: a[::-1],
        lambda a: np.rot90(a),
        lambda a: np.rot90(a[:, ::-1], 3),
        lambda a: np.roll(a, (37, 51), (0, 1)),
        lambda a: a ^ (np.random.default_rng(0).random(a.shape) < 0.02),
    ],
    ids=['exact', 'mirrored', 'turned', 'both', 'shifted', 'with 2 % noise'],
)
def test_a_copied_section_is_caught(pair, change):
    train, volume = pair[0][50], pair[1].copy()
    # Sections 40 to 70 are the slice; the rest is an independent draw.
    volume[40:71] = np.ascontiguousarray(change(train)).astype(np.uint8)
    found = ask(volume, section(train))
    assert found.verdict == 'copied'
    assert found.copied['z'].value > 0.1
    assert 'normal z' in found.sentence


def test_a_volume_tiled_from_the_slice_is_caught(pair):
    train = pair[0][50][:96, :96]
    tile = train[:48, :48]
    volume = np.tile(tile, (112, 3, 3))[:, :112, :112]
    found = ask(volume, section(train))
    assert found.verdict == 'copied'
    assert found.copied['z'].value > 0.2
    # The same along another axis.
    assert ask(np.ascontiguousarray(volume.transpose(1, 0, 2)), section(train)).copied['y'].value > 0.2


def test_a_slice_that_the_volume_was_conditioned_on_is_no_copy(pair):
    volume = pair[0]
    placed = section(volume[50], position=50)
    found = ask(volume, SliceSet.of([placed]))
    assert found.verdict == 'new', found.sentence
    assert any('conditioning' in note for note in found.notes)
    elsewhere = volume.copy()
    elsewhere[90:100] = volume[50]
    assert ask(elsewhere, SliceSet.of([placed])).verdict == 'copied'


def test_small_slices_cannot_tell(pair):
    found = ask(pair[1], section(pair[0][50][:32, :32]))
    assert found.verdict == 'cannot tell'
    assert not found.nearest.valid
    assert found.copied == {}
    small = drain(find_copies(Volume(pair[1][:12, :12, :12].copy(), PHASES), section(pair[0][50])))
    assert small.verdict == 'cannot tell'


def test_other_materials_are_refused(pair):
    train = Slice(labels=pair[0][50], phases=Phases.default(3))
    with pytest.raises(InputError, match='phases'):
        ask(pair[1], train)
    with pytest.raises(InputError, match='voxels'):
        ask(pair[1], section(pair[0][50], voxel_size=VoxelSize.cube(5, 'um')))


def test_real_rock_is_new_to_its_own_slice(shared_data):
    import tifffile

    path = shared_data / 'ct' / 'berea_sandstone.tif'
    if not path.is_file():
        pytest.skip(f'{path.name} is not here')
    berea = tifffile.imread(path)
    found = drain(find_copies(Volume(berea[80:180, 200:360, 200:360], PHASES), section(berea[20, :192, :192])))
    assert found.verdict == 'new', found.sentence
