"""`representativity` and `novelty`: what slices can tell of a material, and whether a volume merely repeats them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.files import read_prepared
from . import options as opt
from .terminal import Terminal

if TYPE_CHECKING:
    from ..engine.analysis.report import Statistic
    from ..engine.analysis.representativity_result import Representativity
    from ..engine.phases import Phases
    from ..engine.preparation import Preparation
    from ..engine.slices import SliceSet
    from ..engine.voxels import VoxelSize

_Precision = Annotated[
    float | None,
    typer.Option('--precision', metavar='F', help='Wished half-width, such as 0.02: how large an image gives it?'),
]
_Confidence = Annotated[float, typer.Option('--confidence', metavar='F', help='Of the interval.')]


def representativity(
    slices: opt.Slices = None,
    phase: opt.Phase = None,
    precision: _Precision = None,
    confidence: _Confidence = 0.95,
    normal: opt.Normals = '',
    position: opt.Positions = '',
    phases: opt.PhasesText = None,
    segment: opt.Segmentation = 'auto',
    order: opt.PhaseOrder = 'dark-first',
    thresholds: opt.Thresholds = '',
    denoise: opt.DenoiseText = 'none',
    least_size: opt.LeastSize = 0,
    crop: opt.CropText = '',
    resample: opt.Resample = None,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    as_json: opt.Json = False,
) -> None:
    """Say how well slices tell a phase fraction, and how large an image a wished precision needs."""
    terminal = Terminal(as_json)
    prepared = opt.parse_preparation(segment, order, thresholds, denoise, least_size, crop, resample)
    loaded = opt.load_slices(slices, normal, position, phases, voxel_size, unit, prepared, None, terminal.note)
    label = loaded.phases.main if phase is None else loaded.phases.check(phase)
    from ..engine.analysis.representativity import representativity_of_slices

    wanted, size = opt.parse_phases(phases), opt.parse_voxel_size(voxel_size, unit)
    threshold = _threshold(slices or [], loaded, label, wanted, size, prepared)
    found = representativity_of_slices(loaded, label, precision=precision, threshold=threshold, confidence=confidence)
    name = loaded.phases.names[label]
    data = {'slices': [item.name for item in loaded], 'phase': label, 'phase_name': name, **found.to_dict()}
    terminal.result([f'phase {label} ({name}): {found.sentence}', *_lines(found)], data)


def novelty(
    volume: Annotated[str, typer.Argument(metavar='VOLUME', help='Reconstructed volume.')],
    slices: opt.Slices = None,
    normal: opt.Normals = '',
    position: opt.Positions = '',
    phases: opt.PhasesText = None,
    segment: opt.Segmentation = 'auto',
    order: opt.PhaseOrder = 'dark-first',
    thresholds: opt.Thresholds = '',
    denoise: opt.DenoiseText = 'none',
    least_size: opt.LeastSize = 0,
    crop: opt.CropText = '',
    resample: opt.Resample = None,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    seed: opt.Seed = 0,
    as_json: opt.Json = False,
) -> None:
    """Look for parts of the slices that reappear in a volume that was made from them."""
    terminal = Terminal(as_json)
    prepared = opt.parse_preparation(segment, order, thresholds, denoise, least_size, crop, resample)
    loaded = opt.load_slices(slices, normal, position, phases, voxel_size, unit, prepared, None, terminal.note)
    made = opt.load_volume(volume, phases, voxel_size, unit)
    from ..engine.analysis.novelty import find_copies

    found = terminal.run(find_copies(made, loaded, seed=seed))
    terminal.result([f'{made.name}: {found.sentence}', *(f'  {note}' for note in found.notes)], found.to_dict())


def _threshold(
    paths: list[str], slices: SliceSet, label: int, phases: Phases | int | None, size: VoxelSize | None,
    preparation: Preparation,
) -> Statistic | None:  # fmt: skip
    """What the grey thresholds of the slices add; None where all of them came as labels."""
    from ..engine.analysis.threshold_uncertainty import pooled_threshold, threshold_uncertainty

    effects = []
    for path, item in zip(paths, slices, strict=True):
        made = read_prepared(path, item.normal, item.position, phases, size, preparation)
        effects.append((threshold_uncertainty(made.picture.image, made.segmentation, label), item.labels.size))
    return pooled_threshold(effects)


def _lines(found: Representativity) -> list[str]:
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
            f'  for +- {found.needed.precision:g} from the finite size alone: an image of {edge.value:.4g} +- '
            f'{edge.sd or 0:.2g} {edge.unit} an edge, or {images.value:.0f} images of this size in all, far apart'
        )
    return [*lines, *(f'  {note}' for note in found.notes)]
