"""`representativity` and `novelty`: what slices tell of a material, and whether a volume merely repeats them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import InputError
from ..engine.files import read_image, read_prepared, volume_from
from ..engine.preparation import Preparation
from . import options as opt
from .picture_options import UNCHANGED, takes_pictures
from .terminal import Terminal

if TYPE_CHECKING:
    from ..engine.phases import Phases
    from ..engine.raw_image import RawImage
    from ..engine.representativity.result import Representativity
    from ..engine.results.report import Statistic
    from ..engine.slices import SliceSet
    from ..engine.voxels import VoxelSize

_Images = Annotated[
    list[str] | None,
    typer.Argument(
        metavar='SLICE...|VOLUME', help='2D images, a plane of a 3D file written as VOLUME.tif@z=64, or one volume.'
    ),
]
_Precision = Annotated[
    float | None,
    typer.Option('--precision', metavar='F', help='Wished half-width, such as 0.02: how large an image gives it?'),
]
_Confidence = Annotated[float, typer.Option('--confidence', metavar='F', help='Of the interval.')]


@takes_pictures
def representativity(
    images: _Images = None,
    phase: opt.Phase = None,
    precision: _Precision = None,
    confidence: _Confidence = 0.95,
    normal: opt.Normals = '',
    position: opt.Positions = '',
    phases: opt.PhasesText = None,
    prepared: Preparation = UNCHANGED,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    as_json: opt.Json = False,
) -> None:
    """Say how well slices, or a volume, tell a phase fraction, and how large an image a wished precision needs."""
    terminal = Terminal(as_json)
    size = opt.parse_voxel_size(voxel_size, unit)
    from ..engine.representativity.estimate import representativity_of_slices, representativity_of_volume

    options = {'precision': precision, 'confidence': confidence}
    stack = _stack(images or [])
    if stack is not None:
        if normal or position or prepared != Preparation():
            raise InputError(
                stack.name, 'is a volume: --normal, --position and the options that prepare a picture are for slices',
                f'leave them out, or name a plane of it: {stack.name}@z=0',
            )  # fmt: skip
        wanted, method = opt.parse_phases_or_regions(phases)
        volume = volume_from(stack, wanted, size, **method)
        if volume.note:
            terminal.note(f'{volume.name}: {volume.note}')
        label = opt.find_phase(phase, volume.phases)
        found = representativity_of_volume(
            volume, label, threshold=None if method else _threshold_of(stack, wanted, label), **options
        )
        named, told = volume.phases, {'volume': volume.name}
    else:
        loaded = opt.load_slices(
            images,
            normal=normal,
            position=position,
            phases=phases,
            voxel_size=voxel_size,
            unit=unit,
            preparation=prepared,
            on_note=terminal.note,
        )
        label = opt.find_phase(phase, loaded.phases)
        threshold = _threshold(images or [], loaded, label, opt.parse_phases(phases), size, prepared)
        found = representativity_of_slices(loaded, label, threshold=threshold, **options)
        named, told = loaded.phases, {'slices': [item.name for item in loaded]}
    data = {
        **told,
        'phases': opt.phases_data(named),
        'phase': label,
        'phase_name': named.names[label],
        **found.to_dict(),
    }
    lines = _lines(found, 'image' if stack is None else 'cube')
    terminal.result(
        [
            f'phase {named.value_of(label)} ({named.names[label]}): {found.sentence}',
            *lines,
            f'  phases: {named.mapping()}',
        ],
        data,
    )


def _stack(paths: list[str]) -> RawImage | None:
    """The volume behind a single path; None where there are several, or slices."""
    if len(paths) != 1 or not Path(paths[0]).exists():  # `volume.tif@z=64` is no file
        return None
    image = read_image(paths[0])
    return image if image.kind == 'stack' else None


def _threshold_of(stack: RawImage, phases: Phases | int | None, label: int) -> Statistic | None:
    """What the grey threshold of a volume adds; None where it came as labels."""
    from ..engine.representativity.threshold import threshold_uncertainty
    from ..engine.segmentation import segment

    effect = threshold_uncertainty(stack, segment(stack, phases), label)
    return None if effect is None else effect.sd


@takes_pictures
def novelty(
    volume: Annotated[str, typer.Argument(metavar='VOLUME', help='Reconstructed volume.')],
    slices: opt.Slices = None,
    normal: opt.Normals = '',
    position: opt.Positions = '',
    phases: opt.PhasesText = None,
    prepared: Preparation = UNCHANGED,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    seed: opt.Seed = 0,
    as_json: opt.Json = False,
) -> None:
    """Look for parts of the slices that reappear in a volume made from them, and for repeats within the volume."""
    terminal = Terminal(as_json)
    loaded = opt.load_slices(
        slices,
        normal=normal,
        position=position,
        phases=phases,
        voxel_size=voxel_size,
        unit=unit,
        preparation=prepared,
        on_note=terminal.note,
    )
    made = opt.load_volume(volume, phases, voxel_size, unit)
    from ..engine.originality.novelty import find_copies
    from ..engine.originality.repeats import find_repeats

    found = terminal.run(find_copies(made, loaded, seed=seed))
    repeats = terminal.run(find_repeats(made))
    lines = [f'{made.name}: {found.sentence}', *(f'  {note}' for note in found.notes)]
    terminal.result(
        [*lines, f'  repeats within the volume: {repeats.sentence}'], {**found.to_dict(), 'repeats': repeats.to_dict()}
    )


def _threshold(
    paths: list[str], slices: SliceSet, label: int, phases: Phases | int | None, size: VoxelSize | None,
    preparation: Preparation,
) -> Statistic | None:  # fmt: skip
    """What the grey thresholds of the slices add; None where all of them came as labels."""
    from ..engine.representativity.threshold import pooled_threshold, threshold_uncertainty

    effects = []
    for path, item in zip(paths, slices, strict=True):
        made = read_prepared(path, item.normal, item.position, phases, size, preparation)
        effects.append((threshold_uncertainty(made.picture.image, made.segmentation, label), item.labels.size))
    return pooled_threshold(effects)


def _lines(found: Representativity, image: str) -> list[str]:
    """Numbers behind the sentence, one a line."""
    lines: list[str] = []
    if found.integral_range.value is not None:
        text = f'{found.integral_range.value:.4g} +- {found.integral_range.sd or 0:.2g} {found.integral_range.unit}'
        lines.append(f'  integral range {text}: the size of one independent sample')
    if found.fraction.sd is not None:
        lines.append(f'  standard error from the finite size {found.fraction.sd:.4f}')
    if found.threshold is not None and found.threshold.value is not None:
        lines.append(f'  standard deviation from the threshold {found.threshold.value:.4f} ({found.threshold.note})')
    if found.needed is not None:
        edge, images = found.needed.edge, found.needed.images
        lines.append(
            f'  for +- {found.needed.precision:g} from the finite size alone: an edge of {edge.value:.4g} +- '
            f'{edge.sd or 0:.2g} {edge.unit} for one {image}, or {images.value:.0f} {image}s of this size, far apart'
        )
    return [*lines, *(f'  {note}' for note in found.notes)]
