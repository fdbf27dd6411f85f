"""The whole way from slices to volumes: exact, tile-exact, calibrated, better than interpolation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from napari_microrecon.engine.conditioned.filling import Filling, fill, realise
from napari_microrecon.engine.conditioned.interpolation import signed_distances
from napari_microrecon.engine.conditioned.planes import Planes
from napari_microrecon.engine.conditioned.prediction import predict
from napari_microrecon.engine.conditioned.realisations import change_rates, choose, phase_order
from napari_microrecon.engine.conditioned.sections import Scheme
from napari_microrecon.engine.conditioned.statistics import SliceStatistics
from napari_microrecon.engine.conditioned.training import train
from napari_microrecon.engine.generator.device import Placement
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.volume import Volume

SHAPE = (48, 48, 52)
Blobs = Callable[..., np.ndarray]


def test_given_voxels_are_exact_and_seeds_repeat(filling: Filling, stack: SliceSet, rock: np.ndarray) -> None:
    known = filling.planes.positions('z')
    first, second = drain(realise(filling, stack, 2, 7))
    for labels in (filling.most_likely(), first, second):
        assert np.array_equal(labels[known], rock[known])
    assert np.array_equal(drain(realise(filling, stack, 1, 8))[0], second)
    assert (first != second).mean() > 0.02


def test_probabilities_are_calibrated(filling: Filling, stack: SliceSet, rock: np.ndarray) -> None:
    p = filling.probabilities.astype(float)
    assert p.sum(0) == pytest.approx(1, abs=2e-3)
    assert p[1].mean() == pytest.approx(rock.mean(), abs=0.03)
    # Of voxels with a probability of about q, a share of about q is the phase.
    free = filling.planes.distances() > 0
    for low, high in ((0.05, 0.3), (0.3, 0.7), (0.7, 0.95)):
        some = free & (p[1] > low) & (p[1] < high)
        assert rock[some].mean() == pytest.approx(p[1][some].mean(), abs=0.12)
    # Beside a slice phases change as often as within the slices.
    beside = [abs(p[1][q + step] - rock[q]).mean() for q in (13, 21, 27) for step in (-1, 1)]
    assert np.mean(beside) == pytest.approx(filling.statistics.change[0], rel=0.1)


def test_most_likely_is_nearer_to_the_truth_than_interpolation(
    filling: Filling, stack: SliceSet, rock: np.ndarray
) -> None:
    distances = signed_distances(filling.planes)
    soft = 1 / (1 + np.exp(1.5 * (distances[0] - distances[1])))
    error = np.mean((filling.probabilities[1].astype(float) - rock) ** 2)
    assert error < 0.9 * np.mean((soft - rock) ** 2)
    assert (filling.most_likely() != rock).mean() < 1.02 * (distances.argmax(0) != rock).mean()


def test_realisations_carry_the_surface(filling: Filling, stack: SliceSet, rock: np.ndarray) -> None:
    drawn = drain(realise(filling, stack, 3, 0))
    rates = np.mean([change_rates(labels) for labels in drawn], 0)
    assert rates == pytest.approx(np.array(filling.statistics.change), rel=0.1)
    assert change_rates(filling.most_likely())[0] < 0.9 * rates[0], 'which the most likely volume does not'


def test_wanted_fractions_are_met_by_every_volume(filling: Filling, stack: SliceSet) -> None:
    for labels in drain(realise(filling, stack, 2, 0, np.array([0.66, 0.34]))):
        assert labels.mean() == pytest.approx(0.34, abs=0.004)


def test_tiles_change_not_one_voxel(stack: SliceSet, cpu: Placement) -> None:
    planes = Planes.of(stack, SHAPE)
    scheme = Scheme.of(planes, stack, 5.0)
    network = drain(train(scheme, stack, None, 0, cpu))
    whole = drain(predict(network, planes, scheme, cpu, 512))
    for tile in (16, 24, 32):
        assert np.array_equal(whole, drain(predict(network, planes, scheme, cpu, tile))), tile


def test_choosing_keeps_the_probabilities() -> None:
    p = np.array([0.5, 0.2, 0.3])[:, None, None, None] * np.ones((1, 30, 30, 30))
    field = np.random.default_rng(0).normal(size=(30, 30, 30)).astype(np.float32)
    labels = choose(p, field, (0, 2, 1))
    assert np.bincount(labels.ravel()) / labels.size == pytest.approx([0.5, 0.2, 0.3], abs=0.01)
    assert field[labels == 0].max() < field[labels == 2].min() < field[labels == 1].min()


def test_phases_are_ordered_as_they_touch() -> None:
    image = np.repeat([0, 2, 1, 2, 0], 6)[None].repeat(20, 0).astype(np.uint8)  # 2 coats 1 in a matrix of 0
    assert phase_order([image], 3) in ((0, 2, 1), (1, 2, 0))


@pytest.mark.parametrize('symmetry', ['isotropic', 'orthotropic'])
def test_three_phases_from_crossing_slices(blobs: Blobs, cpu: Placement, symmetry: str) -> None:
    rock = blobs((32, 36, 40), 5, (0.4, 0.2, 0.4))
    phases = Phases.default(3)
    planes = [Slice(rock[9], phases, 'z', 9), Slice(rock[:, 30], phases, 'y', 30), Slice(rock[:, :, 6], phases, 'x', 6)]
    slices = SliceSet.of(planes, symmetry)  # type: ignore[arg-type]
    filling = drain(fill(slices, (32, 36, 40), seed=0, place=cpu))
    given = filling.planes.distances() == 0
    for labels in (filling.most_likely(), *drain(realise(filling, slices, 1, 0))):
        assert np.array_equal(labels[given], rock[given])
        # Beside a slice the material goes on, however it is cut.
        for axis, place in ((0, 9), (1, 30), (2, 6)):
            beside, real = (np.take(volume, place + 1, axis) for volume in (labels, rock))
            changes = (real != np.take(rock, place, axis)).mean()
            assert (beside != real).mean() < 1.8 * changes
            assert (beside != np.take(rock, place, axis)).mean() < 1.5 * changes


def test_a_single_slice_and_all_slices(rock: np.ndarray, cpu: Placement) -> None:
    phases = Phases.default(2)
    one = SliceSet.of([Slice(rock[24], phases, 'z', 24)])
    filling = drain(fill(one, SHAPE, seed=0, place=cpu))
    assert np.array_equal(filling.most_likely()[24], rock[24])
    far = filling.probabilities[1, 0].astype(float)
    assert far.std() < 0.2, 'far from the only slice nothing is known but the fraction'
    small = rock[:16, :, :]
    full = SliceSet.of([Slice(layer, phases, 'z', p) for p, layer in enumerate(small)])
    assert np.array_equal(drain(fill(full, (16, 48, 52), seed=0, place=cpu)).most_likely(), small)


def test_a_training_volume_helps(
    blobs: Blobs, stack: SliceSet, rock: np.ndarray, filling: Filling, cpu: Placement
) -> None:
    volume = Volume(blobs((48, 48, 48), 11), Phases.default(2))
    taught = drain(fill(stack, SHAPE, seed=1, place=cpu, volume=volume))
    error, alone = (np.mean((f.probabilities[1].astype(float) - rock) ** 2) for f in (taught, filling))
    assert error < 1.02 * alone
    assert taught.statistics.length == pytest.approx(SliceStatistics.of(stack).length, rel=0.5)


def test_it_can_be_cancelled(stack: SliceSet, cpu: Placement) -> None:
    job = fill(stack, SHAPE, seed=0, place=cpu)
    first = next(job)
    assert first.preview.shape == SHAPE
    stages = [first.stage, next(job).stage, next(job).stage]
    assert stages == ['placing the slices', 'learning from the slices', 'learning from the slices']
    job.close()
    with pytest.raises(StopIteration):
        next(job)
