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
from .layers import KEY, LayerData, common_keywords, phase_colormap, slice_layer

LARGEST = 2**27  # voxels of the shared layer; above, every slice gets a layer of its own
NAME = 'slices in place'


def slice_layers(slices: Iterable[Slice]) -> list[LayerData]:
    """Layer data of slices: the placed ones together first, then the others."""
    placed, others = _parted(slices)
    together = [placed_layer(placed)] if placed else []
    return [*together, *(slice_layer(made) for made in others)]


def in_place(slices: Iterable[Slice]) -> Sequence[Slice]:
    """Slices that can be shown together in 3D; empty with fewer than two."""
    return _parted(slices)[0]


def placed_layer(placed: Sequence[Slice]) -> LayerData:
    """Layer data of slices that all have positions: phase k as k + 1 in their planes, 0 (clear) elsewhere.

    Where two slices cross, the line is that of the slice that was given first, as in the reconstruction.
    """
    labels = np.zeros(_extent(placed), np.uint8)
    for made in reversed(placed):
        axis, (rows, columns) = AXES.index(made.normal), made.labels.shape
        np.moveaxis(labels, axis, 0)[made.position, :rows, :columns] = made.labels + np.uint8(1)
    first = placed[0]
    planes = [(made.normal, made.position) for made in placed]
    keywords = {
        **common_keywords(first.voxel_size),
        'name': NAME,
        'opacity': 1.0,
        'colormap': phase_colormap(first.phases),
        'metadata': {KEY: {'role': 'slice', 'phases': first.phases.model_dump(), 'planes': planes}},
    }
    return labels, keywords, 'labels'


def is_placed_layer(metadata: dict) -> bool:
    """Whether a layer with this metadata shows slices in place."""
    return 'planes' in metadata.get(KEY, {})


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
