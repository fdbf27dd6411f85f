"""Inner loops of grains and of what sections show, compiled by numba; they let go of Python's lock while they run.

Arithmetic is not reordered: the same grains give the same bits on every machine.
"""

from __future__ import annotations

import math

import numpy as np

from ...compiled import compiled
from ...progress import Job
from .effort import Trial

exact = compiled(fastmath=False)


@exact
def put(ranked, a, b, first, values, start, stop):
    """Let values start..stop - 1 of a row in, `first` the column of the zeroth, round the end of the row."""
    size = ranked.shape[3]
    while start < stop:
        column = (first + start) % size
        count = min(stop - start, size - column)
        nearest = ranked[0, a, b, column : column + count]
        found = values[start : start + count]
        if ranked.shape[0] == 1:
            for k in range(count):
                nearest[k] = min(nearest[k], found[k])
        else:
            second, third = ranked[1, a, b, column : column + count], ranked[2, a, b, column : column + count]
            for k in range(count):
                left = max(nearest[k], found[k])
                nearest[k] = min(nearest[k], found[k])
                last = max(second[k], left)
                second[k] = min(second[k], left)
                third[k] = min(third[k], last)
        start += count


@exact
def lower_ellipsoids(ranked, low, high, centres, forms, farthest):
    """Lower the squared distances (1 or 3, Z, Y, X) to the nearest ellipsoids to those of more of them.

    Ellipsoid i is v Q v = 1 with Q = `forms[i]` (N, 3, 3), v from `centres[i]` (N, 3); voxels low[i]..high[i] - 1
    (N, 3) around it are visited, taken round the faces of the grid where they are beyond them. All squared distances
    are at most `farthest` already: rows are visited only where they come nearer.
    """
    planes, rows = ranked.shape[1:3]
    longest = max(1, (high[:, 2] - low[:, 2]).max()) if len(low) else 1
    x32, squares, values = np.empty(longest, np.float32), np.empty(longest, np.float32), np.empty(longest, np.float32)
    for i in range(len(low)):
        q = forms[i]
        count = high[i, 2] - low[i, 2]
        for k in range(count):
            x = low[i, 2] + k - centres[i, 2]
            x32[k], squares[k] = x, q[2, 2] * (x * x)
        for a in range(low[i, 0], high[i, 0]):
            z = a - centres[i, 0]
            for b in range(low[i, 1], high[i, 1]):
                y = b - centres[i, 1]
                constant = q[0, 0] * (z * z) + 2 * q[0, 1] * (z * y) + q[1, 1] * (y * y)
                linear = 2 * (q[0, 2] * z + q[1, 2] * y)
                inside = linear * linear - 4 * q[2, 2] * (constant - farthest)
                if inside <= 0:
                    continue
                middle, half = centres[i, 2] - low[i, 2] - linear / (2 * q[2, 2]), math.sqrt(inside) / (2 * q[2, 2])
                start, stop = max(int(middle - half) - 1, 0), min(int(middle + half) + 2, count)
                constant32, linear32 = np.float32(constant), np.float32(linear)
                for k in range(start, stop):
                    values[k] = linear32 * x32[k] + constant32 + squares[k]
                put(ranked, a % planes, b % rows, low[i, 2], values, start, stop)


@exact
def lower_spheres(ranked, low, high, centres, radii, farthest):
    """As `lower_ellipsoids`, for those with semi-axes `radii` (N, 3) along z, y and x."""
    planes, rows = ranked.shape[1:3]
    longest = max(1, (high[:, 2] - low[:, 2]).max()) if len(low) else 1
    squares, values = np.empty(longest, np.float32), np.empty(longest, np.float32)
    for i in range(len(low)):
        count = high[i, 2] - low[i, 2]
        for k in range(count):
            x = (low[i, 2] + k - centres[i, 2]) / radii[i, 2]
            squares[k] = x * x
        for a in range(low[i, 0], high[i, 0]):
            z = (a - centres[i, 0]) / radii[i, 0]
            for b in range(low[i, 1], high[i, 1]):
                y = (b - centres[i, 1]) / radii[i, 1]
                across = np.float32(z * z) + np.float32(y * y)
                if across >= farthest:
                    continue
                middle, half = centres[i, 2] - low[i, 2], math.sqrt(farthest - across) * radii[i, 2]
                start, stop = max(int(middle - half) - 1, 0), min(int(middle + half) + 2, count)
                for k in range(start, stop):
                    values[k] = across + squares[k]
                put(ranked, a % planes, b % rows, low[i, 2], values, start, stop)


@exact
def raise_cells(found, cells, start, stop, seeds, low, steps, first, normals, halves):
    """Raise distances (Z, Y, X) to those to the planes around some cells, where they are inside these.

    Cell i has the planes first[i]..first[i + 1] - 1, with `normals` (N, 3) and `halves` (N,) their distances from its
    seed, and is looked for in the grid points start[i]..stop[i] - 1, which lie at `low` and on in `steps`.
    """
    most = 1
    for i in cells:
        most = max(most, first[i + 1] - first[i])
    longest = found.shape[2]
    z, y, base = np.empty(most, np.float32), np.empty(most, np.float32), np.empty(most, np.float32)
    x, least = np.empty((most, longest), np.float32), np.empty(longest, np.float32)
    for i in cells:
        planes, begin, count = first[i + 1] - first[i], start[i, 2], stop[i, 2] - start[i, 2]
        for p in range(planes):
            for k in range(count):
                x[p, k] = -normals[first[i] + p, 2] * (low[2] + steps[2] * (begin + k) - seeds[i, 2])
        for a in range(start[i, 0], stop[i, 0]):
            for p in range(planes):
                z[p] = -normals[first[i] + p, 0] * (low[0] + steps[0] * a - seeds[i, 0])
            for b in range(start[i, 1], stop[i, 1]):
                outside = False
                for p in range(planes):
                    y[p] = -normals[first[i] + p, 1] * (low[1] + steps[1] * b - seeds[i, 1])
                    base[p] = z[p] + np.float32(halves[first[i] + p]) + y[p]
                    outside |= base[p] + max(x[p, 0], x[p, count - 1]) <= 0
                if outside:
                    continue
                least[:count] = base[0] + x[0, :count]
                for p in range(1, planes):
                    for k in range(count):
                        least[k] = min(least[k], base[p] + x[p, k])
                row = found[a, b, begin : stop[i, 2]]
                for k in range(count):
                    row[k] = max(row[k], least[k])


@exact
def disc_pixels(mask, halves):
    """Twice the pixels of a phase (rows, columns) in a disc around every pair of neighbours that differ, float32.

    The disc, about the pair's middle, is the mean of those about its two pixels: 2 halves[i] + 1 pixels wide in row i.
    Beyond the edge the mask goes on as it is there.
    """
    rows, columns = mask.shape
    radius = len(halves) // 2
    sums = np.zeros((rows, columns + 2 * radius + 1), np.int32)
    for i in range(rows):
        for j in range(columns + 2 * radius):
            sums[i, j + 1] = sums[i, j] + mask[i, min(max(j - radius, 0), columns - 1)]
    count = np.zeros((rows, columns), np.int32)
    for i in range(rows):
        for row in range(2 * radius + 1):
            line = sums[min(max(i + row - radius, 0), rows - 1)]
            first, last = radius - halves[row], radius + halves[row] + 1
            for j in range(columns):
                count[i, j] += line[last + j] - line[first + j]
    found = np.empty(2 * rows * columns, np.float32)
    pairs = 0
    for i in range(rows):
        for j in range(columns):
            if i and mask[i, j] != mask[i - 1, j]:
                found[pairs] = count[i, j] + count[i - 1, j]
                pairs += 1
            if j and mask[i, j] != mask[i, j - 1]:
                found[pairs] = count[i, j] + count[i, j - 1]
                pairs += 1
    return found[:pairs].copy()


def prepared(trial: Trial) -> Job[None]:
    """Compile the loops, one after the other: after the first time on a machine they are read from its disk."""
    yield trial.sign()
    disc_pixels(np.eye(4, dtype=bool), np.zeros(1, int))
    low, high, centres = np.zeros((1, 3), int), np.full((1, 3), 2), np.ones((1, 3))
    grid, farthest = np.ones((1, 2, 2, 2), np.float32), np.float32(1)
    yield trial.sign()
    ends = np.array([0, 1])
    raise_cells(grid[0], ends[:1], low, high, centres, centres[0], centres[0], ends, centres, centres[0])
    yield trial.sign()
    put(grid, 0, 0, 0, np.ones(2, np.float32), 0, 2)
    yield trial.sign()
    lower_spheres(grid, low, high, centres, np.ones((1, 3)), farthest)
    yield trial.sign()
    lower_ellipsoids(grid, low, high, centres, np.eye(3)[None], farthest)
