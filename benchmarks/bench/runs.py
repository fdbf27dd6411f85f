"""Many trainings, some at a time: one process each, results kept as JSON as soon as they are there."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .materials import ROOT

Record = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """What all trainings and volumes of a run have in common.

    Attributes
    ----------
    cpu_seconds : float or None
        Budget of a training in seconds of processor time, all threads together.
    minutes : float or None
        Wall-clock budget instead, as the product has it; who cannot be told so gets minutes x 60 x threads.
    steps : int or None
        Fixed number of generator steps instead.
    threads : int
        Threads of one training.
    volumes : int
        Volumes whose statistics are all measured.
    more : int
        Volumes whose phase fractions are measured (those above included).
    edge : int or None
        Edge of the volumes in voxels; None: the material's own.
    spread_edge : int
        Edge of the corners whose phase fractions' sd is compared with that of real subvolumes.
    """

    cpu_seconds: float | None = None
    minutes: float | None = None
    steps: int | None = None
    threads: int = 1
    volumes: int = 4
    more: int = 10
    edge: int | None = None
    spread_edge: int = 96

    @property
    def seconds(self) -> float:
        """Budget in seconds of processor time."""
        if self.cpu_seconds is not None:
            return self.cpu_seconds
        return (self.minutes or 0.0) * 60 * self.threads


@dataclass(frozen=True)
class Recipe:
    """How a contender gets its weights.

    Attributes
    ----------
    name : str
        Of the row in the tables.
    start : str
        'prior' (untrained), 'slicegan', or what `starting_weights` knows: 'auto', 'scratch', 'noise'.
    prior : str
        Family that the structural prior is forced to; empty: the product's choice.
    architecture, params, loss : tuple of (name, value)
        What differs from the defaults of Architecture, FinetuneParams and LossWeights.
    """

    name: str
    start: str = 'scratch'
    prior: str = ''
    architecture: tuple[tuple[str, Any], ...] = ()
    params: tuple[tuple[str, Any], ...] = ()
    loss: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Task:
    """One training (or untrained generator) of one material with one seed."""

    material: str
    recipe: Recipe
    seed: int
    settings: Settings

    @property
    def title(self) -> str:
        """For messages."""
        return f'{self.material}, {self.recipe.name}, seed {self.seed}'

    def file(self, cache: Path) -> Path:
        """Where its record is kept: a name to read, and a digest of everything that was asked for."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:10]
        name = f'{self.material}-{self.recipe.name}-{self.seed}-{digest}'
        return cache / f'{"".join(c if c.isalnum() or c in "-_." else "_" for c in name)}.json'


def revision() -> str:
    """Commit of the working tree, with a + where it has changes; empty outside a checkout."""
    try:
        head = subprocess.run(
            ['git', 'describe', '--always', '--dirty=+'], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ''
    return head.stdout.strip()


def run(tasks: Sequence[Task], work: Callable[[Task, Path], Record], cache: Path, jobs: int = 2) -> dict[Task, Record]:
    """Records of all tasks: from the cache where they are kept, else worked out and kept at once.

    Parameters
    ----------
    tasks : sequence of Task
        In the order in which they are begun.
    work : callable
        Module-level function of a task and the path (without ending) for other files to keep.
    cache : Path
        Folder of the records; an interrupted run continues from it.
    jobs : int
        Processes at a time; 0 works in this process.
    """
    cache.mkdir(parents=True, exist_ok=True)
    found: dict[Task, Record] = {}
    now = revision()
    for task in tasks:
        if task.file(cache).exists():
            found[task] = json.loads(task.file(cache).read_text())
            if found[task]['revision'] != now:
                _tell(f'{task.title}: kept from revision {found[task]["revision"]}, the code is now {now}')
    left = [task for task in tasks if task not in found]
    if jobs == 0:
        for task in left:
            found[task] = _keep(task, work, cache, now)
        return found
    # Read when a child loads its numerical libraries; threads that spin would take the other trainings' cores.
    threads = str(max((task.settings.threads for task in left), default=1))
    os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS'), threads))
    os.environ['OMP_WAIT_POLICY'] = 'PASSIVE'
    context = multiprocessing.get_context('spawn')
    began = time.monotonic()
    failed: list[str] = []
    with ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool:
        waiting = {pool.submit(_keep, task, work, cache, now): task for task in left}
        for done, future in enumerate(as_completed(waiting), 1):
            task = waiting[future]
            try:
                found[task] = future.result()
                _tell(f'{done} of {len(left)} after {(time.monotonic() - began) / 60:.1f} min: {task.title}')
            except Exception as error:  # the other trainings are worth having; the tables say which are missing
                failed.append(task.title)
                _tell(f'{done} of {len(left)} FAILED: {task.title}: {type(error).__name__}: {error}')
    if failed:
        _tell(f'{len(failed)} failed and are left out: {"; ".join(failed)}')
    return found


def _keep(task: Task, work: Callable[[Task, Path], Record], cache: Path, now: str) -> Record:
    path = task.file(cache)
    record = {'task': asdict(task), 'revision': now, **work(task, path.with_suffix(''))}
    text = json.dumps(record, default=_plain)
    partial = path.with_suffix('.part')
    partial.write_text(text)
    partial.replace(path)
    return json.loads(text)


def _plain(value: Any) -> Any:
    """Arrays and numpy numbers as JSON has them."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f'{type(value).__name__} cannot be kept')


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
