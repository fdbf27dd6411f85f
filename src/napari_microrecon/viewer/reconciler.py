"""Bring a viewer's layers to a scene: the only place that adds, fills and removes what shows a material."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.voxels import AXES
from . import comparison, layers
from .layer_specs import LayerSpec, SceneRole
from .scene import EMPTY, Scene

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Layer

    from .veils import Veils

VOLUMES: tuple[layers.Role, ...] = ('volume', 'reference', 'preview')
# A preview takes the layer of the volume that it announces, and gives it back.
_GROUPS: tuple[tuple[SceneRole, ...], ...] = (('volume', 'preview'), ('reference',), ('slice',))


class Reconciler:
    """What a viewer shows of the last scene.

    The user hides, shows and deletes layers, too. So a layer is filled when its content changes, and shown or hidden
    when the scene changes its mind; else it is left as it is.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly.
    veils : Veils
        Second layers of translucent phases, which share the cells of their volumes.
    """

    def __init__(self, viewer: ViewerModel, veils: Veils) -> None:
        self._viewer = weakref.ref(viewer)
        self._veils = veils
        self._filled: weakref.WeakKeyDictionary[Layer, LayerSpec] = weakref.WeakKeyDictionary()
        self.scene = EMPTY
        self.start_in_3d = True

    def layers_of(self, *roles: layers.Role) -> list[Layer]:
        """Layers of ours with one of these roles, in the viewer's order."""
        viewer = self._viewer()
        return [] if viewer is None else [one for one in viewer.layers if layers.role_of(one) in roles]

    def show(self, scene: Scene, *, are_there: bool = False) -> None:
        """Fill, add and remove layers, and arrange them.

        Parameters
        ----------
        scene : Scene
            To show.
        are_there : bool
            Whether the layers show it already and are only to be arranged.
        """
        viewer, former = self._viewer(), self.scene
        self.scene = scene
        if viewer is None:
            return
        for group in () if are_there else _GROUPS:
            wanted = scene.of(*group)
            if [one.content for one in wanted] != [one.content for one in former.of(*group)]:
                self._put(viewer, group, wanted)
                if group == ('slice',):
                    self._look_at_slices(viewer, former)
        self._turn(viewer, former)
        if viewer.layers:
            self._choose_visible(viewer, former)
            self._lay_out(viewer)

    def remove(self, role: layers.Role) -> None:
        """Remove the layers of a role."""
        viewer = self._viewer()
        for layer in self.layers_of(role):
            if viewer is not None:
                viewer.layers.remove(layer)

    def hide_again(self) -> None:
        """Hide what waits in one view, although it has been shown meanwhile."""
        for layer in self.layers_of('reference'):
            if self.scene.is_pair and self.scene.cells is None:
                layers.set_visible(layer, False)

    # -- layers -----------------------------------------------------------------------------------

    def _put(self, viewer: ViewerModel, group: tuple[SceneRole, ...], wanted: Sequence[LayerSpec]) -> None:
        """Make the layers of a group show what is wanted.

        Layers are filled anew rather than replaced: napari takes half a second to add or to remove one.
        """
        present = self.layers_of(*group)
        for i, spec in enumerate(wanted):
            if i >= len(present):
                layer = new_layer(*layers.layer_data(spec)[:2])
                layer.visible = spec.shown
                viewer.layers.insert(self._place(viewer, group), layer)
            else:
                layer = present[i]
                known = self._filled.get(layer)
                if known is None or known.content != spec.content:
                    refill(layer, *layers.layer_data(spec)[:2])
            self._filled[layer] = spec
            if spec.role == 'slice' and layer.bounding_box.visible != spec.boxed:
                layer.bounding_box.visible = spec.boxed
        for layer in present[len(wanted) :]:
            viewer.layers.remove(layer)

    def _place(self, viewer: ViewerModel, group: tuple[SceneRole, ...]) -> int:
        """Position in the layer list: volumes first, then the reference, then slices and all others."""
        if group == ('slice',):
            return len(viewer.layers)
        ahead = len(self.layers_of('volume', 'preview'))
        return ahead if group != ('reference',) else ahead + len(self.layers_of('reference'))

    # -- what is seen -----------------------------------------------------------------------------

    def _look_at_slices(self, viewer: ViewerModel, former: Scene) -> None:
        """Bring slices into view that have become others, where they are all there is."""
        scene = self.scene
        if scene.plane is None or scene.has_volumes:
            return
        self._show_slices()
        if scene.are_placed and not former.are_placed and self.start_in_3d and viewer.dims.ndisplay != 3:
            viewer.dims.ndisplay = 3
            self.frame()
        normal, at = scene.plane
        viewer.dims.set_point(AXES.index(normal) + viewer.dims.ndim - 3, at)
        viewer.canvas.overlays.scale_bar.visible = True

    def _turn(self, viewer: ViewerModel, former: Scene) -> None:
        """Turn to the plane of pictures that have become all there is, and back. Later the view is the user's."""
        normal = self.scene.flat
        if normal == former.flat:
            return
        every = range(viewer.dims.ndim)
        if normal is None:
            viewer.dims.order = tuple(every)
            return
        viewer.dims.ndisplay = 2
        axis = AXES.index(normal) + viewer.dims.ndim - 3
        viewer.dims.order = (axis, *(i for i in every if i != axis))

    def _show_slices(self) -> None:
        """Show slices as the scene says: the placed ones, or all where none is."""
        for layer in self.layers_of('slice'):
            layers.set_visible(layer, layers.is_placed_layer(layer) or not self.scene.are_placed)

    def _choose_visible(self, viewer: ViewerModel, former: Scene) -> None:
        """Show and hide what the scene has changed its mind about."""
        scene = self.scene
        if scene.has_volumes:
            stand_in = any(spec.shown for spec in scene.of('slice'))  # those in place, beside a reference alone
            for layer in self.layers_of('slice'):
                if not (stand_in and layers.is_placed_layer(layer)):
                    layers.set_visible(layer, False)
            if not former.has_volumes:
                for layer in viewer.layers:  # what was there before would stand in front
                    if layers.role_of(layer) != 'slice':
                        layers.set_visible(layer, layer.visible and layers.role_of(layer) in VOLUMES)
                if self.start_in_3d:
                    viewer.dims.ndisplay = 3
            viewer.canvas.overlays.scale_bar.visible = True
        elif former.has_volumes:
            self._show_slices()
        before, now = former.of('reference'), scene.of('reference')
        if before and now and before[0].shown != now[0].shown:
            for layer in self.layers_of('reference'):
                layers.set_visible(layer, now[0].shown)

    def _lay_out(self, viewer: ViewerModel) -> None:
        """Two cells, or one view."""
        scene = self.scene
        if scene.cells is None:
            comparison.put_on_top(viewer)
            return
        left, right = ([] if role is None else self.layers_of(role) for role in scene.cells)
        if scene.cells[0] == 'slice':
            left = [one for one in left if layers.is_placed_layer(one)]
        comparison.arrange(viewer, self._veils, _seen(left), _seen(right))

    def frame(self) -> None:
        """Bring everything into view; in 3D from a corner, so that three faces show."""
        viewer = self._viewer()
        if viewer is None or not viewer.layers:
            return
        if viewer.dims.ndisplay == 3:
            # From above and in front, z upwards out of the page: three faces of a cube show.
            viewer.scene.camera.set_view_direction((0.55, -0.75, -0.6), (-1, 0, 0))
        shown = [one for one in viewer.layers if one.visible]
        # napari cannot fit to layers that all have fewer axes than the viewer, such as ours beside a time series.
        is_possible = max((one.ndim for one in shown), default=0) == viewer.dims.ndim
        viewer.fit_to_view(layers=shown if is_possible else None)


def _seen(found: Sequence[Layer]) -> Layer | None:
    """The first visible layer, else the first: the user may have chosen another realisation."""
    return next((layer for layer in found if layer.visible), found[0] if found else None)


def new_layer(array: np.ndarray, keywords: dict[str, Any]) -> Labels:
    """Labels layer that cannot be painted over."""
    from napari.layers import Labels

    layer = Labels(array, **keywords)
    layer.editable = False  # painting over a measured volume by accident would go unnoticed
    return layer


def refill(layer: Layer, array: np.ndarray, keywords: dict[str, Any]) -> None:
    """Give a layer another content; what is the same already is left alone."""
    if layer.metadata.get(layers.KEY, {}).get('phases') != keywords['metadata'][layers.KEY]['phases']:
        layer.colormap = keywords['colormap']  # pyright: ignore[reportAttributeAccessIssue]
    layer.data = array
    layer.metadata = keywords['metadata']
    layer.name = keywords['name']
    for each in ('scale', 'translate'):
        if tuple(getattr(layer, each)) != tuple(keywords[each]):
            setattr(layer, each, keywords[each])
    if tuple(str(unit) for unit in layer.units) != keywords['units']:
        layer.units = keywords['units']
