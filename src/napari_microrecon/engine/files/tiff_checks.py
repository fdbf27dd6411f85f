"""Checks of a TIFF before its pixels are read: a chain of pages with an end, and sizes that can be true."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.etree import ElementTree

from ..errors import InputError
from .contents import check_size

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage, TiffPageSeries

MOST_PAGES = 100_000
_MOST_PLANES = 2**20  # that an OME description may speak of: tifffile keeps an entry for each
_MOST_TAGS = 4096  # of one page, as tifffile has it
# Bytes of pixels that a byte can stand for, by TIFF's number of the compression. A fax row takes one bit when blank.
_RATIOS = {1: 8.0, 32773: 128.0, 5: 1400.0, 6: 1100.0, 7: 1100.0, 8: 1100.0, 32946: 1100.0, 34925: 9000.0}
_FAX = (2, 3, 4)
_ANY_OTHER = 33_000.0
_REMEDY = 'export it again from the program that made it'
_DEFLATE = (8, 32946)
_PIECE = 2**24  # bytes that are unpacked at a time


def check_chain(file: BinaryIO, path: Path) -> str:
    """Follow the pages of a TIFF from one to the next, without reading them; `path` is for the message.

    Returns
    -------
    str
        Remark where the chain breaks off, else ''.

    Raises
    ------
    InputError
        If the pages run in a circle, or are more than `MOST_PAGES`.
    """
    length = file.seek(0, 2)
    file.seek(0)
    start = file.read(16)
    order = {b'II': '<', b'MM': '>'}.get(start[:2], '')
    version = struct.unpack(order + 'H', start[2:4])[0] if order and len(start) >= 4 else 0
    if version == 42 and len(start) >= 8:
        count_format, tag, offset_format, offset = 'H', 12, 'I', struct.unpack(order + 'I', start[4:8])[0]
    elif version == 43 and len(start) >= 16:
        count_format, tag, offset_format, offset = 'Q', 20, 'Q', struct.unpack(order + 'Q', start[8:16])[0]
    else:
        return ''  # no TIFF that this could follow; the reader says what it thinks of it
    return _follow(file, path, length, offset, (order + count_format, tag, order + offset_format))


def _follow(file: BinaryIO, path: Path, length: int, offset: int, layout: tuple[str, int, str]) -> str:
    count_format, tag, offset_format = layout
    counted, jump = struct.calcsize(count_format), struct.calcsize(offset_format)
    seen: dict[int, int] = {}
    while offset:
        if offset in seen:
            raise InputError(
                str(path),
                f'its pages run in a circle (page {len(seen)} leads back to page {seen[offset] + 1})',
                _REMEDY,
            )
        if len(seen) >= MOST_PAGES:
            raise InputError(str(path), f'has more than {MOST_PAGES} pages', 'split it, or store it as OME-Zarr')
        broken = f'its page {len(seen) + 1} lies beyond the end of the file: the pages before it were read'
        if offset + counted > length:
            return broken
        file.seek(offset)
        (tags,) = struct.unpack(count_format, file.read(counted))
        next_at = offset + counted + tag * tags
        if tags > _MOST_TAGS or next_at + jump > length:
            return '' if not seen else broken
        seen[offset] = len(seen)
        file.seek(next_at)
        (offset,) = struct.unpack(offset_format, file.read(jump))
    return ''


def check_description(file: TiffFile, path: Path) -> None:
    """Refuse an OME description of so many planes that to list them would fill the memory, or of files elsewhere.

    Raises
    ------
    InputError
        Naming the number, or the file.
    """
    if not file.is_ome:
        return
    try:
        root = ElementTree.fromstring(file.ome_metadata or '<OME/>')
    except ElementTree.ParseError:
        return
    for element in root.iter():
        other = element.attrib.get('FileName', '')
        if other != PureWindowsPath(other).name:  # which knows both kinds of slashes
            raise InputError(str(path), f'its OME description names a file elsewhere ({other[:120]!r})', _REMEDY)
        # Along: further axes, as first, last and step.
        numbers = {key: _number(value) for key, value in element.attrib.items()}
        planes = (
            max(1.0, numbers.get('SizeZ', 1)) * max(1.0, numbers.get('SizeC', 1)) * max(1.0, numbers.get('SizeT', 1))
        )
        planes = max([planes, *(numbers.get(key, 0) for key in ('PlaneCount', 'NumPlanes', 'IFD'))])
        if 'Start' in numbers and 'End' in numbers:
            step = abs(numbers.get('Step', 1.0)) or 1e-9
            planes = max(planes, abs(numbers['End'] - numbers['Start']) / step)
        if not planes <= _MOST_PLANES:
            raise InputError(str(path), f'its OME description speaks of {planes:.3g} planes', _REMEDY)


def _number(text: str) -> float:
    try:
        return abs(float(text))
    except ValueError:
        return 0.0


def check_pixels(file: TiffFile, series: TiffPageSeries, path: Path) -> int:
    """Refuse pixels that the file cannot hold, that end before they should, or that do not fit into memory.

    Returns
    -------
    int
        Planes or blocks that the file leaves out; they are read as 0.
    """
    first = series.keyframe
    compression = int(first.compression)
    ratio = None if compression in _FAX else _RATIOS.get(compression, _ANY_OTHER)
    pages: list[Any] = list(series.pages)
    lengths = {id(page.parent): page.parent.filehandle.size for page in pages if page is not None}
    check_size(path, max(series.nbytes, _packed(first) * len(pages)), ratio, sum(lengths.values()))
    missing = 0
    own = file.filehandle.size
    for page in pages:
        if page is None:
            missing += 1
            continue
        ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if ends and max(ends) > own and page.parent is file:
            raise InputError(str(path), f'ends early ({own} bytes, {max(ends)} expected)', 'copy or export it again')
        missing += sum(n == 0 for n in page.databytecounts) if len(page.databytecounts) else 1
        if compression in _DEFLATE:
            _check_packing(page, first, path)
    return missing


def _packed(page: TiffPage) -> int:
    """Bytes of the blocks of a page, decoded: tiles reach beyond the edge of the picture."""
    if not page.is_tiled:
        return page.nbytes
    tile = page.tilelength * page.tilewidth * max(1, page.tiledepth) * page.samplesperpixel
    return len(page.dataoffsets) * tile * max(1, page.bitspersample // 8)


def _check_packing(page: Any, first: TiffPage, path: Path) -> None:
    """Refuse blocks that unpack into far more than a block of the picture: tifffile unpacks them whole."""
    block = _packed(first) // max(1, len(page.dataoffsets)) if first.is_tiled else page.nbytes
    most = max(2 * block, 2**28)
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if count * 1040 <= most:
            continue
        handle = page.parent.filehandle
        handle.seek(offset)
        unpacker, rest, total = zlib.decompressobj(), handle.read(count), 0
        while rest and not unpacker.eof and total <= most:
            total += len(unpacker.decompress(rest, _PIECE))
            rest = unpacker.unconsumed_tail
        if total > most:
            raise InputError(str(path), 'a block of it unpacks into far more than the picture holds', _REMEDY)
