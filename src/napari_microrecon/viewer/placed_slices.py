"""Slices at their places, before there is a volume: thin planes in the phase colours, in 3D.

All placed slices share one layer, a volume that is empty between them: napari takes half a second to add or to remove
a layer, and moving a slice should not. Slices without a place are plates of their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from ..engine.slices import Slice
from ..engine.voxels import AXES, IMAGE_AXES
from .layer_specs import LayerSpec, slice_spec

LARGEST = 2**27  # voxels of the shared layer; above, every slice gets a layer of its own
NAME = 'slices in place'


def slice_specs(slices: Iterable[Slice]) -> list[LayerSpec]:
    """Layers of slices: the placed ones together first, then the others."""
    placed, others = _parted(slices)
    together = [placed_spec(placed)] if placed else []
    return [*together, *(slice_spec(made) for made in others)]


def in_place(slices: Iterable[Slice]) -> Sequence[Slice]:
    """Slices that can be shown together in 3D; empty with fewer than two."""
    return _parted(slices)[0]


def placed_spec(placed: Sequence[Slice]) -> LayerSpec:
    """Layer of slices that all have positions, in a box where the volume will be."""
    first = placed[0]
    return LayerSpec(
        'slice', NAME, tuple(placed), first.phases, first.voxel_size, lambda: placed_labels(placed),
        details={'planes': [(made.normal, made.position) for made in placed]}, boxed=True,
    )  # fmt: skip


def placed_labels(placed: Sequence[Slice]) -> np.ndarray:
    """Array of slices that all have positions: phase k as k + 1 in their planes, 0 (clear) elsewhere.

    Where two slices cross, the line is that of the slice that was given first, as in the reconstruction.
    """
    labels = np.zeros(_extent(placed), np.uint8)
    for made in reversed(placed):
        axis, (rows, columns) = AXES.index(made.normal), made.labels.shape
        np.moveaxis(labels, axis, 0)[made.position, :rows, :columns] = made.labels + np.uint8(1)
    return labels


def _parted(slices: Iterable[Slice]) -> tuple[list[Slice], list[Slice]]:
    """Slices to show together, and those to show by themselves."""
    every = list(slices)
    placed = [made for made in every if made.position is not None]
    if len(placed) < 2 or math.prod(_extent(placed)) > LARGEST:
        return [], every
    return placed, [made for made in every if made.position is None]


def _extent(placed: Sequence[Slice]) -> tuple[int, int, int]:
    """Shape (Z, Y, X) that holds all slices."""
    extent = dict.fromkeys(AXES, 1)
    for made in placed:
        assert made.position is not None
        extent[made.normal] = max(extent[made.normal], made.position + 1)
        for axis, length in zip(IMAGE_AXES[made.normal], made.labels.shape, strict=True):
            extent[axis] = max(extent[axis], length)
    return extent['z'], extent['y'], extent['x']
