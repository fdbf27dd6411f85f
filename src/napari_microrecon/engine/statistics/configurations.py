"""Surface area and Euler number from the 256 configurations of 2 x 2 x 2 voxels.

A marching-cubes surface of a binary volume is a sum over its 2 x 2 x 2 neighbourhoods, and what each adds depends on
its configuration only. One histogram of configurations therefore gives the area that scikit-image's marching cubes
would give, in a tenth of the time and without a mesh. Neighbourhoods exist only inside the volume, so that
the faces of the domain are never counted as surface.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np

from .correlation import Steps
from .interface_density import interface_density

_CORNERS = tuple(product((0, 1), repeat=3))  # bit i of a configuration is the voxel at corner i
_SLAB_VOXELS = 4_000_000


def configuration_histogram(mask: np.ndarray) -> Steps[np.ndarray]:
    """Count the configurations of a mask (Z, Y, X), shape (256,), slab by slab."""
    total = np.zeros(256, dtype=np.int64)
    planes = max(1, _SLAB_VOXELS // (mask.shape[1] * mask.shape[2]))
    cells = mask.shape[0] - 1
    for start in range(0, cells, planes):
        slab = mask[start : start + planes + 1].view(np.uint8)
        z, y, x = slab.shape
        codes = np.zeros((z - 1, y - 1, x - 1), dtype=np.uint8)
        for bit, (dz, dy, dx) in enumerate(_CORNERS):
            codes |= slab[dz : z - 1 + dz, dy : y - 1 + dy, dx : x - 1 + dx] << np.uint8(bit)
        total += np.bincount(codes.ravel(), minlength=256)
        yield start / cells
    return total


@cache
def marching_cubes_areas(spacing: tuple[float, float, float]) -> np.ndarray:
    """Area that marching cubes draws in each configuration, shape (256,), in the unit of `spacing` squared."""
    from skimage.measure import marching_cubes, mesh_surface_area

    areas = np.zeros(256)
    for code in range(1, 255):
        cube = np.array([(code >> bit) & 1 for bit in range(8)], dtype=np.float32).reshape(2, 2, 2)
        vertices, triangles, *_ = marching_cubes(cube, 0.5, spacing=spacing)
        areas[code] = mesh_surface_area(vertices, triangles)
    areas.flags.writeable = False
    return areas


def specific_surface(histogram: np.ndarray, spacing: Sequence[float]) -> float:
    """Marching-cubes area over volume, in 1 / (unit of `spacing`).

    The volume is that of the neighbourhoods, from the first to the last voxel centre along each axis.
    """
    z, y, x = (float(edge) for edge in spacing)
    return float(histogram @ marching_cubes_areas((z, y, x)) / (histogram.sum() * z * y * x))


def crofton_surface(histogram: np.ndarray, spacing: Sequence[float]) -> float:
    """Area over volume from how often lines in 13 directions cross the surface, in 1 / (unit of `spacing`).

    S/V = 2 <n>, where n is the number of crossings per unit length of a line and the mean is over all directions
    (Cauchy-Crofton); n = 2 (phi - S2(d)) / d, so that this is the slope of S2 at the origin. Unbiased for surfaces
    without a preferred orientation, where marching cubes on binary voxels reads 8 to 9 % high.
    """
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    corners = np.asarray(_CORNERS)
    ways, weights = directions(tuple(float(edge) for edge in spacing))
    total = 0.0
    for direction, weight in zip(ways, weights, strict=True):
        pairs = [(a, b) for a in range(8) for b in range(8) if np.array_equal(corners[b] - corners[a], direction)]
        differ = np.mean([bits[:, a] != bits[:, b] for a, b in pairs], axis=0)
        length = float(np.linalg.norm(direction * np.asarray(spacing)))
        total += weight * float(histogram @ differ) / (float(histogram.sum()) * length)
    return 2.0 * total


@cache
def directions(spacing: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The 13 directions to neighbours and the share of the sphere that is nearest to each."""
    offsets = [d for d in product((-1, 0, 1), repeat=3) if d > (0, 0, 0)]
    ways = np.asarray(offsets)
    unit = ways * np.asarray(spacing)
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    n = 50_000  # Fibonacci lattice
    height = 1 - (2 * np.arange(n) + 1) / n
    turn = np.pi * (1 + 5**0.5) * np.arange(n)
    radius = np.sqrt(1 - height**2)
    points = np.stack([height, radius * np.sin(turn), radius * np.cos(turn)], axis=1)
    nearest = np.argmax(np.abs(points @ unit.T), axis=1)
    return ways, np.bincount(nearest, minlength=len(unit)) / n


def euler_number(mask: np.ndarray) -> int:
    """Euler number of the 6-connected phase: voxels - links + squares - cubes.

    Clusters minus tunnels plus cavities; strongly negative for a well connected network.
    """
    total = int(np.count_nonzero(mask))
    for axes in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)):
        cells = mask
        for axis in axes:
            low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
            high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
            cells = cells[low] & cells[high]
        total += (-1) ** len(axes) * int(np.count_nonzero(cells))
    return total


def face_densities(mask: np.ndarray) -> tuple[float, float, float]:
    """Boundary faces per voxel face perpendicular to z, y and x (crossings per voxel along each axis)."""
    z, y, x = (interface_density(mask, axis) for axis in range(3))
    return z, y, x
