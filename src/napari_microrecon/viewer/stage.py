"""Keeps a viewer's layers in step with its session: makes a scene of it whenever it changes, and has it shown."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ..engine.volume import Volume
from . import comparison, layers
from .cutting import CutPlane, Cutting
from .plane_word import PlaneWord
from .reconciler import VOLUMES, Reconciler
from .scene import Scene, View, scene_of
from .veils import Veils

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

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
        self._view = View()
        self._opacity: dict[int, float] = {}
        self._framed: object = None  # what the camera was set on
        self._cutting = Cutting(viewer)
        self._veils = Veils(viewer)
        self._plane_word = PlaneWord(viewer)
        self._reconciler = Reconciler(viewer, self._veils)
        self.show_previews = True
        self.show_training = False  # a frame without a GPU costs more than the event loop should wait
        viewer.dims.events.order.connect(self._cut)
        events = session.events
        # All of the material is new when the first of these comes; the others then find nothing to do.
        events.volumes.connect(self._on_volumes)
        events.reference.connect(self._on_material)
        events.slices.connect(self._on_material)
        events.preview.connect(self._on_preview)
        events.job.connect(self._on_job)

    @property
    def viewer(self) -> ViewerModel | None:
        """The viewer, None once it is closed."""
        return self._viewer()

    @property
    def side_by_side(self) -> bool:
        """Whether reconstruction and reference stand side by side; `compare` changes it with all that follows."""
        return self._view.side_by_side

    @side_by_side.setter
    def side_by_side(self, on: bool) -> None:
        self._view = replace(self._view, side_by_side=on)

    @property
    def start_in_3d(self) -> bool:
        """Whether what has a volume is shown in 3D at first."""
        return self._reconciler.start_in_3d

    @start_in_3d.setter
    def start_in_3d(self, on: bool) -> None:
        self._reconciler.start_in_3d = on

    def layers_of(self, *roles: layers.Role) -> list[Layer]:
        """Layers of ours with one of these roles, in the viewer's order."""
        return self._reconciler.layers_of(*roles)

    def frame(self) -> None:
        """Bring everything into view; in 3D from a corner, so that three faces show."""
        self._reconciler.frame()

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

    def drop_placeholders(self) -> None:
        """Remove the layers that stand for what is still to come."""
        self._reconciler.remove('placeholder')

    def set_training_shown(self, on: bool) -> None:
        """Show the previews of a fine-tuning in the viewer, or leave them to the panel."""
        self.show_training = on
        if not on and self._session.job.kind == 'finetune':
            self._on_preview(None)

    def compare(self, on: bool) -> None:
        """Put reconstruction and reference side by side, or the reconstruction alone into one view."""
        self.side_by_side = on
        if (viewer := self.viewer) is None:
            return
        if not on:
            comparison.single(viewer)
        self._reconciler.show(self._scene())
        self._reconciler.hide_again()
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
        self._view = replace(self._view, same_size=on)
        self._on_material()

    @contextmanager
    def left_alone(self) -> Iterator[None]:
        """Change the session without touching the layers, because they show the change already."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False
        self._show(are_there=True)

    # -- slots ----------------------------------------------------------------------------------

    def _on_volumes(self) -> None:
        self._view = replace(self._view, preview=None)  # its layer becomes that of the volume
        self._on_material()

    def _on_material(self) -> None:
        if not self._paused:
            self._show()

    def _on_job(self, job: Job) -> None:
        if not job.is_active:
            self.drop_placeholders()

    def _on_preview(self, volume: Volume | None) -> None:
        if volume is None:
            if self._view.preview is not None:
                self._on_volumes()
            return
        wanted = self.show_training if self._session.job.kind == 'finetune' else self.show_previews
        now = time.monotonic()
        if not wanted or (self._view.preview is not None and now - self._last_preview < PREVIEW_EVERY):
            return
        self._last_preview = now
        self._view = replace(self._view, preview=volume)
        self._show()

    def _cut(self) -> None:
        veils = self._veils.layers
        shown = not veils and all(value > 0 for value in self._opacity.values())
        self._cutting.apply(self.layers_of(*VOLUMES), all_phases=shown)
        self._cutting.apply(veils, all_phases=True)

    # -- the scene ------------------------------------------------------------------------------

    def _scene(self) -> Scene:
        return scene_of(self._session.material, self._view)

    def _show(self, *, are_there: bool = False) -> None:
        """Show the scene as it is now; the camera moves only where something else than before is to be seen."""
        self._reconciler.show(self._scene(), are_there=are_there)
        viewer = self.viewer
        if viewer is None or not viewer.layers:
            return
        self._veils.settle()
        self._cut()
        self._plane_word.settle()
        shown = [one for one in viewer.layers if one.visible and layers.role_of(one) != 'veil']
        extents = [tuple(one.extent.world.ravel()) for one in shown]
        seen = (viewer.canvas.grid.enabled, viewer.dims.ndisplay, sorted(extents))
        if seen != self._framed:
            self._framed = seen
            self.frame()
