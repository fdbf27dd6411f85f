"""Which pages of a TIFF are its picture or stack, and their pixels: by tifffile, else unpacked here, else by Pillow."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import InputError
from .contents import check_size
from .pictures import read_frames
from .tiff_checks import check_pixels

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage, TiffPageSeries

_WHOLE = (1, 8, 16, 32, 64, 128)  # bits of a value that tifffile reads by itself
_UNPACKED = (1, 8, 32773, 32946)  # compressions that need no imagecodecs: none, deflate, PackBits
_CODECS = 'pip install "napari-microrecon[codecs]" (imagecodecs), or save it without compression'


class Pages(NamedTuple):
    """Pixels, the letters of their axes, planes or blocks that are missing, remarks for the user."""

    pixels: np.ndarray
    axes: str
    missing: int
    notes: list[str]


def read_pages(file: TiffFile, path: Path) -> Pages:
    """Read the picture or stack of a TIFF.

    A stack that was written page by page is a series of images of one page each, as tifffile has it: those of one
    shape are put together. Of images of several sizes the largest lot is read, and that is told.

    Raises
    ------
    InputError
        If pixels are missing from the end, do not fit into memory, or are packed as only imagecodecs reads.
    """
    lot, note = _lot(file)
    missing = sum(check_pixels(file, one, path) for one in lot)
    check_size(path, sum(one.nbytes for one in lot))
    read = [_pixels(file, one, path) for one in lot]
    notes = [note] if note else []
    if int(lot[0].keyframe.photometric) == 0 and lot[0].dtype != np.bool_:
        notes.append('0 is shown as white in this file; its values were taken as they are stored')
    if len(read) == 1:
        return Pages(*read[0], missing, notes)
    return Pages(np.stack([pixels for pixels, _ in read]), 'Z' + read[0][1], missing, notes)


def _lot(file: TiffFile) -> tuple[list[TiffPageSeries], str]:
    """The images that are read together, and what to tell of it."""
    every: list[TiffPageSeries] = list(file.series)
    if len(every) == 1:
        return every, ''
    whole = [one for one in every if not one.keyframe.is_reduced] or every
    lots: dict[Any, list[TiffPageSeries]] = {}
    for one in whole:
        lots.setdefault((one.shape, one.dtype, one.axes), []).append(one)
    lot = max(lots.values(), key=lambda same: sum(one.size for one in same))
    # Images of an OME file are fields of view, and stacks are several measurements: no planes of one stack.
    if file.is_ome or sum(n > 1 for letter, n in zip(lot[0].axes, lot[0].shape, strict=True) if letter != 'S') > 2:
        lot = lot[:1]
    if len(lot) == len(whole):
        return lot, f'its {len(lot)} pages, written one by one, were read as planes of a stack' if len(lot) > 1 else ''
    shape = ' x '.join(str(n) for n in lot[0].shape)
    which = 'the first' if lot[0] is every[0] else f'number {every.index(lot[0]) + 1}'
    read = f'{which} ({shape}) was' if len(lot) == 1 else f'the {len(lot)} of {shape} were, as planes of a stack,'
    return lot, f'it holds {len(whole)} images; {read} read'


def _pixels(file: TiffFile, series: TiffPageSeries, path: Path) -> tuple[np.ndarray, str]:
    first = series.keyframe
    bits = first.bitspersample
    packed = isinstance(bits, int) and bits not in _WHOLE and series.dtype.kind == 'u'
    pages: list[Any] = list(series.pages)
    simple = not first.is_tiled and first.predictor == 1 and int(first.compression) in _UNPACKED
    if packed and simple and find_spec('imagecodecs') is None:
        planes = [_unpacked(page, first, path) for page in pages]
        return np.stack(planes).reshape(series.shape), series.axes
    try:
        return series.asarray(), series.axes
    except (ValueError, KeyError, NotImplementedError) as error:
        if 'imagecodecs' not in str(error):
            raise
    own = all(page is not None and page.parent is file for page in pages)
    try:
        if packed and bits > 8:
            raise ValueError('Pillow would fill these up')
        frames = read_frames(path, 2 * series.nbytes + 2**20, [page.index for page in pages] if own else None)
    except ValueError as error:
        compression = getattr(first.compression, 'name', first.compression)
        width = f'{bits} bit' if isinstance(bits, int) else 'several widths'
        raise InputError(
            str(path), f'is packed as {compression} of {width}, which cannot be read here', _CODECS
        ) from error
    if packed and frames.dtype == np.uint8:  # Pillow spreads 2 and 4 bits over 8
        frames = frames // np.uint8(255 // (2**bits - 1))
    colour = 'S' if first.samplesperpixel > 1 and frames.shape[-1] in (2, 3, 4) else ''
    axes = 'YX' + colour  # Pillow puts colours last, whatever the planes of the file are
    return frames, ('Z' if frames.ndim > len(axes) else '') + axes


def _unpacked(page: Any, first: TiffPage, path: Path) -> np.ndarray:
    """Values of 2 to 31 bits from the strips of a page: packed from the highest bit on, every row from a new byte."""
    from tifffile import TIFF

    bits, width = first.bitspersample, first.imagewidth
    planes = first.samplesperpixel if int(first.planarconfig) == 2 else 1
    per_row = width * first.samplesperpixel // planes
    length = -(-per_row * bits // 8)
    unpack = TIFF.DECOMPRESSORS[first.compression] if int(first.compression) != 1 else None
    rows = np.zeros((planes * first.imagelength, per_row), series_dtype(bits))
    done, strips = 0, max(1, len(page.dataoffsets) // planes)
    for index, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
        strip = index % strips
        height = min(first.rowsperstrip, first.imagelength - strip * first.rowsperstrip)
        handle = page.parent.filehandle
        handle.seek(offset)
        data = handle.read(count)
        if unpack is not None and count:
            data = unpack(data, out=height * length)
        raw = np.frombuffer(data, np.uint8)[: height * length]
        if count and raw.size < height * length:
            raise InputError(str(path), f'ends early (a strip of {raw.size} bytes, {height * length} expected)', 'copy')
        if count:
            one = np.unpackbits(
                raw.reshape(height, length), axis=1, bitorder='little' if first.fillorder == 2 else 'big'
            )
            one = one[:, : per_row * bits].reshape(height, per_row, bits)
            rows[done : done + height] = one @ (1 << np.arange(bits - 1, -1, -1)).astype(rows.dtype)
        done += height
    return rows


def series_dtype(bits: int) -> type[np.unsignedinteger]:
    """The smallest type that holds so many bits."""
    return np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint32
