"""Training: learns, resumes bit for bit, keeps the best, survives being closed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.generator import ReconstructParams, Weights, choose_weights, finetune, reconstruct
from napari_microrecon.engine.generator import training as loop
from napari_microrecon.engine.generator.band import Band
from napari_microrecon.engine.generator.choice import untrained
from napari_microrecon.engine.generator.health import Health
from napari_microrecon.engine.generator.params import Architecture, FinetuneParams, LossWeights
from napari_microrecon.engine.generator.priors import PriorModel
from napari_microrecon.engine.generator.priors.fields import NoiseField
from napari_microrecon.engine.generator.training_state import TrainingState
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import Slice, SliceSet

pytestmark = pytest.mark.usefixtures('quick_priors')  # any prior serves here


def assert_same(a: Weights, b: Weights) -> None:
    assert a.tensors.keys() == b.tensors.keys()
    for name, tensor in a.tensors.items():
        assert torch.equal(tensor, b.tensors[name]), name


def test_losses_fall_and_metrics_are_told(one_slice: SliceSet, few_steps: FinetuneParams, small: Architecture) -> None:
    told: list[dict[str, float]] = []
    start = choose_weights('scratch', one_slice).weights
    params = few_steps.model_copy(update={'steps': 40, 'critic_start': 1.0})
    weights = drain(finetune(one_slice, start, params, architecture=small), lambda p: told.append(dict(p.metrics)))
    losses = [row['loss'] for row in told if 'loss' in row]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:3])
    assert {'patches', 's2', 's2_error', 'surface_error', 'fraction_error', 'percolating_1', 'seconds_left'} <= set(
        told[-1]
    )
    assert told[-1]['step'] == 40
    assert 0 <= weights.header.training['steps'] <= 40
    assert {'health_diversity', 'health_surface_ratio', 'health_lattice', 'health_oblique'} <= set(told[-1])
    assert weights.header.training['health']
    assert weights.header.trained


def test_resumed_training_is_the_uninterrupted_one(
    one_slice: SliceSet, training: tuple[Weights, Path], tmp_path: Path, few_steps: FinetuneParams, small: Architecture
) -> None:
    trained, uninterrupted = training
    start = choose_weights('scratch', one_slice).weights
    state, end = tmp_path / 'training.safetensors', tmp_path / 'end.safetensors'
    job = finetune(one_slice, start, few_steps, architecture=small, checkpoint=state)
    for progress in job:
        if progress.metrics.get('step', 0) >= 7:  # past the first evaluations and into the critics
            break
    job.close()
    resumed = drain(finetune(one_slice, start, few_steps, architecture=small, resume=state, checkpoint=end))
    assert_same(resumed, trained)
    # The best weights may be early ones: the whole state at the end is the same, too, memory of patches included.
    mine, theirs = TrainingState.load(end), TrainingState.load(uninterrupted)
    assert any(name.startswith('past/') for name in mine.tensors)
    assert mine.tensors.keys() == theirs.tensors.keys()
    for name, tensor in theirs.tensors.items():
        assert torch.equal(mine.tensors[name], tensor), name
    assert mine.record.history == theirs.record.history


def test_there_are_weights_before_the_first_step(
    one_slice: SliceSet, tmp_path: Path, few_steps: FinetuneParams, small: Architecture
) -> None:
    state = tmp_path / 'training.safetensors'
    start = choose_weights('scratch', one_slice).weights
    job = finetune(one_slice, start, few_steps, architecture=small, checkpoint=state)
    first = next(progress for progress in job if progress.preview is not None)
    job.close()
    assert first.step == 0
    assert first.note
    best = TrainingState.load(state).best
    assert best is not None
    assert best.header.training['steps'] == 0
    settings = ReconstructParams(shape=(32, 32, 32), device='cpu')
    assert drain(reconstruct(one_slice, best, settings)).volumes[0].shape == (32, 32, 32)


def test_an_untrained_start_keeps_its_prior(
    one_slice: SliceSet, few_steps: FinetuneParams, small: Architecture
) -> None:
    given = PriorModel(phase_count=2, fields=(NoiseField(),), reason='given')
    params = few_steps.model_copy(update={'steps': 1, 'evaluations': 1})
    weights = drain(finetune(one_slice, untrained(one_slice, given), params, architecture=small))
    assert weights.header.prior == given


def test_a_training_inside_the_band_ends_early_and_repeats_exactly(
    one_slice: SliceSet, few_steps: FinetuneParams, small: Architecture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Band, 'holds', lambda *_: True)
    monkeypatch.setattr(loop, 'diagnose', lambda *_, **__: Health({}, 'healthy'))
    start = choose_weights('scratch', one_slice).weights
    params = few_steps.model_copy(update={'steps': 26, 'evaluations': 2, 'critic_start': 1.0})
    done = drain(finetune(one_slice, start, params, architecture=small))
    assert done.header.training['plan'] == [[0, 26], [13, 25]]
    assert done.header.training['steps_done'] == 25
    repeat = params.model_copy(update={'steps': 25, 'plan': ((0, 26), (13, 25))})
    again = drain(finetune(one_slice, start, repeat, architecture=small, stop_after=25))
    assert_same(again, done)
    assert [row['step'] for row in again.header.training['history']] == [
        row['step'] for row in done.header.training['history']
    ]


def test_resuming_a_finished_training_returns_its_weights(
    one_slice: SliceSet, few_steps: FinetuneParams, small: Architecture, tmp_path: Path
) -> None:
    state = tmp_path / 'training.safetensors'
    start = choose_weights('scratch', one_slice).weights
    params = few_steps.model_copy(update={'steps': 2, 'evaluations': 1})
    done = drain(finetune(one_slice, start, params, architecture=small, checkpoint=state))
    assert_same(drain(finetune(one_slice, start, params, resume=state)), done)


def test_closing_keeps_the_state(
    one_slice: SliceSet, tmp_path: Path, few_steps: FinetuneParams, small: Architecture
) -> None:
    state = tmp_path / 'training.safetensors'
    start = choose_weights('scratch', one_slice).weights
    job = finetune(one_slice, start, few_steps, architecture=small, checkpoint=state)
    for progress in job:
        if progress.metrics.get('step', 0) >= 2:
            break
    job.close()
    assert state.is_file()
    assert not state.with_name(state.name + '.part').exists()


def test_resume_refuses_other_slices(
    one_slice: SliceSet, granular: np.ndarray, tmp_path: Path, few_steps: FinetuneParams, small: Architecture
) -> None:
    state = tmp_path / 'training.safetensors'
    start = choose_weights('scratch', one_slice).weights
    params = few_steps.model_copy(update={'steps': 2, 'evaluations': 1})
    drain(finetune(one_slice, start, params, architecture=small, checkpoint=state))
    other = SliceSet.of([Slice(granular[10], one_slice.phases, 'z')])
    with pytest.raises(InputError, match='not those of the interrupted'):
        drain(finetune(other, start, params, architecture=small, resume=state))


def test_warm_start_begins_with_the_given_network(
    one_slice: SliceSet, trained: Weights, few_steps: FinetuneParams
) -> None:
    params = few_steps.model_copy(update={'steps': 1, 'evaluations': 1, 'learning_rate': 1e-12})
    again = drain(finetune(one_slice, trained, params))
    for name, tensor in trained.tensors.items():
        if name.endswith('conv.weight'):
            assert torch.allclose(tensor.float(), again.tensors[name].float(), atol=1e-3), name
    assert again.header.provenance.weights is not None


def test_time_budget_is_kept(one_slice: SliceSet, small: Architecture) -> None:
    start = choose_weights('scratch', one_slice).weights
    params = FinetuneParams(minutes=0.1, box=32, evaluations=1, threads=1)
    weights = drain(finetune(one_slice, start, params, architecture=small))
    assert weights.header.training['steps_done'] > 6
    assert weights.header.training['seconds'] < 30


def test_weights_survive_the_disk(trained: Weights, tmp_path: Path) -> None:
    path = trained.save(tmp_path / 'mine.safetensors')
    again = Weights.load(path)
    assert_same(trained, again)
    assert again.header == trained.header
    assert again.sha256 == trained.sha256
    with pytest.raises(InputError, match='name the file'):
        trained.save(tmp_path / 'mine.pt')
    (tmp_path / 'text.safetensors').write_text('no weights')
    with pytest.raises(InputError, match='no readable safetensors'):
        Weights.load(tmp_path / 'text.safetensors')


def test_stored_calibration_is_that_of_the_stored_network(one_slice: SliceSet, trained: Weights) -> None:
    """Volumes of the stored network have, on average, the fractions that the stored sample promises."""
    params = ReconstructParams(shape=(64, 64, 64), realisations=4)
    volumes = drain(reconstruct(one_slice, trained, params)).volumes
    mine = np.mean([volume.labels.mean() for volume in volumes])
    prior = untrained(one_slice, trained.header.prior)
    bare = np.mean([volume.labels.mean() for volume in drain(reconstruct(one_slice, prior, params)).volumes])
    assert mine == pytest.approx(bare, abs=0.02)  # both scatter with the same prior


def test_other_slices_do_not_modulate_a_trained_network(one_slice: SliceSet, trained: Weights) -> None:
    """The encoder knows the slices that it was trained on; what they made of the network is stored with it."""
    other = one_slice.slices[0]
    turned = SliceSet.of([Slice(np.ascontiguousarray(other.labels[::-1, ::-1]), other.phases)])
    params = ReconstructParams(shape=(32, 32, 32))
    mine, theirs = (drain(reconstruct(slices, trained, params)).volumes[0] for slices in (one_slice, turned))
    assert np.array_equal(mine.labels, theirs.labels)


@pytest.mark.parametrize(
    'change',
    [
        {'attention': 'none'},
        {'attention': 'channel'},
        {'attention': 'spatial'},
        {'scale_aggregation': False},
        {'slice_encoder': False},
        {'levels': 2},
        {'levels': 4},
    ],
)
def test_every_module_is_a_switch(one_slice: SliceSet, change: dict[str, object], few_steps: FinetuneParams) -> None:
    start = choose_weights('scratch', one_slice).weights
    params = few_steps.model_copy(update={'steps': 2, 'evaluations': 1, 'critic_start': 0.5})
    architecture = Architecture.model_validate({'channels': 4, **change})
    weights = drain(finetune(one_slice, start, params, architecture=architecture))
    for name, value in change.items():
        assert getattr(weights.header.architecture, name) == value
    assert np.isfinite(weights.header.training['statistics']['score'])


def test_three_phases_and_three_planes_train(
    three_phases: SliceSet, granular: np.ndarray, few_steps: FinetuneParams, small: Architecture
) -> None:
    params = few_steps.model_copy(update={'steps': 2, 'evaluations': 1})
    start = choose_weights('scratch', three_phases).weights
    assert drain(finetune(three_phases, start, params, architecture=small)).phases.count == 3
    phases = Phases.default(2)
    planes = SliceSet.of([
        Slice(granular[10], phases, 'z'), Slice(granular[:48, 5], phases, 'y'), Slice(granular[:, :50, 7], phases, 'x')
    ])  # fmt: skip
    start = choose_weights('scratch', planes).weights
    weights = drain(finetune(planes, start, params, architecture=small))
    assert not weights.header.isotropic


def test_white_noise_is_available_as_a_baseline(
    one_slice: SliceSet, few_steps: FinetuneParams, small: Architecture
) -> None:
    params = few_steps.model_copy(update={'steps': 2, 'evaluations': 1, 'loss': LossWeights(connectivity=0, critic=0)})
    start = choose_weights('noise', one_slice).weights
    weights = drain(finetune(one_slice, start, params, architecture=small))
    assert weights.header.prior.fields[0].kind == 'noise'
