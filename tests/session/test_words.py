"""Sentences about weights: how near they are in words, without numbers of distances."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microrecon.engine.generator import choose_weights, starting_weights
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.samples import get_sample
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.session.words import tally, weights_in_words


@pytest.fixture(scope='module')
def strange() -> SliceSet:
    """Slices that resemble no shipped material: large blobs that hold little."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(0).standard_normal((160, 160)), 8, mode='wrap')
    labels = (field > np.quantile(field, 0.93)).astype(np.uint8)
    return SliceSet.of([Slice(labels, Phases.named('grain', 'pore', pore=1))])


def test_near_weights_are_called_near():
    choice = choose_weights('auto', get_sample('sandstone').load_slices())
    assert choice.weights.header.trained
    assert weights_in_words(choice) in (
        f'{choice.weights.name}, the nearest of the shipped weights; their material is {how} your slices'
        for how in ('near to', 'somewhat near to')
    )


def test_far_weights_are_called_far_and_the_number_is_for_the_reason_only(strange):
    choice = choose_weights('auto', strange)
    assert not choice.weights.header.trained
    told = weights_in_words(choice)
    assert ', because the nearest shipped ones (' in told
    assert choice.nearest in told
    assert 'far from your slices' in told
    assert not any(character.isdigit() for character in told)
    assert f'{choice.distance:.2f} away' in choice.reason
    assert weights_in_words(choose_weights(choice.nearest, strange)).endswith(
        'as asked; their material is far from your slices'
    )


def test_what_a_training_starts_from_is_said_with_the_reason(strange):
    choice = starting_weights('auto', strange)
    told = weights_in_words(choice)
    if choice.weights.header.trained:
        assert told.startswith(f'{choice.weights.name}, the nearest')
    else:
        assert choice.distance > 1
        assert 'very far from your slices' in told
        assert 'because the nearest shipped weights' in choice.reason
    assert 'as asked' in weights_in_words(starting_weights('scratch', strange))
    assert weights_in_words(None) == 'fine-tuned in this session'


def test_nothing_is_called_unjudgeable_before_the_reference_is_measured():
    from napari_microrecon.engine.analysis import compare, crop_middle
    from napari_microrecon.engine.results import Comparison

    rock = get_sample('sandstone').load_volume()
    job, told = compare(crop_middle(rock, (32, 32, 32)), rock, tortuosity=False, workers=1), []
    while True:
        try:
            progress = next(job)
        except StopIteration as end:
            last = end.value
            break
        if isinstance(progress.preview, Comparison):
            told.append((progress.preview, tally(progress.preview)))
    unjudged = [text for found, text in told if not found.keys_with('inside') and not found.keys_with('outside')]
    assert unjudged, 'there is a moment before the first block'
    assert set(unjudged) == {'Nothing can be judged yet: the blocks of the reference are measured after the volume.'}
    assert not any('cannot be judged at this size' in text for found, text in told if not found.complete)
    assert 'statistics that can be judged lie within' in tally(last)
    assert 'so far' not in tally(last)


def test_a_run_whose_name_is_no_time_is_listed_by_its_name(tmp_path):
    from napari_microrecon.session.runs import run_title

    named = 'rock, reconstructed 2026-11-22 01:42:23'
    assert run_title(tmp_path / '20261122-014223-reconstruct-rock.run') == named
    for name in ('20261122-014299-reconstruct-rock', '20269922-014223-finetune-rock', 'mine'):
        assert run_title(tmp_path / f'{name}.run') == name
