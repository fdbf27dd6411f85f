"""TIFF: voxel sizes from ImageJ, OME and plain resolution tags, and label files that Fiji and napari scale right."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree

import numpy as np

from ..errors import InputError
from ..voxels import VoxelSize, parse_unit
from .contents import beginning
from .metadata import Metadata
from .pictures import read_frames
from .tiff_checks import check_chain, check_description, check_pixels

if TYPE_CHECKING:
    from tifffile import TiffFile

_IMAGEJ_LIMIT = 2**32 - 2**25  # bytes; classic TIFF offsets end at 4 GB
# Lengths that images come in and that `parse_unit` does not know, in units that it does.
_OTHER_UNITS = {'cm': (10.0, 'mm'), 'centimeter': (10.0, 'mm'), 'a': (0.1, 'nm'), 'å': (0.1, 'nm')}
_RESOLUTION_UNITS = {2: (25.4, 'mm'), 3: (10.0, 'mm')}  # TIFF ResolutionUnit: inch, centimetre
# Screen and printer resolutions say nothing about the specimen.
_PRINTER_DPI = (1, 72, 90, 96, 100, 120, 144, 150, 180, 200, 220, 240, 250, 300, 350, 360, 400, 600, 720, 1200)


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
            series = file.series[0]
            size, record = _voxel_size(file), _record(file)
            missing = check_pixels(file, series, path)
            notes = [cut]
            if missing:
                notes.append(f'{missing} of its planes or blocks are missing and were read as 0')
            note = '; '.join(filter(None, notes))
            if record is not None and note:
                raise InputError(str(path), f'is not whole any more: {note}', 'copy it again from where it was made')
            axes = series.axes
            try:
                pixels = series.asarray()
            except ValueError as error:
                if 'imagecodecs' not in str(error):
                    raise
                pixels = read_frames(path, 2 * series.nbytes + 2**20)
                axes = 'YXSZ'[: pixels.ndim] if len(axes) == 2 else axes
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
        for element in _ome_elements(file, 'Description'):
            found = Metadata.find(element.text or '')
            if found is not None:
                return found
    return None


def _voxel_size(file: TiffFile) -> VoxelSize:
    """Voxel size by the first convention that the file follows; unknown where it follows none."""
    if file.is_ome:
        return _from_ome(file)
    per_pixel = _resolution(file)
    if file.is_imagej:
        details = file.imagej_metadata or {}
        unit = codecs.decode(str(details.get('unit', '')).encode('ascii', 'backslashreplace'), 'unicode_escape')
        if per_pixel is None or not unit.strip():
            return VoxelSize()
        x, y = per_pixel
        return _size(float(details.get('spacing', 0)) or x, y, x, unit)
    tag = file.pages.first.tags.get('ResolutionUnit')
    if per_pixel is None or tag is None or int(tag.value) not in _RESOLUTION_UNITS:
        return VoxelSize()
    factor, unit = _RESOLUTION_UNITS[int(tag.value)]
    x, y = (edge * factor for edge in per_pixel)
    dpi = 25.4 / x
    if any(abs(dpi - common) <= 0.01 * common for common in _PRINTER_DPI) or per_pixel[0] == 1:
        return VoxelSize()
    size = _size(x, y, x, unit)
    return size.to('um') if x < 0.1 else size


def _resolution(file: TiffFile) -> tuple[float, float] | None:
    """Edge length of a pixel along x and y in the file's unit, from XResolution and YResolution."""
    tags = file.pages.first.tags
    found = []
    for name in ('XResolution', 'YResolution'):
        tag = tags.get(name)
        if tag is None:
            return None
        numerator, denominator = tag.value
        if not (numerator and denominator):
            return None
        found.append(denominator / numerator)
    return found[0], found[1]


def _from_ome(file: TiffFile) -> VoxelSize:
    for pixels in _ome_elements(file, 'Pixels'):
        x = pixels.get('PhysicalSizeX')
        if x is None:
            return VoxelSize()
        y, z = pixels.get('PhysicalSizeY', x), pixels.get('PhysicalSizeZ', x)
        unit = pixels.get('PhysicalSizeXUnit', 'µm')
        try:
            return _size(float(z), float(y), float(x), unit)
        except ValueError:
            return VoxelSize()
    return VoxelSize()


def _ome_elements(file: TiffFile, tag: str) -> list[ElementTree.Element]:
    try:
        root = ElementTree.fromstring(file.ome_metadata or '<OME/>')
    except ElementTree.ParseError:
        return []
    return [element for element in root.iter() if element.tag.rpartition('}')[2] == tag]


def _size(z: float, y: float, x: float, unit: str) -> VoxelSize:
    """Voxel size, unknown where the unit or the numbers make no sense."""
    factor, unit = _OTHER_UNITS.get(unit.strip().lower(), (1.0, unit))
    try:
        known = parse_unit(unit)
        if known == 'voxel':
            return VoxelSize()
        return VoxelSize(z=z * factor, y=y * factor, x=x * factor, unit=known)
    except ValueError:  # pydantic's and our own errors are both ValueErrors
        return VoxelSize()
