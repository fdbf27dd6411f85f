"""A training on the command line, ended from outside at a chosen moment, and taken up again."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

import napari_microrecon.engine.generator  # noqa: F401 (before the processes are forked, to be quick)
from napari_microrecon.cli import main
from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import write_slice
from napari_microrecon.engine.generator import Weights
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.run import Run, hash_tensors
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.voxels import VoxelSize

HOWS = {
    'kill': 'kill -9',
    'term': 'SIGTERM',
    'int': 'Ctrl-C',
    'full': 'full disk',
    'twice': 'kill -9, and again while it resumes',
    'overwrite': 'Ctrl-C of a repeat with --overwrite',
}
_SIGNALS = {
    'kill': signal.SIGKILL,
    'term': signal.SIGTERM,
    'int': signal.SIGINT,
    'twice': signal.SIGKILL,
    'overwrite': signal.SIGINT,
}
_NOTES = 'notes.txt'


@dataclass(frozen=True)
class Case:
    """How a training ends, and after how many seconds each time (for a full disk: the largest file in bytes)."""

    how: str
    moments: tuple[float, ...]

    @classmethod
    def draw(cls, chance: random.Random, seconds: float) -> Case:
        """A case at random; `seconds` is how long an undisturbed training takes."""
        how = chance.choice(list(HOWS))
        if how == 'full':
            return cls(how, (10 ** chance.uniform(2, 6.5),))
        return cls(how, tuple(chance.uniform(0, 1.05 * seconds) for _ in range(2 if how == 'twice' else 1)))


@dataclass(frozen=True)
class Ground:
    """A slice to train on, and what the undisturbed training of it makes."""

    folder: Path
    steps: int
    wanted: str
    seconds: float

    @property
    def command(self) -> list[str]:
        """The training, less its output."""
        slices = [str(self.folder / 'slice.tif'), '--from', 'noise', '--device', 'cpu']
        return ['finetune', *slices, '--steps', str(self.steps), '--seed', '3']

    @classmethod
    def prepare(cls, folder: Path, steps: int) -> Ground:
        """Make the slice and train once undisturbed."""
        torch.set_num_threads(1)
        noise = gaussian_filter(np.random.default_rng(1).normal(size=(64, 64)), 2.0, mode='wrap')
        phases = Phases.named('grain', 'pore', pore=1)
        write_slice(
            Slice((noise > np.quantile(noise, 0.7)).astype(np.uint8), phases, 'z', None, VoxelSize.cube(1, 'um')),
            folder / 'slice.tif',
        )
        ground = cls(folder, steps, '', 0.0)
        output = folder / 'whole.safetensors'
        began = time.monotonic()
        code = run([*ground.command, '--output', str(output)])
        if code != 0:
            raise SystemExit(f'the undisturbed training ended with code {code}')
        return cls(folder, steps, _hash(output), time.monotonic() - began)


def run(
    arguments: list[str], *, kill: signal.Signals | None = None, after: float = 0.0, limit: int | None = None
) -> int:
    """Run a command in a forked process; its exit code, negative where a signal ended it."""
    child = os.fork()
    if child == 0:
        # What the signal finds here is the state of a program that has just started.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with open(os.devnull, 'w') as nowhere:
            sys.stdout = sys.stderr = nowhere
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            code = 130
            with contextlib.suppress(KeyboardInterrupt):  # before the command line heeds it
                code = main(arguments)
            os._exit(code)
    if kill is not None:
        deadline = time.monotonic() + after
        while time.monotonic() < deadline:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.002)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, kill)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def disturb(ground: Ground, case: Case, number: int) -> str:
    """Train, end it as the case says, take it up again: 'kept', or what went wrong."""
    folder = ground.folder / f'case{number}'
    folder.mkdir()
    output, home = folder / 'out.safetensors', folder / 'out.run'
    command = [*ground.command, '--output', str(output)]
    try:
        if case.how == 'overwrite':
            shutil.copy(ground.folder / 'whole.safetensors', output)
            shutil.copytree(ground.folder / 'whole.run', home)
            command.append('--overwrite')
        if case.how == 'full':
            run(command, limit=int(case.moments[0]))
        for moment in case.moments if case.how != 'full' else ():
            run(_next(command, home, output), kill=_SIGNALS[case.how], after=moment)
            if home.is_dir():
                (home / _NOTES).write_text('etched 5 s')
        if case.how == 'overwrite':
            finished = _hash(output) == ground.wanted and Run.open(home).record.status == 'done'
            if not finished:
                return 'the finished training is lost'
            output.unlink()
            latest = max(folder.glob('out*.run'), key=lambda path: (len(path.name), path.name))
            home = latest if latest != home else home
        noted = (home / _NOTES).exists()
        for _ in range(3):
            if output.exists() and home.is_dir() and Run.open(home).record.status == 'done':
                break
            if home.is_dir() and Run.open(home).record.status == 'done':
                output = home.with_suffix('.safetensors')
                break
            code = run(_next(command, home, output))
            if code != 0:
                return f'taking it up again ended with code {code}'
        if noted and not (home / _NOTES).exists():
            return 'a file of the user is gone'
        if case.how == 'overwrite' and not output.exists():
            return 'kept'  # it had not begun, and what was finished is whole
        if _hash(output) != ground.wanted:
            return 'other weights'
        left = sorted(path.name for path in folder.iterdir() if path.name.startswith('.'))
        return f'left behind: {left}' if left and case.how != 'overwrite' else 'kept'
    except (InputError, OSError) as error:
        return f'{type(error).__name__}: {error}'
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _next(command: list[str], home: Path, output: Path) -> list[str]:
    """What the user would say next: resume where there is something to resume, else the command again."""
    if (home / 'run.json').is_file() and Run.open(home).record.status != 'done':
        return ['finetune', '--resume', str(home), '--device', 'cpu', '--output', str(output)]
    return command


def _hash(path: Path) -> str:
    return hash_tensors(Weights.load(path).tensors)
