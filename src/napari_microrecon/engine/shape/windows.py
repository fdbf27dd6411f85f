"""Square windows of slices and of sections of volumes, so that borders cut both alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LARGEST = 96  # pixels; the edge of a window, where slices and volumes are as large


def spread(length: int, edge: int, count: int) -> np.ndarray:
    """Starts of `count` windows spread evenly over a length; the same seen from either end."""
    starts = np.floor(np.linspace(0, length - edge, count) + 1e-9).astype(int)
    half = count // 2
    starts[count - half :] = (length - edge) - starts[:half][::-1]
    if count % 2:
        # An odd middle would move by one pixel when the picture is turned, which windows do not feel.
        starts[half] = (length - edge) // 2
    return starts


def of_image(image: np.ndarray, edge: int, count: int) -> np.ndarray:
    """About `count` overlapping windows of an image (rows, columns), evenly spread: (n, edge, edge)."""
    spans = [n / edge for n in image.shape]
    # As many along either axis as its length asks for; a single window where there is no room to move.
    steps = np.sqrt(count / (spans[0] * spans[1]))
    across = [
        1 if n == edge else min(max(round(span * steps), 2), n - edge + 1)
        for n, span in zip(image.shape, spans, strict=True)
    ]
    rows, columns = (spread(n, edge, c) for n, c in zip(image.shape, across, strict=True))
    return np.stack([image[r : r + edge, c : c + edge] for r in rows for c in columns])


def of_images(images: Sequence[np.ndarray], edge: int, count: int) -> np.ndarray:
    """Windows of several images, shared out by their areas: (n, edge, edge)."""
    pixels = sum(image.size for image in images)
    return np.concatenate([of_image(image, edge, max(round(count * image.size / pixels), 1)) for image in images])


def of_volumes(volumes: Sequence[np.ndarray], axis: int, edge: int, count: int) -> np.ndarray:
    """About `count` windows of the sections normal to an axis, the sections evenly spread: (n, edge, edge)."""
    found: list[np.ndarray] = []
    for volume in volumes:
        depth = volume.shape[axis]
        inplane = [n for i, n in enumerate(volume.shape) if i != axis]
        tiles = [-(-n // edge) if n % edge > edge // 4 else n // edge for n in inplane]
        each = tiles[0] * tiles[1]
        taken = min(depth, max(round(count / len(volumes) / each), 1))
        # The middle of every `taken`-th part of the depth: no section of the border more than others.
        for index in ((np.arange(taken) + 0.5) * depth / taken).astype(int):
            section = np.take(volume, index, axis)
            found += [
                section[r : r + edge, c : c + edge]
                for r in spread(inplane[0], edge, tiles[0])
                for c in spread(inplane[1], edge, tiles[1])
            ]
    return np.stack(found)
