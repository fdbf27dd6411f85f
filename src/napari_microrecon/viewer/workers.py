"""Runs a session's tasks in the background, one at a time per viewer.

Only this module knows napari's ``thread_worker``. Every end of a job (result, error, stop) comes back
as one `Outcome` that carries the job's id, through a queued signal, so that the session and the layers
are written by the main thread only and an answer that nobody waits for any more is dropped.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.qt.threading import GeneratorWorker, thread_worker
from qtpy.QtCore import QObject, QTimer, Slot

from ..engine.errors import EngineError
from ..engine.progress import Progress
from ..session.jobs import JobState
from . import notices

if TYPE_CHECKING:
    from ..session.session import Session
    from ..session.task import Task

log = logging.getLogger(__name__)
GRACE_MS = 900  # after this a job that does not stop is left to end by itself, its result unread


@dataclass(frozen=True)
class _Step:
    job_id: int
    progress: Progress


@dataclass(frozen=True)
class Outcome:
    """How a job ended; with neither value nor error where it was stopped."""

    job_id: int
    state: JobState
    value: Any = None
    error: Exception | None = None


class _JobWorker(GeneratorWorker):
    """Worker whose `quit` lets the job clean up in its own thread and still tell how it ended.

    napari's worker abandons the generator when it quits, so that `finally` blocks would run whenever the
    main thread happens to collect it.
    """

    def __init__(self, func: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(func, *args, **kwargs)
        self._stop: threading.Event = kwargs['stop']

    def quit(self) -> None:
        """Ask the job to stop at its next sign of life."""
        self._stop.set()


def _job(
    job_id: int, make: Callable[[], Generator[Progress, None, Any]], *, stop: threading.Event, ended: threading.Event
) -> Generator[_Step, None, Outcome]:
    """Drive an engine job to its end, whatever that is."""
    cores = _SpareCore()
    try:
        job = make()
        try:
            while not stop.is_set():
                cores.spare()
                yield _Step(job_id, next(job))
            return Outcome(job_id, JobState.CANCELLED)
        except StopIteration as end:
            return Outcome(job_id, JobState.DONE, end.value)
        finally:
            job.close()
            cores.restore()
    # The thread boundary: whatever escapes here, RuntimeErrors above all, napari's worker would
    # swallow. It is handed to the main thread as it is.
    except Exception as error:
        return Outcome(job_id, JobState.FAILED, error=error)
    finally:
        ended.set()


class _SpareCore:
    """Leaves one core to the window while torch works.

    With two cores and two torch threads the window's event loop waits up to half a second for its turn.
    """

    def __init__(self) -> None:
        self._before = 0

    def spare(self) -> None:
        """Lower torch's number of threads as soon as torch is there; the job imports it, not we."""
        torch = sys.modules.get('torch')
        if not self._before and torch is not None and hasattr(torch, 'set_num_threads'):
            self._before = torch.get_num_threads()
            torch.set_num_threads(max(1, min(self._before, (os.cpu_count() or 2) - 1)))

    def restore(self) -> None:
        """Give the threads back."""
        if self._before:
            sys.modules['torch'].set_num_threads(self._before)


class Runner(QObject):
    """Runs tasks for one session.

    Parameters
    ----------
    session : Session
        Told of progress and results.
    parent : QObject or None
        Owner in Qt's sense.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._task: Task | None = None
        self._late: dict[int, Task] = {}  # freed before they had ended; what they leave is still wanted
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._grace = QTimer(self)
        self._grace.setSingleShot(True)
        self._grace.setInterval(GRACE_MS)
        self._grace.timeout.connect(self._on_grace_over)

    def start(self, task: Task) -> int:
        """Start a task and return its job id; one that still runs is stopped and its result dropped."""
        self.cancel()
        self._grace.stop()
        self._task = task
        self._stop, self._ended = threading.Event(), threading.Event()
        job_id = self._session.begin_job(task.kind, task.title)
        worker = thread_worker(_job, worker_class=_JobWorker, ignore_errors=True)(
            job_id, task.run, stop=self._stop, ended=self._ended
        )
        worker.yielded.connect(self._on_step)
        worker.returned.connect(self._on_outcome)
        worker.start()
        return job_id

    def cancel(self) -> None:
        """Ask the current job to stop; within a second the session is free again."""
        if self._session.job.is_active:
            self._stop.set()
            self._session.stop_job()
            self._grace.start()

    def shut_down(self) -> None:
        """Stop whatever runs and drop its result; for the end of a viewer.

        Waits for the thread as long as for a cancel, so that it seldom outlives the window.
        """
        self._stop.set()
        if self._task is not None and self._session.job.is_active:
            self._ended.wait(GRACE_MS / 1000)
        self._grace.stop()
        self._task = None
        self._late.clear()
        job = self._session.job
        if job.is_active:
            self._session.end_job(job.id, JobState.CANCELLED)

    # -- slots, main thread ---------------------------------------------------------------------

    @Slot(object)
    def _on_step(self, step: _Step) -> None:
        self._session.advance_job(step.job_id, step.progress)

    @Slot(object)
    def _on_outcome(self, outcome: Outcome) -> None:
        task = self._task
        stopping = self._session.job.state is JobState.STOPPING
        # A job that ended by itself while it was asked to stop counts as stopped: the user said so.
        state = JobState.CANCELLED if stopping and outcome.state is JobState.DONE else outcome.state
        message = str(outcome.error) if outcome.error is not None else ''
        if (late := self._late.pop(outcome.job_id, None)) is not None:
            self._rescue(late)
            return
        if not self._session.is_current(outcome.job_id) or task is None:
            log.debug('dropped the result of superseded job %d', outcome.job_id)
            return
        self._grace.stop()
        self._session.end_job(outcome.job_id, state, message)
        if state is JobState.FAILED and outcome.error is not None:
            self._session.preview = None
            if task.refused(outcome.error):
                self._session.say(str(outcome.error), 'error')
            else:
                self.report(outcome.error)
        elif state is JobState.CANCELLED:
            self._on_stopped(task)
        else:
            self._accept(task, outcome.value)

    def _accept(self, task: Task, value: Any) -> None:
        try:
            following = task.accept(value)
        except EngineError as error:
            self.report(error)
            return
        if following is not None:
            self.start(following)

    def _on_stopped(self, task: Task) -> None:
        self._session.say(f'{task.title}: cancelled')
        self._session.preview = None
        self._rescue(task)

    def _rescue(self, task: Task) -> None:
        """Take what a stopped job has left, such as the best weights so far."""
        try:
            task.stopped()
        except EngineError as error:
            self.report(error)

    @Slot()
    def _on_grace_over(self) -> None:
        """Free the session although the job is still inside a step that cannot be interrupted."""
        job, task = self._session.job, self._task
        if job.state is JobState.STOPPING and task is not None:
            self._late[job.id] = task
            self._session.end_job(job.id, JobState.CANCELLED)
            self._session.say(f'{task.title}: cancelled')
            self._session.preview = None

    def report(self, error: Exception) -> None:
        """Tell the user of an error: one line for what can be acted on, the traceback for what cannot."""
        self._session.say(str(error) or type(error).__name__, 'error')
        notices.error(error)


class Aside(QObject):
    """Computes something small beside the session's job, such as what a slice can tell; only the newest answer counts.

    Parameters
    ----------
    parent : QObject or None
        Owner in Qt's sense.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._number = 0
        self._accept: Callable[[Any], None] = lambda _: None
        self._waiting: tuple[Callable[[], Any], Callable[[Any], None]] | None = None
        self.is_busy = False

    def start(self, work: Callable[[], Any], accept: Callable[[Any], None]) -> None:
        """Run `work` in a thread and hand its value to `accept`; a former answer is dropped.

        One thread at a time: while a former one still works, the newest wish waits.
        """
        self._number += 1
        if self.is_busy:
            self._waiting = (work, accept)
            return
        self.is_busy, self._accept, number = True, accept, self._number
        worker = thread_worker(_aside, ignore_errors=True)(number, work)
        worker.returned.connect(self._on_outcome)
        worker.start()

    def drop(self) -> None:
        """Forget what was asked; an answer that still comes is not taken."""
        self._number += 1
        self._waiting = None

    @Slot(object)
    def _on_outcome(self, outcome: Outcome) -> None:
        self.is_busy = False
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.start(*waiting)
        elif outcome.job_id == self._number and outcome.state is JobState.DONE:
            self._accept(outcome.value)
        elif outcome.error is not None:
            log.warning('a computation beside the job failed', exc_info=outcome.error)


def _aside(number: int, work: Callable[[], Any]) -> Outcome:
    """Run `work` to its end, whatever that is."""
    try:
        return Outcome(number, JobState.DONE, work())
    except Exception as error:  # the thread boundary, as in `_job`
        return Outcome(number, JobState.FAILED, error=error)
