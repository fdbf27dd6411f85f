"""TIFF: what a file holds and says of itself, and label files that Fiji and napari scale right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..voxels import VoxelSize
from .contents import beginning
from .metadata import Metadata
from .tiff_checks import check_chain, check_description
from .tiff_pages import read_pages
from .tiff_sizes import ome_elements, voxel_size_of

if TYPE_CHECKING:
    from tifffile import TiffFile

_IMAGEJ_LIMIT = 2**32 - 2**25  # bytes; classic TIFF offsets end at 4 GB


class TiffContent(NamedTuple):
    """What a TIFF holds: pixels, letters of their axes, voxel size, our own record, a remark for the user."""

    pixels: np.ndarray
    axes: str
    size: VoxelSize
    record: Metadata | None
    note: str


def read_tiff(path: Path) -> TiffContent:
    """Read pixels, axes letters (such as 'ZYX' or 'YXS'), voxel size and our own record.

    Raises
    ------
    InputError
        If the file is no TIFF, is damaged, or lacks pixels that we wrote.
    """
    import tifffile

    try:
        with path.open('rb') as chain:
            cut = check_chain(chain, path)
        with tifffile.TiffFile(path) as file:
            check_description(file, path)
            if not file.series:
                raise InputError(str(path), 'holds no image', 'export it again from the program that made it')
            size, record = voxel_size_of(file), _record(file)
            pixels, axes, missing, notes = read_pages(file, path)
            lost = [cut, f'{missing} of its planes or blocks are missing and were read as 0' if missing else '']
            if record is not None and any(lost):
                said = '; '.join(filter(None, lost))
                raise InputError(str(path), f'is not whole any more: {said}', 'copy it again from where it was made')
            note = '; '.join(filter(None, [*lost, *notes]))
            return TiffContent(pixels, axes, size, record, note)
    except tifffile.TiffFileError as error:
        raise InputError(
            str(path), f'is not a TIFF image ({beginning(path)})', 'export it as TIFF, PNG or NPY'
        ) from error
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(str(path), 'does not fit into memory', 'crop it first') from error
    # No list says what tifffile or Pillow raise on a damaged file; whatever it is, the file is what is wrong.
    except Exception as error:
        reason = ' '.join(str(error).split())[:120] or type(error).__name__
        raise InputError(
            str(path), f'is damaged ({reason})', 'export it again from the program that made it'
        ) from error


def write_tiff(path: Path, labels: np.ndarray, metadata: Metadata, spacing: tuple[float, ...]) -> None:
    """Write 2D or 3D labels, compressed without loss, with `spacing` (edge lengths in array order) and our record.

    ImageJ's layout carries the voxel size for Fiji and napari; above 4 GB OME-TIFF takes its place.
    """
    import tifffile

    unit = metadata.voxel_size.unit
    axes = 'ZYX'[-labels.ndim :]
    if labels.nbytes > _IMAGEJ_LIMIT:
        details: dict[str, Any] = {'axes': axes, 'Name': metadata.name, 'Description': metadata.as_text()}
        for letter, edge in zip(axes, spacing, strict=True):
            details |= {f'PhysicalSize{letter}': edge, f'PhysicalSize{letter}Unit': {'um': 'µm'}.get(unit, unit)}
        tifffile.imwrite(
            path, labels, ome=True, bigtiff=True, compression='zlib', metadata=details, photometric='minisblack'
        )
        return
    details = {
        'axes': axes,
        'unit': 'pixel' if unit == 'voxel' else unit,
        'min': 0,  # Fiji's display range: labels 0..K-1 would otherwise look black
        'max': metadata.phases.count - 1,
        'Info': metadata.as_text(),
    }
    if labels.ndim == 3:
        details['spacing'] = spacing[0]
    tifffile.imwrite(
        path,
        labels,
        imagej=True,
        compression='zlib',
        resolution=(1 / spacing[-1], 1 / spacing[-2]),
        metadata=details,
        photometric='minisblack',
    )


def _record(file: TiffFile) -> Metadata | None:
    if file.is_imagej:
        return Metadata.find((file.imagej_metadata or {}).get('Info'))
    if file.is_ome:
        for element in ome_elements(file, 'Description'):
            found = Metadata.find(element.text or '')
            if found is not None:
                return found
    return None
