"""`slice-count`: what 3, 5, 7 slices of a known volume would give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import InputError
from ..engine.files import check_target, write_text
from ..engine.voxels import AXES
from . import options as opt
from .terminal import Terminal

if TYPE_CHECKING:
    from ..engine.conditioned.experiment import SliceCounts


def slice_count(
    volume: Annotated[str, typer.Argument(metavar='VOLUME', help='Known 3D volume, such as a segmented CT scan.')],
    counts: Annotated[str, typer.Option('--counts', metavar='3,5,7', help='Numbers of slices to try.')] = '3,5,7',
    normal: Annotated[str, typer.Option('--normal', metavar='z', help='Axis the slices are perpendicular to.')] = 'z',
    edge: Annotated[
        int, typer.Option('--edge', metavar='N', help='Longest edge of the middle part that is used, voxels.')
    ] = 96,
    realisations: Annotated[int, typer.Option('--realisations', metavar='N', help='Volumes drawn per count.')] = 2,
    phase: opt.Phase = None,
    phases: opt.PhasesText = None,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    seed: opt.Seed = 0,
    device: opt.Device = 'auto',
    output: Annotated[
        Path | None, typer.Option('--output', '-o', metavar='FILE.json', help='Write all numbers there.')
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Cut a known volume into few slices, rebuild it from these alone, and say how many are enough."""
    if output is not None:
        check_target(output, ('.json',))
    axes = opt.parse_normals(normal)
    if len(axes) != 1:
        raise InputError('--normal', f'{normal!r} is not one axis', f'give one of {", ".join(AXES)}')
    terminal = Terminal(as_json)
    known = opt.load_volume(volume, phases, voxel_size, unit)
    label = None if phase is None else opt.find_phase(phase, known.phases)
    from ..engine.conditioned.experiment import slice_counts

    found = terminal.run(
        slice_counts(
            known, _counts(counts), normal=axes[0], edge=edge, realisations=realisations, phase=label, seed=seed,
            device=device,
        )
    )  # fmt: skip
    data = found.to_dict()
    data['phases'] = opt.phases_data(known.phases)
    sentences = [found.about, f'phases: {known.phases.mapping()}', *_table(found), *found.sentences()]
    sentences += [f'{name}: {text}' for name, text in data['conventions'].items()]
    if output is not None:
        write_text(output, json.dumps(data, indent=2, allow_nan=False) + '\n')
        sentences.append(f'wrote {output}')
    terminal.result(sentences, data)


def _counts(text: str) -> list[int]:
    """Read '3,5,7'."""
    try:
        return [int(part) for part in text.split(',') if part.strip()]
    except ValueError:
        raise InputError('--counts', f'{text!r} is not understood', 'write whole numbers: 3,5,7') from None


def _table(found: SliceCounts) -> list[str]:
    """One line per count and method."""
    name = found.names[found.phase]
    lines = [
        f'  {"slices":>6}  {"volume":<16} {"SSIM":>6} {"PSNR dB":>8} {"S2 error":>9}  {"surface z, y, x %":<18} '
        f'{name + " fraction":>16}  percolating z, y, x'
    ]
    for one in found.attempts:
        for method, score in one.scores.items():
            decibels = '-' if score.psnr is None else f'{score.psnr:.2f}'
            surface = ', '.join(f'{100 * part:+.0f}' for part in score.surface)
            shares = ', '.join(f'{part:.2f}' for part in score.percolating)
            lines.append(
                f'  {one.count:>6}  {method:<16} {score.ssim:>6.3f} {decibels:>8} {score.s2:>9.3f}  {surface:<18} '
                f'{score.fractions[found.phase]:>+16.3f}  {shares}'
            )
    truth = ', '.join(f'{part:.2f}' for part in found.percolating)
    whole = f'{found.fractions[found.phase]:.3f}'
    lines.append(f'  {"":>6}  {"the volume itself":<43}  {"":<18} {whole:>16}  {truth}')
    return lines
