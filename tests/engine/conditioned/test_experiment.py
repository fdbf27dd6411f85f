"""The slice-count experiment: conventions of its scores, better with more slices, refusals by name."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_microrecon.engine.conditioned.experiment import BASELINE, METHODS, MOST_LIKELY, REALISATION, slice_counts
from napari_microrecon.engine.conditioned.interpolation import signed_distances
from napari_microrecon.engine.conditioned.planes import Planes
from napari_microrecon.engine.conditioned.scoring import Score, Truth
from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.volume import Volume

PHASES = Phases.named('grain', 'pore', pore=1)


@pytest.fixture(scope='module')
def block(blobs) -> Volume:
    """Two phases, 40 x 48 x 44."""
    return Volume(blobs((40, 48, 44), 11), PHASES, name='block')


@pytest.fixture(scope='module')
def answer(block):
    """What 3 and 5 slices along y of the middle 40 voxels give, and all signs of life."""
    said = []
    found = drain(slice_counts(block, (5, 3, 5), normal='y', edge=40, device='cpu'), said.append)
    return found, said


def test_the_truth_scores_perfectly_against_itself(block):
    truth = Truth(block, 1)
    sure = np.stack([block.labels == k for k in range(2)]).astype(np.float32)
    score = truth.score(block.labels, sure)
    assert score.ssim == pytest.approx(1)
    assert score.psnr == 99
    assert score.s2 == 0
    assert score.surface == (0, 0, 0)
    assert score.fractions == (0, 0)
    assert score.percolating == truth.percolating


def test_scores_follow_their_conventions(block):
    truth = Truth(block, 1)
    half = np.full((2, *block.shape), 0.5, np.float32)
    none = np.zeros_like(block.labels)
    score = truth.score(none, half)
    assert score.psnr == pytest.approx(-10 * np.log10(0.25))  # expectation 1/2 is half a label off everywhere
    assert score.surface == (-1, -1, -1)
    assert score.fractions == pytest.approx((block.fractions[1], -block.fractions[1]))
    assert score.percolating == (0, 0, 0)
    # S2 of nothing is 0: the error is the mean of S2 over phi (1 - phi), by brute force along z
    phi = block.fractions[1]
    mask = block.labels == 1
    curves = [
        [(m[: len(m) - lag] & m[lag:]).mean() for lag in range(21)]
        for m in (np.moveaxis(mask, axis, 0) for axis in range(3))
    ]
    assert score.s2 == pytest.approx(np.mean(curves) / (phi * (1 - phi)), rel=1e-4)
    assert truth.score(block.labels).psnr is None


def test_the_mean_is_over_volumes(block):
    truth = Truth(block, 1)
    scores = [truth.score(block.labels), truth.score(1 - block.labels)]
    mean = Score.mean(scores)
    assert mean.ssim == pytest.approx((scores[0].ssim + scores[1].ssim) / 2)
    assert mean.fractions[0] == pytest.approx(scores[1].fractions[0] / 2)
    assert mean.psnr is None


def test_counts_are_tried_in_order_on_the_middle_of_the_volume(answer, block):
    found, said = answer
    assert found.shape == (40, 40, 40)
    assert found.start == (0, 4, 2)
    assert [one.positions for one in found.attempts] == [(0, 20, 39), (0, 10, 20, 29, 39)]
    assert 'the middle 40 x 40 x 40 voxels of block (40 x 48 x 44), slices with normal y' in found.about
    crop = block.crop(found.start, found.shape)
    assert found.fractions == pytest.approx(tuple(crop.fractions))
    assert {step.stage.split(':')[0] for step in said} == {'measuring the volume', '3 slices', '5 slices'}
    partial = [step.preview for step in said if step.preview is not None]
    assert [len(one.attempts) for one in partial] == [1, 2]
    assert any('seconds_left' in step.metrics for step in said)


def test_the_baseline_is_signed_distance_interpolation_of_the_same_slices(answer, block):
    found, _ = answer
    crop = block.crop(found.start, found.shape)
    one = found.attempts[0]
    slices = SliceSet.of([Slice.of_volume(crop, 'y', p) for p in one.positions])
    labels = signed_distances(Planes.of(slices, crop.shape)).argmax(0)
    expected = Truth(crop, 1).score(labels.astype(np.uint8))
    assert one.scores[BASELINE].ssim == pytest.approx(expected.ssim)
    assert one.scores[BASELINE].surface == pytest.approx(expected.surface)


def test_more_slices_overlap_more_and_the_most_likely_volume_smooths(answer):
    found, _ = answer
    few, many = found.attempts
    for method in METHODS:
        assert many.scores[method].ssim > few.scores[method].ssim
    for one in found.attempts:
        likely, drawn = one.scores[MOST_LIKELY], one.scores[REALISATION]
        assert likely.ssim > drawn.ssim
        assert drawn.surface[1] > likely.surface[1]  # the most likely volume smooths
        assert one.spread is not None
        assert 0.5 < one.spread < 1.6
        assert drawn.psnr is None


def test_the_answer_is_told_in_words_and_as_json(answer):
    found, _ = answer
    told = found.sentences()
    assert told[0].startswith('3 slices, 19.5 voxels apart: SSIM')
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data['counts'][1]['slices'] == 5
    assert set(data['counts'][1]['methods']) == set(METHODS)
    assert 'window 7' in data['conventions']['ssim']


def test_closing_stops_the_experiment(block):
    job = slice_counts(block, (3,), edge=40, device='cpu')
    for step in job:
        if 'learning' in step.stage:
            break
    job.close()
    with pytest.raises(StopIteration):
        next(job)


@pytest.mark.parametrize(
    ('given', 'told'),
    [
        ({'counts': (1,)}, '1 slices of 40 layers; try 2 to 20'),
        ({'counts': (3, 30)}, '30 slices of 40 layers'),
        ({'counts': ()}, 'none were given'),
        ({'edge': 20}, 'an edge of 20 voxels'),
        ({'realisations': 0}, 'at least 1'),
        ({'phase': 7}, '7'),
    ],
)
def test_what_cannot_be_tried_is_refused_at_once(block, given, told):
    with pytest.raises(InputError, match=told):
        next(slice_counts(block, **given, device='cpu'))


def test_a_layer_of_a_single_phase_is_named(block):
    labels = block.labels.copy()
    labels[0] = 0
    with pytest.raises(InputError, match='layer 0 along z of its middle part shows a single phase'):
        next(slice_counts(Volume(labels, PHASES, name='block'), (3,), device='cpu'))
