"""Inner loops of the exemplar synthesis, compiled by numba; they let go of Python's lock while they run.

Every loop reads the state of the last iteration and writes its own rows only, so that slabs of planes, in any number
and on any number of threads, give the same voxels.

A match is the flat index (layer, row, column) of the centre of a patch in the stack of an exemplar's turned and
mirrored copies. Sections with normal z have rows y and columns x, those with normal y rows z and columns x, those with
normal x rows z and columns y.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ...compiled import compiled

RADIUS = 3  # of the patches that are matched, in pixels: 7 x 7
LANES = 8  # floats that a processor takes at once
FARTHER = 5  # of 16 voxels take their match from the second nearest coarse voxel, along each axis
VOTE = 1  # of their core that votes for voxels: 3 x 3

quick = compiled(fastmath=True)


@cache
def searcher(single: bool) -> Callable[..., Any]:
    """Search for the best patch of every voxel of some planes, compiled for a single channel or for any number.

    `padded` (planes + 6, Y + 6, X + 6, C) holds these planes of the field with three voxels around them.
    Where the number is known to be one, so are the lengths of all loops, which are then four times as quick.
    """
    size = 2 * RADIUS + 1
    radius = RADIUS

    def search(
        normal, start, stop, padded, stack, number, valid, potential, height, width, basis, centre, depth, dims, cuts,
        bounds, leaves, points, largest, old, new, best, first, parity,
    ):  # fmt: skip
        channels = 1 if single else number
        row = size * channels
        wide = -(-row // LANES) * LANES  # rows are read in whole registers; what is too much counts nothing
        length = size * wide
        nz, ny, nx = old.shape
        count = len(basis)
        step = width * channels
        back = (radius * width + radius) * channels
        q = np.zeros(length, np.float32)
        lanes = np.empty(wide, np.float32)
        place = np.empty(count, np.float32)
        tried = np.empty(7, np.int64)
        bounded = np.empty(largest, np.float32)
        for z in range(start, stop):
            at_z = z - start
            for y in range(ny):
                for x in range(nx):
                    if parity < 2 and (z + y + x) & 1 != parity:
                        new[z, y, x] = old[z, y, x]
                        continue
                    for a in range(size):
                        for b in range(size):
                            for k in range(channels):
                                if normal == 0:
                                    q[a * wide + b * channels + k] = padded[at_z + radius, y + a, x + b, k]
                                elif normal == 1:
                                    q[a * wide + b * channels + k] = padded[at_z + a, y + radius, x + b, k]
                                else:
                                    q[a * wide + b * channels + k] = padded[at_z + a, y + b, x + radius, k]
                    # The leaf of the tree that the patch falls into. In the few dimensions that are stored together
                    # patches are no farther apart than in all: the nearest there is looked at first, others only where
                    # they may be nearer still.
                    for k in range(count):
                        s = np.float32(0.0)
                        for n in range(length):
                            s += basis[k, n] * q[n]
                        place[k] = s - centre[k]
                    node = 1
                    for _ in range(depth):
                        node = 2 * node + (1 if place[dims[node]] >= cuts[node] else 0)
                    begin, end = bounds[node - (1 << depth)], bounds[node - (1 << depth) + 1]
                    nearest, bound = begin, np.float32(1e30)
                    for i in range(begin, end):
                        s = np.float32(0.0)
                        for k in range(count):
                            e = place[k] - points[i, k]
                            s += e * e
                        bounded[i - begin] = s
                        if s < bound:
                            nearest, bound = i, s
                    least = np.float32(1e30)
                    chosen = np.int64(-1)
                    distance = np.float32(0.0)
                    looked = 0
                    # First its own match and those of its six neighbours, shifted by the step between them.
                    for j in range(7 if first else 0, 8 + end - begin):
                        if j < 7:
                            rows = (0, -1, 1, 0, 0, 0, 0)[j]
                            columns = (0, 0, 0, -1, 1, 0, 0)[j]
                            across = (0, 0, 0, 0, 0, -1, 1)[j]
                            if normal == 0:
                                zz, yy, xx = z + across, y + rows, x + columns
                            elif normal == 1:
                                zz, yy, xx = z + rows, y + across, x + columns
                            else:
                                zz, yy, xx = z + rows, y + columns, x + across
                            zz = zz + nz if zz < 0 else (zz - nz if zz >= nz else zz)
                            yy = yy + ny if yy < 0 else (yy - ny if yy >= ny else yy)
                            xx = xx + nx if xx < 0 else (xx - nx if xx >= nx else xx)
                            m = np.int64(old[zz, yy, xx]) - rows * width - columns
                            known = m < 0 or m >= len(valid) or not valid[m]
                            for i in range(looked):
                                known |= tried[i] == m
                            if known:
                                continue
                            tried[looked] = m
                            looked += 1
                        else:
                            i = nearest if j == 7 else begin + j - 8
                            m = np.int64(leaves[i])
                            if bounded[i - begin] >= least - potential[m] or (j > 7 and i == nearest):
                                continue
                        at = m * channels - back
                        s = np.float32(0.0)
                        for n in range(wide):
                            lanes[n] = 0.0
                        for a in range(size):
                            for n in range(wide):
                                e = q[a * wide + n] - stack[at + a * step + n]
                                lanes[n] += e * e
                        for n in range(row):
                            s += lanes[n]
                        if s < least - potential[m]:
                            least, chosen, distance = s + potential[m], m, s
                    new[z, y, x] = chosen
                    best[z, y, x] = distance

    return quick(search)


@quick
def vote(normal, start, stop, stack, width, channels, match, weight, core, numerator, denominator):
    """Add what the patches of one plane say of the voxels of some planes, whose sums begin at `start`."""
    nz, ny, nx = match.shape
    reach = len(core) // 2
    for z in range(start, stop):
        for y in range(ny):
            for x in range(nx):
                total = np.float32(0.0)
                for a in range(-reach, reach + 1):
                    for b in range(-reach, reach + 1):
                        zz, yy, xx = z, y, x
                        if normal == 0:
                            yy, xx = y - a, x - b
                        elif normal == 1:
                            zz, xx = z - a, x - b
                        else:
                            zz, yy = z - a, y - b
                        zz = zz + nz if zz < 0 else (zz - nz if zz >= nz else zz)
                        yy = yy + ny if yy < 0 else (yy - ny if yy >= ny else yy)
                        xx = xx + nx if xx < 0 else (xx - nx if xx >= nx else xx)
                        h = weight[zz, yy, xx] * core[a + reach, b + reach]
                        total += h
                        i = (np.int64(match[zz, yy, xx]) + a * width + b) * channels
                        for k in range(channels):
                            numerator[z - start, y, x, k] += h * stack[i + k]
                denominator[z - start, y, x] += total


@quick
def drawn(z, y, x, number):
    """Twelve random bits of a voxel: the same whatever is worked on together."""
    bits = (
        np.uint64(z) << np.uint64(40)
        ^ np.uint64(y) << np.uint64(20)
        ^ np.uint64(x)
        ^ np.uint64(number) << np.uint64(60)
    )
    bits *= np.uint64(0x9E3779B97F4A7C15)  # splitmix64
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64((bits ^ (bits >> np.uint64(31))) & np.uint64(4095))


@quick
def rise(normal, coarse, height0, width0, height1, width1, valid1, new):
    """Matches of the next finer level from those of the coarser one: the pixel that lies where the voxel does.

    Along each axis the nearer of two coarse voxels serves mostly, sometimes the farther one: an interpolation, drawn.
    Were it always the nearer one, blocks of two voxels would share a patch, and keep it: boundaries lay 1.7 times as
    often between blocks as within them.
    """
    nz, ny, nx = new.shape
    cz, cy, cx = coarse.shape
    radius = RADIUS
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                draw = drawn(z, y, x, normal)
                zz = z // 2 + ((2 * (z & 1) - 1) if draw & 15 < FARTHER else 0)
                yy = y // 2 + ((2 * (y & 1) - 1) if draw >> 4 & 15 < FARTHER else 0)
                xx = x // 2 + ((2 * (x & 1) - 1) if draw >> 8 < FARTHER else 0)
                up, down, across = z - 2 * zz, y - 2 * yy, x - 2 * xx
                m = np.int64(coarse[zz % cz, yy % cy, xx % cx])
                layer = m // (height0 * width0)
                r = 2 * (m // width0 % height0)
                c = 2 * (m % width0)
                if normal == 0:
                    r, c = r + down, c + across
                elif normal == 1:
                    r, c = r + up, c + across
                else:
                    r, c = r + up, c + down
                r = min(max(r, radius), height1 - 1 - radius)
                c = min(max(c, radius), width1 - 1 - radius)
                # Layers differ in size: step back into the picture.
                while not valid1[(layer * height1 + r) * width1 + c] and r > radius:
                    r -= 1
                while not valid1[(layer * height1 + r) * width1 + c] and c > radius:
                    c -= 1
                new[z, y, x] = (layer * height1 + r) * width1 + c


@quick
def gather(stack, width, channels, centres, out):
    """Patches (n, 7 * 7 * channels) around flat centres of a stack."""
    size = 2 * RADIUS + 1
    for i in range(len(centres)):
        at = np.int64(centres[i]) - RADIUS * width - RADIUS
        n = 0
        for a in range(size):
            for b in range(size * channels):
                out[i, n] = stack[(at + a * width) * channels + b]
                n += 1


@quick
def descend(points, dims, cuts, depth, out):
    """Number of the node of this depth of the tree that each point (n, D) falls into."""
    for i in range(len(points)):
        node = 1
        for _ in range(depth):
            node = 2 * node + (1 if points[i, dims[node]] >= cuts[node] else 0)
        out[i] = node - (1 << depth)


@quick
def plant(points, depth):
    """Balanced kd-tree of points (n, D): order, split dimension and value of every node, bounds of the leaves.

    Every node is split at the median of the dimension that varies most.
    """
    count, size = points.shape
    order = np.arange(count)
    nodes = 1 << depth
    dims = np.zeros(nodes, np.int32)
    cuts = np.zeros(nodes, np.float32)
    low = np.zeros(2 * nodes, np.int64)
    high = np.zeros(2 * nodes, np.int64)
    high[1] = count
    for node in range(1, nodes):
        a, b = low[node], high[node]
        widest, dim = -1.0, 0
        step = max(1, (b - a) // 512)
        for k in range(size):
            s, q, n = 0.0, 0.0, 0
            for i in range(a, b, step):
                value = points[order[i], k]
                s += value
                q += value * value
                n += 1
            variance = q / max(n, 1) - (s / max(n, 1)) ** 2
            if variance > widest:
                widest, dim = variance, k
        key = np.empty(b - a, np.float32)
        for i in range(b - a):
            key[i] = points[order[a + i], dim]
        ranks = np.argsort(key)
        middle = (b - a) // 2
        part = order[a:b].copy()
        for i in range(b - a):
            order[a + i] = part[ranks[i]]
        dims[node] = dim
        cuts[node] = (key[ranks[middle - 1]] + key[ranks[middle]]) / 2 if middle > 0 else key[ranks[0]]
        low[2 * node], high[2 * node] = a, a + middle
        low[2 * node + 1], high[2 * node + 1] = a + middle, b
    bounds = np.empty(nodes + 1, np.int64)
    for i in range(nodes):
        bounds[i] = low[nodes + i]
    bounds[nodes] = count
    return order, dims, cuts, bounds
