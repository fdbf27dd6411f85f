"""Reading images of any supported format as they are: TIFF, PNG, JPEG, BMP, NPY, OME-Zarr."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..provenance import hash_array
from ..raw_image import Kind, RawImage, few_values
from ..voxels import VoxelSize
from .contents import WORDS, as_numbers, content_of, format_of_name
from .metadata import Metadata
from .names import as_text
from .npy import read_npy
from .ours import is_zarr
from .pictures import read_picture

TIFF = ('.tif', '.tiff')
ZARR = ('.ome.zarr', '.zarr')
PICTURES = ('.png', '.jpg', '.jpeg', '.bmp')
EDITED = 'its pixels were edited after it was written (their sha256 differs)'
READABLE = (*TIFF, *PICTURES, '.npy', *ZARR)


def read_image(path: Path | str) -> RawImage:
    """Read an image file as it is, with what it says about itself.

    Parameters
    ----------
    path : Path or str
        TIFF, PNG, JPEG, BMP, NPY or an OME-Zarr folder.

    Raises
    ------
    InputError
        If the file is missing, empty, damaged, of an unknown type or holds no finite numbers.
    """
    path = Path(path)
    size, record, notes = VoxelSize(), None, []
    if _check_file(path):
        from .zarr_volumes import read_ome_zarr

        array, axes, size, record, said = read_ome_zarr(path)
        notes.append(said)
    else:
        promised = format_of_name(path.suffix)
        found = content_of(path)
        if found and found != promised:
            notes.append(f'is a {WORDS[found]}, whatever its name says, and was read as such')
        content = found or promised
        if content == 'TIFF':
            from .tiff import read_tiff

            array, axes, size, record, said = read_tiff(path)
            notes.append(said)
        elif content == 'NPY':
            array, axes = read_npy(path), ''
        else:
            array, axes = read_picture(path, found), ''
    image = _image_of(array, axes, path, size, as_text(path.name))
    return _described(replace(image, note='; '.join(filter(None, (*notes, image.note)))), record)


def image_of_array(array: np.ndarray, name: str = 'array', voxel_size: VoxelSize | None = None) -> RawImage:
    """Make an image of pixels in memory; they are read as those of a file are.

    Parameters
    ----------
    array : numpy.ndarray
        2D (rows, columns), 2D colour (rows, columns, 3 or 4) or 3D (Z, Y, X).
    name : str
        What messages call it.
    voxel_size : VoxelSize, optional
        Unknown by default.

    Raises
    ------
    InputError
        If it is no image, or holds anything but finite numbers.
    """
    if not hasattr(array, 'ndim'):
        raise InputError(name, f'is a {type(array).__name__}, not an array', 'give numpy.asarray of it')
    return _image_of(np.asarray(array), '', Path(name), voxel_size or VoxelSize(), name)


def _image_of(array: np.ndarray, axes: str, path: Path, size: VoxelSize, name: str) -> RawImage:
    """Pixels in the order that their axes say, as an image of one of the kinds."""
    array, colour, note = _arranged(array, axes, path)
    array = as_numbers(array, path)
    kind: Kind = 'rgb' if colour else 'stack'
    if kind == 'rgb' and np.array_equal(array[..., 0], array[..., 1]) and np.array_equal(array[..., 0], array[..., 2]):
        array = np.ascontiguousarray(array[..., 0])
        note = '; '.join(filter(None, (note, 'all colour channels are equal: read as grey')))
    if array.ndim == 2:
        # A single value is no grey scale either; the segmentation then says that one phase is too few.
        kind = 'labels' if few_values(array) else 'grey'
    return RawImage(array, size, name=name, kind=kind, note=note)


def _described(image: RawImage, record: Metadata | None) -> RawImage:
    """Add our own record, as far as the pixels still are those that it was written for."""
    if record is None:
        return image
    if not image.values or image.values[0] < 0 or image.values[-1] >= record.phases.count:
        return _noted(image, f'its pixels were edited: they are no labels of the {record.phases.count} phases it names')
    described = replace(
        image,
        voxel_size=record.voxel_size,
        phases=record.phases,
        provenance=record.provenance,
        kind=image.kind if image.kind == 'stack' else 'labels',
        normal=record.normal,
        position=record.position,
    )
    # Labels are read as whatever dtype another program saved them in; the hash is that of uint8.
    if hash_array(image.array.astype(np.uint8)) == record.labels_sha256:
        return described
    before = record.provenance.description or record.provenance.kind
    changed = replace(
        described,
        provenance=record.provenance.model_copy(
            update={'kind': 'unknown', 'description': f'edited by another program; before that: {before}'}
        ),
    )
    changed = _noted(changed, EDITED)
    rows, columns = record.voxel_size.pixel(record.normal or 'z')
    tags = image.voxel_size
    if not tags.is_known or tags.agrees_with(VoxelSize(z=tags.z, y=rows, x=columns, unit=record.voxel_size.unit)):
        return changed
    # Resampled too: the file's own tags are newer than our record, and the position counts other voxels.
    return replace(changed, voxel_size=tags, normal=None, position=None)


def _noted(image: RawImage, words: str) -> RawImage:
    return replace(image, note='; '.join(filter(None, (image.note, words))))


def _check_file(path: Path) -> bool:
    """Check that there is something to read; whether it is a folder, of zarr."""
    name = path.name.lower()
    suffix = next((s for s in READABLE if name.endswith(s)), '')
    if not path.exists():
        raise InputError(str(path), 'does not exist', 'check the path')
    if path.is_dir():
        if is_zarr(path):
            return True
        raise InputError(str(path), 'is a folder', 'give an image file or an .ome.zarr folder')
    if not path.is_file():
        raise InputError(str(path), 'is not a regular file', 'give an image file')
    if not suffix or suffix in ZARR:
        raise InputError(str(path), 'has no image ending that is known', f'use one of {", ".join(READABLE)}')
    try:
        with path.open('rb') as file:
            empty = not file.read(1)
    except OSError as error:
        raise InputError(
            str(path), f'cannot be read ({(error.strerror or "").lower()})', 'check its permissions'
        ) from error
    if empty:
        raise InputError(str(path), 'is empty (0 bytes)', 'export or copy it again')
    return False


def _arranged(array: np.ndarray, axes: str, path: Path) -> tuple[np.ndarray, bool, str]:
    """Pixels as (rows, columns[, colours]) or (Z, Y, X), whether the last axis is colour, and a remark.

    Axes of length 1 and an alpha channel are dropped; what is no image or stack is refused.
    """
    note = ''
    named = bool(axes) and len(axes) == array.ndim
    if named:
        array, axes, note = _in_order(array, axes, path)
    while array.ndim > 2 and array.shape[0] == 1:
        array, axes = array[0], axes[1:]
    if array.ndim == 4 and array.shape[-1] in (3, 4):
        raise InputError(str(path), 'is a stack of colour images', 'convert it to grey or labels first')
    if array.ndim not in (2, 3):
        raise InputError(str(path), f'has {array.ndim} dimensions', 'give a 2D image or a 3D stack')
    if array.size == 0:
        raise InputError(str(path), 'holds no pixels', 'export it again')
    colour = array.ndim == 3 and _is_colour(array, axes if named else '')
    if array.ndim == 3 and array.shape[-1] in (2, 4) and (colour or _is_grey_alpha(array, path)):
        array, note = array[..., :-1], '; '.join(filter(None, (note, 'alpha channel ignored')))
        if array.shape[-1] == 1:
            array, colour = array[..., 0], False
    return np.ascontiguousarray(array), colour, note


def _in_order(array: np.ndarray, axes: str, path: Path) -> tuple[np.ndarray, str, str]:
    """Named axes of length 1 dropped, the others in the order (others, Z,) Y, X(, S)."""
    lengths = dict(zip(axes, array.shape, strict=True))
    if 1 < lengths.get('C', 1) <= 4:
        raise InputError(str(path), f'has {lengths["C"]} channels', 'save one of the channels by itself')
    note = ''
    # ImageJ calls the planes of a stack frames, or channels, as often as slices.
    for letter, word in (('T', 'time'), ('C', 'channel')):
        if lengths.get(letter, 1) > 1 and lengths.get('Z', 1) == 1:
            note = f'its {word} axis was read as z'
    gone = tuple(i for i, letter in enumerate(axes) if array.shape[i] == 1 and letter not in 'YX')
    array = array.squeeze(axis=gone)
    axes = ''.join(letter for i, letter in enumerate(axes) if i not in gone)
    last = [letter for letter in 'ZYXS' if axes.count(letter) == 1]
    order = [i for i, letter in enumerate(axes) if letter not in last] + [axes.index(letter) for letter in last]
    return array.transpose(order), ''.join(axes[i] for i in order), note


def _is_colour(array: np.ndarray, axes: str) -> bool:
    """Whether the last of three axes is colour: the file says so, or it has 3 or 4 samples behind a larger image."""
    if axes:
        return axes.endswith('S')
    return array.shape[-1] in (3, 4) and min(array.shape[:2]) > 4


def _is_grey_alpha(array: np.ndarray, path: Path) -> bool:
    return array.shape[-1] == 2 and path.suffix.lower() in PICTURES
