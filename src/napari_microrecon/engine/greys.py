"""Grey values of pictures: luminance of colours, and their range apart from a few stray pixels far outside it."""

from __future__ import annotations

import numpy as np

from .raw_image import RawImage

_LUMINANCE = (np.float32(0.2126), np.float32(0.7152), np.float32(0.0722))  # ITU-R BT.709
_STRAY = 0.001  # of the pixels at either end that may be stray: hot or dead pixels, zingers, a bright speck
_BEYOND = 0.5  # of the range of all others, beyond which they are


def usual_range(values: np.ndarray) -> tuple[float, float]:
    """Lowest and highest grey value; where up to a thousandth lies far outside all others, a limit for these.

    A picture without such pixels has its own lowest and highest value. Histograms over the whole range would have one
    bin for all the others, and Otsu's criterion counts the square of a distance: five pixels of 50 in a picture of
    0.4 and 1.0 are a class of their own.
    """
    lowest, highest = float(values.min()), float(values.max())
    flat = values.ravel()
    if flat.size < 1 / _STRAY or lowest == highest:
        return lowest, highest
    count = int(flat.size * _STRAY)
    places = (count, flat.size - 1 - count)
    low, high = (float(v) for v in np.partition(flat, places)[list(places)])
    reach = _BEYOND * (high - low)
    if reach == 0:  # one value nearly everywhere: what is left is all that there is to see
        return lowest, highest
    return max(lowest, low - reach), min(highest, high + reach)


def within_usual_range(values: np.ndarray) -> np.ndarray:
    """The values, stray ones drawn to the limit of the others; the array itself where there are none."""
    low, high = usual_range(values)
    if low <= values.min() and values.max() <= high:
        return values
    if values.dtype.kind in 'ui':
        low, high = int(np.floor(low)), int(np.ceil(high))
    return np.clip(values, low, high)


def luminance(colours: np.ndarray) -> np.ndarray:
    """Luminance (float32) of colours in the last axis; equal colours get equal values to the last bit."""
    red, green, blue = (colours[..., i].astype(np.float32) * weight for i, weight in enumerate(_LUMINANCE))
    return red + green + blue


def grey_of(image: RawImage) -> np.ndarray:
    """What thresholds are taken of: the grey values, or the luminance of colours."""
    return luminance(image.array) if image.kind == 'rgb' else image.array


def packed(array: np.ndarray) -> np.ndarray | None:
    """Colours as one integer 0xRRGGBB, None where the channels are not 8 bits wide."""
    if array.dtype != np.uint8:
        return None
    red, green, blue = (array[..., i].astype(np.int64) for i in range(3))
    return (red << 16) | (green << 8) | blue
