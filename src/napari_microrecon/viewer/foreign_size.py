"""The voxel size of a picture, given to the layer that napari made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..engine.raw_image import RawImage
from ..engine.voxels import AXES, IMAGE_AXES, Axis, VoxelSize

if TYPE_CHECKING:
    from napari.layers import Layer


def give_size(layer: Layer, image: RawImage) -> None:
    """Scale a layer as its picture; one that has a scale or a unit already, or more axes than a volume, is left alone.

    napari drops the voxel size that TIFF files carry, and shows no unit at all where layers differ in it.
    """
    if image.voxel_size.is_known and _is_bare(layer) and layer.ndim in (2, 3):
        _scale(layer, image.voxel_size, image.normal or 'z')


def resize(layer: Layer, former: VoxelSize, size: VoxelSize) -> None:
    """Scale a layer that a slice was taken from as the slice is now; one with a scale of its own is left alone."""
    if layer.ndim not in (2, 3) or not size.is_known:
        return
    as_before = former.is_known and np.allclose(layer.scale, [getattr(former, a) for a in _axes(layer)], rtol=1e-6)
    if _is_bare(layer) or as_before:
        _scale(layer, size)


def _is_bare(layer: Layer) -> bool:
    return bool(np.all(np.asarray(layer.scale) == 1)) and all(str(unit) == 'pixel' for unit in layer.units)


def _axes(layer: Layer, normal: Axis = 'z') -> tuple[Axis, ...]:
    return AXES if layer.ndim == 3 else IMAGE_AXES[normal]


def _scale(layer: Layer, size: VoxelSize, normal: Axis = 'z') -> None:
    layer.scale = [getattr(size, axis) for axis in _axes(layer, normal)]
    layer.units = (size.unit,) * layer.ndim
