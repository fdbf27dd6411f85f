"""Volumes: fractions, reproducibility, tiles, periodic faces, given slices, and clear refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.generator import ReconstructParams, Weights, choose_weights, estimate, reconstruct
from napari_microrecon.engine.generator.forecast import forecast
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.volume import Volume

pytestmark = pytest.mark.usefixtures('quick_priors')  # any prior serves here


def volume_of(slices: SliceSet, weights: Weights, **params: object) -> np.ndarray:
    settings = ReconstructParams.model_validate({'shape': (32, 40, 36), 'device': 'cpu', **params})
    return drain(reconstruct(slices, weights, settings)).volumes[0].labels


def test_same_seed_same_volume_other_seed_other_volume(one_slice: SliceSet, trained: Weights) -> None:
    first = volume_of(one_slice, trained, seed=1)
    assert np.array_equal(first, volume_of(one_slice, trained, seed=1))
    assert (first != volume_of(one_slice, trained, seed=2)).mean() > 0.05


@pytest.mark.parametrize('periodic', [False, True])
def test_tiles_change_not_one_voxel(one_slice: SliceSet, trained: Weights, periodic: bool) -> None:
    whole = volume_of(one_slice, trained, periodic=periodic, tile=512)
    for tile in (16, 24, 40):
        assert np.array_equal(whole, volume_of(one_slice, trained, periodic=periodic, tile=tile)), tile


def test_fractions_over_an_ensemble_are_those_of_the_slice(one_slice: SliceSet, trained: Weights) -> None:
    params = ReconstructParams(shape=(64, 64, 64), realisations=6, device='cpu')
    done = drain(reconstruct(one_slice, trained, params))
    fractions = np.array([volume.fractions[1] for volume in done.volumes])
    standard_error = fractions.std(ddof=1) / np.sqrt(len(fractions))
    assert abs(fractions.mean() - one_slice.fractions[1]) < 0.01 + 2 * standard_error


def test_target_fraction_is_followed(one_slice: SliceSet, trained: Weights) -> None:
    low = volume_of(one_slice, trained, shape=(64, 64, 64), target_fractions={1: 0.15})
    high = volume_of(one_slice, trained, shape=(64, 64, 64), target_fractions={1: 0.35})
    assert (low == 1).mean() == pytest.approx(0.15, abs=0.003)
    assert (high == 1).mean() == pytest.approx(0.35, abs=0.003)
    assert not ((low == 1) & (high == 0)).any()  # the same structure, opened further


def test_every_volume_can_be_held_to_the_fractions_of_the_slices(one_slice: SliceSet, trained: Weights) -> None:
    for seed in (1, 2):
        held = volume_of(one_slice, trained, shape=(48, 48, 48), seed=seed, fractions='volume')
        assert (held == 1).mean() == pytest.approx(one_slice.fractions[1], abs=0.003)


def test_periodic_faces_fit(one_slice: SliceSet, trained: Weights) -> None:
    periodic = volume_of(one_slice, trained, shape=(48, 48, 48), periodic=True)
    inside = np.mean([(np.diff(periodic, axis=axis) != 0).mean() for axis in range(3)])
    across = np.mean([(np.take(periodic, 0, axis) != np.take(periodic, -1, axis)).mean() for axis in range(3)])
    assert across < 2 * inside


def test_untrained_prior_needs_no_network(one_slice: SliceSet) -> None:
    choice = choose_weights('prior', one_slice)
    assert 'prior' in choice.reason
    labels = volume_of(one_slice, choice.weights, shape=(64, 64, 64))
    assert abs((labels == 1).mean() - one_slice.fractions[1]) < 0.08


def test_three_phases(three_phases: SliceSet) -> None:
    weights = choose_weights('prior', three_phases).weights
    done = drain(reconstruct(three_phases, weights, ReconstructParams(shape=(48, 48, 48), realisations=4)))
    mean = np.mean([volume.fractions for volume in done.volumes], axis=0)
    assert mean == pytest.approx(three_phases.fractions, abs=0.05)


def test_provenance_tells_how_to_make_it_again(one_slice: SliceSet, trained: Weights) -> None:
    params = ReconstructParams(shape=(32, 32, 32), seed=9, device='cpu')
    made = drain(reconstruct(one_slice, trained, params)).volumes[0].provenance
    assert made.seed == 9
    assert made.weights is not None
    assert made.weights.sha256 == trained.sha256
    assert made.inputs[0].sha256 == one_slice.slices[0].source.sha256
    assert ReconstructParams.model_validate(made.parameters) == params


def test_progress_shows_the_prior_first_and_can_be_closed(one_slice: SliceSet, trained: Weights) -> None:
    job = reconstruct(one_slice, trained, ReconstructParams(shape=(48, 48, 48), device='cpu'))
    previews = []
    for progress in job:
        if progress.preview is not None:
            previews.append(progress.preview)
            break
    assert previews[0].shape == (48, 48, 48)
    job.close()
    with pytest.raises(StopIteration):
        next(job)


@pytest.mark.parametrize('mode', ['conditioned', 'most-likely'])
def test_given_voxels_are_held_exactly(granular: np.ndarray, trained: Weights, mode: str) -> None:
    phases = Phases.named('grain', 'pore', pore=1)
    crop = granular[:32, :40, :36]
    planes = [Slice(crop[5], phases, 'z', 5), Slice(crop[21], phases, 'z', 21), Slice(crop[:, 9], phases, 'y', 9)]
    slices = SliceSet.of(planes, 'isotropic')
    params = ReconstructParams.model_validate({'shape': crop.shape, 'mode': mode})
    done = drain(reconstruct(slices, trained, params))
    labels = done.volumes[0].labels
    assert np.array_equal(labels[5], crop[5])
    assert np.array_equal(labels[21], crop[21])
    assert np.array_equal(labels[:, 9], crop[:, 9])
    assert done.probabilities is not None
    assert done.probabilities.astype(float).sum(0) == pytest.approx(1, abs=5e-3)
    assert done.spread is not None
    assert done.spread[5].max() == 0
    assert 0 < done.spread.mean() < 0.5


def test_conditioned_volumes_repeat_differ_and_learn_from_a_volume(granular: np.ndarray, trained: Weights) -> None:
    phases = Phases.named('grain', 'pore', pore=1)
    slices = SliceSet.of([Slice(granular[p, :32, :32], phases, 'z', p) for p in (2, 10, 20)])
    params = ReconstructParams(shape=(24, 32, 32), mode='conditioned', realisations=2, device='cpu', seed=4)
    first, second = drain(reconstruct(slices, trained, params)).volumes
    assert (first.labels != second.labels).mean() > 0.01
    assert (first.provenance.seed, second.provenance.seed) == (4, 5)
    assert first.provenance.weights is None
    assert np.array_equal(drain(reconstruct(slices, trained, params)).volumes[1].labels, second.labels)
    training = Volume(granular[:, 32:], phases, name='other half')
    taught = drain(reconstruct(slices, trained, params, training)).volumes[0]
    assert [source.name for source in taught.provenance.inputs][-1] == 'other half'
    assert not np.array_equal(taught.labels, first.labels)
    with pytest.raises(InputError, match='conditioned modes only'):
        drain(reconstruct(slices, trained, ReconstructParams(shape=(24, 32, 32)), training))
    three = Volume(np.clip(granular + granular[::-1], 0, 2), Phases.default(3), name='three')
    with pytest.raises(InputError, match='three: has 3 phases while the slices have 2'):
        drain(reconstruct(slices, trained, params, three))


def test_a_wanted_fraction_between_slices(granular: np.ndarray, trained: Weights) -> None:
    phases = Phases.named('grain', 'pore', pore=1)
    slices = SliceSet.of([Slice(granular[p, :32, :32], phases, 'z', p) for p in (2, 20)])
    labels = volume_of(slices, trained, shape=(24, 32, 32), mode='conditioned', target_fractions={1: 0.4})
    assert (labels == 1).mean() == pytest.approx(0.4, abs=0.005)
    assert np.array_equal(labels[[2, 20]], granular[[2, 20], :32, :32])


def test_conditioning_refuses_what_does_not_fit(granular: np.ndarray, one_slice: SliceSet, trained: Weights) -> None:
    with pytest.raises(InputError, match='crop it to 32 x 32'):
        volume_of(one_slice, trained, mode='conditioned', shape=(64, 32, 32))
    with pytest.raises(InputError, match='outside the shape'):
        volume_of(one_slice, trained, mode='conditioned', shape=(20, 64, 64))
    phases = one_slice.phases
    unplaced = SliceSet.of([replace(one_slice.slices[0], position=None)])
    with pytest.raises(InputError, match='no position'):
        volume_of(unplaced, trained, mode='conditioned', shape=(64, 64, 64))
    contradicting = SliceSet.of([Slice(granular[3], phases, 'z', 8), Slice(granular[40], phases, 'z', 8)])
    with pytest.raises(InputError, match='contradicts'):
        volume_of(contradicting, trained, mode='conditioned', shape=(64, 64, 64))
    crossing = SliceSet.of([Slice(granular[3], phases, 'z', 8), Slice(1 - granular[:, 9], phases, 'y', 9)])
    with pytest.raises(InputError, match='where they cross'):
        volume_of(crossing, trained, mode='conditioned', shape=(64, 64, 64))
    with pytest.raises(InputError, match='periodic'):
        volume_of(one_slice, trained, mode='conditioned', shape=(64, 64, 64), periodic=True)


def test_clear_refusals(one_slice: SliceSet, three_phases: SliceSet, trained: Weights) -> None:
    with pytest.raises(InputError, match='make 2 phases while the slices have 3'):
        volume_of(three_phases, trained)
    with pytest.raises(InputError, match='multiple of 4'):
        volume_of(one_slice, trained, shape=(33, 32, 32), periodic=True)
    with pytest.raises(InputError, match='are not known'):
        choose_weights('granite', one_slice)
    with pytest.raises(InputError, match='GiB'):
        volume_of(one_slice, trained, shape=(20000, 20000, 20000))
    with pytest.raises(ValueError, match='below 16 voxels'):
        ReconstructParams(shape=(8, 64, 64))


def test_the_memory_that_is_told_is_that_of_the_refusal(one_slice: SliceSet, trained: Weights) -> None:
    told = forecast(one_slice, trained, ReconstructParams(shape=(4000, 4000, 4000), device='cpu'))
    assert f'needs about {told.bytes / 2**30:.1f} GiB' in told.refusal


def test_estimate_grows_with_the_volume(trained: Weights) -> None:
    small, large = estimate((64, 64, 64), trained, 'cpu'), estimate((256, 256, 256), trained, 'cpu')
    assert large.bytes > 4 * small.bytes
    assert large.seconds > 5 * small.seconds
