"""Filters of grey pictures in strips and tiles, so that a large one can be stopped and does not fill the memory."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

_STRIP = 2**18  # pixels of a strip of the total-variation filter: its arrays stay in the processor's cache
_MEDIAN_TILE = 2**23  # pixels of a tile times pixels of the disc: some tenths of a second
_TOLERANCE = 2e-4  # of the first energy: less change ends the iteration
_MOST = 200  # iterations


def median(grey: np.ndarray, radius: int) -> Generator[tuple[int, int], None, np.ndarray]:
    """Median over a disc; the same numbers as of the whole picture at once.

    Parameters
    ----------
    grey : numpy.ndarray
        (rows, columns).
    radius : int
        Of the disc, in pixels.

    Yields
    ------
    (int, int)
        Tiles done and in all.
    """
    from scipy.ndimage import median_filter

    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disc = x**2 + y**2 <= radius**2
    edge = max(2 * radius, int((_MEDIAN_TILE / disc.sum()) ** 0.5))
    done = np.empty_like(grey)
    tiles = [(r, c) for r in range(0, grey.shape[0], edge) for c in range(0, grey.shape[1], edge)]
    for count, corner in enumerate(tiles):
        yield count, len(tiles)
        # Beside the picture's edge the mode stands for what is not there; elsewhere the overlap does.
        own = [slice(i, min(i + edge, n)) for i, n in zip(corner, grey.shape, strict=True)]
        wide = [slice(max(0, o.start - radius), min(o.stop + radius, n)) for o, n in zip(own, grey.shape, strict=True)]
        part = median_filter(grey[*wide], footprint=disc, mode='nearest')
        done[*own] = part[*(slice(o.start - w.start, o.stop - w.start) for o, w in zip(own, wide, strict=True))]
    return done


def total_variation(image: np.ndarray, weight: float) -> Generator[tuple[int, int], None, np.ndarray]:
    """Total-variation filter (Rudin, Osher and Fatemi 1992) by the projection of Chambolle 2004, JMIV 20, 89.

    The iteration and its end are those of `skimage.restoration.denoise_tv_chambolle`, and so are the numbers; only the
    sum that decides about the end is taken in double precision.

    Parameters
    ----------
    image : numpy.ndarray
        float32, (rows, columns), grey values of 0 to 1.
    weight : float
        Strength; larger is smoother.

    Yields
    ------
    (int, int)
        Iterations done, and the most there can be.
    """
    rows, columns = image.shape
    strip, tau = max(1, _STRIP // columns), np.float32(0.25)
    down, across = np.zeros_like(image), np.zeros_like(image)  # the dual field
    out = np.empty_like(image)
    first = former = 0.0
    for iteration in range(_MOST):
        energy = 0.0
        above = np.zeros(columns, image.dtype)  # dual field of the row above the strip, before it was changed
        for start in range(0, rows, strip):
            yield iteration, _MOST
            end = min(rows, start + strip)
            below = min(rows, end + 1)  # one row more for the difference downwards
            minus_divergence = -(down[start:below] + across[start:below])
            minus_divergence[0] += above
            minus_divergence[1:] += down[start : below - 1]
            minus_divergence[:, 1:] += across[start:below, :-1]
            now = image[start:below] + minus_divergence
            height = end - start
            out[start:end] = now[:height]
            to_below, to_right = np.zeros((2, height, columns), image.dtype)
            to_below[: below - start - 1] = now[1:] - now[:-1]
            to_right[:, :-1] = np.diff(now[:height], axis=1)
            norm = np.sqrt(to_below**2 + to_right**2)
            own = minus_divergence[:height]
            energy += float(np.vdot(own, own)) + weight * float(norm.sum(dtype=np.float64))
            norm *= tau / np.float32(weight)
            norm += 1
            above = down[end - 1].copy()
            down[start:end] = (down[start:end] - tau * to_below) / norm
            across[start:end] = (across[start:end] - tau * to_right) / norm
        energy /= image.size
        if iteration == 0:
            first = energy
        elif abs(former - energy) < _TOLERANCE * first:
            break
        former = energy
    return out
