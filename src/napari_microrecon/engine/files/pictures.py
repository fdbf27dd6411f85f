"""PNG, JPEG, BMP and the TIFF compressions that tifffile lacks, by Pillow: by these decoders and no others.

`Image.open` chooses among all the decoders that Pillow knows, one of which starts Ghostscript for PostScript, and
refuses mosaics by a limit that holds for the whole process, napari too. The classes of the four formats do neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..errors import InputError
from .contents import WORDS, beginning, check_size

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

# Pixels that a byte can stand for: deflate's limit, a bit per block of 8 x 8 in a JPEG, a run of 255 in two bytes.
_RATIO = 1100.0
_CHANNELS = {'1': 1, 'L': 1, 'P': 1, 'LA': 2, 'PA': 2, 'I;16': 2, 'I;16B': 2, 'RGB': 3}  # bytes per pixel; else 4


def read_picture(path: Path, content: str) -> np.ndarray:
    """Pixels of a PNG, JPEG or BMP: (rows, columns) or (rows, columns, samples).

    Parameters
    ----------
    path : Path
        File.
    content : str
        'PNG', 'JPEG' or 'BMP', as its first bytes say; '' where they say none of these.

    Raises
    ------
    InputError
        If it is none of these, is damaged, or does not fit into memory.
    """
    meant = WORDS[content or 'PNG'] if content else f'{path.suffix[1:].upper()} image'
    if not content:
        raise InputError(str(path), f'is not a {meant} ({beginning(path)})', 'export it again as TIFF or PNG')
    try:
        with path.open('rb') as file, _decoder(content, file) as image:
            columns, rows = image.size
            check_size(path, columns * rows * _CHANNELS.get(image.mode, 4), _RATIO)
            picture: Any = image
            if picture.mode in ('P', 'CMYK', 'YCbCr', 'LAB', 'HSV', 'PA'):
                picture = picture.convert('RGBA' if picture.mode in ('P', 'PA') else 'RGB')
            return np.asarray(picture)
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(str(path), 'does not fit into memory', 'crop it first') from error
    # No list says what a decoder raises on a damaged file; whatever it is, the file is what is wrong.
    except Exception as error:
        raise InputError(str(path), f'is not a {meant} that can be read', 'export it again as TIFF or PNG') from error


def read_frames(path: Path, most: int, pages: Sequence[int] | None = None) -> np.ndarray:
    """Pixels of the pages of a TIFF, (rows, columns[, samples]) or (pages, rows, columns[, samples]).

    Parameters
    ----------
    path : Path
        File.
    most : int
        Bytes that are decoded at most; the caller knows how many there are.
    pages : sequence of int, optional
        Numbers of the pages from 0; by default all.

    Raises
    ------
    ValueError
        If Pillow does not know the kind of pixels, or there are more of them.
    """
    with path.open('rb') as file, _decoder('TIFF', file) as image:
        frames: list[np.ndarray] = []
        total = 0
        while pages is None or len(frames) < len(pages):
            try:
                image.seek(len(frames) if pages is None else pages[len(frames)])
            except EOFError:
                break
            columns, rows = image.size
            total += columns * rows * _CHANNELS.get(image.mode, 4)
            if total > most:
                raise ValueError('its pages hold more than its description says')
            frames.append(np.asarray(image))
    return frames[0] if len(frames) == 1 else np.stack(frames)


def _decoder(content: str, file: BinaryIO) -> ImageFile:
    from PIL import BmpImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

    class Tiff(TiffImagePlugin.TiffImageFile):
        """Values as they are stored, without Pillow's limit of pixels: the size was checked before."""

        def _setup(self) -> None:
            # Where 0 is white Pillow turns the values round, and tifffile, which reads other compressions, does not.
            if self.tag_v2.get(262, 1) == 0:
                self.tag_v2[262] = 1
            super()._setup()

        def load_prepare(self) -> None:
            if getattr(self, '_im', None) is None:
                self.im = Image.core.new(self.mode, getattr(self, '_tile_size', self.size))
            super().load_prepare()

    known: dict[str, type[ImageFile]] = {
        'PNG': PngImagePlugin.PngImageFile,
        'JPEG': JpegImagePlugin.JpegImageFile,
        'BMP': BmpImagePlugin.BmpImageFile,
        'TIFF': Tiff,
    }
    return known[content](file)
