"""2D slices on disk: with their plane, position and voxel size; also planes of a 3D file (`volume.tif@z=64`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from ..phases import Phases
from ..preparation import Preparation, Prepared, prepare, without_bar
from ..provenance import hash_array
from ..raw_image import RawImage
from ..slices import Slice, SliceSet, Symmetry
from ..voxels import AXES, Axis, VoxelSize
from .images import TIFF, read_image
from .metadata import Metadata
from .targets import check_suffix, replacing

_PLANE = re.compile(r'^(?P<file>.+)@(?P<normal>[zyx])=(?P<position>\d+)$')


def read_slice(
    path: Path | str,
    normal: Axis | None = None,
    position: int | None = None,
    phases: Phases | int | None = None,
    voxel_size: VoxelSize | None = None,
    *,
    preparation: Preparation | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Slice:
    """Read one slice, prepare it, and segment it where it is not labelled yet.

    Parameters
    ----------
    path : Path or str
        Image file, or a plane of a 3D file written as `volume.tif@z=64`.
    normal : {'z', 'y', 'x'}, optional
        Axis that the slice is perpendicular to; by default what the file (or the @) says, else z.
    position : int, optional
        0-based voxel along the normal; by default what the file (or the @) says, else unknown.
    phases : Phases or int, optional
        See `engine.segmentation.segment`.
    voxel_size : VoxelSize, optional
        Of the picture in the file; takes the place of what the file says.
    preparation : Preparation, optional
        Crop, filters and thresholds; by default grey values are segmented and labels taken as they are. An evident
        data bar is cut off unless a crop is given.
    on_note : callable, optional
        Told in words how the image was read and segmented.

    Raises
    ------
    InputError
        If the file cannot be read, is 3D without a plane being named, or shows one phase only.
    """
    made = read_prepared(path, normal, position, phases, voxel_size, preparation)
    if on_note is not None:
        notes = (
            made.picture.image.note,
            made.remark and f'{made.remark}; --crop none keeps it',
            made.segmentation.note,
            made.segmentation.warning,
        )
        on_note(f'{made.slice.name}: {"; ".join(filter(None, notes))}')
    return made.slice


def read_prepared(
    path: Path | str,
    normal: Axis | None = None,
    position: int | None = None,
    phases: Phases | int | None = None,
    voxel_size: VoxelSize | None = None,
    preparation: Preparation | None = None,
) -> Prepared:
    """Read one slice together with the picture that was thresholded; see `read_slice`."""
    image = open_slice(path)
    if image.normal and normal and '@' in image.name and image.normal != normal:
        raise InputError(image.name, f'is a plane with normal {image.normal}, not {normal}', 'leave out its normal')
    normal = normal or image.normal or 'z'
    if position is None and normal == image.normal:
        position = image.position
    size = voxel_size or _oriented(image, normal)
    return prepare_opened(image.altered(voxel_size=size, normal=normal, position=position), preparation, phases)


def prepare_opened(
    image: RawImage, preparation: Preparation | None = None, phases: Phases | int | None = None
) -> Prepared:
    """`prepare` for a picture that is opened: an evident data bar is cut off, and told."""
    preparation, remark = without_bar(image, preparation)
    return replace(prepare(image, preparation, phases), remark=remark)


def open_slice(path: Path | str) -> RawImage:
    """Read the 2D image behind a path or behind `volume.tif@z=64`.

    Raises
    ------
    InputError
        If it cannot be read, or is 3D and no plane of it was named: the message offers its planes.
    """
    text = str(path)
    plane = _PLANE.match(text)
    if plane and not Path(text).exists():
        normal: Axis = next(axis for axis in AXES if axis == plane['normal'])
        return read_image(plane['file']).plane(normal, int(plane['position']))
    image = read_image(path)
    if image.kind == 'stack':
        ranges = ', '.join(f'{axis} 0..{n - 1}' for axis, n in zip(AXES, image.array.shape, strict=True))
        middle = image.array.shape[0] // 2
        shape = ' x '.join(str(n) for n in image.array.shape)
        raise InputError(
            text, f'is a 3D stack ({shape}), not one slice', f'name a plane of it: {text}@z={middle} (planes {ranges})'
        )
    return image


def read_slices(
    paths: Sequence[Path | str],
    normals: Sequence[Axis | None] = (),
    positions: Sequence[int | None] = (),
    phases: Phases | int | None = None,
    voxel_size: VoxelSize | None = None,
    *,
    symmetry: Symmetry | None = None,
    preparation: Preparation | None = None,
    on_note: Callable[[str], None] | None = None,
) -> SliceSet:
    """Read several slices of one material; one normal or position serves all (see `read_slice`).

    Raises
    ------
    InputError
        If a slice is bad, the counts differ, or the slices disagree in phases or voxel size.
    """
    if not paths:
        raise InputError('slices', 'none were given', 'give at least one image file')
    each_normal = one_each('normal', normals, len(paths))
    each_position = one_each('position', positions, len(paths))
    slices = [
        read_slice(path, normal, position, phases, voxel_size, preparation=preparation, on_note=on_note)
        for path, normal, position in zip(paths, each_normal, each_position, strict=True)
    ]
    first = slices[0]
    for other in slices[1:]:
        mine, theirs = other.phases.as_stored().names, first.phases.as_stored().names
        if other.phases.count == first.phases.count and mine != theirs:
            raise InputError(
                other.name,
                f'has the phases {", ".join(mine)} while {first.name} has {", ".join(theirs)}',
                'give slices of one material, or --phases N to name them afresh',
            )
    together = SliceSet.of(slices, symmetry)
    bare = [s.name for s in slices if not s.voxel_size.is_known]
    if bare and together.voxel_size.is_known and on_note is not None:
        names = ', '.join(dict.fromkeys(bare))
        on_note(f'no voxel size was known of {names}: {together.voxel_size} holds for all')
    return together


def write_slice(item: Slice, path: Path | str) -> Path:
    """Write a slice as TIFF with its plane, position, phases and pixel size; return its path.

    Raises
    ------
    InputError
        If the ending is not .tif or the place cannot be written.
    """
    from .tiff import write_tiff

    path = check_suffix(Path(path), TIFF)
    metadata = Metadata(
        name=item.name,
        phases=item.phases.as_stored(),
        voxel_size=item.voxel_size,
        provenance=item.provenance,
        labels_sha256=hash_array(item.labels),
        normal=item.normal,
        position=item.position,
    )
    with replacing(path) as temporary:
        write_tiff(temporary, item.labels, metadata, item.voxel_size.pixel(item.normal))
    return path


def _oriented(image: RawImage, normal: Axis) -> VoxelSize:
    """Voxel size of a slice; the rows and columns of a bare 2D image lie along the axes that its normal says."""
    size = image.voxel_size
    if image.normal == normal or not size.is_known:
        return size
    row, column = size.pixel(image.normal or 'z')
    # Of a 2D image the spacing along the normal is not known: the row spacing stands in for it.
    edges: dict[Axis, tuple[float, float, float]] = {
        'z': (row, row, column), 'y': (row, row, column), 'x': (row, column, row)
    }  # fmt: skip
    z, y, x = edges[normal]
    return VoxelSize(z=z, y=y, x=x, unit=size.unit)


def one_each(field: str, given: Sequence, count: int) -> list:
    """One value for each slice, of as many values or of one for all; None where nothing is given.

    Raises
    ------
    InputError
        If there are too few or too many.
    """
    if len(given) == count:
        return list(given)
    if len(given) <= 1:
        return list(given) * count or [None] * count
    raise InputError(
        field, f'{len(given)} were given for {count} slices', 'give one per slice in order, or one for all'
    )
