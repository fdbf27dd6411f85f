"""A picture beside sections of the volume made from it, at equal scale, for the eye."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SCALE = 4  # screen pixels per pixel
GAP = 8


def draw_sheet(volume: np.ndarray, picture: np.ndarray, path: Path) -> None:
    """Write a PNG: the middle of the picture, then the middle sections with normal z, y and x.

    Parameters
    ----------
    volume : numpy.ndarray
        Labels (n, n, n).
    picture : numpy.ndarray
        Labels (rows, columns); a crop of n x n of it is shown, or all where it is smaller.
    path : Path
        PNG file.
    """
    from PIL import Image

    edge = volume.shape[0]
    top, left = (max(0, (size - edge) // 2) for size in picture.shape)
    panels = [picture[top : top + edge, left : left + edge]]
    panels += [np.take(volume, edge // 2, axis) for axis in range(3)]
    brightest = max(1, int(picture.max()))
    sheet = np.full((edge * SCALE, len(panels) * edge * SCALE + (len(panels) - 1) * GAP), 128, np.uint8)
    for i, panel in enumerate(panels):
        grey = np.round(panel.astype(float) * 255 / brightest).astype(np.uint8)
        large = np.repeat(np.repeat(grey, SCALE, 0), SCALE, 1)
        start = i * (edge * SCALE + GAP)
        sheet[: large.shape[0], start : start + large.shape[1]] = large
    Image.fromarray(sheet).save(path)
