"""The linear equations of steady diffusion through a mask, and the two conventions for its ends.

Each voxel of the phase is a node at its centre, linked to its face neighbours. The concentration is 1 on one side and
0 on the other. Two conventions for the two ends are in use, and they differ by a few per cent in small volumes:

- ``'voxel centres'`` (PoreSpy): the first and the last layer have fixed concentrations, so that the length is L - 1;
- ``'domain faces'`` (TauFactor): the faces of the volume have, half a voxel further out, so that the length is L.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Ends = Literal['voxel centres', 'domain faces']

_INNER = (slice(1, -1),) * 3
_TO_END = 2.0  # conductance from a voxel centre to a face of the domain, half a voxel away


def along_first(percolating: np.ndarray, axis: int, spacing: Sequence[float]) -> tuple[np.ndarray, tuple[float, ...]]:
    """Mask with the direction of the flux first, and the conductances of the links along its three axes.

    A link along the flux has 1; `spacing` holds the voxel edges in array order, of which only the ratios matter.
    """
    order = [axis, *(a for a in range(3) if a != axis)]
    return np.moveaxis(percolating, axis, 0), tuple((spacing[axis] / spacing[a]) ** 2 for a in order)


def straight_profile(layers: int, ends: Ends) -> np.ndarray:
    """Concentration of every layer if the phase were a straight duct, float64, shape (layers,): where solves start."""
    if ends == 'voxel centres':
        return 1.0 - np.arange(layers) / (layers - 1)
    return 1.0 - (np.arange(layers) + 0.5) / layers


@dataclass(frozen=True, eq=False)
class Equations:
    """Equations of the nodes whose concentration is sought.

    Attributes
    ----------
    matrix : scipy.sparse.csr_matrix
        float64, symmetric positive definite where every part of the mask touches an end, columns ascending.
    source : numpy.ndarray
        float64, right-hand side.
    start : numpy.ndarray
        float64, concentrations of a straight duct.
    mask : numpy.ndarray
        bool, the phase, the direction of the flux first.
    free : numpy.ndarray
        bool, same shape: the voxels of the nodes, which are numbered in their order.
    conductance : tuple of float
        Of the links along the three axes of `mask`.
    ends : {'voxel centres', 'domain faces'}
        Where the concentrations are fixed.
    """

    matrix: csr_matrix
    source: np.ndarray
    start: np.ndarray
    mask: np.ndarray
    free: np.ndarray
    conductance: tuple[float, ...]
    ends: Ends

    @classmethod
    def of(cls, mask: np.ndarray, conductance: tuple[float, ...], ends: Ends) -> Equations:
        """Set up the equations; axis 0 of `mask` is the direction of the flux."""
        free = mask.copy()
        if ends == 'voxel centres':
            free[0] = free[-1] = False
        source = np.zeros(mask.shape)
        if ends == 'domain faces':
            source[0] = _TO_END
        elif len(mask) > 2:
            source[1] = mask[0] & mask[1]
        start = np.broadcast_to(straight_profile(len(mask), ends)[:, None, None], mask.shape)[free]
        return cls(_matrix(mask, free, conductance, ends), source[free], start, mask, free, conductance, ends)

    def concentration(self, x: np.ndarray) -> np.ndarray:
        """Concentration of the solution, float32, NaN outside the mask."""
        field = np.full(self.mask.shape, np.nan, dtype=np.float32)
        field[self.free] = x
        if self.ends == 'voxel centres':
            field[0][self.mask[0]] = 1.0
            field[-1][self.mask[-1]] = 0.0
        return field

    def flux(self, x: np.ndarray) -> np.ndarray:
        """Flux through every interface between layers; a unit is one link along the flux with a difference of 1."""
        field = np.zeros(self.mask.shape)
        field[self.free] = x
        if self.ends == 'voxel centres':
            field[0] = self.mask[0]
        links = self.mask[:-1] & self.mask[1:]
        inner = np.sum(field[:-1] - field[1:], axis=(1, 2), where=links)
        if self.ends == 'voxel centres':
            return inner
        enter = np.sum(_TO_END * (1.0 - field[0]), where=self.mask[0])
        leave = np.sum(_TO_END * field[-1], where=self.mask[-1])
        return np.concatenate([[enter], inner, [leave]])


def _matrix(mask: np.ndarray, free: np.ndarray, conductance: Sequence[float], ends: Ends) -> csr_matrix:
    """Matrix of the free nodes, row by row: sorting a list of entries would take four times as long."""
    from scipy.sparse import csr_matrix

    count = int(np.count_nonzero(free))
    number = np.full([n + 2 for n in mask.shape], -1, dtype=np.int32)
    number[_INNER][free] = np.arange(count, dtype=np.int32)
    linked = np.zeros(number.shape, dtype=bool)
    linked[_INNER] = mask
    diagonal = np.zeros(count)
    entries = np.ones(count, dtype=np.int32)
    for axis, window in _neighbours():
        diagonal += conductance[axis] * linked[window][free]
        entries += number[window][free] >= 0
    if ends == 'domain faces':
        first, last = np.count_nonzero(free[0]), np.count_nonzero(free[-1])
        diagonal[:first] += _TO_END
        diagonal[count - last :] += _TO_END
    ends_of_rows = np.zeros(count + 1, dtype=np.int32)
    np.cumsum(entries, out=ends_of_rows[1:])
    columns = np.empty(ends_of_rows[-1], dtype=np.int32)
    values = np.empty(ends_of_rows[-1])
    place = ends_of_rows[:-1].copy()
    # The three neighbours before a voxel, itself, the three after it: columns come out ascending.
    for step, (axis, window) in enumerate(_neighbours()):
        if step == 3:
            columns[place], values[place] = np.arange(count, dtype=np.int32), diagonal
            place += 1
        other = number[window][free]
        there = other >= 0
        columns[place[there]], values[place[there]] = other[there], -conductance[axis]
        place += there
    matrix = csr_matrix((values, columns, ends_of_rows), shape=(count, count))
    matrix.has_sorted_indices = matrix.has_canonical_format = True
    return matrix


def _neighbours() -> Iterator[tuple[int, tuple[slice, ...]]]:
    """Axis of each of the six neighbours, in the order of their numbers, and its window in a padded array."""
    before, after = slice(0, -2), slice(2, None)
    for axis, side in ((0, before), (1, before), (2, before), (2, after), (1, after), (0, after)):
        yield axis, tuple(side if a == axis else middle for a, middle in enumerate(_INNER))
