"""`finetune`: weights from slices, with stop and resume."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import EngineError, InputError
from ..engine.files import check_target
from ..engine.files.names import as_text
from ..engine.generator.params import FinetuneParams, Recipe
from ..engine.preparation import Preparation
from ..engine.progress import Progress
from ..engine.run import RECORD, Run, hash_tensors
from ..engine.run.replacing import free_beside
from ..engine.slices import SliceSet
from . import options as opt
from .outputs import place_of_run
from .picture_options import UNCHANGED, takes_pictures
from .terminal import Terminal, duration, say

if TYPE_CHECKING:
    from ..engine.generator import Weights

_WEIGHTS = ('.safetensors',)


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
    overwrite: opt.Overwrite = False,
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
        given = opt.load_slices(
            slices,
            normal=normal,
            position=position,
            phases=phases,
            voxel_size=voxel_size,
            unit=unit,
            preparation=prepared,
            symmetry=symmetry,
            on_note=terminal.note,
        )
    if earlier is not None:
        params = opt.validated(FinetuneParams, **(earlier.record.parameters | {'device': device}))
    else:
        asked = {'seed': seed, 'device': device, 'recipe': recipe or 'sections'}
        budget = {'steps': steps, 'minutes': 3.0 if minutes is None and steps is None else minutes}
        params = opt.validated(FinetuneParams, **asked, **budget)
    inputs = [*(slices or ()), start]
    check_target(output, _WEIGHTS, inputs=inputs)
    if output.exists() and not overwrite and not _is_of(output, earlier):
        raise InputError(str(output), 'is there already', 'choose another output, or say --overwrite')
    place = None if no_run else _place(run, output, inputs, earlier, overwrite)
    from ..engine.generator import resolve_device

    used = resolve_device(params.device)
    weights, reason = _start(params.start_of(start), given, earlier)
    check_target(output, _WEIGHTS, _bytes(weights, given, params, resumes=earlier is not None))
    terminal.note(f'start: {reason}')
    record = None if place is None else _record(place, given, weights, params, used, reason, earlier)
    began = time.monotonic()
    try:
        training = train(
            terminal, given, weights, params, as_text(output.stem),
            checkpoint=None if record is None else record.checkpoint,
            resume=earlier.checkpoint if earlier is not None and earlier.checkpoint.is_file() else None,
        )  # fmt: skip
        output.parent.mkdir(parents=True, exist_ok=True)
        training.weights.save(output)
    except BaseException as error:
        _stopped(record, error, resumed=earlier is not None)
        raise
    _report_training(terminal, output, training, weights.name, reason, time.monotonic() - began, record, place)


def _bytes(start: Weights, slices: SliceSet, params: FinetuneParams, *, resumes: bool) -> int:
    """Space that the training takes on the disk."""
    from ..engine.generator.disk import training_bytes
    from ..engine.generator.params import Architecture

    before = start.header.architecture if start.header.trained else Architecture()
    architecture = params.architecture_of(before).model_copy(update={'phase_count': slices.phases.count})
    return training_bytes(architecture, params, isotropic=slices.symmetry == 'isotropic', resumes=resumes)


def _is_of(output: Path, earlier: Run | None) -> bool:
    """Whether these are the weights of the run that goes on: it was killed between writing and recording them."""
    from ..engine.generator import Weights

    if earlier is None:
        return False
    try:
        header = Weights.load(output).header
    except InputError:
        return False
    mine = [item.content_sha256 for item in earlier.record.inputs if item.role == 'slice']
    same = [source.sha256 for source in header.provenance.inputs] == mine
    return same and header.training.get('params', {}).get('seed') == earlier.record.parameters.get('seed')


@dataclass(frozen=True)
class _Place:
    """Where a training's run is made, and where it lies in the end."""

    folder: Path
    home: Path
    goes_on: bool  # in the folder of the run that it resumes


def _place(
    wanted: Path | None, output: Path, inputs: Sequence[Path | str], earlier: Run | None, overwrite: bool
) -> _Place:
    """Where the run of this training goes; what another one has reached is never replaced without --overwrite."""
    if earlier is not None and (wanted is None or wanted.resolve() == earlier.folder.resolve()):
        return _Place(earlier.folder, earlier.folder, True)
    folder = place_of_run(output, wanted, inputs, 'finetune')
    there = Run.open(folder) if (folder / RECORD).is_file() else None
    if there is None:
        return _Place(folder, folder, False)
    if there.is_at_work:
        raise InputError(str(folder), 'is being trained by another process', 'choose another output')
    reached = there.record.status == 'done' or there.checkpoint.is_file()
    if reached and not overwrite:
        if there.record.status == 'done':
            raise InputError(str(folder), 'holds a finished training', 'choose another output, or say --overwrite')
        raise InputError(
            str(folder), 'holds a training that was stopped', f'go on with --resume {folder}, or say --overwrite'
        )
    # Beside it under a name of its own, to be found and resumed should this one be stopped, too.
    return _Place(free_beside(folder), folder, False)


def _record(
    place: _Place,
    slices: SliceSet,
    weights: Weights,
    params: FinetuneParams,
    device: str,
    reason: str,
    earlier: Run | None,
) -> Run:
    """The run of this training: a new one, or the one that goes on."""
    if place.goes_on and earlier is not None:
        earlier.go_on(device)
        return earlier
    resume = None if earlier is None or not earlier.checkpoint.is_file() else earlier.checkpoint
    record = Run.create(
        place.folder, 'finetune', slices, weights, params, device=device, weights_reason=reason, resume=resume,
        home=place.home,
    )  # fmt: skip
    record.note(segmentation=opt.segmentation_notes(slices))
    return record


def _resumable(resume: Path | None, asked: Mapping[str, object]) -> Run | None:
    """Open the run to go on from; it keeps what it was begun with, so that its end is that of the whole training."""
    if resume is None:
        return None
    earlier = Run.open(resume)
    if earlier.record.command != 'finetune':
        raise InputError(str(earlier.folder), 'is no training', 'start without --resume')
    if earlier.record.status == 'done':
        raise InputError(
            str(earlier.folder), 'is finished', 'train on from its weights instead: --from with its .safetensors'
        )
    if earlier.is_at_work:
        raise InputError(str(earlier.folder), 'is being trained by another process', 'stop that one first')
    if earlier.checkpoint.is_file():  # else it was stopped before its first evaluation and begins anew
        from ..engine.generator.training_state import TrainingState

        TrainingState.load(earlier.checkpoint)  # refused here, before anything is written
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

    training = job(slices, start, params, checkpoint=checkpoint, resume=resume, name=name, stop_after=stop_after)
    made = terminal.run(training, remember, by_steps=True)
    return Training(made, done)


def _stopped(record: Run | None, error: BaseException, *, resumed: bool) -> None:
    """Keep what a stopped training has reached; remove a new run that bad input has ended before it began."""
    if record is None:
        return
    try:
        if isinstance(error, EngineError) and not resumed and not record.checkpoint.is_file():
            record.discard()
            return
        record.finish('stopped')
    except InputError:  # a full disk: the checkpoint is there, and what stopped the training is what is told
        pass
    if not isinstance(error, EngineError):
        say(f'kept what was reached; go on with --resume {record.folder}')


def _report_training(
    terminal: Terminal,
    output: Path,
    training: Training,
    start: str,
    reason: str,
    seconds: float,
    record: Run | None,
    place: _Place | None,
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
    if record is not None and place is not None:
        seconds = round(seconds + float(record.record.results.get('seconds', 0.0)), 1)
        record.add_output('weights', output, hash_tensors(made.tensors))
        plan = training.weights.header.training['plan']
        record.finish(steps=training.steps, plan=plan, seconds=seconds, statistics=measured)
        if record.folder != place.home:
            record.settle(place.home)
        sentences.append(f'run: {record.folder} (napari-microrecon replay {record.folder} makes it again)')
    data = {
        'output': str(output), 'steps': training.steps, 'seconds': seconds, 'statistics': measured, 'start': start,
        'health': health, 'start_reason': reason, 'sha256': made.sha256,
        'run': str(record.folder) if record else None,
    }  # fmt: skip
    terminal.result(sentences, data)
