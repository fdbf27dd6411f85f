"""Voxel sizes in TIFF files: OME, ImageJ, the tags of electron microscopes, plain resolution tags."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from ..lengths import voxel_size
from ..voxels import VoxelSize

if TYPE_CHECKING:
    from tifffile import TiffFile

_RESOLUTION_UNITS = {2: (25.4, 'mm'), 3: (10.0, 'mm')}  # TIFF ResolutionUnit: inch, centimetre
# Screen and printer resolutions say nothing about the specimen.
_PRINTER_DPI = (1, 72, 90, 96, 100, 120, 144, 150, 180, 200, 220, 240, 250, 300, 350, 360, 400, 600, 720, 1200)


def voxel_size_of(file: TiffFile) -> VoxelSize:
    """Voxel size by the first convention that the file follows; unknown where it follows none."""
    if file.is_ome:
        return _from_ome(file)
    microscope = _from_microscope(file)
    if microscope.is_known:
        return microscope
    per_pixel = _resolution(file)
    if file.is_imagej:
        return VoxelSize() if per_pixel is None else _from_imagej(file.imagej_metadata or {}, per_pixel)
    tag = file.pages.first.tags.get('ResolutionUnit')
    if per_pixel is None or tag is None or int(tag.value) not in _RESOLUTION_UNITS:
        return VoxelSize()
    factor, unit = _RESOLUTION_UNITS[int(tag.value)]
    x, y = (edge * factor for edge in per_pixel)
    if per_pixel[0] == 1 or _is_printer(25.4 / x, per_pixel[0], factor):
        return VoxelSize()
    size = voxel_size((x, y, x), ('', '', unit))
    return size.to('um') if x < 0.1 else size


def _is_printer(dpi: float, edge: float, factor: float) -> bool:
    """Whether a resolution is one of printers: exactly, or rounded where it is given per centimetre.

    Not more loosely: 604.8 dots per inch are voxels of 42.0 um.
    """
    for common in _PRINTER_DPI:
        if abs(dpi - common) <= 1e-4 * common:
            return True
        per_centimetre = common / 2.54
        if factor == 10 and 1 / edge in {round(per_centimetre, digits) for digits in (0, 1, 2, 3)}:
            return True
    return False


def _from_imagej(details: dict[str, Any], per_pixel: tuple[float, float]) -> VoxelSize:
    """ImageJ has a unit for all axes, and others along y and z where those differ."""
    x, y = per_pixel
    units = [_unescaped(details.get(key, '')) for key in ('zunit', 'yunit', 'unit')]
    try:
        z = abs(float(details.get('spacing', 0))) or x
    except (TypeError, ValueError):
        return VoxelSize()
    return voxel_size((z, y, x), units)


def _unescaped(unit: object) -> str:
    """A unit as ImageJ writes it, with characters beyond ASCII as escapes of Java."""
    text = codecs.decode(str(unit).encode('ascii', 'backslashreplace'), 'unicode_escape')
    return text.strip()


def _from_microscope(file: TiffFile) -> VoxelSize:
    """What FEI (Thermo Fisher), Zeiss and Olympus microscopes write beside the picture."""
    for found in (_from_fei(file.fei_metadata), _from_zeiss(file.sem_metadata), _from_sis(file)):
        if found.is_known:
            return found
    return VoxelSize()


def _from_fei(told: dict[str, Any] | None) -> VoxelSize:
    """Tag 34682: width and height of a pixel in metres, in a section that the beam names."""
    for section in ('Scan', 'EScan', 'IScan', 'Image', *(told or {})):
        values = (told or {}).get(section)
        if isinstance(values, dict) and 'PixelWidth' in values:
            return _in_metres(values['PixelWidth'], values.get('PixelHeight', values['PixelWidth']))
    return VoxelSize()


def _from_zeiss(told: dict[str, Any] | None) -> VoxelSize:
    """Tag 34118: the pixel as a number with its unit, else as the fourth of the values without a name, in metres."""
    for key in ('ap_image_pixel_size', 'ap_pixel_size'):
        entry = (told or {}).get(key, ())
        if len(entry) == 3:
            try:
                found = voxel_size((float(entry[1]),) * 3, (str(entry[2]),) * 3, readable=True)
            except (TypeError, ValueError):
                continue
            if found.is_known:
                return found
    unnamed = (told or {}).get('', ())
    return _in_metres(unnamed[3], unnamed[3]) if len(unnamed) > 3 else VoxelSize()


def _from_sis(file: TiffFile) -> VoxelSize:
    """Olympus Soft Imaging: metres, as tifffile reads them."""
    if not file.is_sis:
        return VoxelSize()
    told = file.sis_metadata or {}
    return _in_metres(told.get('pixelsizex', 0), told.get('pixelsizey', 0))


def _in_metres(x: Any, y: Any) -> VoxelSize:
    """Pixel of these edges in metres, in the unit that gives a readable number."""
    try:
        return voxel_size((float(x), float(y), float(x)), ('m', 'm', 'm'), readable=True)
    except (TypeError, ValueError):
        return VoxelSize()


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
    """Every axis has its own length and its own unit; a length that is missing is that of x."""
    for pixels in ome_elements(file, 'Pixels'):
        x = pixels.get('PhysicalSizeX')
        if x is None:
            return VoxelSize()
        edges, units = [], []
        for axis in 'ZYX':
            own = pixels.get(f'PhysicalSize{axis}')
            like = 'X' if own is None else axis
            edges.append(x if own is None else own)
            units.append(pixels.get(f'PhysicalSize{like}Unit', 'µm'))
        try:
            return voxel_size([float(edge) for edge in edges], units, ome=True)
        except ValueError:
            return VoxelSize()
    return VoxelSize()


def ome_elements(file: TiffFile, tag: str) -> list[ElementTree.Element]:
    """All elements of this name in the file's OME description."""
    try:
        root = ElementTree.fromstring(file.ome_metadata or '<OME/>')
    except ElementTree.ParseError:
        return []
    return [element for element in root.iter() if element.tag.rpartition('}')[2] == tag]
