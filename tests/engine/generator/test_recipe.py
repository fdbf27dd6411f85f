"""The paper's recipe: what it sets, that it trains end to end, and that it resumes and repeats bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from napari_microrecon.engine.generator import Weights, choose_weights, finetune
from napari_microrecon.engine.generator.params import Architecture, FinetuneParams, LossWeights
from napari_microrecon.engine.generator.training_state import TrainingState
from napari_microrecon.engine.progress import Progress, drain
from napari_microrecon.engine.slices import SliceSet

pytestmark = pytest.mark.usefixtures('quick_priors')  # any prior serves here

PAPER = FinetuneParams(
    recipe='paper', minutes=None, steps=6, box=32, evaluations=2, sections=4, critic_steps=2, threads=1
)


def test_the_recipe_sets_what_is_not_given() -> None:
    params = FinetuneParams(recipe='paper')
    assert (params.loss.critic, params.critic_start) == (1.0, 0.0)
    assert params.critic_steps > 1
    assert params.loss.surface > 0  # the image regularisation
    assert params.loss.patches == params.loss.s2 == params.loss.connectivity == params.loss.indecision == 0
    asked = FinetuneParams(recipe='paper', critic_steps=5, loss=LossWeights(s2=0.1))
    assert (asked.critic_steps, asked.loss.s2, asked.loss.critic) == (5, 0.1, 1.0)
    told = FinetuneParams.model_validate({'recipe': 'paper', 'loss': {'critic': 0.5}})
    assert (told.loss.critic, told.loss.patches) == (0.5, 0.0)
    with pytest.raises(ValidationError, match='recipe'):
        FinetuneParams.model_validate({'recipe': 'poster'})
    with pytest.raises(ValidationError, match='loss'):
        FinetuneParams.model_validate({'recipe': 'paper', 'loss': 1.0})


def test_a_record_gives_back_what_was_resolved() -> None:
    params = FinetuneParams(recipe='paper', loss=LossWeights(surface=0.0))
    assert FinetuneParams.model_validate_json(params.model_dump_json()) == params
    assert params.model_copy(update={'plan': ((0, 5),)}).loss == params.loss


def test_records_without_a_recipe_are_those_of_the_sections() -> None:
    old = FinetuneParams().model_dump(mode='json')
    del old['recipe']
    assert FinetuneParams.model_validate(old) == FinetuneParams()
    assert FinetuneParams().recipe == 'sections'
    assert FinetuneParams().loss == LossWeights()
    assert FinetuneParams().critic_start == 0.3


def test_it_starts_from_the_slices_alone_unless_told_otherwise_and_has_all_modules() -> None:
    assert PAPER.start_of('auto') == 'scratch'
    assert PAPER.start_of('noise') == 'noise'
    assert FinetuneParams().start_of('auto') == 'auto'
    plain = Architecture(channels=8, attention='none', scale_aggregation=False, slice_encoder=False)
    whole = PAPER.architecture_of(plain)
    assert (whole.attention, whole.scale_aggregation, whole.slice_encoder, whole.channels) == ('cbam', True, True, 8)
    assert FinetuneParams().architecture_of(plain) == plain


def test_critics_are_there_from_the_first_step_and_everything_is_told(one_slice: SliceSet, small: Architecture) -> None:
    told: list[Progress] = []
    start = choose_weights('scratch', one_slice).weights
    params = PAPER.model_copy(update={'steps': 1, 'evaluations': 1})
    weights = drain(finetune(one_slice, start, params, architecture=small), told.append)
    first = next(p for p in told if p.stage == 'training' and p.step > 0)
    assert {'critic', 'critic_loss', 'critic_gap', 'surface'} <= set(first.metrics)
    assert 'patches' not in first.metrics  # it costs as much as a critic, and has no say
    assert weights.header.training['params']['recipe'] == 'paper'


def test_resumed_and_repeated_it_is_the_uninterrupted_training(
    one_slice: SliceSet, small: Architecture, tmp_path: Path
) -> None:
    start = choose_weights('scratch', one_slice).weights
    states = {name: tmp_path / f'{name}.safetensors' for name in ('whole', 'stopped', 'end')}
    whole = drain(finetune(one_slice, start, PAPER, architecture=small, checkpoint=states['whole']))
    job = finetune(one_slice, start, PAPER, architecture=small, checkpoint=states['stopped'])
    for progress in job:
        if progress.metrics.get('step', 0) >= 4:
            break
    job.close()
    resumed = drain(finetune(one_slice, start, PAPER, resume=states['stopped'], checkpoint=states['end']))
    mine, theirs = (TrainingState.load(states[name]) for name in ('end', 'whole'))
    assert mine.tensors.keys() == theirs.tensors.keys()
    for name, tensor in theirs.tensors.items():
        assert torch.equal(mine.tensors[name], tensor), name
    # What a Run records, and `replay` makes of it.
    plan = whole.header.training['plan']
    recorded = PAPER.model_dump(mode='json') | {'plan': plan, 'steps': plan[-1][1]}
    again = drain(finetune(one_slice, start, FinetuneParams.model_validate(recorded), architecture=small))
    for other in (resumed, again):
        assert _same(other, whole)


def _same(a: Weights, b: Weights) -> bool:
    return a.tensors.keys() == b.tensors.keys() and all(torch.equal(a.tensors[k], b.tensors[k]) for k in a.tensors)
