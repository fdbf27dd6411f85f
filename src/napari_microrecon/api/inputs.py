"""What users give - paths, arrays, masks, slices, volumes - as the engine's types."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..engine.errors import InputError
from ..engine.files import read_prepared, read_volume, volume_from
from ..engine.files.images import image_of_array
from ..engine.files.slices import one_each, prepare_opened
from ..engine.phases import Phases
from ..engine.preparation import Preparation, Prepared
from ..engine.slices import Slice, SliceSet, Symmetry
from ..engine.volume import Volume
from ..engine.voxels import Axis, VoxelSize

if TYPE_CHECKING:
    from ..engine.raw_image import RawImage

Picture: TypeAlias = 'str | PathLike[str] | np.ndarray | Slice'
Pictures: TypeAlias = 'Picture | SliceSet | Sequence[Picture]'
Labels: TypeAlias = 'str | PathLike[str] | np.ndarray | Volume'
Length: TypeAlias = 'float | Sequence[float] | VoxelSize'
PhasesWanted: TypeAlias = 'int | Sequence[str] | Phases'
Axes: TypeAlias = 'Axis | Sequence[Axis]'
Places: TypeAlias = 'int | Sequence[int]'

log = logging.getLogger('napari_microrecon')
_SET = 'are set in a SliceSet already: give them to read_slices'


def size_of(voxel_size: Length | None, unit: str) -> VoxelSize | None:
    """Read an edge, or three along z, y and x."""
    if voxel_size is None or isinstance(voxel_size, VoxelSize):
        return voxel_size
    edges = np.atleast_1d(np.asarray(voxel_size, float))
    return VoxelSize.parse(','.join(repr(float(edge)) for edge in edges), unit)


def phases_of(wanted: PhasesWanted | None) -> Phases | int | None:
    """Read a number of phases, or their names; one called pore or void is the pore."""
    if wanted is None or isinstance(wanted, (int, Phases)):
        return wanted
    if isinstance(wanted, str):
        raise InputError('phases', f'{wanted!r} is one name', "give all names in the order of the labels: ('a', 'b')")
    return Phases.of_names(list(wanted))


def slices_of(
    given: Pictures,
    *,
    phases: PhasesWanted | None = None,
    voxel_size: Length | None = None,
    unit: str = 'um',
    normal: Axes | None = None,
    position: Places | None = None,
    symmetry: Symmetry | None = None,
    preparation: Preparation | None = None,
) -> SliceSet:
    """Slices from paths, arrays and slices, one or several; a set is taken as it is.

    Raises
    ------
    InputError
        If one cannot be read, or they do not belong together.
    """
    size, wanted = size_of(voxel_size, unit), phases_of(phases)
    if isinstance(given, SliceSet):
        for field, value in (('phases', phases), ('normal', normal), ('position', position), ('symmetry', symmetry)):
            if value is not None:
                raise InputError(field, _SET, 'or leave them out here')
        return given if size is None else replace(given, slices=tuple(replace(s, voxel_size=size) for s in given))
    items = list(given) if isinstance(given, (list, tuple)) else [given]
    normals = one_each('normal', _listed(normal), len(items))
    positions = one_each('position', _listed(position), len(items))
    made = []
    for index, (item, plane, place) in enumerate(zip(items, normals, positions, strict=True)):
        name = 'array' if len(items) == 1 else f'array {index}'
        made.append(_slice_of(item, name, plane, place, wanted, size, preparation))
    together = SliceSet.of(made, symmetry)
    bare = [s.name for s in made if not s.voxel_size.is_known]
    if bare and together.voxel_size.is_known:
        log.warning('no voxel size was known of %s: %s holds for all', ', '.join(bare), together.voxel_size)
    return together


def _slice_of(
    item: Any,
    name: str,
    normal: Axis | None,
    position: int | None,
    phases: Phases | int | None,
    size: VoxelSize | None,
    preparation: Preparation | None,
) -> Slice:
    if isinstance(item, Volume):
        middle = item.shape[0] // 2
        raise InputError(item.name, 'is a volume', f"take a plane of it: volume.slice_labels('z', {middle})")
    if isinstance(item, Slice):
        place = item.position if position is None else position
        return replace(item, normal=normal or item.normal, position=place, voxel_size=size or item.voxel_size)
    if isinstance(item, (str, PathLike)):
        return _told(read_prepared(Path(item), normal, position, phases, size, preparation))
    image = image_of_array(item, name, size)
    if image.kind == 'stack':
        middle = len(image.array) // 2
        raise InputError(
            name, f'has three dimensions {image.array.shape}', f'give a plane of it, such as array[{middle}]'
        )
    return _told(prepare_opened(image.altered(normal=normal or 'z', position=position), preparation, phases))


def _told(made: Prepared) -> Slice:
    """The slice; how it was read goes to the log, as a warning where something was odd or was done unasked."""
    if odd := '; '.join(filter(None, (made.picture.image.note, made.remark, made.segmentation.warning))):
        log.warning('%s: %s', made.slice.name, odd)
    log.info('%s: %s', made.slice.name, made.segmentation.note)
    return made.slice


def volume_of(
    given: Labels,
    *,
    phases: PhasesWanted | None = None,
    voxel_size: Length | None = None,
    unit: str = 'um',
    phase: int | str | None = None,
    name: str = 'array',
) -> Volume:
    """A volume from a path, a mask or a label array; of a mask, what is True is phase 1, and called as `phase` says.

    Raises
    ------
    InputError
        If it cannot be read, is not 3D, or is grey and no number of phases is given.
    """
    size, wanted = size_of(voxel_size, unit), phases_of(phases)
    if isinstance(given, Volume):
        named = given if not isinstance(wanted, Phases) else replace(given, phases=wanted)
        return named if size is None else replace(named, voxel_size=size)
    if isinstance(given, (str, PathLike)):
        return _mapped(read_volume(Path(given), wanted, size))
    image: RawImage = image_of_array(given, name, size)
    if wanted is None and image.array.dtype.kind == 'b':
        wanted = Phases.of_names(('background', phase if isinstance(phase, str) else 'phase'))
    return _mapped(volume_from(image, wanted))


def _mapped(volume: Volume) -> Volume:
    """The volume; which of its values is which phase goes to the log."""
    log.info('%s: %s', volume.name, volume.phases.mapping())
    return volume


def label_of(phase: int | str | None, phases: Phases) -> int | None:
    """Label of a phase by its value in the file or array, or by name; 'pore' is whatever is declared as the pore.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    if phase is None:
        return None
    try:
        return phases.find(phase)
    except InputError as error:
        example = ', '.join(map(repr, _example(phases.count)))
        remedy = f'{error.remedy}, or name them: phases=({example})'
        raise InputError('phase', error.problem, remedy) from None


def _listed(given: Any) -> list[Any]:
    return [] if given is None else [given] if isinstance(given, (str, int, np.integer)) else list(given)


def _example(count: int) -> list[str]:
    return ['pore', *(['solid'] if count == 2 else [f'solid {i}' for i in range(1, count)])]


def target_labels(targets: Mapping[int | str, float] | None, phases: Phases) -> dict[int, float]:
    """Wanted fractions by label, of phases by label or name."""
    found: dict[int, float] = {}
    for phase, fraction in (targets or {}).items():
        label = label_of(phase, phases)
        found[phases.check(phases.main if label is None else label)] = fraction
    return found
