"""Options that several commands share, and how their text is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel

from ..engine.errors import InputError
from ..engine.files import read_slices, read_volume
from ..engine.phases import Phases
from ..engine.preparation import Preparation
from ..engine.slices import SliceSet, Symmetry
from ..engine.volume import Volume
from ..engine.voxels import AXES, Axis, VoxelSize
from .terminal import say

Model = TypeVar('Model', bound=BaseModel)

Slices = Annotated[
    list[str] | None,
    typer.Argument(metavar='SLICE...', help='2D images; a plane of a 3D file is written as VOLUME.tif@z=64.'),
]
Normals = Annotated[
    str, typer.Option('--normal', metavar='z,y,x', help='Axis that each slice is perpendicular to; default z.')
]
Positions = Annotated[
    str, typer.Option('--position', metavar='0,8,16', help='Voxel along the normal, from 0; one per slice.')
]
PhasesText = Annotated[
    str | None,
    typer.Option(
        '--phases',
        metavar='N|NAMES',
        help="Number of phases, or names: 'grain,pore'; of a map of ids: boundaries, id:7.",
    ),
]
VoxelText = Annotated[
    str | None, typer.Option('--voxel-size', metavar='F|Z,Y,X', help='Edge of a voxel; default: what the file says.')
]
UnitText = Annotated[str, typer.Option('--unit', help='Unit of --voxel-size: m, mm, um, nm.')]
SymmetryText = Annotated[
    Symmetry | None, typer.Option('--symmetry', help='What is assumed of the material; default: from the planes.')
]
Seed = Annotated[int, typer.Option('--seed', help='Same seed, same result.')]
Device = Annotated[str, typer.Option('--device', metavar='auto|cpu|cuda', help='Where to compute.')]
RunFolder = Annotated[
    Path | None, typer.Option('--run', help='Folder of the Run record; default beside the output: OUT.run')
]
NoRun = Annotated[bool, typer.Option('--no-run', help='Keep no Run record.')]
Overwrite = Annotated[bool, typer.Option('--overwrite', help='Replace what is there, once the new result is whole.')]
Json = Annotated[bool, typer.Option('--json', help='Print the result as JSON.')]
Phase = Annotated[
    str | None,
    typer.Option(
        '--phase',
        metavar='VALUE|NAME',
        help='By value in the file, or by name; default: the pore, else the second.',
    ),
]


def find_phase(wanted: str | None, *phases: Phases) -> int:
    """Label of the phase that --phase names; of several volumes, in all of them.

    Raises
    ------
    InputError
        If it is in none, or the same value stands for different phases.
    """
    if wanted is None:
        return phases[0].main
    found: set[int] = set()
    problem: InputError | None = None
    for one in phases:
        try:
            found.add(one.find(wanted))
        except InputError as error:
            problem = problem or error
    if len(found) > 1:
        raise InputError(
            '--phase', f'{wanted} is another phase in each volume ({"; ".join(one.mapping() for one in phases)})',
            'name the phases of both, lowest value first (--phases a,b), and give the name',
        )  # fmt: skip
    if not found and problem is not None:
        raise InputError('--phase', problem.problem, problem.remedy)
    return found.pop()


def phases_data(phases: Phases) -> list[dict[str, Any]]:
    """Label, value in the file and name of every phase, for JSON."""
    return [{'label': phase.label, 'value': phases.value_of(phase.label), 'name': phase.name} for phase in phases.items]


def parse_phases(text: str | None) -> Phases | int | None:
    """Read '3' or 'grain,pore'; a phase called pore or void is the pore."""
    if text is None:
        return None
    if text.strip().isdigit():
        return int(text)
    names = [name.strip() for name in text.split(',')]
    if len(names) < 2 or not all(names):
        raise InputError('--phases', f'{text!r} is not understood', 'write a number or names: --phases grain,pore')
    return Phases.of_names(names)


def parse_phases_or_regions(text: str | None) -> tuple[Phases | int | None, dict[str, Any]]:
    """Read --phases of a volume, which also takes 'boundaries' and 'id:7' of a map of numbered regions."""
    from .picture_options import read_method

    if text is not None and (text.strip().lower() in ('boundaries', 'snap') or text.strip().lower().startswith('id:')):
        return None, read_method(text, '--phases')
    return parse_phases(text), {}


def parse_voxel_size(text: str | None, unit: str) -> VoxelSize | None:
    """Read --voxel-size with its --unit; None where it was not given."""
    return None if text is None else VoxelSize.parse(text, unit)


def parse_normals(text: str) -> list[Axis]:
    """Read 'z,y,x'; empty where nothing was given."""
    known: dict[str, Axis] = {axis: axis for axis in AXES}
    parts = [part.strip().lower() for part in text.split(',') if part.strip()]
    for part in parts:
        if part not in known:
            raise InputError('--normal', f'{part!r} is not an axis', 'use z, y or x, separated by commas')
    return [known[part] for part in parts]


def parse_positions(text: str) -> list[int]:
    """Read '0,8,16'; empty where nothing was given."""
    try:
        found = [int(part) for part in text.split(',') if part.strip()]
    except ValueError:
        found = [-1]
    if any(p < 0 for p in found):
        raise InputError('--position', f'{text!r} is not understood', 'give whole voxel numbers from 0: 0,8,16')
    return found


def load_slices(
    paths: list[str] | None,
    *,
    normal: str,
    phases: str | None,
    voxel_size: str | None,
    unit: str,
    preparation: Preparation,
    on_note: Callable[[str], None],
    position: str = '',
    symmetry: Symmetry | None = None,
) -> SliceSet:
    """Read the slices that a command was given; `on_note` is told how each was read."""
    if not paths:
        raise InputError('SLICE', 'no slice was given', 'give at least one 2D image')
    return read_slices(
        paths,
        parse_normals(normal),
        parse_positions(position),
        parse_phases(phases),
        parse_voxel_size(voxel_size, unit),
        symmetry=symmetry,
        preparation=preparation,
        on_note=on_note,
    )


def segmentation_notes(slices: SliceSet) -> list[str]:
    """What was done to the picture of each slice, for the record; '' where labels came with their own history."""
    return [s.provenance.description if 'preparation' in s.provenance.parameters else '' for s in slices]


def load_volume(text: str, phases: str | None, voxel_size: str | None, unit: str) -> Volume:
    """Read a volume file."""
    wanted, method = parse_phases_or_regions(phases)
    return read_volume(text, wanted, parse_voxel_size(voxel_size, unit), on_note=say, **method)


def validated(model: type[Model], **values: Any) -> Model:
    """Build a parameter model; what it refuses is told by option name, in one line."""
    from ..engine.generator.params import validated as checked

    try:
        return checked(model, **values)
    except InputError as error:
        field = error.subject if error.subject == 'parameters' else '--' + error.subject.replace('_', '-')
        raise InputError(field, error.problem, 'see --help for what it takes') from error
