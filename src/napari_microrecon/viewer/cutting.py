"""One plane that cuts reconstruction and reference open in 3D, and that both show in 2D."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.voxels import AXES, Axis

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

TOWARDS_VIEWER = (1, -1, -1)  # z, y, x: the side that is kept, seen from where `Stage.frame` puts the camera


@dataclass(frozen=True)
class CutPlane:
    """Where volumes are cut.

    Attributes
    ----------
    axis : {'z', 'y', 'x'}
        Normal of the plane.
    position : float
        Along the axis, from the middle of the first voxel, in the unit of the voxel size: volumes of other voxel sizes
        are cut at the same place.
    """

    axis: Axis
    position: float


class Cutting:
    """Puts one plane into several layers.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = weakref.ref(viewer)
        self.plane: CutPlane | None = None
        self._side = 1.0
        self._flat: weakref.WeakSet[Layer] = weakref.WeakSet()
        viewer.dims.events.ndisplay.connect(self._show)

    def move(self, plane: CutPlane | None) -> bool:
        """Choose another plane, or none; in 2D it is shown. Return whether the view was turned for that."""
        viewer, former = self._viewer(), self.plane
        if viewer is None:
            return False
        if plane is not None and (former is None or former.axis != plane.axis):
            self._side = self._far_side(viewer, plane.axis)
        self.plane = plane
        return self._show()

    def _show(self, _: Any = None) -> bool:
        """Show the plane of the cut where planes are shown; return whether the view was turned for that."""
        viewer, plane = self._viewer(), self.plane
        if viewer is None or plane is None or viewer.dims.ndisplay == 3:
            return False
        axis = AXES.index(plane.axis) + viewer.dims.ndim - 3
        before = viewer.dims.order
        viewer.dims.order = (axis, *(i for i in range(viewer.dims.ndim) if i != axis))
        viewer.dims.set_point(axis, plane.position)
        return viewer.dims.order != before

    def apply(self, layers: Sequence[Layer], *, all_phases: bool) -> None:
        """Put the plane into the layers.

        napari shades by the gradient of labels, which is nothing inside a phase: a cut through all phases would be
        nearly black. Where every phase is shown, the cut is a section, and gets its plain colours.
        """
        viewer = self._viewer()
        if viewer is None:
            return
        for layer in layers:
            self._shade(layer, flat=self.plane is not None and all_phases)
            if layer.bounding_box.visible != (self.plane is not None):
                layer.bounding_box.visible = self.plane is not None  # shows what was cut away
            planes = layer.experimental_clipping_planes
            if self.plane is None:
                if len(planes):
                    planes.clear()
                continue
            position, normal = self._of(self.plane, viewer)
            if len(planes) == 1:
                planes[0].update({'position': position, 'normal': normal, 'enabled': True})
            else:
                layer.experimental_clipping_planes = [{'position': position, 'normal': normal, 'enabled': True}]

    def _shade(self, layer: Layer, *, flat: bool) -> None:
        if flat and layer not in self._flat:
            self._flat.add(layer)
            layer.rendering = 'translucent'  # pyright: ignore[reportAttributeAccessIssue]
        elif not flat and layer in self._flat:
            self._flat.discard(layer)
            layer.rendering = 'iso_categorical'  # pyright: ignore[reportAttributeAccessIssue]

    def _of(self, plane: CutPlane, viewer: ViewerModel) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Position and normal in world coordinates, along the axes in the order in which they are displayed.

        napari documents clipping planes of volumes in data coordinates, and hands them to a canvas that takes them as
        world coordinates (measured with 0.9.2: a voxel edge of 3 moved the cut to a third of where it was put). So one
        plane serves all layers; tests look at the picture and would notice another napari.
        """
        axis = AXES.index(plane.axis)
        position, normal = np.zeros(3), np.zeros(3)
        position[axis], normal[axis] = plane.position, self._side
        shown = [i - viewer.dims.ndim + 3 for i in viewer.dims.order[-3:]]
        order = shown if sorted(shown) == [0, 1, 2] else [0, 1, 2]
        return tuple(position[order].tolist()), tuple(normal[order].tolist())

    def _far_side(self, viewer: ViewerModel, axis: Axis) -> float:
        """Which side stays: the one behind the plane, so that the cut is seen."""
        i = AXES.index(axis)
        if viewer.dims.ndisplay == 3 and tuple(viewer.dims.order[-3:]) == tuple(range(viewer.dims.ndim))[-3:]:
            along = float(viewer.scene.camera.view_direction[i])
            if abs(along) > 0.05:
                return float(np.sign(along))
        return float(TOWARDS_VIEWER[i])
