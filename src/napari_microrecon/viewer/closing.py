"""The end of a viewer's window: a question before a job is ended, the job ends with the window, listeners let go."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import QMessageBox

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..session.jobs import Job
    from ..session.session import Session

_PROVIDER = 'Microrecon'  # who works, in napari's question


class Closing(QObject):
    """Asks before a job is ended with the window, tells napari what runs, and everybody else that the window is gone.

    napari keeps a list of long tasks and asks, too, when a window is closed with the mouse. But it asks twice (for
    the tasks, then as for any window with layers) and ends the tasks only after the second answer: meanwhile the job
    may be done and the next one have begun. So where the tasks are ours alone we ask, once, and end them at the answer.

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
        self._text = ''  # as napari shows it
        self._session = session
        self._is_gone = False
        self.box: QMessageBox | None = None
        qt_window = getattr(self._window, '_qt_window', None)
        if qt_window is not None:
            qt_window.destroyed.connect(self._on_gone)
            session.events.job.connect(self._on_job)
            session.events.training.connect(self._on_training)

    def _on_gone(self) -> None:
        self._is_gone = True  # napari's window may still name it
        self.window_gone.emit()

    def _on_job(self, job: Job) -> None:
        # The list of tasks is napari's own affair so far; without it the window closes unasked.
        if job.is_active == self._was_active or not hasattr(self._window, '_register_task_status'):
            return
        from napari.utils.task_status import Status

        self._was_active = job.is_active
        qt_window = getattr(self._window, '_qt_window', None)
        if qt_window is not None and not self._is_gone:
            (qt_window.installEventFilter if job.is_active else qt_window.removeEventFilter)(self)
        status, text = (Status.BUSY, self._told()) if job.is_active else (Status.COMPLETED, '')
        self._text = text
        if self._status_id is None:
            self._status_id = self._window._register_task_status(_PROVIDER, status, text, self._stop)
        else:
            self._window._update_task_status(self._status_id, status, text)

    def _told(self) -> str:
        """What napari's own question says of the job."""
        job = self._session.job
        resumable = job.kind == 'finetune' and self._session.material.training.is_kept
        later = '; ended now, it can be resumed from its run folder' if resumable else ''
        return f'{job.title} is not done yet{later}'

    def _on_training(self) -> None:
        if self._was_active and self._status_id is not None and (text := self._told()) != self._text:
            from napari.utils.task_status import Status

            self._text = text
            self._window._update_task_status(self._status_id, Status.BUSY, text)

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:
        """Hold back the close (`a1`) of the window (`a0`) that the user wishes while a job runs."""
        if a1 is None or a1.type() != QEvent.Type.Close or not a1.spontaneous():
            return False
        if not self._session.job.is_active or len(self._window._task_status_manager.get_status()) > 1:
            return False
        a1.ignore()
        if self.box is None:
            self._ask(a0)
        return True

    def _ask(self, window: Any) -> None:
        job, training = self._session.job, self._session.material.training
        box = QMessageBox(
            QMessageBox.Icon.Question, 'Close the window?', f'{job.title} is not done yet.', parent=window
        )
        resumable = job.kind == 'finetune' and training.is_kept
        later = ' It can be resumed later from its run folder.' if resumable else ''
        box.setInformativeText(f'Closing the window ends it.{later}')
        yes = box.addButton('End it and close', QMessageBox.ButtonRole.AcceptRole)
        stay = box.addButton('Keep working', QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.setEscapeButton(stay)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.box = box

        def answered() -> None:
            agreed, self.box = box.clickedButton() is yes, None
            if agreed:
                self._stop()
                window.close()  # not the user's event any more: napari does not ask again

        box.finished.connect(lambda _: answered())
        box.open()
