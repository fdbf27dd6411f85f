"""What the readers do with damaged files: read, refuse in one line, or fail: error, hang, memory, a process started.

    python benchmarks/mutated_files.py --count 2000 --kinds tiff png npy zarr2 zarr3 --output mutated.md
    python benchmarks/mutated_files.py --kinds tiff --seed 1234 --count 1 --keep folder  # one file, to look at

Every file comes from its kind and seed (bench/mutants.py): bytes flipped, ends cut off, blocks swapped, numbers in
headers at the limits of their types, pages that run in circles, values of JSON that make no sense, files left out. It
is read in a worker process, which is ended after `--limit` seconds or when it takes 2 GB more than the file's size.
A refusal counts as such if it is an InputError of one line; any other exception is an error. The exit code is the
number of failures, at most 1.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from bench.mutants import KINDS, PREPARED, describe, make, prepare, read
from bench.runs import revision
from bench.tables import markdown, tell

MEMORY = 2e9  # bytes beyond the file's own
FAILURES = ('error', 'hang', 'memory', 'process', 'crash')
OUTCOMES = ('read', 'remarked', 'refused', *FAILURES)
_STARTS = ('subprocess.Popen', 'os.system', 'os.exec', 'os.posix_spawn', 'os.spawn', 'os.fork', 'os.forkpty')


@dataclass
class Outcome:
    """What became of one file."""

    kind: str
    seed: int
    what: str
    words: str = ''
    seconds: float = 0.0
    memory: float = 0.0


def _peak() -> float:
    """Largest memory of this process since `_forget_peak`, bytes; 0 where the system does not tell."""
    with contextlib.suppress(OSError), open('/proc/self/status') as file:
        for line in file:
            if line.startswith('VmHWM'):
                return 1024.0 * int(line.split()[1])
    return 0.0


def _forget_peak() -> None:
    with contextlib.suppress(OSError), open('/proc/self/clear_refs', 'w') as file:
        file.write('5')


def _size(path: Path) -> int:
    return sum(p.stat().st_size for p in path.rglob('*') if p.is_file()) if path.is_dir() else path.stat().st_size


def work(pipe: Connection, prepared: Path) -> None:
    """Make and read the files that the parent names, until it names none."""
    from napari_microrecon.engine.errors import InputError

    started: list[str] = []
    sys.addaudithook(lambda event, args: started.append(event) if event in _STARTS else None)
    warnings.simplefilter('ignore')
    with open(os.devnull, 'w') as nowhere:
        os.dup2(nowhere.fileno(), 2)
    while (order := pipe.recv()) is not None:
        kind, seed, folder = order
        path = make(kind, seed, folder, prepared)
        size, words = _size(path), ''
        _forget_peak()
        before, began = _peak(), time.monotonic()
        started.clear()
        try:
            words = read(kind, path)
            what = 'remarked' if words else 'read'
        except InputError as error:
            words = str(error).replace(str(folder), '')
            what = 'refused' if words.isprintable() and 'Traceback' not in words else 'error'
        except BaseException as error:
            where = traceback.extract_tb(error.__traceback__)
            ours = [f for f in where if 'napari_microrecon' in f.filename] or list(where)
            words = f'{type(error).__name__}: {str(error)[:200]!r} at {Path(ours[-1].filename).name}:{ours[-1].lineno}'
            what = 'error'
        seconds, memory = time.monotonic() - began, max(0.0, _peak() - before)
        if started:
            what, words = 'process', ', '.join(started)
        elif memory > MEMORY + size:
            what = 'memory'
        pipe.send(Outcome(kind, seed, what, words, seconds, memory))


class Worker:
    """A process that reads one file after the other, and is replaced when it does not come back."""

    def __init__(self, prepared: Path) -> None:
        self._prepared = prepared
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context('spawn')
        self.pipe, other = context.Pipe()
        self._process = context.Process(target=work, args=(other, self._prepared), daemon=True)
        self._process.start()
        other.close()
        self.job: tuple[str, int, Path] | None = None
        self._since = 0.0

    def give(self, kind: str, seed: int) -> None:
        """Let it make and read a file."""
        self.job = kind, seed, Path(tempfile.mkdtemp())
        self._since = time.monotonic()
        self.pipe.send(self.job)

    def take(self, limit: float) -> Outcome | None:
        """The outcome, None while it is at work."""
        import psutil

        assert self.job is not None
        kind, seed, folder = self.job
        found: Outcome | None = None
        if self.pipe.poll():
            try:
                found = self.pipe.recv()
            except EOFError:
                found = Outcome(kind, seed, 'crash', f'exit code {self._process.exitcode}')
        elif time.monotonic() - self._since > limit:
            found = Outcome(kind, seed, 'hang', f'over {limit:g} s', limit)
        else:
            with contextlib.suppress(psutil.Error):
                if psutil.Process(self._process.pid).memory_info().rss > 3 * MEMORY:
                    found = Outcome(kind, seed, 'memory', 'ended', memory=3 * MEMORY)
        if found is None:
            return None
        shutil.rmtree(folder, ignore_errors=True)
        self.job = None
        if found.what in ('hang', 'crash') or found.words == 'ended':
            self.stop()
            self._start()
        return found

    def stop(self) -> None:
        """End it."""
        if self.job is None:
            with contextlib.suppress(OSError):
                self.pipe.send(None)
            self._process.join(5.0)
        self._process.kill()
        self._process.join()
        self.pipe.close()


def run(orders: list[tuple[str, int]], workers: int, limit: float, prepared: Path) -> list[Outcome]:
    """Read all files; failures are printed as they come."""
    crew, todo, done = [Worker(prepared) for _ in range(workers)], list(reversed(orders)), []
    try:
        while todo or any(worker.job for worker in crew):
            for worker in crew:
                if worker.job is None and todo:
                    worker.give(*todo.pop())
            wait([worker.pipe for worker in crew if worker.job], timeout=0.05)
            for worker in crew:
                outcome = worker.take(limit) if worker.job else None
                if outcome is not None:
                    done.append(outcome)
                    if outcome.what in FAILURES:
                        print(f'{outcome.what}: {describe(outcome.kind, outcome.seed)} {outcome.words}', flush=True)
    finally:
        for worker in crew:
            worker.stop()
    return done


def table(done: list[Outcome]) -> str:
    """One row per kind."""
    rows: list[list[str]] = []
    for kind in KINDS:
        mine = [outcome for outcome in done if outcome.kind == kind]
        if mine:
            counts: Any = collections.Counter(outcome.what for outcome in mine)
            longest, most = max(o.seconds for o in mine), max(o.memory for o in mine)
            rows.append(
                [kind, str(len(mine)), *(str(counts[o]) for o in OUTCOMES), f'{longest:.1f}', f'{most / 1e6:.0f}']
            )
    return markdown(['kind', 'files', *OUTCOMES, 'longest, s', 'most memory, MB'], rows)


def main() -> int:
    """Read as many files of each kind as asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--count', type=int, default=2000, help='files in all, the same number of each kind')
    parser.add_argument('--seed', type=int, default=0, help='of the first file of each kind')
    parser.add_argument('--kinds', nargs='+', default=list(KINDS), choices=KINDS, metavar='KIND')
    parser.add_argument('--limit', type=float, default=60.0, help='seconds for one file')
    parser.add_argument('--workers', type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        '--keep', type=Path, metavar='FOLDER', help='for the files that failed, or for all where there is one'
    )
    parser.add_argument('--output', type=Path, help='Markdown file for the table')
    options = parser.parse_args()
    each = -(-options.count // len(options.kinds))
    orders = [(kind, seed) for seed in range(options.seed, options.seed + each) for kind in options.kinds]
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), tuple(kind for kind in options.kinds if kind in PREPARED))
        done = run(orders, min(options.workers, len(orders)), options.limit, Path(folder))
        failed = [outcome for outcome in done if outcome.what in FAILURES]
        for outcome in (done if len(done) == 1 else failed) if options.keep else ():
            place = options.keep / f'{outcome.kind}-{outcome.seed}'
            place.mkdir(parents=True, exist_ok=True)
            make(outcome.kind, outcome.seed, place, Path(folder))
    told = ', '.join(f'{outcome.kind} {outcome.seed} ({outcome.what})' for outcome in failed) or 'none'
    tell(f'Revision {revision()}; seeds from {options.seed}.\n\n{table(done)}\nFailures: {told}.\n', options.output)
    return min(1, len(failed))


if __name__ == '__main__':
    sys.exit(main())
