"""`finetune`: weights from slices, with stop and resume."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import InputError
from ..engine.files import check_target
from ..engine.generator.params import FinetuneParams, Recipe
from ..engine.preparation import Preparation
from ..engine.progress import Progress
from ..engine.run import CHECKPOINT, Run, hash_tensors
from ..engine.slices import SliceSet
from . import options as opt
from .outputs import beside
from .picture_options import UNCHANGED, takes_pictures
from .terminal import Terminal, duration

if TYPE_CHECKING:
    from ..engine.generator import Weights

_WEIGHTS = ('.safetensors',)
_WEIGHTS_BYTES = 8_000_000


@takes_pictures
def finetune(
    output: Annotated[Path, typer.Option('--output', '-o', help='OUT.safetensors')],
    slices: opt.Slices = None,
    normal: opt.Normals = '',
    position: opt.Positions = '',
    start: Annotated[
        str, typer.Option('--from', metavar='auto|scratch|NAME|FILE', help='Weights to start from.')
    ] = 'auto',
    minutes: Annotated[float | None, typer.Option('--minutes', help='Wall-clock time to train; default 3.')] = None,
    steps: Annotated[int | None, typer.Option('--steps', help='Steps to train, instead of --minutes.')] = None,
    recipe: Annotated[
        Recipe | None,
        typer.Option(
            '--recipe',
            help='sections: statistics of the sections; paper: critics (WGAN-GP), image regularisation, from scratch.',
            show_default='sections',
        ),
    ] = None,
    seed: opt.Seed = 0,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    phases: opt.PhasesText = None,
    prepared: Preparation = UNCHANGED,
    symmetry: opt.SymmetryText = None,
    device: opt.Device = 'auto',
    resume: Annotated[
        Path | None, typer.Option('--resume', metavar='RUN', help='Go on where this run stopped; its slices serve too.')
    ] = None,
    run: opt.RunFolder = None,
    no_run: opt.NoRun = False,
    as_json: opt.Json = False,
) -> None:
    """Train weights on your own slices, starting from the nearest ones there are."""
    terminal = Terminal(as_json)
    if minutes is not None and steps is not None:
        raise InputError('--minutes', 'was given together with --steps', 'give one of them')
    earlier = _resumable(resume, {'--steps': steps, '--minutes': minutes, '--recipe': recipe})
    if earlier is not None and not slices:
        given = earlier.load_slices()
    else:
        given = opt.load_slices(slices, normal, position, phases, voxel_size, unit, prepared, symmetry, terminal.note)
    if earlier is not None:
        params = opt.validated(FinetuneParams, **(earlier.record.parameters | {'device': device}))
    else:
        asked = {'seed': seed, 'device': device, 'recipe': recipe or 'sections'}
        budget = {'steps': steps, 'minutes': 3.0 if minutes is None and steps is None else minutes}
        params = opt.validated(FinetuneParams, **asked, **budget)
    check_target(output, _WEIGHTS, _WEIGHTS_BYTES)
    from ..engine.generator import resolve_device

    used = resolve_device(params.device)
    weights, reason = _start(params.start_of(start), given, earlier)
    terminal.note(f'start: {reason}')
    record = None
    if not no_run:
        record = Run.create(
            run or beside(output), 'finetune', given, weights, params, device=used, weights_reason=reason,
            resume=None if earlier is None else earlier.checkpoint,
        )  # fmt: skip
        record.note(segmentation=opt.segmentation_notes(given))
    resumed = None
    if earlier is not None:
        resumed = earlier.checkpoint if record is None else record.input_path('resume')
    began = time.monotonic()
    try:
        training = train(
            terminal, given, weights, params, output.stem,
            checkpoint=None if record is None else record.checkpoint, resume=resumed,
        )  # fmt: skip
        output.parent.mkdir(parents=True, exist_ok=True)
        training.weights.save(output)
    except BaseException as error:
        _stopped(record, error)
        raise
    _report_training(terminal, output, training, weights.name, reason, time.monotonic() - began, record)


def _resumable(resume: Path | None, asked: Mapping[str, object]) -> Run | None:
    """Open the run to go on from; it keeps what it was begun with, so that its end is that of the whole training."""
    if resume is None:
        return None
    earlier = Run.open(resume)
    if earlier.record.command != 'finetune' or not earlier.checkpoint.is_file():
        raise InputError(str(earlier.folder), f'holds no {CHECKPOINT} to go on from', 'start without --resume')
    if earlier.record.status == 'done':
        raise InputError(
            str(earlier.folder), 'is finished', 'train on from its weights instead: --from with its .safetensors'
        )
    for name, value in asked.items():
        if value is not None:
            raise InputError(name, 'cannot change when a training goes on', 'leave it out: that of the run holds')
    return earlier


def _start(spec: str, slices: SliceSet, earlier: Run | None) -> tuple[Weights, str]:
    """Weights to start from and why: those of the run that goes on, else as --from says."""
    from ..engine.generator import Weights, starting_weights

    path = None if earlier is None else earlier.input_path('weights')
    if earlier is not None and path is not None:
        return Weights.load(path), f'going on where {earlier.folder} stopped'
    choice = starting_weights(spec, slices)
    return choice.weights, choice.reason


@dataclass(frozen=True)
class Training:
    """Trained weights and the steps done."""

    weights: Weights
    steps: int


def train(
    terminal: Terminal,
    slices: SliceSet,
    start: Weights,
    params: FinetuneParams,
    name: str,
    *,
    checkpoint: Path | None = None,
    resume: Path | None = None,
    stop_after: int | None = None,
) -> Training:
    """Run the training with progress on the terminal."""
    from ..engine.generator import finetune as job

    done = 0

    def remember(progress: Progress) -> None:
        nonlocal done
        done = max(done, progress.step)

    made = terminal.run(
        job(slices, start, params, checkpoint=checkpoint, resume=resume, name=name, stop_after=stop_after), remember
    )
    return Training(made, done)


def _stopped(record: Run | None, error: BaseException) -> None:
    """Keep what a stopped training has reached; remove a run that came to nothing."""
    if record is None:
        return
    if not record.checkpoint.is_file():
        record.discard()
        return
    record.finish('stopped')
    if isinstance(error, KeyboardInterrupt):
        typer.echo(f'kept the best weights so far; go on with --resume {record.folder}', err=True)


def _report_training(
    terminal: Terminal, output: Path, training: Training, start: str, reason: str, seconds: float, record: Run | None
) -> None:
    made = training.weights
    measured = made.header.training.get('statistics', {})
    seconds = round(seconds, 1)
    sentences = [f'wrote {output}: {training.steps} steps in {duration(seconds)}']
    sentences += [
        f'  {key.replace("_", " ")}: {value:.4g}' for key, value in measured.items() if not key.startswith('health_')
    ]
    health = made.header.training.get('health', '')
    if health:
        sentences.append(f'  training {health}')
    shape = made.header.training.get('shape')
    if shape:
        sentences.append(f'  shapes of its volumes: {shape["words"]} (shape error {shape["error"]:.2f})')
    if record is not None:
        record.add_output('weights', output, hash_tensors(made.tensors))
        plan = training.weights.header.training['plan']
        record.finish(steps=training.steps, plan=plan, seconds=seconds, statistics=measured)
        sentences.append(f'run: {record.folder} (napari-microrecon replay {record.folder} makes it again)')
    data = {
        'output': str(output), 'steps': training.steps, 'seconds': seconds, 'statistics': measured, 'start': start,
        'health': health, 'start_reason': reason, 'sha256': made.sha256,
        'run': str(record.folder) if record else None,
    }  # fmt: skip
    terminal.result(sentences, data)
