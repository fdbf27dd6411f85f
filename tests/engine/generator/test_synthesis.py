"""Volumes grown from patches of the slices: shapes, exactness, and what must not depend on how it is computed."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import ndimage

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.generator import ReconstructParams, reconstruct
from napari_microrecon.engine.generator.choice import choosing_weights
from napari_microrecon.engine.generator.cost import bytes_per_voxel
from napari_microrecon.engine.generator.exemplar import Exemplars
from napari_microrecon.engine.generator.synthesis import ExemplarField
from napari_microrecon.engine.generator.synthesis.finishing import finished, labels_of, without_tips
from napari_microrecon.engine.generator.synthesis.growing import Grower
from napari_microrecon.engine.generator.synthesis.pyramid import build_pyramid, windows_of
from napari_microrecon.engine.generator.synthesis.scatter import drawn_fractions, fraction_scatter
from napari_microrecon.engine.generator.synthesis.specks import (
    Specks,
    pieces_in_sections,
    small_areas,
    strewn,
    without_surplus,
)
from napari_microrecon.engine.originality.novelty import find_copies
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.volume import Volume

TWO = Phases.named('solid', 'pore')


def _blobs(shape: tuple[int, ...], seed: int, width: float = 2.5, share: float = 0.4) -> np.ndarray:
    field = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), width, mode='wrap')
    return (field > np.quantile(field, 1 - share)).astype(np.uint8)


@pytest.fixture(scope='module')
def picture() -> np.ndarray:
    return _blobs((160, 160), 3)


@pytest.fixture(scope='module')
def pyramid(picture: np.ndarray):
    images = {normal: [picture] for normal in 'zyx'}
    return drain(build_pyramid(images, np.array([0.6, 0.4]), isotropic=True))  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope='module')
def grown(pyramid) -> np.ndarray:
    return drain(Grower(pyramid, (40, 40, 40), seed=1).run())


def _faces(labels: np.ndarray) -> float:
    return float(np.mean([(np.diff(labels, axis=axis) != 0).mean() for axis in range(labels.ndim)]))


@pytest.mark.parametrize(('threads', 'tile'), [(1, 7), (2, None), (2, 16)])
def test_tiles_and_threads_change_no_voxel(pyramid, grown, threads, tile):
    again = drain(Grower(pyramid, (40, 40, 40), seed=1, threads=threads, tile=tile).run())
    assert np.array_equal(again, grown)


def test_another_seed_is_another_volume_that_looks_alike(pyramid, grown, picture):
    other = drain(Grower(pyramid, (40, 40, 40), seed=2).run())
    one, two = (labels_of(field, pyramid.fractions) for field in (grown, other))
    assert 0.3 < (one != two).mean() < 0.6  # independent volumes of 40 % differ in 48 %
    for labels in (one, two):
        assert labels.mean() == pytest.approx(0.4, abs=1e-3)
        assert _faces(labels) == pytest.approx(_faces(picture), rel=0.12)


def test_opposite_faces_fit_together(grown, pyramid):
    labels = labels_of(grown, pyramid.fractions)
    seams = [(np.take(labels, 0, axis) != np.take(labels, -1, axis)).mean() for axis in range(3)]
    assert np.mean(seams) < 1.3 * _faces(labels)


def test_no_lattice_of_blocks_is_left(grown, pyramid):
    labels = labels_of(grown, pyramid.fractions)
    within, between = [], []
    for axis in range(3):
        changes = np.moveaxis(np.diff(labels.astype(np.int8), axis=axis) != 0, axis, 0)
        within.append(changes[0::2].mean())
        between.append(changes[1::2].mean())
    # 1.7 where blocks of two voxels keep the patch of one coarse voxel.
    assert 0.85 < np.mean(between) / np.mean(within) < 1.18


def test_fractions_are_met_to_a_voxel_whatever_is_asked(grown, picture):
    specks = Specks.of({normal: [picture] for normal in 'zyx'}, 2)  # pyright: ignore[reportArgumentType]
    for pore in (0.4, 0.31, 0.5):
        labels = finished(grown, np.array([1 - pore, pore]), specks, seed=0)
        assert int((labels == 1).sum()) == round(pore * labels.size)


def test_closing_a_growth_ends_it_within_a_second(pyramid):
    job = Grower(pyramid, (96, 96, 96), seed=0).run()
    next(job)
    began = time.monotonic()
    job.close()
    assert time.monotonic() - began < 1


def test_three_planes_each_get_their_own_pattern():
    # Fibres along z: discs in the sections normal to z, stripes along z in the other two.
    plane = _blobs((96, 96), 5, width=2.0, share=0.3)
    stripes = np.repeat(plane[:1], 96, axis=0)
    slices = SliceSet.of([Slice(plane, TWO, 'z'), Slice(stripes, TWO, 'y'), Slice(stripes, TWO, 'x')])
    field = ExemplarField.of(Exemplars.of(slices))
    labels = drain(field.growing((48, 48, 48), 0, np.array([0.7, 0.3])))
    along, across = ((np.diff(labels, axis=axis) != 0).mean() for axis in (0, 1))
    assert along < across / 4


def test_six_phases_are_all_there():
    rng = np.random.default_rng(0)
    seeds = rng.integers(0, 120, (160, 2))
    owner = rng.integers(0, 6, 160)
    at = np.stack(np.mgrid[:120, :120], -1)[:, :, None]
    labels = owner[((at - seeds) ** 2).sum(-1).argmin(-1)].astype(np.uint8)
    slices = SliceSet.of([Slice(labels, Phases.named(*(f'phase {k}' for k in range(6))))])
    field = ExemplarField.of(Exemplars.of(slices))
    made = drain(field.growing((24, 24, 24), 0, slices.fractions))
    assert np.bincount(made.ravel(), minlength=6) / made.size == pytest.approx(slices.fractions, abs=2e-3)
    assert _faces(made) == pytest.approx(_faces(labels), rel=0.25)


def test_specks_are_unfolded_into_what_they_were():
    rng = np.random.default_rng(1)
    volume = np.zeros((64, 64, 64), np.uint8)
    for z, y, x in rng.integers(2, 61, (300, 3)):  # about one voxel in a thousand
        volume[z, y, x] = 1
    for z, y, x in rng.integers(2, 60, (100, 3)):
        volume[z : z + 2, y : y + 2, x : x + 2] = 1
    # What a volume without any of them lacks.
    specks = Specks.of({'z': list(volume), 'y': [], 'x': []}, 2)
    numbers = specks.numbers(np.zeros_like(volume))
    singles = sum(number for phase, host, body, number in numbers if (phase, host, body) == (1, 0, 0))
    assert singles == pytest.approx(300 / volume.size, rel=0.25)
    assert specks.gain(numbers)[1] == pytest.approx(volume.mean(), rel=0.25)
    made = np.zeros_like(volume)
    taken = strewn(made, numbers, 0, specks.depths)
    assert np.array_equal(taken, made == 1)
    assert small_areas(made, 2)[1].sum() == pytest.approx(small_areas(volume, 2)[1].sum(), rel=0.25)
    # None touches another: every piece is one of the bodies, eight voxels at most by the slices' largest.
    _, count = ndimage.label(made)
    assert count == pytest.approx(sum(number for *_, number in numbers) * volume.size, rel=0.2)


def test_specks_leave_the_picture_and_their_number_is_kept(picture):
    dirty = picture.copy()
    rng = np.random.default_rng(0)
    inside = ndimage.distance_transform_edt(picture == 0) > 3
    places = np.argwhere(inside)[rng.choice(int(inside.sum()), 40, replace=False)]
    dirty[tuple(places.T)] = 1
    specks = Specks.of({'z': [dirty], 'y': [], 'x': []}, 2)
    assert specks.areas[1, 0] * dirty.size == pytest.approx(40, abs=6)  # some lie side by side
    assert (specks.bodies['z'][0] != picture).mean() < 3e-3
    assert specks.faces == pytest.approx(_faces(dirty))


def test_too_many_small_pieces_join_what_is_around_them():
    rng = np.random.default_rng(2)
    labels = (rng.random((48, 48, 48)) < 0.01).astype(np.uint8)
    wanted = small_areas(labels, 2)
    wanted[1] /= 2
    made = without_surplus(labels, wanted, seed=0)
    assert small_areas(made, 2)[1].sum() == pytest.approx(wanted[1].sum(), rel=0.15)
    assert not ((made == 1) & (labels == 0)).any()


def test_pieces_are_counted_section_by_section():
    mask = np.zeros((4, 5, 6), bool)
    mask[:, 2, 2] = True  # a rod along z
    pieces, sizes = pieces_in_sections(mask, 0)
    assert sorted(sizes[1:]) == [1, 1, 1, 1]
    assert len(np.unique(pieces[mask])) == 4
    assert sorted(pieces_in_sections(mask, 1)[1][1:]) == [4]


def test_ends_of_hairs_go_and_bodies_stay():
    labels = np.zeros((12, 12, 12), np.uint8)
    labels[3:7, 3:7, 3:7] = 1
    labels[7, 4, 4] = 1  # a tip
    labels[10, 10, 10] = 1  # alone
    clean = without_tips(labels)
    assert clean[7, 4, 4] == 0
    assert clean[10, 10, 10] == 0
    assert clean.sum() == 64


def test_fractions_scatter_as_those_of_blocks_do():
    volume = _blobs((128, 128, 128), 11, width=3.0)
    slices = SliceSet.of([Slice(volume[k], TWO) for k in (5, 60, 100)])
    exemplars = Exemplars.of(slices)
    blocks = volume.reshape(4, 32, 4, 32, 4, 32).mean((1, 3, 5)).ravel()
    told = fraction_scatter(exemplars, (32, 32, 32))
    assert told[0] == pytest.approx(told[1], rel=1e-3)  # what one phase gains, the other loses
    assert told[1] == pytest.approx(blocks.std(ddof=1), rel=0.35)
    drawn = np.array([drawn_fractions(exemplars, (32, 32, 32), seed) for seed in range(200)])
    assert drawn.sum(1) == pytest.approx(1)
    assert drawn[:, 1].std() == pytest.approx(told[1], rel=0.2)
    assert drawn[:, 1].mean() == pytest.approx(slices.fractions[1], abs=3 * told[1] / np.sqrt(200))


def test_large_pictures_are_looked_at_in_windows():
    large, small = np.zeros((4096, 4096), np.uint8), np.zeros((300, 400), np.uint8)
    assert windows_of([small], 10**6)[0] is small
    windows = windows_of([large], 10**6)
    assert len(windows) == 4
    assert sum(window.size for window in windows) <= 10**6
    strip = windows_of([np.zeros((4096, 300), np.uint8)], 10**6)
    assert sum(window.size for window in strip) <= 10**6
    assert min(min(window.shape) for window in strip) >= 300


def test_a_field_carries_its_slices_through_json(picture):
    slices = SliceSet.of([Slice(picture, TWO)])
    field = ExemplarField.of(Exemplars.of(slices))
    again = ExemplarField.model_validate_json(field.model_dump_json())
    assert np.array_equal(again.exemplars.images['x'][0], picture)
    assert again.digest == field.digest


def test_a_volume_is_no_copy_of_its_slice(pyramid):
    picture = _blobs((160, 160), 3)
    slices = SliceSet.of([Slice(picture, TWO)])
    labels = labels_of(drain(Grower(pyramid, (64, 64, 64), seed=0).run()), pyramid.fractions)
    found = drain(find_copies(Volume(labels, TWO), slices))
    # Patches of 30 x 30 pixels; single directions of such a small volume reach 9 % in some seeds.
    shares = [share.value for share in found.copied.values()]
    assert np.mean([0.0 if share is None else share for share in shares]) < 0.05, found.sentence


@pytest.mark.parametrize('spec', ['exemplar', 'combined'])
def test_the_product_grows_scatters_and_repeats(picture, spec):
    slices = SliceSet.of([Slice(picture, TWO)])
    weights = drain(choosing_weights(spec, slices)).weights
    params = ReconstructParams(shape=(24, 24, 24), realisations=2, fractions='ensemble', device='cpu')
    first, second = drain(reconstruct(slices, weights, params)).volumes
    assert first.fractions[1] != second.fractions[1]  # as the material's own pieces would
    held = params.model_copy(update={'fractions': 'volume', 'realisations': 1, 'seed': 1, 'tile': 16})
    (volume,) = drain(reconstruct(slices, weights, held)).volumes
    assert volume.fractions[1] == pytest.approx(slices.fractions[1], abs=1 / volume.labels.size)
    asked = held.model_copy(update={'target_fractions': {1: 0.3}})
    (volume,) = drain(reconstruct(slices, weights, asked)).volumes
    assert volume.fractions[1] == pytest.approx(0.3, abs=1 / volume.labels.size)


def test_a_volume_grows_around_slices_at_their_places() -> None:
    truth = _blobs((44, 48, 52), 4)
    slices = SliceSet.of([
        *(Slice(truth[p], TWO, 'z', p, name=f'z={p}') for p in (0, 21)), Slice(truth[:, 30], TWO, 'y', 30, name='y=30'),
    ])  # fmt: skip
    weights = drain(choosing_weights('exemplar', slices)).weights
    params = ReconstructParams(shape=truth.shape, mode='conditioned', fractions='volume', seed=2)
    job = reconstruct(slices, weights, params)
    previews: list[Volume] = []
    made = drain(job, lambda step: previews.append(step.preview) if step.preview else None).volumes[0]
    assert {one.shape for one in previews} == {truth.shape}
    for position in (0, 21):
        np.testing.assert_array_equal(made.labels[position], truth[position])
    np.testing.assert_array_equal(made.labels[:, 30], truth[:, 30])
    np.testing.assert_allclose(made.fractions, slices.fractions, atol=1e-4)
    # Neither an end of everything at the slice, nor the slice once more beside it.
    along = (np.diff(made.labels, axis=0) != 0).mean((1, 2))
    across = (np.diff(made.labels, axis=1) != 0).mean((0, 2))
    for rate in (along[20], along[21], across[29], across[30]):
        assert 0.4 < rate / _faces(truth) < 1.8


def test_a_grown_volume_takes_no_training_volume() -> None:
    truth = _blobs((48, 48, 48), 4)
    slices = SliceSet.of([Slice(truth[p], TWO, 'z', p, name=f'z={p}') for p in (5, 30)])
    weights = drain(choosing_weights('exemplar', slices)).weights
    params = ReconstructParams(shape=truth.shape, mode='conditioned')
    with pytest.raises(InputError, match='no help to a volume grown from patches'):
        drain(reconstruct(slices, weights, params, Volume(truth, TWO, name='scan')))


def test_the_memory_of_what_grows_around_slices_is_that_of_growing() -> None:
    picture = _blobs((48, 48), 4)
    slices = SliceSet.of([Slice(picture, TWO, 'z', 5)])
    weights = drain(choosing_weights('exemplar', slices)).weights
    free = ReconstructParams(shape=(48, 48, 48))
    placed = ReconstructParams(shape=(48, 48, 48), mode='conditioned')
    likely = ReconstructParams(shape=(48, 48, 48), mode='most-likely')
    per_voxel = [bytes_per_voxel(TWO, weights, params) for params in (free, placed, likely)]
    assert per_voxel[0] == per_voxel[1] != per_voxel[2]
