"""Tortuosity solves in a process of their own: killable at once, and never holding the caller's interpreter.

``TortuositySolver`` is the caller's side. The other side is this module run as ``python -m``, so that it works from
scripts without a main guard, from ``python -`` and from napari's console alike, where multiprocessing's spawn would
import the caller's main module. Masks travel through a temporary folder, answers as one line of JSON each.
The child ends when its standard input closes, so none outlives its parent.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Literal, Self

import numpy as np

from ..errors import EngineError, InputError
from .solver import Transport, solve_field
from .torch_solver import WORTH_VOXELS, gpu_is_present, solve_field_torch

Solver = Literal['auto', 'own', 'gpu', 'porespy']
_POLL = 0.05  # seconds between two looks at the child
_ENDING = 5.0  # seconds that a killed child may take to be gone


def porespy_diffusion(percolating: np.ndarray, axis: int, fraction: float | None = None) -> Transport:
    """Solve the same with PoreSpy's `tortuosity_fd`; cubic voxels only."""
    from ._porespy import quiet_porespy

    through = float(np.count_nonzero(percolating) / percolating.size)
    with quiet_porespy() as porespy:
        found = porespy.simulations.tortuosity_fd(percolating, axis)
        name = (
            f'porespy.simulations.tortuosity_fd, PoreSpy {porespy.__version__}, concentrations fixed at voxel centres'
        )
    return Transport(
        diffusivity=float(1.0 / found.formation_factor),
        fraction=through if fraction is None else float(fraction),
        percolating=through,
        mismatch=0.0,  # it does not tell; its own tolerance is that of ours
        residual=float('nan'),
        iterations=0,
        converged=bool(found.converged),
        method=name,
    )


class TortuositySolver:
    """Solves here or in a child process; the child is started with the first solve and serves all that follow.

    Parameters
    ----------
    in_process : bool
        Solve in this process, where PoreSpy's solve cannot be interrupted, and ours between two iterations only.
    solver : {'auto', 'own', 'gpu', 'porespy'}
        Which solver. 'auto' takes the GPU where there is one and the volume is worth it, else our own on the CPU.
    """

    def __init__(self, *, in_process: bool, solver: Solver = 'auto') -> None:
        self._in_process = in_process
        self._solver: Solver = solver
        self._child: subprocess.Popen[str] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._answers: queue.Queue[str | None] = queue.Queue()
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def needs_cubes(self) -> bool:
        """Whether only cubic voxels can be solved."""
        return self._solver == 'porespy'

    @property
    def pid(self) -> int | None:
        """Process id of the child, None while there is none."""
        return None if self._child is None else self._child.pid

    def solve(
        self, percolating: np.ndarray, axis: int, spacing: Sequence[float], fraction: float
    ) -> Generator[str, None, Transport]:
        """Solve one axis; yields what is going on, at least every 50 ms when a child does the work.

        Raises
        ------
        EngineError
            If the solve does not converge or the child dies (memory).
        """
        found, _ = yield from self._solve(percolating, axis, spacing, fraction, keep=False)
        return found

    def solve_field(
        self, percolating: np.ndarray, axis: int, spacing: Sequence[float], fraction: float
    ) -> Generator[str, None, tuple[Transport, np.ndarray]]:
        """Solve one axis and keep the concentration (see `solver.solve_field`); not with PoreSpy.

        Raises
        ------
        EngineError
            As `solve`.
        """
        found, field = yield from self._solve(percolating, axis, spacing, fraction, keep=True)
        if field is None:
            raise InputError('solver', 'PoreSpy keeps no concentration', 'use the own solver')
        return found, field

    def _here(
        self, percolating: np.ndarray, axis: int, spacing: Sequence[float], fraction: float
    ) -> Generator[str, None, tuple[Transport, np.ndarray | None]]:
        if self._solver == 'porespy':
            yield 'PoreSpy'
            return porespy_diffusion(percolating, axis, fraction), None
        if self._solver == 'gpu' or (self._solver == 'auto' and percolating.size >= WORTH_VOXELS and gpu_is_present()):
            try:
                return (yield from solve_field_torch(percolating, axis, spacing, fraction=fraction))
            except EngineError:
                if self._solver == 'gpu':
                    raise  # it was asked for
        return (yield from solve_field(percolating, axis, spacing, fraction=fraction))

    def _solve(
        self, percolating: np.ndarray, axis: int, spacing: Sequence[float], fraction: float, *, keep: bool
    ) -> Generator[str, None, tuple[Transport, np.ndarray | None]]:
        if self._in_process:
            return (yield from self._here(percolating, axis, spacing, fraction))
        child, folder = self._start()
        self._number += 1
        path = folder / f'mask_{self._number}.npz'
        np.savez(path, bits=np.packbits(percolating), shape=np.asarray(percolating.shape))
        order = {
            'mask': str(path),
            'axis': axis,
            'spacing': list(spacing),
            'fraction': float(fraction),
            'solver': self._solver,
            'field': str(folder / f'field_{self._number}.npy') if keep else '',
        }
        assert child.stdin is not None
        try:
            child.stdin.write(json.dumps(order) + '\n')
            child.stdin.flush()
        except OSError as error:
            raise EngineError('tortuosity: the solver process could not be reached; try in_process=True') from error
        while True:
            try:
                line = self._answers.get(timeout=_POLL)
            except queue.Empty:
                yield 'solving'
                continue
            if line is None:
                code = child.wait()
                raise EngineError(
                    f'tortuosity: the solver process ended with code {code}, probably for lack of memory; '
                    'analyse a crop or leave tortuosity out'
                )
            path.unlink(missing_ok=True)
            answer = json.loads(line)
            if 'error' in answer:
                raise EngineError(answer['error'])
            field = None
            if order['field'] and Path(order['field']).is_file():
                field = np.load(order['field'])
                Path(order['field']).unlink()
            return Transport(**answer), field

    def close(self) -> None:
        """Kill the child if there is one, and remove what it was given."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait(timeout=_ENDING)
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except OSError:  # unsent orders to a dead child
                        continue
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    def _start(self) -> tuple[subprocess.Popen[str], Path]:
        if self._child is None or self._folder is None:
            package_root = Path(__file__).resolve().parents[3]
            paths = [str(package_root), *filter(None, [os.environ.get('PYTHONPATH')])]
            environment = os.environ | {'PYTHONPATH': os.pathsep.join(paths), 'OMP_NUM_THREADS': '1'}
            self._folder = tempfile.TemporaryDirectory(prefix='microrecon-')
            self._child = subprocess.Popen(
                [sys.executable, '-P', '-m', __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding='utf-8',
                env=environment,
            )
            self._answers = queue.Queue()
            assert self._child.stdout is not None
            reader = threading.Thread(target=_collect, args=(self._child.stdout, self._answers), daemon=True)
            reader.start()
        return self._child, Path(self._folder.name)


def _collect(pipe: IO[str], answers: queue.Queue[str | None]) -> None:
    """Pass on the child's lines; None marks its end."""
    try:
        for line in pipe:
            answers.put(line)
    except ValueError:  # closed while reading
        pass
    answers.put(None)


def serve(orders: IO[str], answers: IO[str]) -> None:
    """Answer orders until their stream ends; the child's main loop."""
    waiting: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        for line in orders:
            waiting.put(line)
        os._exit(0)  # the parent is gone: stop in the middle of a solve

    threading.Thread(target=listen, daemon=True).start()
    while True:
        order = json.loads(waiting.get())
        try:
            with np.load(order['mask']) as stored:
                shape = tuple(int(n) for n in stored['shape'])
                bits = np.unpackbits(stored['bits'], count=int(np.prod(shape)))
            mask = bits.reshape(shape).astype(bool)
            with TortuositySolver(in_process=True, solver=order['solver']) as solver:
                steps = solver._here(mask, order['axis'], order['spacing'], order['fraction'])
                found, field = _result(steps)
            if order['field'] and field is not None:
                np.save(order['field'], field)
            answer = asdict(found)
        except (EngineError, MemoryError, ValueError, ArithmeticError) as error:
            answer = {'error': f'tortuosity: {error or type(error).__name__}'}
        answers.write(json.dumps(answer) + '\n')
        answers.flush()


def _result(
    steps: Generator[str, None, tuple[Transport, np.ndarray | None]],
) -> tuple[Transport, np.ndarray | None]:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


if __name__ == '__main__':
    # Whatever libraries print must not get between the answers.
    replies, sys.stdout = sys.stdout, sys.stderr
    serve(sys.stdin, replies)
