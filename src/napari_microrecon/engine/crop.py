"""The part of a picture that is kept, and where the data bar of a microscope begins."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from .errors import InputError
from .raw_image import RawImage
from .segmentation import luminance
from .slices import SMALLEST_SLICE

Range = tuple[int, int | None]
_DEEPEST = 0.35  # of the picture's height; what is larger is no bar
_EVIDENT = 0.04  # share of the height of a bar that is cut off unasked
_LEAST_ROWS = 4
_COLUMNS = 512  # that are looked at; text is wider than the gaps between them
_SAME = 0.02  # of the grey range: ground that was compressed with loss is not of one value
_GROUND = 0.35  # share of a bar's row that is ground, also where it is crossed by text
_CONTRAST = 0.4  # by which the bar's share of ground is above that of the picture


class Crop(BaseModel):
    """Rows and columns that are kept, as Python slices: the end is not included, None is the picture's end.

    A negative end counts from the picture's end: rows (0, -64) cut off the last 64 rows, of whatever picture.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    rows: Range = Field(default=(0, None), description='First row kept, and the row after the last, from 0 at the top')
    columns: Range = Field(default=(0, None), description='First column kept, and the column after the last')

    @model_validator(mode='after')
    def _in_order(self) -> Self:
        for name, (first, end) in (('rows', self.rows), ('columns', self.columns)):
            if first < 0 or (end is not None and 0 <= end <= first):
                raise ValueError(f'{name} {first}:{"" if end is None else end} keep nothing')
        return self

    def within(self, shape: tuple[int, ...]) -> Crop:
        """Return the crop in plain row and column numbers of a picture of this shape.

        Raises
        ------
        InputError
            If it reaches out of the picture or leaves too little of it.
        """
        found = []
        for name, (first, end), length in zip(('rows', 'columns'), (self.rows, self.columns), shape[:2], strict=True):
            last = length if end is None else end if end > 0 else length + end
            if last > length or last - first < SMALLEST_SLICE:
                asked = f'{name} {first}:{"" if end is None else end}'
                raise InputError(
                    'crop', f'{asked} of a picture with {length} {name}', f'keep at least {SMALLEST_SLICE} of them'
                )
            found.append((first, last))
        return Crop(rows=found[0], columns=found[1])


def suggest_crop(image: RawImage) -> Crop | None:
    """Suggest the rows above the data bar that electron microscopes write at the bottom; None where there is none.

    A bar (scale, voltage and date on a uniform ground) is a band of rows, at most 35 % of the height, in which most
    pixels have one value (the ground) or whole rows have one value (a rule above the text), while that value is rare
    in the rows above.

    Parameters
    ----------
    image : RawImage
        2D, grey or colour.
    """
    array = image.array[:, :: max(1, image.array.shape[1] // _COLUMNS)]
    grey = (luminance(array) if image.kind == 'rgb' else array).astype(np.float32)
    rows = len(grey)
    tolerance = _SAME * float(np.ptp(grey))
    deepest = int(_DEEPEST * rows)
    if not tolerance or deepest < _LEAST_ROWS:
        return None
    # The last rows may be a frame around the bar: the ground is the commonest value of the lowest part.
    low = float(grey.min())
    lowest = grey[-max(_LEAST_ROWS, rows // 50) :]
    bins = np.bincount(((lowest - low) / (2 * tolerance)).astype(int).ravel())
    inside = ((lowest - low) / (2 * tolerance)).astype(int) == int(np.argmax(bins))
    ground = float(np.median(lowest[inside]))
    share = np.mean(np.abs(grey - ground) <= tolerance, axis=1)
    uniform = np.mean(np.abs(grey - np.median(grey, axis=1, keepdims=True)) <= tolerance, axis=1) > 0.9
    bar = (share >= _GROUND) | uniform
    height = rows if bar.all() else int(np.argmin(bar[::-1]))
    if not _LEAST_ROWS <= height <= deepest:
        return None
    above = share[max(0, rows - 2 * height - _LEAST_ROWS) : rows - height]
    if np.median(share[rows - height :]) - np.median(above) < _CONTRAST:
        return None
    return Crop(rows=(0, rows - height))


def evident_bar(image: RawImage) -> Crop | None:
    """`suggest_crop` for those who did not ask: only for grey or colour, and a bar as high as microscopes write them.

    Thinner bands are also found where a uniform grain lies at the lower border of a picture without a bar.
    """
    if image.kind not in ('grey', 'rgb'):
        return None
    found = suggest_crop(image)
    rows = len(image.array)
    return found if found is not None and rows - (found.rows[1] or rows) >= _EVIDENT * rows else None
