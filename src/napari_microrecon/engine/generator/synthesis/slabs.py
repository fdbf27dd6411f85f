"""Work on a large array slab by slab, on several threads, with a sign of life between slabs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

import numpy as np

Result = TypeVar('Result')
Waiting = Generator[None, None, Result]
VOXELS = 150_000  # of a slab: a third of a second's work
PATIENCE = 0.1  # seconds between signs of life while a slab is at work


def slabs(shape: tuple[int, ...], tile: int | None = None) -> list[tuple[int, int]]:
    """Planes (start, stop) that are worked on together; a tile's edge sets their number instead."""
    planes = max(1, VOXELS // max(1, shape[1] * shape[2])) if tile is None else max(1, tile)
    return [(start, min(start + planes, shape[0])) for start in range(0, shape[0], planes)]


def wrapped(field: np.ndarray, start: int, stop: int, rim: int) -> np.ndarray:
    """Planes of a periodic field (Z, Y, X, ...) with `rim` voxels around them on all sides."""
    rows = np.arange(start - rim, stop + rim) % field.shape[0]
    around = [(0, 0), (rim, rim), (rim, rim)] + [(0, 0)] * (field.ndim - 3)
    return np.pad(field[rows], around, 'wrap')


class Workers:
    """Threads that work on slabs; closing a generator of `each` or `one` drops what has not begun."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads, 'synthesis')

    def close(self) -> None:
        """Let the threads go; slabs at work end by themselves, a fraction of a second later."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def each(self, work: Callable[[int, int], Result], parts: list[tuple[int, int]]) -> Waiting[list[Result]]:
        """Do `work(start, stop)` for every slab; yields while it waits, returns the results in order."""
        futures = [self._pool.submit(work, start, stop) for start, stop in parts]
        yield from _until_done(futures)
        return [future.result() for future in futures]

    def one(self, work: Callable[[], Result]) -> Waiting[Result]:
        """Do a single piece of work; yields while it waits."""
        future = self._pool.submit(work)
        yield from _until_done([future])
        return future.result()


def _until_done(futures: list[Future]) -> Iterator[None]:
    try:
        while True:
            _, left = wait(futures, timeout=PATIENCE)
            if not left:
                return
            yield
    finally:
        for future in futures:
            future.cancel()
