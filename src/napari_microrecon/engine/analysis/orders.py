"""One volume to measure, its steps, and the solvers that one volume after the other shares."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from dataclasses import dataclass

from ..diffusion.solver_process import Solver, TortuositySolver
from ..progress import Progress
from ..results.report import Report
from ..volume import Volume
from .measuring import Part, measure_with, solved_here


@dataclass(frozen=True, eq=False)
class Order:
    """One volume to measure: the phase, whether tortuosity is wanted, and which part of the statistics."""

    volume: Volume
    phase: int
    tortuosity: bool
    name: str
    part: Part = 'all'


@dataclass(frozen=True, eq=False)
class Event:
    """Progress of one order, or its report."""

    index: int
    progress: Progress | None = None
    report: Report | None = None


class Solvers:
    """Solvers whose child processes serve one order after the other."""

    def __init__(self, solver: Solver) -> None:
        self._solver: Solver = solver
        self._idle: dict[bool, list[TortuositySolver]] = {True: [], False: []}
        self._lock = threading.Lock()
        self._closed = False

    @contextlib.contextmanager
    def lend(self, order: Order, in_process: bool | None) -> Generator[TortuositySolver | None, None, None]:
        """A solver for one order, None where it needs none; closed if the work is broken off."""
        if not order.tortuosity or order.part == 'quick':
            yield None
            return
        here = solved_here(order.volume.labels.size, self._solver) if in_process is None else in_process
        with self._lock:
            one = self._idle[here].pop() if self._idle[here] else TortuositySolver(in_process=here, solver=self._solver)
        try:
            yield one
        except BaseException:
            one.close()  # in the middle of a solve
            raise
        with self._lock:
            if not self._closed:
                self._idle[here].append(one)
                return
        one.close()

    def close(self) -> None:
        """Close those that are idle, and those that are lent once they come back."""
        with self._lock:
            self._closed = True
            idle = [one for some in self._idle.values() for one in some]
        for one in idle:
            one.close()


def steps(index: int, order: Order, solvers: Solvers, in_process: bool | None) -> Generator[Event, None, None]:
    """Do one order and tell of each step, the report last."""
    with solvers.lend(order, in_process) as solver:
        job = measure_with(order.volume, order.phase, solver, part=order.part)
        try:
            while True:
                try:
                    progress = next(job)
                except StopIteration as stop:
                    report = stop.value
                    break
                yield Event(index, progress)
        finally:
            job.close()
    yield Event(index, report=report)
