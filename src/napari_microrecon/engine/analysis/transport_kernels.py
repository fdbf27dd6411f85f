"""Inner loops of the diffusion solver, compiled by numba; they let go of Python's lock while they run.

All arrays have a layer of zeros around them. A voxel without an unknown has code 0 and stays 0, so that neighbours need
no test: a sum over six of them is right everywhere. The two colours are those of a chessboard in space; a voxel has
neighbours of the other colour only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

# Bits of a voxel's code: which neighbours conduct (whether sought or fixed), and the two faces of the domain.
BEFORE = (1, 2, 4)  # along the axes 0, 1, 2
AFTER = (8, 16, 32)
ENTER, LEAVE = 64, 128
TO_END = 2.0  # conductance from a voxel centre to a face of the domain, half a voxel away


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call, and keep the result on disk where there is a place to write."""
    options = {'nogil': True, 'fastmath': True, 'error_model': 'numpy'}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return numba.njit(**options)(function)


@_compiled
def begin(x, b, code, inverse):
    """First half of a sweep that starts from zero: colour 0 is solved for, colour 1 is zero."""
    for i in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            for k in range(1, x.shape[2] - 1):
                x[i, j, k] = inverse[code[i, j, k]] * b[i, j, k] if (i + j + k) & 1 else 0


@_compiled
def relax(x, b, code, inverse, cz, cy, cx, colour):
    """Half a Gauss-Seidel sweep: solve for every voxel of a colour."""
    for i in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            for k in range(1 + ((i + j + colour) & 1), x.shape[2] - 1, 2):
                c = code[i, j, k]
                if c:
                    x[i, j, k] = inverse[c] * (
                        b[i, j, k]
                        + cz * (x[i - 1, j, k] + x[i + 1, j, k])
                        + cy * (x[i, j - 1, k] + x[i, j + 1, k])
                        + cx * (x[i, j, k - 1] + x[i, j, k + 1])
                    )


@_compiled
def restrict(x, b, code, diagonal, cz, cy, cx, coarse, sz, sy, sx):
    """Add up the residual over the blocks, after a sweep that ended with colour 1, where it is zero."""
    coarse[:] = 0
    for i in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            for k in range(1 + ((i + j) & 1), x.shape[2] - 1, 2):
                c = code[i, j, k]
                if c:
                    coarse[(i + sz) >> sz, (j + sy) >> sy, (k + sx) >> sx] += (
                        b[i, j, k]
                        - diagonal[c] * x[i, j, k]
                        + cz * (x[i - 1, j, k] + x[i + 1, j, k])
                        + cy * (x[i, j - 1, k] + x[i, j + 1, k])
                        + cx * (x[i, j, k - 1] + x[i, j, k + 1])
                    )


@_compiled
def prolong(x, code, coarse, sz, sy, sx):
    """Add every block's correction to its voxels of colour 0; a sweep that begins with colour 1 comes next."""
    for i in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            for k in range(1 + ((i + j) & 1), x.shape[2] - 1, 2):
                if code[i, j, k]:
                    x[i, j, k] += coarse[(i + sz) >> sz, (j + sy) >> sy, (k + sx) >> sx]


@_compiled
def image(d, code, diagonal, cz, cy, cx, out):
    """Matrix times `d` into `out`; returns their inner product. Sums are in float64: the rows must add up to zero."""
    total = 0.0
    for i in range(1, d.shape[0] - 1):
        for j in range(1, d.shape[1] - 1):
            for k in range(1, d.shape[2] - 1):
                c = code[i, j, k]
                if c:
                    value = (
                        diagonal[c] * d[i, j, k]
                        - cz * (np.float64(d[i - 1, j, k]) + d[i + 1, j, k])
                        - cy * (np.float64(d[i, j - 1, k]) + d[i, j + 1, k])
                        - cx * (np.float64(d[i, j, k - 1]) + d[i, j, k + 1])
                    )
                    out[i, j, k] = value
                    total += value * d[i, j, k]
    return total


@_compiled
def advance(x, residual, direction, turned, step):
    """Take a step of conjugate gradients; returns the squared norm of the residual."""
    total = 0.0
    x, residual, direction, turned = x.ravel(), residual.ravel(), direction.ravel(), turned.ravel()
    for n in range(x.size):
        x[n] += step * direction[n]
        left = residual[n] - step * turned[n]
        residual[n] = left
        total += np.float64(left) * left
    return total


@_compiled
def inner(one, other):
    """Inner product in float64."""
    total = 0.0
    one, other = one.ravel(), other.ravel()
    for n in range(one.size):
        total += np.float64(one[n]) * other[n]
    return total


@_compiled
def turn(direction, z, ratio):
    """Next direction of conjugate gradients: z + ratio x direction."""
    direction, z = direction.ravel(), z.ravel()
    for n in range(z.size):
        direction[n] = z[n] + ratio * direction[n]


@_compiled
def flux(x, code, out):
    """Flux through the interface before every layer, and behind the last: float64, layers + 1; conductance 1."""
    layers = x.shape[0] - 2
    out[:] = 0
    for i in range(1, layers + 1):
        for j in range(1, x.shape[1] - 1):
            for k in range(1, x.shape[2] - 1):
                c = code[i, j, k]
                here = np.float64(x[i, j, k])
                if c & BEFORE[0]:
                    out[i - 1] += (x[i - 1, j, k] if code[i - 1, j, k] else 1.0) - here
                if c & AFTER[0] and not code[i + 1, j, k]:
                    out[i] += here
                if c & ENTER:
                    out[0] += TO_END * (1.0 - here)
                if c & LEAVE:
                    out[layers] += TO_END * here


@_compiled
def coarsen(code, cz, cy, cx, wz, wy, wx, anchor, sz, sy, sx):
    """Add up the links between blocks (2 voxels long along an axis with shift 1) and those to the fixed ends."""
    for i in range(1, code.shape[0] - 1):
        for j in range(1, code.shape[1] - 1):
            for k in range(1, code.shape[2] - 1):
                c = code[i, j, k]
                if not c:
                    continue
                z, y, x = (i + sz) >> sz, (j + sy) >> sy, (k + sx) >> sx
                if c & AFTER[0] and code[i + 1, j, k]:
                    if (i + 1 + sz) >> sz != z:
                        wz[z, y, x] += cz
                elif c & AFTER[0]:
                    anchor[z, y, x] += cz
                if c & BEFORE[0] and not code[i - 1, j, k]:
                    anchor[z, y, x] += cz
                if c & (ENTER | LEAVE):
                    anchor[z, y, x] += TO_END * (((c & ENTER) != 0) + ((c & LEAVE) != 0))
                if c & AFTER[1] and (j + 1 + sy) >> sy != y:
                    wy[z, y, x] += cy
                if c & AFTER[2] and (k + 1 + sx) >> sx != x:
                    wx[z, y, x] += cx


# The same on the coarser levels, where every link has a weight of its own: that to the next block is kept at a block.


@_compiled
def relax_blocks(x, b, inverse, wz, wy, wx, colour):
    """Half a Gauss-Seidel sweep over the blocks of a colour."""
    for i in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            for k in range(1 + ((i + j + colour) & 1), x.shape[2] - 1, 2):
                x[i, j, k] = inverse[i, j, k] * (
                    b[i, j, k]
                    + wz[i - 1, j, k] * x[i - 1, j, k]
                    + wz[i, j, k] * x[i + 1, j, k]
                    + wy[i, j - 1, k] * x[i, j - 1, k]
                    + wy[i, j, k] * x[i, j + 1, k]
                    + wx[i, j, k - 1] * x[i, j, k - 1]
                    + wx[i, j, k] * x[i, j, k + 1]
                )


@_compiled
def restrict_blocks(x, b, diagonal, wz, wy, wx, coarse, sz, sy, sx):
    """Add up the residual over the next larger blocks."""
    coarse[:] = 0
    for i in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            for k in range(1 + ((i + j) & 1), x.shape[2] - 1, 2):
                coarse[(i + sz) >> sz, (j + sy) >> sy, (k + sx) >> sx] += (
                    b[i, j, k]
                    - diagonal[i, j, k] * x[i, j, k]
                    + wz[i - 1, j, k] * x[i - 1, j, k]
                    + wz[i, j, k] * x[i + 1, j, k]
                    + wy[i, j - 1, k] * x[i, j - 1, k]
                    + wy[i, j, k] * x[i, j + 1, k]
                    + wx[i, j, k - 1] * x[i, j, k - 1]
                    + wx[i, j, k] * x[i, j, k + 1]
                )


@_compiled
def prolong_blocks(x, inverse, coarse, sz, sy, sx):
    """Add every larger block's correction to its blocks of colour 0."""
    for i in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            for k in range(1 + ((i + j) & 1), x.shape[2] - 1, 2):
                if inverse[i, j, k]:
                    x[i, j, k] += coarse[(i + sz) >> sz, (j + sy) >> sy, (k + sx) >> sx]


@_compiled
def coarsen_blocks(fine_z, fine_y, fine_x, fine_anchor, wz, wy, wx, anchor, sz, sy, sx):
    """Add up the links between the next larger blocks."""
    for i in range(1, fine_z.shape[0] - 1):
        for j in range(1, fine_z.shape[1] - 1):
            for k in range(1, fine_z.shape[2] - 1):
                z, y, x = (i + sz) >> sz, (j + sy) >> sy, (k + sx) >> sx
                anchor[z, y, x] += fine_anchor[i, j, k]
                if (i + 1 + sz) >> sz != z:
                    wz[z, y, x] += fine_z[i, j, k]
                if (j + 1 + sy) >> sy != y:
                    wy[z, y, x] += fine_y[i, j, k]
                if (k + 1 + sx) >> sx != x:
                    wx[z, y, x] += fine_x[i, j, k]
