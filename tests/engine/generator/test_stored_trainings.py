"""A stopped training that was damaged, cut, edited or comes from another version is refused in one line, and stays."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.generator import FinetuneParams, Weights, choose_weights, finetune
from napari_microrecon.engine.generator.device import placement
from napari_microrecon.engine.generator.exemplar import Exemplars
from napari_microrecon.engine.generator.recording import new_network
from napari_microrecon.engine.generator.trainer import Trainer
from napari_microrecon.engine.generator.training_state import KEY, TrainingState
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import SliceSet

Record = dict[str, Any]
Tensors = dict[str, torch.Tensor]


def read(path: Path) -> tuple[Record, Tensors]:
    with safe_open(path, 'pt') as file:
        return json.loads(file.metadata()[KEY]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def write(path: Path, record: Record, tensors: Tensors) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, {KEY: json.dumps(record)})
    return path


def put(*place: str | int, value: Any) -> Callable[[Record, Tensors], None]:
    def change(record: Record, tensors: Tensors) -> None:
        at: Any = record
        for part in place[:-1]:
            at = at[part]
        at[place[-1]] = value

    return change


def tensor(name: str, make: Callable[[torch.Tensor], torch.Tensor | None]) -> Callable[[Record, Tensors], None]:
    def change(record: Record, tensors: Tensors) -> None:
        made = make(tensors.pop(name))
        if made is not None:
            tensors[name] = made

    return change


def _nan(old: torch.Tensor) -> torch.Tensor:
    return torch.full_like(old, math.nan)


KERNEL = 'state/generator/enter.0.0.conv.weight'
ON_LOADING: dict[str, tuple[Callable[[Record, Tensors], object], str]] = {
    'format 0': (put('format', value=0), 'format'),
    'format 2': (put('format', value=2), 'newer version'),
    'format 999': (put('format', value=999), 'newer version'),
    'negative step': (put('step', value=-1), 'step'),
    'step of no number': (put('step', value='many'), 'step'),
    'infinite seconds': (put('seconds', value=math.inf), 'seconds'),
    'plan of words': (put('plan', value=[['a', 'b']]), 'plan'),
    'plan that goes back': (put('plan', value=[[-5, 10]]), 'plan'),
    'unknown parameter': (put('params', 'speed', value=9), 'params.speed'),
    'parameter of an earlier version': (put('params', 'loss', 'fraction', value=1.0), 'made it and can read it'),
    'infinite rate': (put('params', 'learning_rate', value=math.inf), 'learning_rate'),
    'threads beyond number': (put('params', 'threads', value=10**9), 'threads'),
    'NaN in the weight of a loss': (put('params', 'loss', 'surface', value=math.nan), 'surface'),
    'network beyond memory': (put('header', 'architecture', 'channels', value=10**9), 'channels'),
    'best weights of another network': (put('best', 'architecture', 'attention', value='none'), 'another network'),
    'fractions': (put('best', 'fractions', value=[5, -4]), 'fractions'),
    'NaN in the best weights': (tensor('best/head.weight', _nan), 'NaN'),
    'NaN in the state': (tensor(KERNEL, _nan), 'NaN'),
    'integers in the state': (tensor('best/head.weight', lambda t: t.to(torch.int32)), 'I32'),
    'a tensor too many': (lambda record, tensors: tensors.update(more=torch.zeros(1)), 'does not belong'),
    'best weights that are not told of': (put('best', value=None), 'best weights'),
}
ON_RESUMING: dict[str, tuple[Callable[[Record, Tensors], object], str]] = {
    'of before openings were kept': (tensor('state/opening', lambda t: None), 'opening'),
    'a kernel left out': (tensor(KERNEL, lambda t: None), 'lacks'),
    'a kernel of another shape': (tensor(KERNEL, lambda t: t[:2]), 'shape'),
    'a kernel too many': (lambda record, tensors: tensors.update({'state/generator/x': torch.zeros(1)}), 'too many'),
    'half of what an optimiser knows': (tensor('state/optimiser/0/exp_avg', lambda t: None), 'lacks a part'),
    'moments of another shape': (tensor('state/optimiser/0/exp_avg', lambda t: t.flatten()), 'shape'),
    'an optimiser of another network': (
        lambda record, tensors: tensors.update({'state/optimiser/999/step': torch.zeros(())}),
        'too many',
    ),
    'means of another shape': (tensor('state/running/faces', lambda t: t[:1]), 'shape'),
    'patches of another size': (tensor('state/past/z 1', lambda t: t[:, :5]), 'shape'),
    'more patches than are remembered': (tensor('state/past/z 1', lambda t: t.repeat(400, 1)), 'shape'),
}  # fmt: skip


@pytest.mark.parametrize('change', ON_LOADING)
def test_what_cannot_be_is_refused(change: str, training: tuple[Weights, Path], tmp_path: Path) -> None:
    record, tensors = read(training[1])
    make, word = ON_LOADING[change]
    make(record, tensors)
    path = write(tmp_path / 'odd.safetensors', record, tensors)
    with pytest.raises(InputError) as error:
        TrainingState.load(path)
    told = str(error.value)
    assert word in told
    assert 'odd.safetensors' in told
    assert '\n' not in told
    assert path.is_file()


@pytest.fixture(scope='module')
def trainer(training: tuple[Weights, Path], one_slice: SliceSet) -> Trainer:
    """The trainer that the stopped training goes on with."""
    record, exemplars = TrainingState.load(training[1]).record, Exemplars.of(one_slice)
    network = new_network(record.header.prior, exemplars, record.params.seed, record.header.architecture)
    return Trainer(network, record.header.prior, exemplars, record.params, placement('cpu'))


@pytest.mark.parametrize('change', ON_RESUMING)
def test_tensors_of_another_training_are_refused(
    change: str, training: tuple[Weights, Path], trainer: Trainer, tmp_path: Path
) -> None:
    record, tensors = read(training[1])
    make, word = ON_RESUMING[change]
    make(record, tensors)
    state = TrainingState.load(write(tmp_path / 'odd.safetensors', record, tensors))
    with pytest.raises(InputError) as error:
        trainer.restore(state.tensors, state.record.step)
    assert word in str(error.value)
    assert '\n' not in str(error.value)


def test_a_training_that_cannot_go_on_stays(
    training: tuple[Weights, Path], one_slice: SliceSet, few_steps: FinetuneParams, tmp_path: Path
) -> None:
    record, tensors = read(training[1])
    del tensors['state/opening']  # as before 22 November 2026
    path = write(tmp_path / 'old.safetensors', record, tensors)
    start = choose_weights('scratch', one_slice).weights
    with pytest.raises(InputError, match='of another version'):
        drain(finetune(one_slice, start, few_steps, resume=path, checkpoint=path))
    assert read(path)[0] == record


def test_a_training_of_before_formats_had_a_number_loads(training: tuple[Weights, Path], tmp_path: Path) -> None:
    record, tensors = read(training[1])
    del record['format']
    state = TrainingState.load(write(tmp_path / 'old.safetensors', record, tensors))
    assert state.record.step == record['step']


def test_numbers_that_are_none_are_kept(training: tuple[Weights, Path], tmp_path: Path) -> None:
    state = TrainingState.load(training[1])
    record = state.record.model_copy(update={'history': ({'step': 1.0, 'patch_distance': math.nan},)})
    TrainingState(record, state.tensors, state.best).save(tmp_path / 'nan.safetensors')
    (row,) = TrainingState.load(tmp_path / 'nan.safetensors').record.history
    assert math.isnan(row['patch_distance'])


def test_damaged_bytes_are_read_or_refused(training: tuple[Weights, Path], tmp_path: Path) -> None:
    whole = training[1].read_bytes()
    head = 8 + int.from_bytes(whole[:8], 'little')
    path = tmp_path / 'damaged.safetensors'
    rng = random.Random(7)
    refused: list[str] = []
    for _ in range(500):
        made = bytearray(whole)
        if rng.random() < 0.25:
            made = made[: rng.randrange(len(made))]
        else:
            for _ in range(rng.choice((1, 1, 2, 8, 64))):
                made[rng.randrange(head if rng.random() < 0.7 else len(made))] = rng.randrange(256)
        path.write_bytes(made)
        try:
            state = TrainingState.load(path)
        except InputError as error:
            refused.append(str(error))
        else:
            assert state.best is not None
    assert len(refused) > 200
    assert not any('\n' in told or len(told) > 400 for told in refused)


def test_critics_that_had_no_say_do_not_keep_a_training_of_an_earlier_version_from_going_on(
    one_slice: SliceSet, training: tuple[Weights, Path], tmp_path: Path
) -> None:
    record, tensors = read(training[1])
    record['params']['loss']['critic'] = 0.0
    record['params']['plan'] = record['plan'] = [[0, 12]]
    assert any(name.startswith('state/critics/') for name in tensors)
    old, end = write(tmp_path / 'old.safetensors', record, tensors), tmp_path / 'end.safetensors'
    params = FinetuneParams.model_validate(record['params'])
    weights = drain(finetune(one_slice, training[0], params, resume=old, checkpoint=end))
    assert weights.header.training['steps_done'] == 12
    assert not any('critic' in name for name in read(end)[1])
