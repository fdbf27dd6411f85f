"""Measure several volumes, or blocks of one: one after the other, on dask's threads, or on a dask cluster."""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from ..diffusion.solver_process import Solver
from ..errors import InputError
from ..host_memory import free_memory
from ..progress import Job, Progress
from ..results.bands import Ensemble
from ..results.report import Report
from ..volume import Volume
from .blocks import block_origins, name_block, times
from .cluster import run_on_cluster
from .memory import estimate_memory
from .orders import Event, Order, Solvers, steps


def measure_many(
    volumes: Sequence[Volume],
    phase: int | None = None,
    *,
    tortuosity: bool = True,
    solver: Solver = 'auto',
    workers: int | None = None,
    cluster: str | None = None,
) -> Job[list[Report]]:
    """Measure one phase of several volumes.

    Parameters
    ----------
    volumes : sequence of Volume
        With the same number of phases.
    phase : int, optional
        Label to measure, by default the first volume's pore or phase 1.
    tortuosity, solver
        As in `measure`.
    workers : int, optional
        Threads, by default as many as there are processors; never more than memory allows. Ignored with a cluster.
    cluster : str, optional
        Address of a dask scheduler ('tcp://host:8786'), which then does the work. Needs the extra 'cluster'.

    Yields
    ------
    Progress
        Whose preview is the `Ensemble` of the reports so far.

    Returns
    -------
    list of Report
        In the order of the volumes.

    Raises
    ------
    InputError
        If there is no volume, the phases disagree, or no scheduler answers.
    """
    if not volumes:
        raise InputError('volumes', 'there are none', 'give at least one')
    label = volumes[0].phases.check(volumes[0].phases.main if phase is None else phase)
    for volume in volumes:
        if volume.phases.count != volumes[0].phases.count:
            raise InputError(
                volume.name,
                f'has {volume.phases.count} phases while {volumes[0].name} has {volumes[0].phases.count}',
                'segment all into the same phases',
            )
    orders = [Order(volume, label, tortuosity, volume.name) for volume in volumes]
    reports: dict[int, Report] = {}
    preview: Ensemble | None = None
    events = run_orders(orders, solver=solver, workers=workers, cluster=cluster)
    try:
        for event in events:
            stage = f'{len(reports)} of {len(orders)} volumes'
            if event.report is not None:
                reports[event.index] = event.report
                known = [reports[i] for i in sorted(reports)]
                preview = Ensemble.of(known, complete=len(known) == len(orders))
                stage = f'{len(reports)} of {len(orders)} volumes'
            elif event.progress is not None:
                stage = f'{orders[event.index].name}: {event.progress.stage}'
            yield Progress(stage, len(reports), len(orders), preview=preview)
    finally:
        events.close()
    return [reports[i] for i in range(len(orders))]


def measure_blocks(
    volume: Volume, block: tuple[int, int, int], phase: int | None = None, *, most: int = 64, **options: Any
) -> Job[list[Report]]:
    """Measure up to `most` non-overlapping blocks of a volume, spread over it; options as in `measure_many`.

    Raises
    ------
    InputError
        If the volume is smaller than a block.
    """
    origins = block_origins(volume.shape, block, most)
    if not origins:
        raise InputError('block', f'{times(block)} is larger than {times(volume.shape)}', 'choose a smaller block')
    parts = [replace(volume.crop(origin, block), name=name_block(volume, origin)) for origin in origins]
    return (yield from measure_many(parts, phase, **options))


def run_orders(
    orders: Sequence[Order],
    *,
    solver: Solver = 'auto',
    in_process: bool | None = None,
    workers: int | None = None,
    cluster: str | None = None,
) -> Generator[Event, None, None]:
    """Do the orders and tell of each step; closing stops all that still run.

    Reports come as they are ready, in any order.
    """
    if cluster is not None:
        yield from run_on_cluster(orders, solver, in_process, cluster)
        return
    count = min(len(orders), how_many(orders, workers))
    solvers = Solvers(solver)
    try:
        if count <= 1:
            for index, order in enumerate(orders):
                yield from steps(index, order, solvers, in_process)
        else:
            yield from _on_threads(orders, solvers, in_process, count)
    finally:
        solvers.close()


def how_many(orders: Sequence[Order], wanted: int | None = None) -> int:
    """Threads that the free memory and the processors, or the wish, allow."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else (os.cpu_count() or 1)
    if wanted is not None:
        cpus = max(1, wanted)
    largest = max((estimate_memory(o.volume.shape, tortuosity=o.tortuosity).total for o in orders), default=1)
    return max(1, min(cpus, int(free_memory() / max(largest, 1))))


class _StoppedError(Exception):
    """Nobody waits for the result any more."""


def _on_threads(
    orders: Sequence[Order], solvers: Solvers, in_process: bool | None, count: int
) -> Generator[Event, None, None]:
    import dask

    stop = threading.Event()
    events: queue.Queue[Event | BaseException | None] = queue.Queue()

    left = deque(range(len(orders)))  # dask would choose an order of its own; what comes first is looked at first

    def work() -> None:
        while True:
            try:
                index = left.popleft()
            except IndexError:
                return
            job = steps(index, orders[index], solvers, in_process)
            try:
                for event in job:
                    if stop.is_set():
                        raise _StoppedError
                    events.put(event)
            finally:
                job.close()

    def compute() -> None:
        try:
            tasks = [dask.delayed(work, pure=False)() for _ in range(count)]
            dask.compute(tasks, scheduler='threads', num_workers=count)
            events.put(None)
        except BaseException as error:  # handed on to the caller's thread
            events.put(error)

    thread = threading.Thread(target=compute, name='microrecon-analysis', daemon=True)
    thread.start()
    try:
        while True:
            event = events.get()
            if event is None:
                return
            if isinstance(event, BaseException):
                raise event
            yield event
    finally:
        stop.set()
        thread.join()
