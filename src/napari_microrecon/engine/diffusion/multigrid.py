"""A multigrid for diffusion through a mask, whose levels are plain grids: built in the time of two sweeps.

The nodes of each coarser level are blocks of 2 x 2 x 2 (fewer along an axis that conducts badly, which smoothing does
not even out). All parts of a block share its correction (plain aggregation: Notay 2010, Electron. Trans. Numer. Anal.
37, 123); links along a coarsened axis count half, as they have become twice as long (over-correction: Braess 1995,
Computing 55, 379). Blocks join pores that a thin wall separates, which a purely algebraic multigrid would not: more
iterations, but each is cheap and nothing has to be set up. The coarser levels are visited twice per cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .equations import INNER, Equations

_WEAK = 0.25  # an axis whose links conduct less than this share of the best is not coarsened
_OVER_CORRECTION = 2.0  # per coarsened axis
_COARSEST = 6  # blocks along the longest edge of the last level, which is solved at once
_Shifts = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class _Level:
    """Equations between blocks: arrays with a layer of zeros around, indexed by block."""

    links: tuple[np.ndarray, np.ndarray, np.ndarray]  # to the next block along every axis
    diagonal: np.ndarray
    inverse: np.ndarray
    x: np.ndarray
    b: np.ndarray
    shifts: _Shifts  # which axes the next level coarsens; all 0 on the last one
    solution: np.ndarray | None  # inverse matrix of the last one


class Multigrid:
    """A cycle for the equations: maps a residual to a correction, symmetric and positive definite.

    Parameters
    ----------
    equations : Equations
        Of the voxels, whose type of numbers it uses.
    """

    def __init__(self, equations: Equations) -> None:
        from . import kernels

        self._kernels = kernels
        self._equations = equations
        self._x = np.zeros_like(equations.source)
        conductance = equations.conductance
        self._shifts = _shifts(conductance, equations.code.shape)
        self._levels: list[_Level] = []
        shifts, shape, fine = self._shifts, equations.code.shape, None
        while any(shifts):
            shape = tuple(((n - 2 + s) >> s) + 2 for n, s in zip(shape, shifts, strict=True))
            links = tuple(np.zeros(shape, dtype=self._x.dtype) for _ in range(3))
            anchor = np.zeros(shape, dtype=self._x.dtype)
            if fine is None:
                kernels.coarsen(equations.code, *conductance, *links, anchor, *shifts)
            else:
                kernels.coarsen_blocks(*fine, *links, anchor, *shifts)
            for axis, s in enumerate(shifts):
                links[axis][...] *= _OVER_CORRECTION**-s
            anchor *= _OVER_CORRECTION ** -shifts[0]  # the fixed ends lie along the flux
            edges = [1 << s for s in shifts]
            conductance = tuple(
                c * np.prod(edges) / edge * _OVER_CORRECTION**-s
                for c, edge, s in zip(conductance, edges, shifts, strict=True)
            )
            shifts = _shifts(conductance, shape)
            self._levels.append(_level(links, anchor, shifts))
            fine = (*links, anchor)

    def __call__(self, residual: np.ndarray) -> np.ndarray:
        """Correction for a residual; an array that the next call overwrites."""
        k, e, x = self._kernels, self._equations, self._x
        k.begin(x, residual, e.inverse)
        k.relax(x, residual, e.inverse, *e.weights, 1)
        if self._levels:
            below = self._levels[0]
            k.restrict(x, residual, e.inverse, e.diagonal, *e.weights, below.b, *self._shifts)
            below.x.fill(0)
            for _ in range(1 if below.solution is not None else 2):
                self._cycle(0)
            k.prolong(x, e.inverse, below.x, *self._shifts)
        k.relax(x, residual, e.inverse, *e.weights, 1)
        k.relax(x, residual, e.inverse, *e.weights, 0)
        return x

    def _cycle(self, depth: int) -> None:
        """Improve the solution of a coarser level."""
        k, level = self._kernels, self._levels[depth]
        if level.solution is not None:
            level.x[INNER] = (level.solution @ level.b[INNER].ravel()).reshape(level.x[INNER].shape)
            return
        for colour in (0, 1):
            k.relax_blocks(level.x, level.b, level.inverse, *level.links, colour)
        below = self._levels[depth + 1]
        k.restrict_blocks(level.x, level.b, level.diagonal, *level.links, below.b, *level.shifts)
        below.x.fill(0)
        for _ in range(1 if below.solution is not None else 2):
            self._cycle(depth + 1)
        k.prolong(level.x, level.inverse, below.x, *level.shifts)
        for colour in (1, 0):
            k.relax_blocks(level.x, level.b, level.inverse, *level.links, colour)


def _shifts(conductance: Sequence[float], shape: Sequence[int]) -> _Shifts:
    """1 for every axis to coarsen, of a level with this (padded) shape."""
    widest = max(c for c, n in zip(conductance, shape, strict=True) if n > 3) if max(shape) > 3 else 0.0
    z, y, x = (
        int(max(shape) - 2 > _COARSEST and n > 3 and c >= _WEAK * widest)
        for c, n in zip(conductance, shape, strict=True)
    )
    return z, y, x


def _level(links: tuple[np.ndarray, ...], anchor: np.ndarray, shifts: _Shifts) -> _Level:
    """A level from its links and those to the fixed ends."""
    diagonal = anchor.copy()
    for axis, link in enumerate(links):
        diagonal += link
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        diagonal[tuple(high)] += link[tuple(low)]
    inverse = np.divide(1, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0)
    z, y, x = links
    solution = None if any(shifts) else _inverted(links, diagonal)
    return _Level((z, y, x), diagonal, inverse, np.zeros_like(diagonal), np.zeros_like(diagonal), shifts, solution)


def _inverted(links: tuple[np.ndarray, ...], diagonal: np.ndarray) -> np.ndarray:
    """Inverse of the matrix of a small level, for all blocks in order; zero for those without a link."""
    number = np.arange(diagonal[INNER].size).reshape(diagonal[INNER].shape)
    inner = diagonal[INNER].ravel().astype(np.float64)
    matrix = np.diag(np.where(inner > 0, inner, 1.0))
    for axis, link in enumerate(links):
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        one, other = number[tuple(low)].ravel(), number[tuple(high)].ravel()
        matrix[one, other] = matrix[other, one] = -link[INNER][tuple(low)].ravel()
    inverse = np.linalg.inv(matrix)
    inverse[inner == 0] = 0
    return ((inverse + inverse.T) / 2).astype(diagonal.dtype)
