"""What a file is by its first bytes, and whether what it declares can be true and fits into memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..host_memory import free_memory

# What is read, by the bytes that such a file begins with.
_READ = {
    'TIFF': (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+'),
    'PNG': (b'\x89PNG\r\n\x1a\n',),
    'JPEG': (b'\xff\xd8\xff',),
    'BMP': (b'BM',),
    'NPY': (b'\x93NUMPY',),
}
# What is not read but often bears a picture's name. Pillow would start Ghostscript for the first two.
_FOREIGN = {
    'a PostScript file': (b'%!PS', b'\xc5\xd0\xd3\xc6'),
    'a PDF file': (b'%PDF',),
    'a GIF image': (b'GIF87a', b'GIF89a'),
    'a zip archive': (b'PK\x03\x04', b'PK\x05\x06'),
    'a gzip archive': (b'\x1f\x8b\x08',),
    'an HDF5 file': (b'\x89HDF\r\n',),
    'a JPEG 2000 image': (b'\0\0\0\x0cjP  ', b'\xff\x4f\xff\x51'),
    'a Photoshop image': (b'8BPS',),
    'a FITS image': (b'SIMPLE  =',),
    'an XML or SVG text': (b'<?xml', b'<svg'),
}
WORDS = {'NPY': 'NumPy array', 'TIFF': 'TIFF image', 'PNG': 'PNG image', 'JPEG': 'JPEG image', 'BMP': 'BMP image'}
_SLACK = 2**28  # bytes that any file may declare: what is left out on purpose costs no space on disk
_LARGEST = 1e15  # grey value or label
_MOST_LEVELS = 2**20  # whole numbers from the lowest to the highest grey value that a histogram has a bin each for
_SHARE = 0.5  # of the free memory that the pixels may take: colour and other types need copies of them


def content_of(path: Path) -> str:
    """Name of the format that a file's first bytes show, a key of `WORDS`; '' where they show none of those.

    Raises
    ------
    InputError
        If they show a format that is not read.
    """
    with path.open('rb') as file:
        start = file.read(16)
    for name, beginnings in _READ.items():
        if start.startswith(beginnings):
            return name
    for words, beginnings in _FOREIGN.items():
        if start.startswith(beginnings):
            raise InputError(
                str(path),
                f'is {words}, not a {_meant(path)} as its name says',
                'export it as TIFF, PNG or NPY',
            )
    if start[:4] == b'RIFF' and start[8:12] == b'WEBP':
        raise InputError(str(path), f'is a WebP image, not a {_meant(path)} as its name says', 'export it as PNG')
    return ''


def format_of_name(suffix: str) -> str:
    """Name of the format that a file's ending promises."""
    endings = {'.tif': 'TIFF', '.tiff': 'TIFF', '.png': 'PNG', '.jpg': 'JPEG', '.jpeg': 'JPEG', '.bmp': 'BMP'}
    return endings.get(suffix.lower(), 'NPY')


def beginning(path: Path) -> str:
    """What a file begins with, in words."""
    with path.open('rb') as file:
        start = file.read(16)
    if not start:
        return 'it is empty'
    text = start.decode('ascii', 'replace').strip()
    if text and all(character.isprintable() or character in '\r\n\t' for character in text) and start.isascii():
        return f'it begins with the text "{" ".join(text.split())}"'
    return f'its first bytes are {start[:8].hex(" ")}'


def check_size(path: Path, declared: int, ratio: float | None = None, length: int | None = None) -> None:
    """Refuse pixels that cannot be in the file, or do not fit into memory, before anything is allocated for them.

    Parameters
    ----------
    path : Path
        File, for the message.
    declared : int
        Bytes of the pixels, decoded.
    ratio : float, optional
        Most bytes of pixels that one byte of the file can stand for; None where there is no bound.
    length : int, optional
        Bytes on disk; by default those of `path`.

    Raises
    ------
    InputError
        Naming what is declared and what there is.
    """
    if ratio is not None:
        length = path.stat().st_size if length is None else length
        if declared > _SLACK + ratio * length:
            raise InputError(
                str(path),
                f'declares {gigabytes(declared)} of pixels, more than its {length} bytes can hold',
                'it is damaged: copy or export it again',
            )
    free = free_memory()
    if declared > _SHARE * free:
        raise InputError(
            str(path),
            f'holds {gigabytes(declared)} of pixels, and {gigabytes(free)} of memory are free',
            'crop it or store it as 8 bit labels, or use a machine with more memory',
        )


def as_numbers(array: np.ndarray, path: Path) -> np.ndarray:
    """Pixels in a type that everything behind can compute with: in the machine's byte order, of at most 64 bits.

    Raises
    ------
    InputError
        If they are no numbers, not finite, or of a size that no grey value or label has.
    """
    if array.dtype.kind not in 'buif':
        kind = 'fields of several' if array.dtype.names else str(array.dtype)
        raise InputError(str(path), f'holds {kind} values', 'save it as 8 or 16 bit grey values or labels')
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder('='))
    if array.dtype.kind == 'f':
        bad = int(array.size - np.count_nonzero(np.isfinite(array)))
        if bad:
            raise InputError(
                str(path),
                f'holds {bad} values that are NaN or infinite',
                'replace them by real grey values or crop them away',
            )
    if array.dtype.itemsize <= 2 and array.dtype.kind != 'f':
        return array
    low, high = array.min(), array.max()
    if max(abs(float(low)), abs(float(high))) > _LARGEST:
        worst = low if abs(float(low)) > abs(float(high)) else high
        raise InputError(
            str(path),
            f'holds values of up to {float(worst):.3g}, which no grey value or label has',
            'rescale it to 8 or 16 bit',
        )
    if array.dtype.kind == 'f':
        # Neither half nor long floats are known to torch and scipy everywhere.
        return array if array.dtype.itemsize in (4, 8) else array.astype(np.float32 if low.itemsize < 4 else float)
    # Histograms of whole numbers have one bin per number: that many would fill the memory.
    return array.astype(np.float64) if int(high) - int(low) > _MOST_LEVELS else array


def gigabytes(count: float) -> str:
    """Bytes in words."""
    return f'{count / 1e9:.3g} GB' if count < 1e15 else f'{count:.1e} bytes'


def _meant(path: Path) -> str:
    return WORDS[format_of_name(path.suffix)]
