"""Keeps a viewer's layers in step with its session: slices in place, preview, volumes, reference."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..engine.slices import SliceSet
from ..engine.volume import Volume
from . import comparison, layers

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Layer

    from ..session.jobs import Job
    from ..session.session import Session

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
        self._scene: object = None
        self.show_previews = True
        self.side_by_side = True
        self.start_in_3d = True
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
        for layer in self.layers_of('volume', 'reference', 'preview'):
            layers.show_phases(layer, opacity)

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
        viewer.fit_to_view()

    def compare(self, on: bool) -> None:
        """Put reconstruction and reference side by side, or everything into one view."""
        self.side_by_side = on
        if (viewer := self.viewer) is not None:
            (comparison.arrange if on else comparison.single)(viewer)
            self.frame()

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
        self._remove('slice')
        if slices is None:
            return
        for made in slices:
            self._add(layers.slice_layer(made))
        viewer = self.viewer
        if viewer is not None and not self.layers_of('volume', 'reference'):
            if len({s.normal for s in slices}) > 1:
                self.set_3d(True)
            first = slices.slices[0]
            viewer.dims.set_point('zyx'.index(first.normal), (first.position or 0) * first.voxel_size.zyx[0])
            self.frame()

    def _on_job(self, job: Job) -> None:
        if not job.is_active:
            self._remove('placeholder')

    def _on_reference(self, volume: Volume | None) -> None:
        if self._paused:
            return
        self._show('reference', [] if volume is None else [volume])

    def _on_volumes(self, volumes: Sequence[Volume]) -> None:
        if volumes:
            self._remove('preview')
        self._show('volume', volumes)

    def _on_preview(self, volume: Volume | None) -> None:
        if volume is None:
            self._remove('preview')
            self._settle()
            return
        now = time.monotonic()
        shown = self.layers_of('preview')
        if not self.show_previews or (shown and now - self._last_preview < PREVIEW_EVERY):
            return
        self._last_preview = now
        data = layers.volume_layer(volume, 'preview')[0]
        if shown and shown[0].data.shape == data.shape:
            shown[0].data = data
            return
        self._show('preview', [volume])

    # -- layers ---------------------------------------------------------------------------------

    def _show(self, role: layers.Role, volumes: Sequence[Volume]) -> None:
        """Replace the layers of a role; only the first of several volumes is visible."""
        self._remove(role)
        for i, volume in enumerate(volumes):
            layer = self._add(layers.volume_layer(volume, role))
            if layer is None:
                return
            if role == 'reference':
                layer.name = f'reference: {volume.name}'
            layer.visible = i == 0
        self._settle()

    def _settle(self) -> None:
        """Arrange what is there; the camera moves only where something else than before is to be seen."""
        viewer = self.viewer
        if viewer is None or not viewer.layers:
            return
        volumes = self.layers_of('volume', 'reference', 'preview')
        if volumes:
            for layer in self.layers_of('slice'):
                layer.visible = False
            if self.start_in_3d and not self._had_volumes:
                viewer.dims.ndisplay = 3
            viewer.canvas.overlays.scale_bar.visible = True
        self._had_volumes = bool(volumes)
        if self.side_by_side:
            comparison.arrange(viewer)
        extents = [tuple(one.extent.world.ravel()) for one in viewer.layers if one.visible]
        scene = (viewer.canvas.grid.enabled, viewer.dims.ndisplay, sorted(extents))
        if scene != self._scene:
            self._scene = scene
            self.frame()

    def _add(self, data: layers.LayerData) -> Labels | None:
        viewer = self.viewer
        if viewer is None:
            return None
        array, keywords, _ = data
        layer = viewer.add_labels(array, **keywords)
        layer.editable = False  # painting over a measured volume by accident would go unnoticed
        return layer

    def _remove(self, role: layers.Role) -> None:
        viewer = self.viewer
        if viewer is not None:
            for layer in self.layers_of(role):
                viewer.layers.remove(layer)
