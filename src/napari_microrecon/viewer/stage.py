"""Keeps a viewer's layers in step with its session: slices in place, preview, volumes, reference."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..engine.slices import SliceSet
from ..engine.volume import Volume
from ..engine.voxels import AXES, Axis
from . import comparison, layers, placed_slices
from .cutting import CutPlane, Cutting
from .plane_word import PlaneWord
from .refilling import new_layer, refill
from .veils import Veils

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from ..session.jobs import Job
    from ..session.session import Session

_VOLUMES: tuple[layers.Role, ...] = ('volume', 'reference', 'preview')
PREVIEW_EVERY = 0.5  # seconds; a frame of a 128^3 Labels layer takes .1-.4 s without a GPU


class Stage:
    """The layers that show one session.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly: the session outlives no viewer.
    session : Session
        Listened to.
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._viewer = weakref.ref(viewer)
        self._session = session
        self._last_preview = float('-inf')
        self._paused = False
        self._had_volumes = False
        self._are_placed = False
        self._lone: Axis | None = None  # normal of the pictures that are all there is to see
        self._opacity: dict[int, float] = {}
        self._scene: object = None
        self._cutting = Cutting(viewer)
        self._veils = Veils(viewer)
        self._plane_word = PlaneWord(viewer)
        self._was_pair = False  # in one view
        self._same_size = False
        self.show_previews = True
        self.show_training = False  # a frame without a GPU costs more than the event loop should wait
        self.side_by_side = True
        self.start_in_3d = True
        viewer.dims.events.order.connect(self._cut)
        events = session.events
        events.slices.connect(self._on_slices)
        events.reference.connect(self._on_reference)
        events.volumes.connect(self._on_volumes)
        events.preview.connect(self._on_preview)
        events.job.connect(self._on_job)

    @property
    def viewer(self) -> ViewerModel | None:
        """The viewer, None once it is closed."""
        return self._viewer()

    def layers_of(self, *roles: layers.Role) -> list[Layer]:
        """Layers of ours with one of these roles, in the viewer's order."""
        viewer = self.viewer
        return [] if viewer is None else [one for one in viewer.layers if layers.role_of(one) in roles]

    def set_opacity(self, opacity: dict[int, float]) -> None:
        """Set the opacity of each phase in all volumes."""
        self._opacity = opacity
        self._veils.fade(opacity)
        self._cut()

    def set_3d(self, on: bool) -> None:
        """Show the volumes as such, or the planes through them."""
        if (viewer := self.viewer) is not None and viewer.dims.ndisplay != (3 if on else 2):
            viewer.dims.ndisplay = 3 if on else 2
            self.frame()

    def frame(self) -> None:
        """Bring everything into view; in 3D from a corner, so that three faces show."""
        viewer = self.viewer
        if viewer is None or not viewer.layers:
            return
        if viewer.dims.ndisplay == 3:
            # From above and in front, z upwards out of the page: three faces of a cube show.
            viewer.scene.camera.set_view_direction((0.55, -0.75, -0.6), (-1, 0, 0))
        shown = [one for one in viewer.layers if one.visible]
        # napari cannot fit to layers that all have fewer axes than the viewer, such as ours beside a time series.
        is_possible = max((one.ndim for one in shown), default=0) == viewer.dims.ndim
        viewer.fit_to_view(layers=shown if is_possible else None)

    def drop_placeholders(self) -> None:
        """Remove the layers that stand for what is still to come."""
        self._put('placeholder', [])

    def set_training_shown(self, on: bool) -> None:
        """Show the previews of a fine-tuning in the viewer, or leave them to the panel."""
        self.show_training = on
        if not on and self._session.job.kind == 'finetune' and self.layers_of('preview'):
            self._on_volumes(self._session.material.volumes)

    def compare(self, on: bool) -> None:
        """Put reconstruction and reference side by side, or the reconstruction alone into one view."""
        self.side_by_side = on
        if (viewer := self.viewer) is not None:
            self._was_pair = False
            if not on:
                comparison.single(viewer)
            self._lay_out(viewer)
            self._veils.settle()
            self._plane_word.settle()
            self.frame()

    def cut(self, plane: CutPlane | None) -> None:
        """Cut all volumes open at one plane, or show them whole (None); in 2D that plane is shown."""
        is_turned = self._cutting.move(plane)
        self._cut()
        if is_turned:
            self.frame()

    def show_same_size(self, on: bool) -> None:
        """Show the middle of the reference only, as large as the reconstruction; what is measured stays whole."""
        self._same_size = on
        self._on_reference(self._session.material.reference)

    @contextmanager
    def left_alone(self) -> Iterator[None]:
        """Change the session without touching the layers, because they show the change already."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False
        self._settle()

    # -- slots ----------------------------------------------------------------------------------

    def _on_slices(self, slices: SliceSet | None) -> None:
        if self._paused:
            return
        self._put('slice', placed_slices.slice_layers(slices or ()))
        viewer = self.viewer
        if viewer is None:
            return
        were_placed, self._are_placed = self._are_placed, bool(placed_slices.in_place(slices or ()))
        for layer in self.layers_of('slice'):
            together = placed_slices.is_placed_layer(layer.metadata)
            layer.bounding_box.visible = together  # where the volume will be
        if slices is None or self.layers_of(*_VOLUMES):
            self._settle()
            return
        self._show_slices()
        if self._are_placed and not were_placed and self.start_in_3d:
            self.set_3d(True)
        first = slices.slices[0]
        axis = AXES.index(first.normal)
        viewer.dims.set_point(axis + viewer.dims.ndim - 3, (first.position or 0) * first.voxel_size.zyx[axis])
        viewer.canvas.overlays.scale_bar.visible = True
        self._settle()

    def _on_job(self, job: Job) -> None:
        if not job.is_active:
            self.drop_placeholders()

    def _on_reference(self, volume: Volume | None) -> None:
        if self._paused:
            return
        if volume is not None and self._same_size and self._session.material.volumes:
            volume = comparison.as_large_as(volume, self._session.material.volumes[0])
        shown = [] if volume is None else [layers.volume_layer(volume, 'reference')]
        for _, keywords, _ in shown:
            keywords['name'] = f'reference: {keywords["name"]}'
        self._put('reference', shown)
        self._settle()

    def _on_volumes(self, volumes: Sequence[Volume]) -> None:
        if self._paused:
            return
        self._put('volume', [layers.volume_layer(volume) for volume in volumes])
        if self._same_size:
            self._on_reference(self._session.material.reference)
        self._settle()

    def _on_preview(self, volume: Volume | None) -> None:
        if volume is None:
            if self.layers_of('preview'):
                self._on_volumes(self._session.material.volumes)
            return
        wanted = self.show_training if self._session.job.kind == 'finetune' else self.show_previews
        now = time.monotonic()
        if not wanted or (self.layers_of('preview') and now - self._last_preview < PREVIEW_EVERY):
            return
        self._last_preview = now
        self._put('preview', [layers.volume_layer(volume, 'preview')])
        self._settle()

    def _cut(self) -> None:
        veils = self._veils.layers
        shown = not veils and all(value > 0 for value in self._opacity.values())
        self._cutting.apply(self.layers_of(*_VOLUMES), all_phases=shown)
        self._cutting.apply(veils, all_phases=True)

    # -- layers ---------------------------------------------------------------------------------

    def _put(self, role: layers.Role, wanted: Sequence[layers.LayerData]) -> None:
        """Make the layers of a role show what is wanted.

        Layers are filled anew rather than replaced: napari takes half a second to add or to remove one. A
        preview takes the layer of the volume that it announces, and gives it back. Only the first of several
        volumes is visible.
        """
        viewer = self.viewer
        if viewer is None:
            return
        shared = ('volume', 'preview')
        present = self.layers_of(*shared) if role in shared else self.layers_of(role)
        for i, (array, keywords, _) in enumerate(wanted):
            if i < len(present):
                refill(present[i], array, keywords)
                continue
            layer = new_layer(array, keywords)
            is_hidden = role == 'slice' and bool(self.layers_of(*_VOLUMES))
            layer.visible = not is_hidden and (role == 'slice' or i == 0)
            viewer.layers.insert(self._place(role), layer)
        if role != 'preview':  # further volumes wait until the preview is over
            for layer in present[len(wanted) :]:
                viewer.layers.remove(layer)

    def _place(self, role: layers.Role) -> int:
        """Position in the layer list: volumes first, then the reference, then slices and all others."""
        viewer = self.viewer
        if viewer is None or role == 'slice':
            return 0 if viewer is None else len(viewer.layers)
        ahead = len(self.layers_of('volume', 'preview'))
        return ahead if role != 'reference' else ahead + len(self.layers_of('reference'))

    def _show_slices(self) -> None:
        """Show the slices in place; those without a place only where there are no others."""
        for layer in self.layers_of('slice'):
            on = placed_slices.is_placed_layer(layer.metadata) or not self._are_placed
            layers.set_visible(layer, on)

    def _lay_flat(self, viewer: ViewerModel, *, alone: bool) -> None:
        """Turn to the plane of pictures that have become all there is: a view of volumes would show them tilted.

        Later the view is the user's.
        """
        slices = self._session.material.slices
        normal = slices.slices[0].normal if alone and slices is not None else None
        if normal == self._lone:
            return
        self._lone = normal
        every = range(viewer.dims.ndim)
        if normal is None:
            viewer.dims.order = tuple(every)
            return
        viewer.dims.ndisplay = 2
        axis = AXES.index(normal) + viewer.dims.ndim - 3
        viewer.dims.order = (axis, *(i for i in every if i != axis))

    def _lay_out(self, viewer: ViewerModel) -> None:
        """Two cells, or one view: there the reference would cover the reconstruction, and waits for its eye."""
        if self.side_by_side:
            comparison.arrange(viewer, self._veils)
            return
        pair = comparison.is_pair(viewer)
        if pair != self._was_pair:
            for layer in self.layers_of('reference'):
                layers.set_visible(layer, not pair)
        self._was_pair = pair
        comparison.put_on_top(viewer)

    def _settle(self) -> None:
        """Arrange what is there; the camera moves only where something else than before is to be seen."""
        viewer = self.viewer
        if viewer is None:
            return
        volumes = self.layers_of(*_VOLUMES)
        self._lay_flat(viewer, alone=not volumes and not self._are_placed)
        if not viewer.layers:
            return
        if volumes:
            # Slices in place stand beside the reference as long as there is no volume.
            stands_in = self.side_by_side and not self.layers_of('volume', 'preview')
            for layer in self.layers_of('slice'):
                if not (stands_in and placed_slices.is_placed_layer(layer.metadata)):
                    layers.set_visible(layer, False)
            if not self._had_volumes:
                for layer in viewer.layers:  # what was there before would stand in front
                    if layers.role_of(layer) != 'slice':
                        layers.set_visible(layer, layer.visible and layer in volumes)
                if self.start_in_3d:
                    viewer.dims.ndisplay = 3
            viewer.canvas.overlays.scale_bar.visible = True
        elif self._had_volumes:
            self._show_slices()
        self._had_volumes = bool(volumes)
        self._lay_out(viewer)
        self._veils.settle()
        self._cut()
        self._plane_word.settle()
        shown = [one for one in viewer.layers if one.visible and layers.role_of(one) != 'veil']
        extents = [tuple(one.extent.world.ravel()) for one in shown]
        scene = (viewer.canvas.grid.enabled, viewer.dims.ndisplay, sorted(extents))
        if scene != self._scene:
            self._scene = scene
            self.frame()
