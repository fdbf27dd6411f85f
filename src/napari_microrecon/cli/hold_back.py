"""`hold-back`: judge a reconstruction without a CT, by the part of the slices that it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import InputError
from ..engine.files import VOLUME_OUTPUTS, check_target, write_text, write_volume
from ..engine.preparation import Preparation
from . import options as opt
from .outputs import numbered
from .picture_options import UNCHANGED, takes_pictures
from .terminal import Terminal

if TYPE_CHECKING:
    from ..engine.holdback import HeldBack


@takes_pictures
def hold_back(
    shape: Annotated[tuple[int, int, int], typer.Option('--shape', metavar='Z Y X', help='Size in voxels.')],
    slices: opt.Slices = None,
    share: Annotated[
        float,
        typer.Option(
            '--share', metavar='F', help='Part of every slice that is held back, 0.1 to 0.5.', show_default='a third'
        ),
    ] = 1 / 3,
    normal: opt.Normals = '',
    weights: Annotated[
        str, typer.Option('--weights', metavar='auto|prior|NAME|FILE', help='What to use, or to train from.')
    ] = 'auto',
    minutes: Annotated[
        float | None, typer.Option('--minutes', help='Train on the rest for so long first; default: no training.')
    ] = None,
    steps: Annotated[int | None, typer.Option('--steps', help='Steps to train, instead of --minutes.')] = None,
    realisations: Annotated[int, typer.Option('--realisations', help='Volumes whose sections are compared.')] = 2,
    seed: opt.Seed = 0,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    phases: opt.PhasesText = None,
    prepared: Preparation = UNCHANGED,
    symmetry: opt.SymmetryText = None,
    device: opt.Device = 'auto',
    output: Annotated[
        Path | None, typer.Option('--output', '-o', metavar='FILE.json', help='Write all numbers there.')
    ] = None,
    volume: Annotated[
        Path | None, typer.Option('--volume', metavar='OUT.tif', help='Write the volume made from the rest, too.')
    ] = None,
    overwrite: opt.Overwrite = False,
    as_json: opt.Json = False,
) -> None:
    """Reconstruct from part of the slices and compare sections of the volume with the part held back."""
    terminal = Terminal(as_json)
    if minutes is not None and steps is not None:
        raise InputError('--minutes', 'was given together with --steps', 'give one of them')
    if output is not None:
        check_target(output, ('.json',), inputs=slices or ())
    if volume is not None:
        size = shape[0] * shape[1] * shape[2] * realisations // 8
        for path in numbered(volume, realisations):
            check_target(path, VOLUME_OUTPUTS, size, inputs=slices or (), overwrite=overwrite, foreign=False)
    given = opt.load_slices(
        slices,
        normal=normal,
        phases=phases,
        voxel_size=voxel_size,
        unit=unit,
        preparation=prepared,
        symmetry=symmetry,
        on_note=terminal.note,
    )
    from ..engine.generator.params import FinetuneParams, ReconstructParams
    from ..engine.holdback import hold_back as job

    params = opt.validated(
        ReconstructParams, shape=shape, realisations=realisations, seed=seed, fractions='ensemble', device=device
    )  # the spread of the fractions is part of the band
    training = None
    if minutes is not None or steps is not None:
        training = opt.validated(FinetuneParams, seed=seed, device=device, minutes=minutes, steps=steps)
    found, made = terminal.run(job(given, weights, params, share=share, training=training))
    data = found.to_dict()
    sentences = [f'weights: {found.weights}', found.basis, *_table(found), found.sentence, *found.notes]
    if output is not None:
        write_text(output, found.to_json() + '\n')
        sentences.append(f'wrote {output}')
    if volume is not None:
        for path, one in zip(numbered(volume, len(made)), made, strict=True):
            sentences.append(f'wrote {write_volume(one, path)}')
    terminal.result(sentences, data)


def _table(found: HeldBack) -> list[str]:
    """One line per statistic."""
    from ..engine.results.writing import PLAIN

    lines = [f'  {"phase":<12} {"statistic":<40} {"held back":>10} {"sections, 95 %":>28}  verdict']
    for one in found.statistics:
        mean, digits = one.sections.mean, PLAIN.digits_for(one.held, one.sections)
        ends = PLAIN.ends(one.sections, digits)
        band = '-' if mean is None else f'{PLAIN.number(mean, digits)}{f" ({ends})" if ends else ""}'
        value = '-' if one.held is None else PLAIN.number(one.held, digits)
        unit = '' if one.unit == '1' else f' ({one.unit})'
        place = f', {one.plane}' if one.plane else ''
        lines.append(
            f'  {one.phase_name:<12} {one.name + place + unit:<40} {value:>10} {band:>28}  {one.verdict.words}'
        )
    return lines
