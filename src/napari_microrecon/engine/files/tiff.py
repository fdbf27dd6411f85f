"""TIFF: voxel sizes from ImageJ, OME and plain resolution tags, and label files that Fiji and napari scale right."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

from ..errors import InputError
from ..voxels import VoxelSize, parse_unit
from .metadata import Metadata

if TYPE_CHECKING:
    from tifffile import TiffFile

_IMAGEJ_LIMIT = 2**32 - 2**25  # bytes; classic TIFF offsets end at 4 GB
# Lengths that images come in and that `parse_unit` does not know, in units that it does.
_OTHER_UNITS = {'cm': (10.0, 'mm'), 'centimeter': (10.0, 'mm'), 'a': (0.1, 'nm'), 'å': (0.1, 'nm')}
_RESOLUTION_UNITS = {2: (25.4, 'mm'), 3: (10.0, 'mm')}  # TIFF ResolutionUnit: inch, centimetre
# Screen and printer resolutions say nothing about the specimen.
_PRINTER_DPI = (1, 72, 90, 96, 100, 120, 144, 150, 180, 200, 220, 240, 250, 300, 350, 360, 400, 600, 720, 1200)


def read_tiff(path: Path) -> tuple[np.ndarray, str, VoxelSize, Metadata | None]:
    """Read pixels, axes letters (such as 'ZYX' or 'YXS'), voxel size and our own record.

    Raises
    ------
    InputError
        If the file is no TIFF or is damaged.
    """
    import struct
    import zlib

    import tifffile

    damage = (OSError, ValueError, TypeError, KeyError, IndexError, struct.error, zlib.error, RuntimeError)
    try:
        with tifffile.TiffFile(path) as file:
            if not file.series:
                raise InputError(str(path), 'holds no image', 'export it again from the program that made it')
            series = file.series[0]
            size, record = _voxel_size(file), _record(file)
            _check_length(file, path)
            try:
                return series.asarray(), series.axes, size, record
            except ValueError as error:
                if 'imagecodecs' not in str(error):
                    raise
            frames = _read_frames(path)
            return frames, 'YXSZ'[: frames.ndim] if len(series.axes) == 2 else series.axes, size, record
    except tifffile.TiffFileError as error:
        with path.open('rb') as file:
            start = file.read(16)
        raise InputError(
            str(path), f'is not a TIFF image ({_beginning(start)})', 'export it as TIFF, PNG or NPY'
        ) from error
    except InputError:
        raise
    except damage as error:
        reason = ' '.join(str(error).split())[:120]
        raise InputError(
            str(path), f'is damaged ({reason})', 'export it again from the program that made it'
        ) from error


def _check_length(file: TiffFile, path: Path) -> None:
    """Refuse a file that ends before its pixels do; the reader would fill the rest with zeros."""
    length = path.stat().st_size
    for page in file.pages:
        ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if ends and max(ends) > length:
            raise InputError(str(path), f'ends early ({length} bytes, {max(ends)} expected)', 'copy or export it again')


def _read_frames(path: Path) -> np.ndarray:
    """Pixels of a TIFF whose compression tifffile cannot undo by itself (LZW and others), by Pillow."""
    from PIL import Image, ImageSequence

    with Image.open(path) as image:
        frames = [np.asarray(frame) for frame in ImageSequence.Iterator(image)]
    return frames[0] if len(frames) == 1 else np.stack(frames)


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


def _beginning(start: bytes) -> str:
    """What a file begins with, in words."""
    if not start:
        return 'it is empty'
    text = start.decode('ascii', 'replace').strip()
    if text and all(character.isprintable() or character in '\r\n\t' for character in text) and start.isascii():
        return f'it begins with the text "{" ".join(text.split())}"'
    return f'its first bytes are {start[:8].hex(" ")}'
