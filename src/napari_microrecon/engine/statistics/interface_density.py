"""Interface density: how often the phase changes from one voxel to the next along an axis."""

from __future__ import annotations

import numpy as np


def interface_density(labels: np.ndarray, axis: int, *, periodic: bool = False) -> float:
    """Share of the neighbours along an axis that differ: changes per voxel, 0 where there are no neighbours.

    Parameters
    ----------
    labels : numpy.ndarray
        Labels or a mask, of a section or a volume.
    axis : int
        Direction of the line from neighbour to neighbour.
    periodic : bool
        Whether the last voxel has the first one as its neighbour.
    """
    if periodic:
        return float((labels != np.roll(labels, 1, axis)).mean())
    moved = np.moveaxis(labels, axis, 0)
    changes = np.count_nonzero(moved[1:] != moved[:-1])
    return float(changes / max(1, labels.size - labels.size // labels.shape[axis]))
