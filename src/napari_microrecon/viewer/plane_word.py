"""A word on the canvas where the plane that is shown lies beyond a volume: its cell would be empty without a reason."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ..engine.voxels import AXES
from .layers import role_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer


class PlaneWord:
    """Tells of volumes that end before the plane.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly. Its text overlay is used, and left alone while it shows a text of somebody else.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = weakref.ref(viewer)
        self._said = ''
        for event in (viewer.dims.events.point, viewer.dims.events.ndisplay, viewer.dims.events.order):
            event.connect(self.settle)

    def settle(self, _: Any = None) -> None:
        """Say what is so now."""
        viewer = self._viewer()
        if viewer is None:
            return
        overlay = viewer.canvas.overlays.text
        if overlay.visible and overlay.text != self._said:
            return
        words = '\n'.join(self._words(viewer))
        if words == self._said:
            return
        self._said = words
        if words:
            overlay.text = words
            overlay.position = 'bottom_left'
        overlay.visible = bool(words)

    def _words(self, viewer: ViewerModel) -> list[str]:
        if viewer.dims.ndisplay == 3:
            return []
        shown = [one for one in viewer.layers if one.visible and role_of(one) in ('volume', 'preview', 'reference')]
        extra = viewer.dims.ndim - 3  # axes of layers that are not ours, in front
        axis = viewer.dims.order[-3] - extra if extra >= 0 else -1
        if axis not in range(3):
            return []
        at = viewer.dims.point[axis + extra]
        return [
            f'{one.name} ends at plane {last} of {AXES[axis]}' for one in shown if (last := _end(one, axis, at)) >= 0
        ]


def _end(layer: Layer, axis: int, at: float) -> int:
    """Last plane of a layer that ends before a place; -1 where it does not."""
    last = layer.data.shape[axis] - 1
    plane = (at - float(layer.translate[axis])) / float(layer.scale[axis])
    return last if plane >= last + 0.5 else -1
