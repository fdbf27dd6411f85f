"""The end of a viewer's window: napari asks before it ends a job, the job ends with the window, listeners let go."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..session.jobs import Job
    from ..session.session import Session

_PROVIDER = 'Microrecon'  # who works, in napari's question


class Closing(QObject):
    """Tells napari what runs, and everybody else that the window is gone.

    napari keeps a list of long tasks: while one runs, closing the window with the mouse asks first, and whoever
    confirms ends the task.

    Parameters
    ----------
    viewer : ViewerModel
        Nothing happens for one without a window.
    session : Session
        Its job is told to napari.
    stop : callable
        Ends the job, for napari to call when the window closes.

    Signals
    -------
    window_gone()
        The window is being deleted; its widgets still exist.
    """

    window_gone = Signal()

    def __init__(
        self, viewer: ViewerModel, session: Session, stop: Callable[[], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._stop = stop
        self._window: Any = getattr(viewer, 'window', None)
        self._status_id: Any = None
        self._was_active = False
        qt_window = getattr(self._window, '_qt_window', None)
        if qt_window is not None:
            qt_window.destroyed.connect(self.window_gone)
            session.events.job.connect(self._on_job)

    def _on_job(self, job: Job) -> None:
        # The list of tasks is napari's own affair so far; without it the window closes unasked.
        if job.is_active == self._was_active or not hasattr(self._window, '_register_task_status'):
            return
        from napari.utils.task_status import Status

        self._was_active = job.is_active
        status, text = (Status.BUSY, f'{job.title} is not done yet') if job.is_active else (Status.COMPLETED, '')
        if self._status_id is None:
            self._status_id = self._window._register_task_status(_PROVIDER, status, text, self._stop)
        else:
            self._window._update_task_status(self._status_id, status, text)
