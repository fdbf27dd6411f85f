"""Pictures at another pixel size in bands of rows, so that a large one can be stopped and does not fill the memory."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

_BAND = 2**21  # pixels of a band, read or written: some tenths of a second
_TRUNCATE = 4.0  # standard deviations that scipy's Gaussian filter reaches


def resample(image: np.ndarray, shape: tuple[int, int]) -> Generator[tuple[int, int], None, np.ndarray]:
    """Linear interpolation, after a Gaussian filter where it gets coarser: the numbers of `skimage.transform.resize`.

    Parameters
    ----------
    image : numpy.ndarray
        (rows, columns) or (rows, columns, channels).
    shape : tuple of int
        Rows and columns to make; the picture covers the same area as before.

    Yields
    ------
    (int, int)
        Rows done and in all.

    Returns
    -------
    numpy.ndarray
        float32, (*shape) or (*shape, channels).
    """
    from scipy.ndimage import gaussian_filter

    before = image.shape[:2]
    factors = [old / new for old, new in zip(before, shape, strict=True)]
    sigmas = [max(0.0, (factor - 1) / 2) for factor in factors]
    halo = int(_TRUNCATE * sigmas[0] + 0.5)
    rows, columns = (_places(new, old) for new, old in zip(shape, before, strict=True))
    done = np.empty(shape + image.shape[2:], dtype=np.float32)
    each = max(1, round(_BAND / max(before[1] * factors[0], shape[1])))
    for start in range(0, shape[0], each):
        yield start, shape[0]
        low, high, share = (part[start : start + each] for part in rows)
        first, last = int(min(low.min(), high.min())), int(max(low.max(), high.max())) + 1
        # Beside the picture's edge the filter mirrors; elsewhere the overlap stands for what is there.
        begin, end = max(0, first - halo), min(before[0], last + halo)
        band = image[begin:end].astype(np.float32)
        if any(sigmas):
            band = gaussian_filter(band, (*sigmas, *[0.0] * (image.ndim - 2)), mode='mirror', truncate=_TRUNCATE)
        band = _between(band, low - begin, high - begin, share, 0)
        done[start : start + each] = _between(band, *columns, 1)
    return done


def _places(new: int, old: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For every new pixel the two old ones around its centre, mirrored at the edges, and the share of the second."""
    centre = np.abs((np.arange(new) + 0.5) * (old / new) - 0.5)
    centre = np.minimum(centre, 2 * (old - 1) - centre) if old > 1 else np.zeros(new)
    low = np.floor(centre).astype(np.intp)
    return low, np.minimum(low + 1, old - 1), (centre - low).astype(np.float32)


def _between(image: np.ndarray, low: np.ndarray, high: np.ndarray, share: np.ndarray, axis: int) -> np.ndarray:
    share = share.reshape([-1 if a == axis else 1 for a in range(image.ndim)])
    return image.take(low, axis) * (1 - share) + image.take(high, axis) * share
