"""The product's own command on single pictures, each in a process of its own, results kept as JSON."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_microrecon.engine.errors import InputError

from .materials import ROOT, data_folder
from .pictures import PhaseScore, meets_all, score
from .runs import revision

ENDINGS = ('.png', '.bmp', '.tif', '.tiff', '.jpg', '.jpeg', '.npy')
GROUPS = ('microlib', 'swnn', 'grey')
ONE_THREAD = dict.fromkeys(('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'NUMBA_NUM_THREADS'), '1')


@dataclass(frozen=True)
class Limits:
    """What a run may take: seconds of processor time and of the clock, GB of address space."""

    cpu_seconds: int = 600
    seconds: float = 3600.0
    gigabytes: float = 14.0


@dataclass(frozen=True)
class PictureTask:
    """One volume of one picture.

    Attributes
    ----------
    picture : Path
        Image file.
    contender : str
        Value of --weights: 'auto', 'prior', a name or a file.
    seed : int
        Of the volume.
    edge : int
        Of the volume, voxels.
    """

    picture: Path
    contender: str = 'auto'
    seed: int = 0
    edge: int = 96

    @property
    def group(self) -> str:
        """Folder that the picture lies in."""
        return self.picture.parent.name

    def stem(self, cache: Path) -> Path:
        """Path without ending of what is kept: a name to read, and a digest of everything that was asked for."""
        asked = f'{self.picture.resolve()}|{self.contender}|{self.seed}|{self.edge}'
        digest = hashlib.sha256(asked.encode()).hexdigest()[:8]
        contender = Path(self.contender).stem
        return cache / f'{self.picture.stem}-{contender}-{self.seed}-{digest}'


@dataclass(frozen=True)
class PictureResult:
    """What became of a task.

    Attributes
    ----------
    failed : str
        Last words of a run that made no volume; empty otherwise.
    cpu_seconds, gigabytes : float
        Processor time of the run with its children; largest resident memory.
    reason : str
        Why the product took these weights or this prior.
    shape : Any
        results['shape'] of the run, the product's own verdict on the shapes with its 'level' ('fits', 'fits in part',
        'does not fit'); None where it gives none.
    scores : tuple of PhaseScore
        Of the two commonest phases.
    revision : str
        Of the code.
    """

    failed: str
    cpu_seconds: float
    gigabytes: float
    reason: str = ''
    shape: Any = None
    scores: tuple[PhaseScore, ...] = ()
    revision: str = ''

    @property
    def good(self) -> bool:
        """Whether there is a volume that meets all bars."""
        return bool(self.scores) and meets_all(self.scores)

    @property
    def verdict(self) -> str:
        """The product's words on the shapes; empty where it says nothing."""
        told = self.shape.get('level') if isinstance(self.shape, dict) else self.shape
        return str(told or '')

    @property
    def agrees(self) -> bool | None:
        """Whether the product says 'fits' just where all bars are met; None where it says nothing."""
        return (self.verdict == 'fits') == self.good if self.verdict else None


def find_pictures(names: Sequence[str]) -> list[Path]:
    """Pictures by path, by folder, by group ('microlib') or by number or name within the groups ('360', 'M1').

    Raises
    ------
    InputError
        If a name leads to no picture.
    """
    found: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_file():
            mine = [path]
        elif path.is_dir():
            mine = _images(path)
        else:
            mine = _shared_pictures(name)
        if not mine:
            raise InputError(
                name, 'is no picture and no folder of pictures', f'name a file or one of {", ".join(GROUPS)}'
            )
        found += mine
    return list(dict.fromkeys(found))


def outside_project(folder: Path, option: str) -> Path:
    """The folder, if it does not lie in the project: what is made of others' pictures is others', too.

    Raises
    ------
    InputError
        If it does.
    """
    if folder.resolve().is_relative_to(ROOT):
        raise InputError(
            f'{option} {folder}', 'lies in the project, and it would hold data of others', 'name a folder outside of it'
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_pictures(
    tasks: Sequence[PictureTask], cache: Path, limits: Limits, jobs: int = 1
) -> dict[PictureTask, PictureResult]:
    """Results of all tasks, in their order: from the cache where they are kept, else made and kept at once."""
    with ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(_result, task, cache, limits): task for task in tasks}
        found: dict[PictureTask, PictureResult] = {}
        for future in as_completed(waiting):
            task = waiting[future]
            found[task] = result = future.result()
            told = result.failed or f'{result.cpu_seconds:.0f} CPU s, {"meets" if result.good else "misses"} the bars'
            print(f'{len(found)} of {len(tasks)}: {task.picture.stem}, {told}', file=sys.stderr, flush=True)
    return {task: found[task] for task in tasks}


def made_of(task: PictureTask, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """Volume of a task that is done, and the picture's labels as its run recorded them."""
    import tifffile

    stem = task.stem(cache)
    picture = np.squeeze(tifffile.imread(stem.with_suffix('.run') / 'inputs' / 'slice_000.tif'))
    return tifffile.imread(stem.with_suffix('.tif')), picture


def _result(task: PictureTask, cache: Path, limits: Limits) -> PictureResult:
    kept = task.stem(cache).with_suffix('.json')
    if kept.exists():
        told = json.loads(kept.read_text())
        told['scores'] = tuple(PhaseScore(**one) for one in told['scores'])
        return PictureResult(**told)
    result = _reconstruct(task, cache, limits)
    partial = kept.with_suffix('.part')
    partial.write_text(json.dumps(asdict(result)))
    partial.replace(kept)
    return result


def _reconstruct(task: PictureTask, cache: Path, limits: Limits) -> PictureResult:
    stem = task.stem(cache)
    edge = [str(task.edge)] * 3
    command = [
        sys.executable, '-m', 'napari_microrecon', 'reconstruct', str(task.picture), '--shape', *edge, '--fractions',
        'volume', '--weights', task.contender, '--seed', str(task.seed), '--output', str(stem.with_suffix('.tif')),
    ]  # fmt: skip
    failed, used = _supervised(command, stem.with_suffix('.log'), limits)
    seconds, gigabytes = used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20
    if failed:
        return PictureResult(failed, seconds, gigabytes, revision=revision())
    record = json.loads((stem.with_suffix('.run') / 'run.json').read_text())
    reason, shape = record['weights_reason'], record['results'].get('shape')
    return PictureResult('', seconds, gigabytes, reason, shape, tuple(score(*made_of(task, cache))), revision())


def _supervised(command: Sequence[str], log: Path, limits: Limits) -> tuple[str, resource.struct_rusage]:
    """Run a command on one thread within limits; why it failed, or nothing, and what it used."""
    with log.open('w') as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True, env={**os.environ, **ONE_THREAD}
        )
        within_limits(process.pid, limits)
        ends = time.monotonic() + limits.seconds
        late = False
        # Popen's own wait would take the process away before its usage is read.
        while not (done := os.wait4(process.pid, os.WNOHANG))[0]:
            if not late and time.monotonic() > ends:
                os.killpg(process.pid, signal.SIGKILL)
                late = True
            time.sleep(0.05)
        process.returncode = os.waitstatus_to_exitcode(done[1])
    if late:
        return f'no end after {limits.seconds:g} s', done[2]
    if process.returncode == -signal.SIGXCPU:
        return f'no end after {limits.cpu_seconds} CPU s', done[2]
    if process.returncode:
        lines = [line.strip() for line in log.read_text().splitlines() if line.strip()]
        return (lines[-1][-200:] if lines else '') or f'ended with {process.returncode}', done[2]
    return '', done[2]


def within_limits(pid: int, limits: Limits) -> None:
    """Bound the processor time and the memory of a process that has begun."""
    most = int(limits.gigabytes * 1e9)
    resource.prlimit(pid, resource.RLIMIT_AS, (most, most))
    resource.prlimit(pid, resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 5))


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)


def _shared_pictures(name: str) -> list[Path]:
    folder = data_folder().parent / 'micrographs'
    if (folder / name).is_dir():
        return _images(folder / name)
    pictures = [path for group in GROUPS if (folder / group).is_dir() for path in _images(folder / group)]
    return [path for path in pictures if path.stem in (name, f'micro{name}')]
