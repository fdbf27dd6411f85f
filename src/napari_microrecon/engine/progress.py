"""What every long job yields while it runs, and how a script runs one to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, TypeVar

Result = TypeVar('Result')


@dataclass(frozen=True, slots=True)
class Progress:
    """One sign of life of a job.

    Attributes
    ----------
    stage : str
        What is being done, in words that can stand in a progress bar.
    step, total : int
        Steps done and steps in all; total 0 means that it is not known.
    metrics : mapping of str to float
        Numbers worth plotting or printing (losses, statistics, seconds left).
    preview : object
        A Volume, Report or similar partial result, or None.
    note : str
        How the job fares, in a sentence; empty where there is nothing to say.
    """

    stage: str
    step: int = 0
    total: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    preview: Any = None
    note: str = ''


# A long engine function: yields Progress, returns its result, is cancelled by closing it.
Job = Generator[Progress, None, Result]


def drain(job: Job[Result], on_progress: Callable[[Progress], None] | None = None) -> Result:
    """Run a job to its end and return its result, telling `on_progress` of every step."""
    while True:
        try:
            progress = next(job)
        except StopIteration as stop:
            return stop.value
        if on_progress is not None:
            on_progress(progress)


def aside(work: Callable[[], Result], sign: Progress, every: float = 0.2) -> Job[Result]:
    """Do work that cannot yield on a thread of its own, and repeat a sign of life meanwhile.

    Closing the job returns at once; the work then ends by itself, and its result is dropped.
    """
    pool = ThreadPoolExecutor(1, 'aside')
    try:
        future = pool.submit(work)
        while True:
            yield sign
            if wait([future], timeout=every).done:
                return future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class Throttle:
    """Says when enough time has passed for the next yield (50 ms unless told)."""

    def __init__(self, seconds: float = 0.05) -> None:
        self._seconds = seconds
        self._last = float('-inf')

    def ready(self) -> bool:
        """Whether it is time again; if so, the clock restarts."""
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True
