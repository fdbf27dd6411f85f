"""Runs a session's tasks in the background, one at a time per viewer.

Every end of a job (result, error, stop) comes back as one `Outcome` that carries the job's id, through the event loop,
so that the session and the layers are written by the main thread only and an answer that nobody waits for any more is
dropped.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Slot

from ..engine.errors import EngineError
from ..engine.progress import Progress
from ..session.jobs import JobState
from . import notices
from .threads import Say, SpeakingThread

if TYPE_CHECKING:
    from ..session.session import Session
    from ..session.task import Task

log = logging.getLogger(__name__)
GRACE_MS = 900  # after this a job that does not stop is left to end by itself, its result unread
_REST_EVERY_S, _REST_S = 0.01, 0.0002


@dataclass(frozen=True)
class _Step:
    job_id: int
    progress: Progress


@dataclass(frozen=True)
class Outcome:
    """How a job ended: with its result, with what it left behind where it was stopped, or with an error."""

    job_id: int
    state: JobState
    value: Any = None
    error: Exception | None = None


def _drive(job_id: int, task: Task, stop: threading.Event, say: Say) -> Outcome:
    """Drive an engine job to its end, whatever that is; in the job's thread, so that it cleans up there."""
    cores = _SpareCore()
    rest = _Rest()
    try:
        job = task.run()
        try:
            while not stop.is_set():
                cores.spare()
                say(_Step(job_id, next(job)))
                rest.take()
        except StopIteration as end:
            if not stop.is_set():
                return Outcome(job_id, JobState.DONE, end.value)
        finally:
            job.close()
            cores.restore()
        return Outcome(job_id, JobState.CANCELLED, task.rescue())
    # The thread boundary: whatever escapes the job is handed to the main thread as it is.
    except Exception as error:
        return Outcome(job_id, JobState.FAILED, error=error)


class _Rest:
    """Lets go of Python's lock for so long that the window's thread surely gets it.

    Whoever waits for the lock asks for it only after 5 ms in which it was never let go. A job that lets go often and
    takes it back at once (every numpy call and every signal does) can so keep the window waiting for seconds.
    """

    def __init__(self) -> None:
        self._last = time.monotonic()

    def take(self) -> None:
        """Rest, at most a hundred times a second."""
        if time.monotonic() - self._last > _REST_EVERY_S:
            time.sleep(_REST_S)
            self._last = time.monotonic()


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
        self._threads: weakref.WeakSet[SpeakingThread] = weakref.WeakSet()
        self._grace = QTimer(self)
        self._grace.setSingleShot(True)
        self._grace.setInterval(GRACE_MS)
        self._grace.timeout.connect(self._on_grace_over)

    def start(self, task: Task) -> int:
        """Start a task and return its job id; one that still runs is stopped and its result dropped."""
        self.cancel()
        self._grace.stop()
        self._task = task
        self._stop, self._ended = stop, ended = threading.Event(), threading.Event()
        job_id = self._session.begin_job(task.kind, task.title)

        def work(say: Say) -> None:
            try:
                say(_drive(job_id, task, stop, say))
            finally:
                ended.set()

        thread = SpeakingThread(work, self._on_word, stop)
        self._threads.add(thread)
        thread.start()
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
        for thread in self._threads:  # also those that were freed before they had ended
            thread.hush()
        self._threads.clear()
        self._task = None
        self._late.clear()
        self._session.awaiting = False
        job = self._session.job
        if job.is_active:
            self._session.end_job(job.id, JobState.CANCELLED)

    # -- slots, main thread ---------------------------------------------------------------------

    @Slot(object)
    def _on_word(self, word: _Step | Outcome) -> None:
        if isinstance(word, _Step):
            self._session.advance_job(word.job_id, word.progress)
        else:
            self._on_outcome(word)

    def _on_outcome(self, outcome: Outcome) -> None:
        if (late := self._late.pop(outcome.job_id, None)) is not None:
            self._rescue(late, outcome)
            return
        task = self._task
        if not self._session.is_current(outcome.job_id) or task is None:
            log.debug('dropped the result of superseded job %d', outcome.job_id)
            return
        self._grace.stop()
        stopping = self._session.job.state is JobState.STOPPING
        self._session.end_job(outcome.job_id, outcome.state, '' if outcome.error is None else str(outcome.error))
        if outcome.error is not None:
            self._session.preview = None
            if task.refused(outcome.error):
                self._session.say(str(outcome.error), 'error')
            else:
                self.report(outcome.error)
        elif outcome.state is JobState.CANCELLED:
            self._session.say(f'{task.title}: cancelled')
            self._session.preview = None
            self._rescue(task, outcome)
        else:
            self._accept(task, outcome.value, go_on=not stopping)

    def _accept(self, task: Task, value: Any, *, go_on: bool) -> None:
        """Take a result; the task that follows is not wanted where the user asked to stop just as the job ended."""
        try:
            following = task.accept(value)
        except EngineError as error:
            self.report(error)
            return
        finally:
            self._session.preview = None  # after the result: the layer of a preview becomes that of the volume
        if following is not None and go_on:
            self.start(following)

    def _rescue(self, task: Task, outcome: Outcome) -> None:
        """Take what a stopped job has left, such as the best weights so far."""
        self._session.awaiting = any(one.leaves for one in self._late.values())
        if outcome.error is not None:
            log.warning('a cancelled job failed', exc_info=outcome.error)
            return
        try:
            task.stopped(outcome.value)
        except EngineError as error:
            self.report(error)

    @Slot()
    def _on_grace_over(self) -> None:
        """Free the session although the job is still inside a step that cannot be interrupted."""
        job, task = self._session.job, self._task
        if job.state is JobState.STOPPING and task is not None:
            self._late[job.id] = task
            self._session.awaiting = self._session.awaiting or bool(task.leaves)
            self._session.end_job(job.id, JobState.CANCELLED)
            self._session.say(
                f'{task.title}: stopping; {task.leaves} as soon as the step at hand ends'
                if task.leaves
                else f'{task.title}: cancelled'
            )
            self._session.preview = None

    def report(self, error: Exception) -> None:
        """Tell the user of an error: one line for what can be acted on, the traceback for what cannot."""
        self._session.say(str(error) or type(error).__name__, 'error')
        notices.error(error)


class Aside(QObject):
    """Computes something small beside the session's job, such as what a slice can tell; only the newest answer counts.

    Work that is a generator is stopped at its next step when its answer is no longer wanted.

    Parameters
    ----------
    parent : QObject or None
        Owner in Qt's sense.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._number = 0
        self._accept: Callable[[Any], None] = lambda _: None
        self._thread: SpeakingThread | None = None
        self._stop = threading.Event()
        self._waiting: tuple[Callable[[], Any], Callable[[Any], None]] | None = None
        self.is_busy = False

    def start(self, work: Callable[[], Any], accept: Callable[[Any], None]) -> None:
        """Run `work` in a thread and hand its value to `accept`; a former answer is dropped.

        One thread at a time: while a former one still works, the newest wish waits.
        """
        self._number += 1
        if self.is_busy:
            self._stop.set()
            self._waiting = (work, accept)
            return
        self.is_busy, self._accept, number = True, accept, self._number
        self._stop = stop = threading.Event()
        self._thread = SpeakingThread(lambda say: say(_aside(number, work, stop)), self._on_outcome, stop)
        self._thread.start()

    def drop(self) -> None:
        """Forget what was asked; an answer that still comes is not taken."""
        self._number += 1
        self._stop.set()
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


def _aside(number: int, work: Callable[[], Any], stop: threading.Event) -> Outcome:
    """Run `work` to its end, whatever that is, or until its answer is not wanted any more."""
    try:
        done = work()
        if not isinstance(done, Generator):
            return Outcome(number, JobState.DONE, done)
        try:
            while not stop.is_set():
                next(done)
        except StopIteration as end:
            return Outcome(number, JobState.DONE, end.value)
        finally:
            done.close()
        return Outcome(number, JobState.CANCELLED)
    except Exception as error:  # the thread boundary, as in `_drive`
        return Outcome(number, JobState.FAILED, error=error)
