"""`reconstruct` and `finetune`: from slices to volumes and to weights."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..engine.errors import InputError
from ..engine.files import VOLUME_OUTPUTS, check_target, write_volume
from ..engine.progress import Progress
from ..engine.provenance import hash_array
from ..engine.run import CHECKPOINT, Run, hash_tensors
from ..engine.slices import SliceSet
from . import options as opt
from .terminal import Terminal, duration

if TYPE_CHECKING:
    from ..engine.generator import FinetuneParams, Reconstruction, ReconstructParams, Weights

_WEIGHTS = ('.safetensors',)
_WEIGHTS_BYTES = 8_000_000
_PROBABILITIES = ('.npy', '.tif', '.tiff')


def reconstruct(
    shape: Annotated[tuple[int, int, int], typer.Option('--shape', metavar='Z Y X', help='Size in voxels.')],
    output: Annotated[Path, typer.Option('--output', '-o', help='OUT.tif or OUT.ome.zarr')],
    slices: opt.Slices = None,
    normal: opt.Normals = '',
    position: opt.Positions = '',
    weights: Annotated[str, typer.Option('--weights', metavar='auto|prior|NAME|FILE', help='What to use.')] = 'auto',
    mode: Annotated[
        Literal['unconditional', 'conditioned', 'most-likely'] | None,
        typer.Option('--mode', help='Default: conditioned where --position is given, else unconditional.'),
    ] = None,
    realisations: Annotated[int, typer.Option('--realisations', help='Number of volumes.')] = 1,
    seed: opt.Seed = 0,
    tile: Annotated[int | None, typer.Option('--tile', help='Edge of the tiles: less memory, same result.')] = None,
    periodic: Annotated[bool, typer.Option('--periodic', help='Opposite faces fit together.')] = False,
    target_fraction: Annotated[
        list[str] | None, typer.Option('--target-fraction', metavar='PHASE=F', help='Wanted fraction of a phase.')
    ] = None,
    probabilities: Annotated[
        Path | None, typer.Option('--probabilities', help='Also write phase probabilities (K, Z, Y, X): .npy, .tif')
    ] = None,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    phases: opt.PhasesText = None,
    segment: opt.Segmentation = 'auto',
    order: opt.PhaseOrder = 'dark-first',
    symmetry: opt.SymmetryText = None,
    device: opt.Device = 'auto',
    run: opt.RunFolder = None,
    no_run: opt.NoRun = False,
    as_json: opt.Json = False,
) -> None:
    """Reconstruct a 3D volume from 2D slices."""
    terminal = Terminal(as_json)
    given = opt.load_slices(slices, normal, position, phases, voxel_size, unit, segment, order, symmetry)
    from ..engine.generator.params import ReconstructParams

    params = opt.validated(
        ReconstructParams,
        shape=shape,
        mode=mode or ('conditioned' if position else 'unconditional'),
        realisations=realisations,
        seed=seed,
        tile=tile,
        periodic=periodic,
        target_fractions=_target_fractions(target_fraction, given),
        device=device,
    )
    # Labels of two phases compress to an eighth or less.
    check_target(output, VOLUME_OUTPUTS, shape[0] * shape[1] * shape[2] * realisations // 8)
    if probabilities is not None:
        check_target(probabilities, _PROBABILITIES, 4 * given.phases.count * shape[0] * shape[1] * shape[2])
    from ..engine.generator import choose_weights, estimate, resolve_device

    used = resolve_device(params.device)
    choice = choose_weights(weights, given)
    terminal.note(f'weights: {choice.reason}')
    cost = estimate(params.shape, choice.weights, used)
    terminal.note(f'about {duration(cost.seconds * realisations)} on {used}, {cost.bytes / 1e9:.1f} GB of memory')
    done = make_volumes(terminal, given, choice.weights, params)
    record = None
    if not no_run:
        record = Run.create(
            run or beside(output), 'reconstruct', given, choice.weights, params, device=used,
            weights_reason=choice.reason,
        )  # fmt: skip
    paths = numbered(output, len(done.volumes))
    try:
        for path, volume in zip(paths, done.volumes, strict=True):
            write_volume(volume, path)
            if record is not None:
                record.add_output('volume', path, hash_array(volume.labels))
        if probabilities is not None:
            _write_probabilities(probabilities, done)
            if record is not None:
                record.add_output('probabilities', probabilities)
    except BaseException:
        if record is not None:
            record.discard()
        raise
    if record is not None:
        record.finish()
    _report(terminal, paths, given, done, choice.reason, record)


def make_volumes(terminal: Terminal, slices: SliceSet, weights: Weights, params: ReconstructParams) -> Reconstruction:
    """Run the reconstruction with progress on the terminal."""
    from ..engine.generator import reconstruct as job

    return terminal.run(job(slices, weights, params))


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
    seed: opt.Seed = 0,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    phases: opt.PhasesText = None,
    segment: opt.Segmentation = 'auto',
    order: opt.PhaseOrder = 'dark-first',
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
    earlier = _resumable(resume, steps, minutes)
    if earlier is not None and not slices:
        given = earlier.load_slices()
    else:
        given = opt.load_slices(slices, normal, position, phases, voxel_size, unit, segment, order, symmetry)
    from ..engine.generator.params import FinetuneParams

    if earlier is not None:
        params = opt.validated(FinetuneParams, **(earlier.record.parameters | {'device': device}))
    elif steps is not None:
        params = opt.validated(FinetuneParams, seed=seed, device=device, steps=steps, minutes=None)
    else:
        params = opt.validated(FinetuneParams, seed=seed, device=device, minutes=3.0 if minutes is None else minutes)
    check_target(output, _WEIGHTS, _WEIGHTS_BYTES)
    from ..engine.generator import resolve_device

    used = resolve_device(params.device)
    weights, reason = _start(start, given, earlier)
    terminal.note(f'start: {reason}')
    record = None
    if not no_run:
        record = Run.create(
            run or beside(output), 'finetune', given, weights, params, device=used, weights_reason=reason,
            resume=None if earlier is None else earlier.checkpoint,
        )  # fmt: skip
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


def _resumable(resume: Path | None, steps: int | None, minutes: float | None) -> Run | None:
    """Open the run to go on from; it keeps its own budget, so that its end is that of the whole training."""
    if resume is None:
        return None
    earlier = Run.open(resume)
    if earlier.record.command != 'finetune' or not earlier.checkpoint.is_file():
        raise InputError(str(earlier.folder), f'holds no {CHECKPOINT} to go on from', 'start without --resume')
    if earlier.record.status == 'done':
        raise InputError(
            str(earlier.folder), 'is finished', 'train on from its weights instead: --from with its .safetensors'
        )
    if steps is not None or minutes is not None:
        name = '--steps' if steps is not None else '--minutes'
        raise InputError(name, 'cannot change when a training goes on', 'leave it out: the budget of the run holds')
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
    """Trained weights, the steps done and planned."""

    weights: Weights
    steps: int
    planned: int


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

    done = planned = 0

    def remember(progress: Progress) -> None:
        nonlocal done, planned
        done, planned = max(done, progress.step), max(planned, progress.total)

    made = terminal.run(
        job(slices, start, params, checkpoint=checkpoint, resume=resume, name=name, stop_after=stop_after), remember
    )
    return Training(made, done, planned)


def beside(output: Path) -> Path:
    """Return the run folder that belongs to an output: OUT.run beside OUT.tif or OUT.ome.zarr."""
    return output.with_name(_split(output)[0] + '.run')


def numbered(output: Path, count: int) -> list[Path]:
    """OUT.tif for one volume, else OUT_000.tif, OUT_001.tif, ..."""
    if count == 1:
        return [output]
    stem, ending = _split(output)
    return [output.with_name(f'{stem}_{i:03d}{ending}') for i in range(count)]


def _split(output: Path) -> tuple[str, str]:
    for ending in ('.ome.zarr', '.ome.tif', '.ome.tiff', output.suffix):
        if output.name.lower().endswith(ending.lower()) and ending:
            return output.name[: -len(ending)], output.name[-len(ending) :]
    return output.name, ''


def _target_fractions(texts: list[str] | None, slices: SliceSet) -> dict[int, float]:
    found: dict[int, float] = {}
    for text in texts or ():
        phase, _, value = text.partition('=')
        label = int(phase) if phase.strip().isdigit() else None
        if label is None and phase.strip() in slices.phases.names:
            label = slices.phases.names.index(phase.strip())
        try:
            fraction = float(value)
        except ValueError:
            label = None
            fraction = 0.0
        if label is None:
            raise InputError('--target-fraction', f'{text!r} is not understood', 'write PHASE=F, such as 1=0.2')
        found[slices.phases.check(label)] = fraction
    return found


def _write_probabilities(path: Path, done: Reconstruction) -> None:
    import numpy as np

    from ..engine.files import replacing

    if done.probabilities is None:
        raise InputError('--probabilities', 'this reconstruction has none', 'leave it out')
    values = np.asarray(done.probabilities, np.float32)
    with replacing(path) as temporary:
        if path.suffix.lower() == '.npy':
            with temporary.open('wb') as file:
                np.save(file, values)
        else:
            import tifffile

            size = done.volumes[0].voxel_size
            tifffile.imwrite(
                temporary, np.moveaxis(values, 0, 1), imagej=True, resolution=(1 / size.x, 1 / size.y),
                metadata={'axes': 'ZCYX', 'unit': size.unit if size.is_known else 'pixel', 'spacing': size.z},
            )  # fmt: skip


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
    sentences += [f'  {key.replace("_", " ")}: {value:.4g}' for key, value in measured.items()]
    if record is not None:
        record.add_output('weights', output, hash_tensors(made.tensors))
        record.finish(steps=training.steps, planned=training.planned, seconds=seconds, statistics=measured)
        sentences.append(f'run: {record.folder} (napari-microrecon replay {record.folder} makes it again)')
    data = {
        'output': str(output), 'steps': training.steps, 'seconds': seconds, 'statistics': measured, 'start': start,
        'start_reason': reason, 'sha256': made.sha256, 'run': str(record.folder) if record else None,
    }  # fmt: skip
    terminal.result(sentences, data)


def _report(
    terminal: Terminal, paths: list[Path], slices: SliceSet, done: Reconstruction, reason: str, record: Run | None
) -> None:
    volumes = done.volumes
    first = volumes[0]
    size = ' x '.join(map(str, first.shape))
    names = first.phases.names
    sentences = [f'wrote {path} ({size} voxels of {first.voxel_size})' for path in paths]
    for label, name in enumerate(names):
        got = sum(float(v.fractions[label]) for v in volumes) / len(volumes)
        sentences.append(f'{name} (label {label}): fraction {got:.4f}, in the slices {slices.fractions[label]:.4f}')
    if record is not None:
        sentences.append(f'run: {record.folder} (napari-microrecon replay {record.folder} makes it again)')
    outputs: list[dict[str, Any]] = [
        {'path': str(path), 'sha256': hash_array(v.labels), 'fractions': [float(f) for f in v.fractions]}
        for path, v in zip(paths, volumes, strict=True)
    ]
    data = {
        'outputs': outputs, 'shape': first.shape, 'voxel_size': first.voxel_size.zyx, 'unit': first.voxel_size.unit,
        'phases': names, 'slice_fractions': [float(f) for f in slices.fractions], 'weights_reason': reason,
        'run': str(record.folder) if record else None,
    }  # fmt: skip
    terminal.result(sentences, data)
