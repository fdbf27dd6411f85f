"""What the user wishes of step 4: what is measured, with what it is compared, what of it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from ..engine.errors import InputError
from ..engine.voxels import VoxelSize
from ..session import Session, analysing
from ..session.analysing import Wish
from ..session.phase_choice import choose_phase
from . import refusals
from .faces import Faces
from .labels_watch import LabelsWatch
from .layers import voxel_size_of
from .reported import reported
from .stage import Stage
from .workers import Runner

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..session.task import Task


class Measuring(QObject):
    """Measures the volumes of a session and shows what belongs to a number.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly.
    session, runner, stage
        Those of its workbench.
    """

    def __init__(
        self, viewer: ViewerModel, session: Session, runner: Runner, stage: Stage, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.session, self.runner = session, runner
        self.faces = Faces(viewer, session, stage)
        self.labels = LabelsWatch(viewer, session)

    @reported
    def analyse(self, wish: Wish | None = None) -> None:
        """Measure the volume at hand and compare it with the reference."""
        self._measure(analysing.analyse(self.session, wish), wish)

    @reported
    def measure_instead(self, what: str) -> None:
        """Choose what is measured: 'reconstruction' or 'reference'."""
        session = self.session
        if what == 'reference' and session.material.reference is None:
            raise InputError('reference', 'there is none', 'open a volume first')
        session.set_subject(session.material.reference if what == 'reference' else None)

    @reported
    def choose_phase(self, label: int) -> None:
        """Measure this phase, also of the next volumes with the same phases."""
        choose_phase(self.session, label)

    @reported
    def look_at_layer(self, name: str) -> None:
        """Find out what labels a layer holds, so that the user can say what they mean."""
        layer = self.labels.layer(name)
        data: Any = layer.data[0] if getattr(layer, 'multiscale', False) else layer.data
        self.runner.start(analysing.look_at_labels(self.session, name, data, voxel_size_of(layer)))

    @reported
    def take_labels(self, names: Sequence[str], is_pore: bool, size: VoxelSize, wish: Wish) -> None:
        """Measure the layer that was looked at, its labels being these phases."""
        self._measure(analysing.take_labels(self.session, names, is_pore, size, wish), wish)

    def _measure(self, task: Task, wish: Wish | None) -> None:
        """Start a task that measures; where memory does not suffice, the ways out are offered."""

        def refused(error: Exception) -> bool:
            from ..engine.analysis import MemoryRefusal

            if isinstance(error, MemoryRefusal):
                refusals.offer(error, self.session, wish or Wish(), self.analyse)
            return isinstance(error, MemoryRefusal)

        def watched(one: Task) -> Task:
            def accept(value: Any) -> Task | None:
                following = one.accept(value)
                return None if following is None else watched(following)

            return replace(one, accept=accept, refused=refused)

        self.runner.start(watched(task))

    @reported
    def look_for_copies(self) -> None:
        """Say whether the reconstruction repeats parts of its slices."""
        self.runner.start(analysing.look_for_copies(self.session))

    @reported
    def show_face(self, key: str) -> None:
        """Show the spatial face of a statistic; while a job runs, the number only."""
        report = self.session.findings.report
        if not self.faces.shown_again(key, None if report is None else report.phase):
            self.runner.start(analysing.show_face(self.session, key))

    def put_faces_away(self) -> None:
        """Show the volumes again."""
        self.session.find(face=None)
        self.faces.put_away()
