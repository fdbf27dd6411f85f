"""Inner loops of the diffusion solver, compiled by numba; they let go of Python's lock while they run.

All arrays have a layer of zeros around them. A voxel without an unknown has code 0 and stays 0, so that neighbours need
no test: a sum over six of them is right everywhere. The two colours are those of a chessboard in space; a voxel has
neighbours of the other colour only.
"""

from __future__ import annotations

import numpy as np

from ..compiled import compiled

# Bits of a voxel's code: which neighbours conduct (whether sought or fixed), and the two faces of the domain.
BEFORE = (1, 2, 4)  # along the axes 0, 1, 2
AFTER = (8, 16, 32)
ENTER, LEAVE = 64, 128
TO_END = 2.0  # conductance from a voxel centre to a face of the domain, half a voxel away


quick = compiled(fastmath=True)


@quick
def begin(x, b, inverse):
    """First half of a sweep that starts from zero: colour 0 is solved for, colour 1 is zero."""
    for i in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            row, source, share = x[i, j], b[i, j], inverse[i, j]
            for k in range(1, x.shape[2] - 1):
                row[k] = share[k] * source[k] if (i + j + k) & 1 else 0


@quick
def relax(x, b, inverse, cz, cy, cx, colour):
    """Half a Gauss-Seidel sweep: solve for every voxel of a colour."""
    # Whole rows are computed, as processors take eight in a row at once but no every second one.
    new = np.empty(x.shape[2], x.dtype)
    for i in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            row, source, share = x[i, j], b[i, j], inverse[i, j]
            z0, z1, y0, y1 = x[i - 1, j], x[i + 1, j], x[i, j - 1], x[i, j + 1]
            for k in range(1, x.shape[2] - 1):
                new[k] = share[k] * (
                    source[k] + cz * (z0[k] + z1[k]) + cy * (y0[k] + y1[k]) + cx * (row[k - 1] + row[k + 1])
                )
            for k in range(1 + ((i + j + colour) & 1), x.shape[2] - 1, 2):
                row[k] = new[k]


@quick
def restrict(x, b, inverse, diagonal, cz, cy, cx, coarse, sz, sy, sx):
    """Add up the residual over the blocks, after a sweep that ended with colour 1, where it is zero."""
    coarse[:] = 0
    left = np.empty(x.shape[2], x.dtype)
    for i in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            row, source, share, own = x[i, j], b[i, j], inverse[i, j], diagonal[i, j]
            z0, z1, y0, y1 = x[i - 1, j], x[i + 1, j], x[i, j - 1], x[i, j + 1]
            for k in range(1, x.shape[2] - 1):
                value = (
                    source[k]
                    - own[k] * row[k]
                    + cz * (z0[k] + z1[k])
                    + cy * (y0[k] + y1[k])
                    + cx * (row[k - 1] + row[k + 1])
                )
                left[k] = value if share[k] > 0 else 0
            block = coarse[(i + sz) >> sz, (j + sy) >> sy]
            for k in range(1 + ((i + j) & 1), x.shape[2] - 1, 2):
                block[(k + sx) >> sx] += left[k]


@quick
def prolong(x, inverse, coarse, sz, sy, sx):
    """Add every block's correction to its voxels; a sweep that begins with colour 1 comes next."""
    added = np.zeros(x.shape[2] + 1, x.dtype)
    for i in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            row, share, block = x[i, j], inverse[i, j], coarse[(i + sz) >> sz, (j + sy) >> sy]
            for k in range(1, block.size - 1):
                if sx:
                    added[2 * k - 1] = added[2 * k] = block[k]
                else:
                    added[k] = block[k]
            for k in range(1, x.shape[2] - 1):
                row[k] += added[k] if share[k] > 0 else 0


@quick
def image(d, diagonal, cz, cy, cx, out):
    """Matrix times `d` into `out`; returns their inner product. Sums are in float64: the rows must add up to zero."""
    total = 0.0
    for i in range(1, d.shape[0] - 1):
        for j in range(1, d.shape[1] - 1):
            row, own, to = d[i, j], diagonal[i, j], out[i, j]
            z0, z1, y0, y1 = d[i - 1, j], d[i + 1, j], d[i, j - 1], d[i, j + 1]
            part = 0.0
            for k in range(1, d.shape[2] - 1):
                value = (
                    own[k] * np.float64(row[k])
                    - cz * (np.float64(z0[k]) + z1[k])
                    - cy * (np.float64(y0[k]) + y1[k])
                    - cx * (np.float64(row[k - 1]) + row[k + 1])
                )
                kept = value if own[k] > 0 else 0.0
                to[k] = kept
                part += kept * row[k]
            total += part
    return total


@quick
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


@quick
def inner(one, other):
    """Inner product in float64."""
    total = 0.0
    one, other = one.ravel(), other.ravel()
    for n in range(one.size):
        total += np.float64(one[n]) * other[n]
    return total


@quick
def turn(direction, z, ratio):
    """Next direction of conjugate gradients: z + ratio x direction."""
    direction, z = direction.ravel(), z.ravel()
    for n in range(z.size):
        direction[n] = z[n] + ratio * direction[n]


@quick
def flux(x, code, out):
    """Flux through the interface before every layer, and behind the last: float64, layers + 1; conductance 1."""
    layers = x.shape[0] - 2
    out[:] = 0
    for i in range(1, layers + 1):
        into, onto, entering, leaving = 0.0, 0.0, 0.0, 0.0
        for j in range(1, x.shape[1] - 1):
            row, former, bits, behind, ahead = x[i, j], x[i - 1, j], code[i, j], code[i - 1, j], code[i + 1, j]
            for k in range(1, x.shape[2] - 1):
                here = np.float64(row[k])
                before = np.float64(former[k]) if behind[k] else 1.0
                into += before - here if bits[k] & BEFORE[0] else 0.0
                onto += here if bits[k] & AFTER[0] and not ahead[k] else 0.0
                entering += 1.0 - here if bits[k] & ENTER else 0.0
                leaving += here if bits[k] & LEAVE else 0.0
        out[i - 1] += into + TO_END * entering
        out[i] += onto + TO_END * leaving


@quick
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


@quick
def relax_blocks(x, b, inverse, wz, wy, wx, colour):
    """Half a Gauss-Seidel sweep over the blocks of a colour."""
    new = np.empty(x.shape[2], x.dtype)
    for i in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            row, source, share = x[i, j], b[i, j], inverse[i, j]
            z0, z1, y0, y1 = x[i - 1, j], x[i + 1, j], x[i, j - 1], x[i, j + 1]
            a0, a1, b0, b1, c1 = wz[i - 1, j], wz[i, j], wy[i, j - 1], wy[i, j], wx[i, j]
            for k in range(1, x.shape[2] - 1):
                new[k] = share[k] * (
                    source[k]
                    + a0[k] * z0[k]
                    + a1[k] * z1[k]
                    + b0[k] * y0[k]
                    + b1[k] * y1[k]
                    + c1[k - 1] * row[k - 1]
                    + c1[k] * row[k + 1]
                )
            for k in range(1 + ((i + j + colour) & 1), x.shape[2] - 1, 2):
                row[k] = new[k]


@quick
def restrict_blocks(x, b, diagonal, wz, wy, wx, coarse, sz, sy, sx):
    """Add up the residual over the next larger blocks."""
    coarse[:] = 0
    left = np.empty(x.shape[2], x.dtype)
    for i in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            row, source, own = x[i, j], b[i, j], diagonal[i, j]
            z0, z1, y0, y1 = x[i - 1, j], x[i + 1, j], x[i, j - 1], x[i, j + 1]
            a0, a1, b0, b1, c1 = wz[i - 1, j], wz[i, j], wy[i, j - 1], wy[i, j], wx[i, j]
            for k in range(1, x.shape[2] - 1):
                left[k] = (
                    source[k]
                    - own[k] * row[k]
                    + a0[k] * z0[k]
                    + a1[k] * z1[k]
                    + b0[k] * y0[k]
                    + b1[k] * y1[k]
                    + c1[k - 1] * row[k - 1]
                    + c1[k] * row[k + 1]
                )
            block = coarse[(i + sz) >> sz, (j + sy) >> sy]
            for k in range(1 + ((i + j) & 1), x.shape[2] - 1, 2):
                block[(k + sx) >> sx] += left[k]


@quick
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
