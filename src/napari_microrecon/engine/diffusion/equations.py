"""The linear equations of steady diffusion through a mask, and the two conventions for its ends.

Each voxel of the phase is a node at its centre, linked to its face neighbours. The concentration is 1 on one side and
0 on the other. Two conventions for the two ends are in use, and they differ by a few per cent in small volumes:

- ``'voxel centres'`` (PoreSpy): the first and the last layer have fixed concentrations, so that the length is L - 1;
- ``'domain faces'`` (TauFactor): the faces of the volume have, half a voxel further out, so that the length is L.

No matrix is stored: a byte per voxel tells which of its neighbours conduct.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Ends = Literal['voxel centres', 'domain faces']
INNER = (slice(1, -1),) * 3  # an array without the layer of zeros around it


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
    """Equations of the voxels whose concentration is sought; arrays have a layer of zeros around the mask.

    Attributes
    ----------
    code : numpy.ndarray
        uint8, shape of the mask + 2: which neighbours and faces a voxel is linked to (bits of `kernels`);
        0 where nothing is sought.
    diagonal, inverse : numpy.ndarray
        Shape of `code`: sum of a voxel's conductances, in numbers that hold it exactly, and one over it, in the type
        of `source`; 0 where nothing is sought.
    source : numpy.ndarray
        Right-hand side, float32 or float64, shape of `code`.
    mask : numpy.ndarray
        bool, the phase, the direction of the flux first.
    conductance : tuple of float
        Of the links along the three axes of `mask`.
    ends : {'voxel centres', 'domain faces'}
        Where the concentrations are fixed.
    """

    code: np.ndarray
    diagonal: np.ndarray
    inverse: np.ndarray
    source: np.ndarray
    mask: np.ndarray
    conductance: tuple[float, ...]
    ends: Ends

    @classmethod
    def of(
        cls, mask: np.ndarray, conductance: tuple[float, ...], ends: Ends, dtype: type[np.floating] = np.float64
    ) -> Equations:
        """Set up the equations in a type of numbers; axis 0 of `mask` is the direction of the flux."""
        from .kernels import TO_END

        code = _codes(mask, ends)
        sums = _diagonals(conductance)
        inverse = np.divide(1, sums, out=np.zeros_like(sums), where=sums > 0).astype(dtype)[code]
        # Rounded sums would let the flux leak away; those of cubes are whole numbers.
        exact = dtype if (sums == sums.astype(dtype)).all() else np.float64
        source = np.zeros(code.shape, dtype=dtype)
        if ends == 'domain faces':
            source[1] = TO_END * (code[1] > 0)
        elif len(mask) > 2:
            source[2][1:-1, 1:-1] = mask[0] & mask[1]
        return cls(code, sums.astype(exact)[code], inverse, source, mask, conductance, ends)

    @property
    def weights(self) -> list[np.floating]:
        """Conductances in the type of `source`."""
        return [self.source.dtype.type(c) for c in self.conductance]

    @property
    def start(self) -> np.ndarray:
        """Concentrations of a straight duct, in the shape and type of `source`."""
        x = np.zeros_like(self.source)
        x[INNER] = straight_profile(len(self.mask), self.ends)[:, None, None]
        x *= self.code > 0
        return x

    def image(self, x: np.ndarray, out: np.ndarray) -> float:
        """Matrix times `x` into `out`, which is 0 where nothing is sought; returns their inner product."""
        from .kernels import image

        return image(x, self.diagonal, *self.conductance, out)

    def flux(self, x: np.ndarray) -> np.ndarray:
        """Flux through every interface between layers; a unit is one link along the flux with a difference of 1."""
        from .kernels import flux

        layers = len(self.mask)
        out = np.zeros(layers + 1)
        flux(x, self.code, out)
        if self.ends == 'domain faces':
            return out
        if layers == 2:  # nothing is sought
            return np.array([float(np.count_nonzero(self.mask[0] & self.mask[1]))])
        return out[1:-1]

    def concentration(self, x: np.ndarray) -> np.ndarray:
        """Concentration of the solution, float32, NaN outside the mask."""
        field = np.where(self.mask, x[INNER], np.nan).astype(np.float32)
        if self.ends == 'voxel centres':
            field[0][self.mask[0]] = 1.0
            field[-1][self.mask[-1]] = 0.0
        return field


def _codes(mask: np.ndarray, ends: Ends) -> np.ndarray:
    """Code of every voxel, in an array with a layer of zeros around the mask."""
    from .kernels import AFTER, BEFORE, ENTER, LEAVE

    conducts = np.pad(mask, 1).view(np.uint8)
    code = np.zeros_like(conducts)
    for axis in range(3):
        for bit, side in ((BEFORE[axis], slice(0, -2)), (AFTER[axis], slice(2, None))):
            window = tuple(side if a == axis else middle for a, middle in enumerate(INNER))
            code[INNER] |= conducts[window] << np.uint8(bit.bit_length() - 1)
    if ends == 'domain faces':
        code[1] |= np.uint8(ENTER)
        code[-2] |= np.uint8(LEAVE)
    else:
        code[1] = code[-2] = 0
    code *= conducts
    return code


def _diagonals(conductance: Sequence[float]) -> np.ndarray:
    """Sum of the conductances of every code."""
    from .kernels import AFTER, BEFORE, ENTER, LEAVE, TO_END

    codes = np.arange(256)
    total = TO_END * ((codes & ENTER > 0).astype(float) + (codes & LEAVE > 0))
    for axis, weight in enumerate(conductance):
        total += weight * ((codes & BEFORE[axis] > 0).astype(float) + (codes & AFTER[axis] > 0))
    return total
