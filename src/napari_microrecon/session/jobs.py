"""The life of one long task: which state it is in, what it last said, whether its answer still counts."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from ..engine.progress import Progress

JobKind = Literal['load', 'reconstruct', 'finetune', 'analyse', 'experiment', 'save']


class JobState(StrEnum):
    """idle -> running -> (stopping ->) done, cancelled or failed."""

    IDLE = 'idle'
    RUNNING = 'running'
    STOPPING = 'stopping'
    DONE = 'done'
    CANCELLED = 'cancelled'
    FAILED = 'failed'


_NEXT = {
    JobState.IDLE: {JobState.RUNNING},
    JobState.RUNNING: {JobState.STOPPING, JobState.DONE, JobState.CANCELLED, JobState.FAILED},
    JobState.STOPPING: {JobState.DONE, JobState.CANCELLED, JobState.FAILED},
    JobState.DONE: set(),
    JobState.CANCELLED: set(),
    JobState.FAILED: set(),
}
_ids = itertools.count(1)


@dataclass(frozen=True)
class Job:
    """A snapshot of one job.

    Attributes
    ----------
    id : int
        Number of the job; a result that carries another number than the session's job is stale.
    kind : str
        Which step of the work it belongs to.
    title : str
        What it does, for the status line.
    state : JobState
        Where it is in its life.
    progress : Progress
        Its last sign of life.
    message : str
        Why it failed, else empty.
    """

    id: int = 0
    kind: JobKind = 'load'
    title: str = ''
    state: JobState = JobState.IDLE
    progress: Progress = field(default_factory=lambda: Progress(''))
    message: str = ''

    @classmethod
    def begin(cls, kind: JobKind, title: str) -> Job:
        """Return a new running job with a number that no other job has."""
        return cls(id=next(_ids), kind=kind, title=title, state=JobState.RUNNING, progress=Progress(title))

    @property
    def is_active(self) -> bool:
        """Whether it runs or is winding down."""
        return self.state in (JobState.RUNNING, JobState.STOPPING)

    def advanced(self, progress: Progress) -> Job:
        """Return the job after a sign of life; one that is being stopped keeps its state."""
        return replace(self, progress=progress)

    def moved(self, state: JobState, message: str = '') -> Job:
        """Return the job in another state.

        Raises
        ------
        ValueError
            If the state cannot follow the present one.
        """
        if state not in _NEXT[self.state]:
            raise ValueError(f'a job cannot go from {self.state} to {state}')
        return replace(self, state=state, message=message)
