"""`reconstruct`: volumes from slices."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..engine.conditioned.planes import checked_position
from ..engine.errors import InputError
from ..engine.files import VOLUME_OUTPUTS, check_target, replacing, write_volume
from ..engine.files.staging import staging
from ..engine.preparation import Preparation
from ..engine.provenance import hash_array
from ..engine.run import Run
from ..engine.run.replacing import put_run
from ..engine.slices import SliceSet
from . import options as opt
from .outputs import numbered, place_of_run
from .picture_options import UNCHANGED, takes_pictures
from .terminal import Terminal, duration

if TYPE_CHECKING:
    from ..engine.generator import Reconstruction, ReconstructParams, Weights
    from ..engine.shape import ShapeVerdict
    from ..engine.volume import Volume

TRAINING_VOLUME = 'training volume'  # role in the Run record
_PRIORS = {'auto': 'untrained', 'parametric': 'prior', 'exemplar': 'exemplar', 'combined': 'combined'}
_PROBABILITIES = ('.npy', '.tif', '.tiff')


def _known_prior(prior: str | None) -> str | None:
    """Return the option, if it is one of our ways or the name of a family.

    Raises
    ------
    InputError
        If it is neither.
    """
    from ..engine.generator.priors.families import prior_names

    known = (*_PRIORS, *prior_names())
    if prior is not None and prior not in known:
        raise InputError('--prior', f'{prior!r} is not known', f'use one of {", ".join(known)}')
    return prior


@takes_pictures
def reconstruct(
    shape: Annotated[tuple[int, int, int], typer.Option('--shape', metavar='Z Y X', help='Size in voxels.')],
    output: Annotated[Path, typer.Option('--output', '-o', help='OUT.tif or OUT.ome.zarr')],
    slices: opt.Slices = None,
    normal: opt.Normals = '',
    position: opt.Positions = '',
    weights: Annotated[
        str, typer.Option('--weights', metavar='auto|NAME|FILE', help='Trained weights to use.')
    ] = 'auto',
    prior: Annotated[
        str | None,
        typer.Option(
            '--prior',
            metavar='auto|parametric|exemplar|combined|FAMILY',
            callback=_known_prior,
            help='Without trained weights: fields fitted to the slices, a volume grown from their patches, or the one '
            'finished with the other; auto takes the one whose sections are nearest to the slices in shape. Or fields '
            'of one family alone, as `priors` lists them.',
        ),
    ] = None,
    mode: Annotated[
        Literal['unconditional', 'conditioned', 'most-likely'] | None,
        typer.Option('--mode', help='Default: conditioned where --position is given, else unconditional.'),
    ] = None,
    realisations: Annotated[int, typer.Option('--realisations', help='Number of volumes.')] = 1,
    seed: opt.Seed = 0,
    tile: Annotated[int | None, typer.Option('--tile', help='Edge of the tiles: less memory, same result.')] = None,
    periodic: Annotated[bool, typer.Option('--periodic', help='Opposite faces fit together.')] = False,
    fractions: Annotated[
        Literal['ensemble', 'volume'],
        typer.Option(
            '--fractions', help='Phase fractions of the slices: met by each volume, or on average over volumes.'
        ),
    ] = 'volume',
    target_fraction: Annotated[
        list[str] | None, typer.Option('--target-fraction', metavar='PHASE=F', help='Wanted fraction of a phase.')
    ] = None,
    probabilities: Annotated[
        Path | None, typer.Option('--probabilities', help='Also write phase probabilities (K, Z, Y, X): .npy, .tif')
    ] = None,
    training_volume: Annotated[
        str | None,
        typer.Option('--training-volume', metavar='FILE', help='3D labels of the same material to learn from as well.'),
    ] = None,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    phases: opt.PhasesText = None,
    prepared: Preparation = UNCHANGED,
    symmetry: opt.SymmetryText = None,
    device: opt.Device = 'auto',
    run: opt.RunFolder = None,
    no_run: opt.NoRun = False,
    overwrite: opt.Overwrite = False,
    as_json: opt.Json = False,
) -> None:
    """Reconstruct a 3D volume from 2D slices."""
    terminal = Terminal(as_json)
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
    from ..engine.generator.params import ReconstructParams

    params = opt.validated(
        ReconstructParams,
        shape=shape,
        mode=mode or ('conditioned' if position else 'unconditional'),
        realisations=realisations,
        seed=seed,
        tile=tile,
        periodic=periodic,
        fractions=fractions,
        target_fractions=_target_fractions(target_fraction, given),
        device=device,
    )
    if params.mode != 'unconditional' and (lost := next((s for s in given if s.position is None), None)) is not None:
        raise InputError(lost.name, 'has no position', 'give --position for every slice or use --mode unconditional')
    # Labels of two phases compress to an eighth or less.
    inputs = [*(slices or ()), weights, *([] if training_volume is None else [training_volume])]
    paths = numbered(output, realisations)
    for path in paths:
        size = shape[0] * shape[1] * shape[2] * realisations // 8
        check_target(path, VOLUME_OUTPUTS, size, inputs=inputs, overwrite=overwrite, foreign=False)
    if probabilities is not None:
        size = 4 * given.phases.count * shape[0] * shape[1] * shape[2]
        check_target(probabilities, _PROBABILITIES, size, inputs=[*inputs, *paths])
    folder = None if no_run else place_of_run(output, run, inputs, 'reconstruct')
    training = None if training_volume is None else opt.load_volume(training_volume, phases, voxel_size, unit)
    from ..engine.generator import choosing_weights, estimate, resolve_device
    from ..engine.generator.choice import needs_selection
    from ..engine.generator.cost import choosing_seconds, growing_seconds, is_grown_around
    from ..engine.generator.selection import COMBINED, EXEMPLAR, judging_shape

    used = resolve_device(params.device)
    spec = _spec(weights, prior)
    if probabilities is not None and params.mode == 'conditioned' and spec in (EXEMPLAR, COMBINED):
        raise InputError('--probabilities', 'a grown volume has none', 'leave it out, or take another --prior')
    if params.mode != 'unconditional':
        for one in given:
            checked_position(one, params.shape)
        # Between slices a network learns from these alone: the prior only stands in the record.
        spec = 'prior' if spec in ('auto', 'untrained') else spec
    if needs_selection(spec, given):
        seconds = choosing_seconds(given.phases.count)
        then = growing_seconds(params.shape, given.phases.count) * realisations
        terminal.note(
            f'no shipped weights are near: untrained generators are tried on the slices, about {duration(seconds)}, '
            f'then the volume is grown, about {duration(then)} at most'
        )
    choice = terminal.run(choosing_weights(spec, given))
    terminal.note(f'weights: {choice.reason}')
    conditioned = params.mode != 'unconditional' and not is_grown_around(choice.weights, params)
    cost = estimate(params.shape, choice.weights, used, between=given if conditioned else None)
    # Between slices the learning is done once; drawing another volume takes next to no time.
    seconds = cost.seconds if conditioned else cost.seconds * realisations
    terminal.note(f'about {duration(seconds)} on {used}, {cost.bytes / 1e9:.1f} GB of memory')
    if conditioned:
        terminal.note(f'between the slices: {given.evidence or given.symmetry}; see conditioning in the documentation')
    done = make_volumes(terminal, given, choice.weights, params, training)
    record = None
    with staging() as stage:  # nothing of an earlier result goes before all of this one is there
        if folder is not None:
            record = Run.create(
                stage.path(folder, put_run), 'reconstruct', given, choice.weights, params, device=used,
                weights_reason=choice.reason, home=folder,
            )  # fmt: skip
            record.note(segmentation=opt.segmentation_notes(given))
            if training is not None:
                copy = write_volume(training, record.folder / 'inputs' / 'training_volume.tif')
                record.add_input(TRAINING_VOLUME, copy, hash_array(training.labels))
        for path, volume in zip(paths, done.volumes, strict=True):
            made = write_volume(volume, stage.path(path))
            if record is not None:
                record.add_output('volume', path, hash_array(volume.labels), made=made)
        if probabilities is not None:
            made = _write_probabilities(stage.path(probabilities), done)
            if record is not None:
                record.add_output('probabilities', probabilities, made=made)
        if record is not None:
            record.finish()
    if record is not None and folder is not None:
        record = Run(folder, record.record)
    # Once the volumes are safe. The likeliest phase at every voxel is smoother than the material, and meant to be.
    shape_verdict = None
    if params.mode != 'most-likely':
        try:
            shape_verdict = terminal.run(judging_shape(given, done.volumes))
        except InputError as error:
            terminal.note(f'shape: not judged: {error}')
        else:
            if shape_verdict.level != 'fits':
                terminal.note(f'shape: {shape_verdict.words}')
            if record is not None:
                with contextlib.suppress(InputError):  # a disk that is full by now: the volume is there
                    record.note(shape=shape_verdict.model_dump())
    _report(terminal, paths, given, done, choice.reason, record, shape_verdict)


def _spec(weights: str, prior: str | None) -> str:
    """What `choosing_weights` understands; the two options exclude each other."""
    if prior is None:
        return weights
    if weights != 'auto':
        raise InputError('--prior', f'was given together with --weights {weights}', 'give one of them')
    from ..engine.generator.choice import FAMILY

    return _PRIORS.get(prior, f'{FAMILY}{prior}')


def make_volumes(
    terminal: Terminal, slices: SliceSet, weights: Weights, params: ReconstructParams, training: Volume | None = None
) -> Reconstruction:
    """Run the reconstruction with progress on the terminal."""
    from ..engine.generator import reconstruct as job

    return terminal.run(job(slices, weights, params, training))


def _target_fractions(texts: list[str] | None, slices: SliceSet) -> dict[int, float]:
    found: dict[int, float] = {}
    for text in texts or ():
        phase, _, value = text.partition('=')
        try:
            fraction = float(value)
        except ValueError:
            raise InputError(
                '--target-fraction', f'{text!r} is not understood', 'write PHASE=F, such as 1=0.2'
            ) from None
        found[slices.phases.find(phase)] = fraction
    return found


def _write_probabilities(path: Path, done: Reconstruction) -> Path:
    import numpy as np

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
    return path


def _report(
    terminal: Terminal,
    paths: list[Path],
    slices: SliceSet,
    done: Reconstruction,
    reason: str,
    record: Run | None,
    shape_verdict: ShapeVerdict | None,
) -> None:
    volumes = done.volumes
    first = volumes[0]
    size = ' x '.join(map(str, first.shape))
    names = first.phases.names
    sentences = [f'wrote {path} ({size} voxels of {first.voxel_size})' for path in paths]
    for label, name in enumerate(names):
        got = sum(float(v.fractions[label]) for v in volumes) / len(volumes)
        sentences.append(f'{name} (label {label}): fraction {got:.4f}, in the slices {slices.fractions[label]:.4f}')
    if shape_verdict is not None:
        worst = f'worst statistic at {shape_verdict.farthest:.2f} times its limit'
        sentences.append(f'shapes in section: {shape_verdict.words} ({worst})')
    if done.spread is not None:
        share = float(done.spread.mean())
        sentences.append(f'between the slices: two possible volumes differ in {share:.1%} of the voxels')
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
        'spread': None if done.spread is None else float(done.spread.mean()),
        'shape_verdict': None if shape_verdict is None else shape_verdict.model_dump(),
    }  # fmt: skip
    terminal.result(sentences, data)
