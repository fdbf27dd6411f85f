"""How much the votes of patches count."""

from __future__ import annotations

import numpy as np

SMALL, SOFT, ROBUST = 0.02, 0.05, 2.0  # a vote weighs (error + SMALL^2, + SOFT typical errors) ^ -ROBUST


def vote_weights(best: list[np.ndarray], length: int) -> list[np.ndarray]:
    """Weight of every vote, by how well its patch fits compared with others of its plane.

    Without the typical error of each plane the one that fits worst makes square blocks.
    """
    typical = [float(np.median(b[::2, ::2, ::2])) / length + SMALL**2 for b in best]
    found = []
    for b, own in zip(best, typical, strict=True):
        weight = b / np.float32(length) + np.float32(SMALL**2)
        weight *= np.float32(1 / own)
        weight += np.float32(SOFT)
        found.append(np.asarray(weight**-ROBUST, np.float32))
    return found


def doubled(weight: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Weights of a level for the next finer one (Z, Y, X), which has this shape."""
    for axis in range(3):
        weight = weight.repeat(2, axis)
    return np.ascontiguousarray(weight[tuple(slice(n) for n in shape)])
