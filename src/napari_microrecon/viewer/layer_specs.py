"""Layers as plain values, before napari has any part in them: which labels, where, in which phases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from ..engine.phases import Phases
from ..engine.slices import Slice
from ..engine.volume import Volume
from ..engine.voxels import AXES, VoxelSize

SceneRole = Literal['slice', 'volume', 'reference', 'preview']


@dataclass(frozen=True, eq=False)
class LayerSpec:
    """A labels layer that is to be there.

    Attributes
    ----------
    role : {'slice', 'volume', 'reference', 'preview'}
        What the layer stands for.
    name : str
        To show.
    of : tuple of Volume or Slice
        What it is made of; by identity, because these are never changed in place.
    phases : Phases
        Names and colours of the labels.
    voxel_size : VoxelSize
        Its scale.
    make : callable
        Returns the array (Z, Y, X), uint8: phase k as k + 1, because napari never draws label 0.
    translate : tuple of float
        Its corner (z, y, x), in the unit of the voxel size.
    extent : tuple of int or None
        Shape of the middle that is shown of something larger.
    details : mapping
        What else its metadata hold.
    shown : bool
        Whether it is visible in this scene, as long as the user does not show or hide it.
    boxed : bool
        Whether it has a bounding box.
    """

    role: SceneRole
    name: str
    of: tuple[Volume | Slice, ...]
    phases: Phases
    voxel_size: VoxelSize
    make: Callable[[], np.ndarray]
    translate: tuple[float, float, float] = (0.0, 0.0, 0.0)
    extent: tuple[int, int, int] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    shown: bool = True
    boxed: bool = False

    @property
    def content(self) -> tuple[Any, ...]:
        """What decides the layer's pixels and metadata; `shown` does not."""
        return self.role, self.name, self.extent, *map(id, self.of)

    def when(self, shown: bool) -> LayerSpec:
        """The same layer, shown or not."""
        return replace(self, shown=shown)


def volume_spec(volume: Volume, role: SceneRole = 'volume', extent: tuple[int, int, int] | None = None) -> LayerSpec:
    """Layer of a volume, or of its middle where an extent is given."""

    def make() -> np.ndarray:
        if extent is None:
            return volume.labels + np.uint8(1)
        from ..engine.analysis import crop_middle

        return crop_middle(volume, extent).labels + np.uint8(1)

    name = volume.name if extent is None else f'middle of {volume.name}'
    details = {'provenance': volume.provenance.model_dump()}
    return LayerSpec(
        role, f'reference: {name}' if role == 'reference' else name, (volume,), volume.phases, volume.voxel_size, make,
        extent=extent, details=details,
    )  # fmt: skip


def slice_spec(made: Slice) -> LayerSpec:
    """Layer of a slice: a plate one voxel thick, in its plane and at its position (0 if unknown)."""
    axis = AXES.index(made.normal)
    at = (made.position or 0) * made.voxel_size.zyx[axis]
    z, y, x = (at if i == axis else 0.0 for i in range(3))
    return LayerSpec(
        'slice', made.name, (made,), made.phases, made.voxel_size,
        lambda: np.expand_dims(made.labels + np.uint8(1), axis), (z, y, x),
        details={'normal': made.normal, 'position': made.position},
    )  # fmt: skip
