"""Crops of the slices beside sections of a volume, at equal scale and size, to be judged by eye."""

from __future__ import annotations

import numpy as np

from ..slices import SliceSet
from ..voxels import AXES
from .windows import spread


def shape_pictures(
    slices: SliceSet, volume: np.ndarray, count: int = 3, edge: int = 96
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of a slice's crop and a volume's section, both of the same number of pixels.

    Parameters
    ----------
    slices : SliceSet
        What the volume was made from.
    volume : numpy.ndarray
        Labels (Z, Y, X).
    count : int
        Pairs; they go through the normals z, y, x, then through them again at other places.
    edge : int
        Largest edge of a picture in pixels; smaller where the volume or the slices are.

    Returns
    -------
    list of (numpy.ndarray, numpy.ndarray)
        Label pictures (edge, edge) of the slice and of the volume, rows and columns as IMAGE_AXES of the normal.
    """
    rounds = -(-count // len(AXES))
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    edge = min(edge, *volume.shape, *(n for s in slices for n in s.labels.shape))
    for turn in range(rounds):
        for axis, normal in enumerate(AXES):
            images = slices.exemplars(normal)
            # Other places for other pairs: with one slice all its pairs would show the same crop.
            order = turn * len(AXES) + axis
            image = images[order % len(images)]
            crop = _crop(image, edge, order // len(images))
            depth = volume.shape[axis]
            section = np.take(volume, int((turn + 0.5) * depth / rounds), axis)
            pairs.append((crop, _crop(section, edge, turn)))
    return pairs[:count]


def _crop(picture: np.ndarray, edge: int, order: int) -> np.ndarray:
    """The `order`-th square of the picture: its middle, then others spread over it."""
    across = [max(n // edge, 1) for n in picture.shape]
    rows, columns = (spread(n, edge, c) for n, c in zip(picture.shape, across, strict=True))
    places = sorted(
        ((int(r), int(c)) for r in rows for c in columns),
        key=lambda at: abs(2 * at[0] + edge - picture.shape[0]) + abs(2 * at[1] + edge - picture.shape[1]),
    )
    row, column = places[order % len(places)]
    return picture[row : row + edge, column : column + edge]
