"""The voxel size of a picture's file, given to the layer that napari made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..engine.raw_image import RawImage
from ..engine.voxels import AXES, IMAGE_AXES

if TYPE_CHECKING:
    from napari.layers import Layer


def give_size(layer: Layer, image: RawImage) -> None:
    """Scale a layer as its picture; one that has a scale or a unit already, or more axes than a volume, is left alone.

    napari drops the voxel size that TIFF files carry, and shows no unit at all where layers differ in it.
    """
    size = image.voxel_size
    bare = np.all(np.asarray(layer.scale) == 1) and all(str(unit) == 'pixel' for unit in layer.units)
    if size.is_known and bare and layer.ndim in (2, 3):
        axes = AXES if layer.ndim == 3 else IMAGE_AXES[image.normal or 'z']
        layer.scale = [getattr(size, axis) for axis in axes]
        layer.units = (size.unit,) * layer.ndim
