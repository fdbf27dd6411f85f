"""What leaves the session or comes back to it: files, the methods paragraph, runs, pause and resume, forecasts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject
from qtpy.QtGui import QGuiApplication

from ..engine.errors import EngineError, InputError
from ..session import exporting, forecasting, reporting, runs, saving, tuning
from .workers import Aside

if TYPE_CHECKING:
    from ..engine.generator import ReconstructParams
    from ..session.task import Task
    from .workbench import Workbench


class Records(QObject):
    """Wishes of the panels that end in files or begin with them.

    Parameters
    ----------
    bench : Workbench
        Whose session and runner serve.
    """

    def __init__(self, bench: Workbench, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._runner, self._asking = bench.session, bench.runner, bench.asking
        self._aside = Aside(self)

    def save_volume(self, path: Path) -> None:
        """Write the reconstruction."""
        self._start(lambda: saving.save_volume(self._session, path))

    def save_report(self, path: Path) -> None:
        """Write the statistics."""
        self._start(lambda: reporting.save_report(self._session, path))

    def save_plot(self, path: Path, key: str) -> None:
        """Write one plot."""
        self._start(lambda: reporting.save_plot(self._session, path, key))

    def save_weights(self, path: Path) -> None:
        """Write the fine-tuned weights."""
        self._start(lambda: saving.save_weights(self._session, path))

    def export(self, key: str, path: Path, phase: int | None = None) -> None:
        """Write the reconstruction in another format."""
        self._start(lambda: exporting.export(self._session, key, path, phase))

    def copy_methods(self) -> None:
        """Put the paragraph for a paper into the clipboard."""
        self._start(lambda: exporting.methods(self._session, _copy))

    def open_run(self, folder: Path) -> None:
        """Open a run again."""
        self._asking.before(lambda: self._start(lambda: runs.open_run(self._session, folder)))

    def pause(self) -> None:
        """Stop the fine-tuning in order to go on later."""
        if self._session.job.kind == 'finetune' and self._session.job.is_active:
            self._session.pausing = True
            self._runner.cancel()

    def resume(self) -> None:
        """Go on with the fine-tuning that was paused."""
        self._start(self._resume)

    def forecast(self, params: ReconstructParams) -> None:
        """Find out what a reconstruction would take; while a job runs, nothing is timed."""
        session = self._session
        slices = session.material.slices
        if slices is None or session.job.is_active:
            return

        def accept(found: object) -> None:
            session.forecast = found  # pyright: ignore[reportAttributeAccessIssue]

        spec, tuned = session.material.weights_spec, session.material.tuned
        self._aside.start(lambda: forecasting.forecast(slices, spec, tuned, params), accept)

    def shut_down(self) -> None:
        """Forget what was asked."""
        self._aside.drop()

    def _resume(self) -> Task:
        if self._session.material.resumable is None:
            raise InputError('fine-tuning', 'none is paused', 'open the run of one that was stopped')
        return tuning.resume(self._session, self._session.material.resumable)

    def _start(self, make: Callable[[], Task]) -> None:
        try:
            self._runner.start(make())
        except EngineError as error:
            self._runner.report(error)


def _copy(text: str) -> None:
    clipboard = QGuiApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)
