"""Part of the slices held back: how they are cut, what a window tells, and whether the verdicts are right."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.generator import ReconstructParams
from napari_microrecon.engine.holdback import hold_back, split
from napari_microrecon.engine.holdback.judging import held_band, held_verdict, judge_held
from napari_microrecon.engine.holdback.windows import WindowStatistics, perimeter_density
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import Progress, drain
from napari_microrecon.engine.results.bands import band_reach
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

PHASES = Phases.named('grain', 'pore', pore=1)
SIZE = VoxelSize.cube(2, 'um')


def _sponge(shape, sigma: float, seed: int, share: float = 0.4) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), sigma, mode='wrap')
    return (field < np.quantile(field, share)).astype(np.uint8)


def _slice(shape=(96, 120), seed: int = 0, normal='z', name: str = 'sem') -> Slice:
    # a section of a volume, so that slices and volumes are of one material
    depth = _sponge((24, *shape), 2.0, seed)
    return Slice(depth[12], PHASES, normal=normal, position=5, voxel_size=SIZE, name=name)


def _volume(sigma: float = 2.0, seed: int = 1, share: float = 0.4, edge: int = 72) -> Volume:
    return Volume(_sponge((edge,) * 3, sigma, seed, share), PHASES, SIZE, name='made')


# -- cutting --------------------------------------------------------------------------------------


def test_every_slice_is_cut_along_its_longer_edge_and_nothing_is_lost():
    wide, high = _slice((96, 120), name='wide'), _slice((120, 96), 1, normal='x', name='high')
    parts = split(SliceSet.of([wide, high]), 0.3)
    assert [s.labels.shape for s in parts.rest] == [(96, 84), (84, 96)]
    assert [s.labels.shape for s in parts.held] == [(96, 36), (36, 96)]
    np.testing.assert_array_equal(np.hstack([parts.rest.slices[0].labels, parts.held[0].labels]), wide.labels)
    np.testing.assert_array_equal(np.vstack([parts.rest.slices[1].labels, parts.held[1].labels]), high.labels)
    assert all(s.position is None for s in (*parts.rest, *parts.held))  # they fill no plane of the volume
    assert parts.rest.symmetry == 'transverse'
    assert parts.rest.slices[0].name == 'wide, columns 0 to 83'
    assert parts.held[1].name == 'high, rows 84 to 119'
    assert all(s.voxel_size == SIZE for s in parts.held)


def test_slices_of_one_plane_are_cut_alike():
    both = [_slice((120, 130)), _slice((130, 120), 1)]
    parts = split(SliceSet.of(both), 0.3)
    assert [s.labels.shape for s in parts.held] == [(120, 39), (130, 36)]


@pytest.mark.parametrize(
    ('shape', 'share', 'words'),
    [
        ((94, 90), 1 / 3, 'sem: would have 63 x 90 pixels left, fewer than 64 x 64'),
        ((60, 200), 1 / 3, 'sem: would have 60 x 133 pixels left, fewer than 64 x 64'),
        ((100, 100), 0.2, 'sem: would have 100 x 20 pixels held back, fewer than 32 x 32'),
        ((200, 200), 0.6, '0.6 cannot be held back'),
        ((200, 200), 0.0, '0 cannot be held back'),
    ],
)
def test_what_would_be_too_small_is_refused_by_name(shape, share, words):
    with pytest.raises(InputError) as error:
        split(SliceSet.of([_slice(shape)]), share)
    assert words in str(error.value)


def test_a_phase_that_only_the_part_held_back_shows_is_refused():
    labels = np.zeros((96, 120), np.uint8)
    labels[10:20, 100:110] = 1
    with pytest.raises(InputError, match='would lack a phase in the part left'):
        split(SliceSet.of([Slice(labels, PHASES, name='odd')]))


# -- windows --------------------------------------------------------------------------------------


@pytest.mark.parametrize('pixel', [(1.0, 1.0), (2.0, 2.0), (1.0, 1.5)])
def test_perimeter_of_a_disc(pixel):
    rows, columns = (np.arange(n) - n / 2 for n in (400, 420))
    radius = 120.0
    disc = (rows[:, None] * pixel[0]) ** 2 + (columns[None] * pixel[1]) ** 2 < radius**2
    area = disc.size * pixel[0] * pixel[1]
    assert perimeter_density(disc, pixel) == pytest.approx(2 * np.pi * radius / area, rel=0.03)


def test_stripes_have_the_chords_and_the_boundary_that_they_are_made_with():
    mask = np.zeros((64, 64), bool)
    mask[:, ::8] = mask[:, 1::8] = mask[:, 2::8] = True  # stripes 3 wide, 8 apart
    found = WindowStatistics.of(mask, (2.0, 2.0))
    assert found.fraction == pytest.approx(3 / 8)
    assert found.chord[1] == pytest.approx(3 * 2, rel=0.06)
    assert found.chord[0] is None  # no end along the stripes
    assert found.s2[0] == pytest.approx(found.fraction)
    assert len(found.s2) == 17


# -- verdicts -------------------------------------------------------------------------------------


def test_the_band_of_one_window_is_that_of_the_blocks():
    values = [1.0, 2.0, 3.0, 4.0]
    one = held_band(values, 'chord_length', 1)
    assert one.high == pytest.approx(2.5 + band_reach(4) * one.sd)
    assert held_band(values, 'chord_length', 4).high < one.high


def test_words_of_the_verdicts():
    band = held_band([1.0, 1.1, 0.9, 1.0, 1.05], 'chord_length', 1)
    assert held_verdict(1.0, band, 'chord_length').words == 'inside'
    assert held_verdict(2.0, band, 'chord_length').words.startswith('outside by')
    assert held_verdict(None, band, 'chord_length').words == 'cannot tell'
    error = held_band([1.0, 1.1, 0.9, 1.0, 1.05], 's2_error', 1)
    assert held_verdict(0.2, error, 's2_error').words == 'inside'  # a smaller error is no fault
    few = held_band([1.0, 1.1], 'chord_length', 1)
    assert held_verdict(1.0, few, 'chord_length').words == 'volume too small to tell'


def test_the_same_material_is_inside_and_another_is_outside():
    """Ten parts held back against volumes of their own process, of a coarser one, and of another fraction."""
    words = {'same': [], 'coarser': [], 'denser': []}
    for seed in range(10):
        held = split(SliceSet.of([_slice(seed=100 + seed)])).held
        for name, volume in (
            ('same', _volume(seed=seed)),
            ('coarser', _volume(4.0, seed)),
            ('denser', _volume(2.0, seed, 0.6)),
        ):
            judged = drain(judge_held(held, [volume], isotropic=True))
            words[name] += [(s.key, s.verdict.verdict) for s in judged.statistics if s.phase == 1]
    outside = {name: sum(verdict == 'outside' for _, verdict in found) for name, found in words.items()}
    assert len(words['same']) == 50
    assert outside['same'] <= 6  # 5 % of 50 is 2.5
    assert outside['coarser'] >= 25
    assert sum(v == 'outside' for key, v in words['denser'] if key == 'phase_fraction') == 10
    assert all(v != 'inside' for key, v in words['coarser'] if key == 'perimeter_density')


def test_planes_are_told_apart_where_the_material_is_not_isotropic():
    slices = SliceSet.of([_slice((96, 120)), _slice((120, 96), 1, normal='x', name='side')])
    judged = drain(judge_held(split(slices).held, [_volume()], isotropic=False))
    planes = {s.plane for s in judged.statistics if s.key == 'correlation_length'}
    assert planes == {'normal z, along y', 'normal z, along x', 'normal x, along z', 'normal x, along y'}


def test_sections_smaller_than_a_window_are_refused():
    with pytest.raises(InputError, match='sections of 24 x 24'):
        drain(judge_held(split(SliceSet.of([_slice()])).held, [_volume(edge=24)], isotropic=True))


# -- the experiment -------------------------------------------------------------------------------


def test_the_experiment_learns_from_the_rest_alone_and_judges_the_prior():
    slices = SliceSet.of([_slice()])
    seen: list[Progress] = []
    params = ReconstructParams(shape=(64, 64, 64), seed=3)
    found, volumes = drain(hold_back(slices, 'prior', params), seen.append)
    rest = split(slices).rest
    assert volumes[0].provenance.inputs[0].sha256 == rest.slices[0].source.sha256
    assert volumes[0].shape == (64, 64, 64)
    assert found.window == (64, 40)
    assert found.held_windows == 1
    assert found.section_windows >= 6
    assert {s.key for s in found.statistics} == {
        'phase_fraction', 'perimeter_density', 's2_error', 'chord_length', 'correlation_length',
    }  # fmt: skip
    assert len(found.with_verdict('inside')) > len(found.with_verdict('outside'))
    fraction = next(s for s in found.statistics if s.key == 'phase_fraction' and s.phase == 1)
    assert fraction.held == pytest.approx(split(slices).held[0].labels[:64].mean())
    stages = [p.stage for p in seen]
    assert any(s.startswith('Reconstructing from the rest') for s in stages)
    assert json.loads(found.to_json())['sentence'] == found.sentence
    again, _ = drain(hold_back(slices, 'prior', params))
    assert again == found


def test_weights_that_have_seen_the_whole_slice_are_refused():
    from napari_microrecon.engine.generator import FinetuneParams, finetune, starting_weights

    slices = SliceSet.of([_slice()])
    job = finetune(slices, starting_weights('scratch', slices).weights, FinetuneParams(steps=2, minutes=None))
    weights = drain(job)
    assert weights.header.trained
    with pytest.raises(InputError, match='was trained on sem, with the part that is to be held back'):
        drain(hold_back(slices, weights, ReconstructParams(shape=(64, 64, 64))))
    # training on the rest does not start from them either
    with pytest.raises(InputError, match='held back'):
        drain(hold_back(slices, weights, ReconstructParams(), training=FinetuneParams(steps=2, minutes=None)))


def test_the_nearest_weights_are_passed_over_where_they_have_seen_the_slice():
    from napari_microrecon.engine.generator import choose_weights
    from napari_microrecon.engine.samples import get_sample

    slices = get_sample('cathode').load_slices()
    nearest = choose_weights('auto', split(slices).rest).weights
    assert nearest.header.trained
    assert {s.source.sha256 for s in slices} & {s.sha256 for s in nearest.header.provenance.inputs}
    found, volumes = drain(hold_back(slices, 'auto', ReconstructParams(shape=(64, 64, 64))))
    assert f'the nearest weights, {nearest.name}, were trained on the whole of' in found.weights
    assert volumes[0].provenance.weights.sha256 != nearest.sha256
    assert {s.phase for s in found.statistics} == {0, 1, 2}


def test_training_on_the_rest_and_stopping_it():
    from napari_microrecon.engine.generator import FinetuneParams

    slices = SliceSet.of([_slice()])
    training = FinetuneParams(steps=2, minutes=None)
    params = ReconstructParams(shape=(64, 64, 64))
    found, volumes = drain(hold_back(slices, 'scratch', params, training=training))
    assert found.weights.startswith('trained on the rest')
    assert volumes[0].provenance.weights.name == 'rest'
    job = hold_back(slices, 'prior', params)
    next(job)
    job.close()


def test_modes_that_hold_slices_in_place_are_refused():
    with pytest.raises(InputError, match='holds whole slices in place'):
        drain(hold_back(SliceSet.of([_slice()]), 'prior', ReconstructParams(mode='conditioned')))
