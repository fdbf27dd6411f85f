"""One thing that can be done with a session: an engine job paired with what its result changes.

The job runs in any thread and never sees the session; `accept` runs in the main thread. So the same tasks
serve the window (which runs them in a worker) and tests or scripts (which drain them).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress, drain
from .jobs import JobKind, JobState
from .session import Session


def _nothing() -> None:
    """Look for nothing."""


def _leave(_: Any) -> None:
    """Leave the session as it is."""


def _no(_: Exception) -> bool:
    """Leave an error to the runner."""
    return False


@dataclass(frozen=True)
class Task:
    """One thing to do.

    Attributes
    ----------
    kind, title : str
        Which step it belongs to and what it does, in words.
    run : callable
        Makes the engine job; called in the worker thread.
    accept : callable
        Writes the job's result to the session, main thread only; may return the task that follows.
    rescue : callable
        Reads what the job has left behind where it was cancelled; called in the worker thread, after the job's cleanup.
    stopped : callable
        Writes to the session what `rescue` found, main thread only.
    leaves : str
        What a cancelled job leaves behind, as a clause ('the best weights so far are kept'); empty for nothing.
    refused : callable
        Tells the user of an error in its own way, main thread only; False leaves that to the runner.
    """

    kind: JobKind
    title: str
    run: Callable[[], EngineJob[Any]]
    accept: Callable[[Any], Task | None]
    rescue: Callable[[], Any] = _nothing
    stopped: Callable[[Any], None] = _leave
    leaves: str = ''
    refused: Callable[[Exception], bool] = _no


def run_now(session: Session, task: Task | None) -> None:
    """Run a task and those that follow it here and now, for scripts and tests."""
    while task is not None:
        job_id = session.begin_job(task.kind, task.title)
        try:
            result = drain(task.run(), partial(_advance, session, job_id))
        except Exception as error:
            session.end_job(job_id, JobState.FAILED, str(error))
            raise
        session.end_job(job_id, JobState.DONE)
        task = task.accept(result)


def _advance(session: Session, job_id: int, progress: Progress) -> None:
    session.advance_job(job_id, progress)
