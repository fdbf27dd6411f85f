"""Packings of grains and the distance-like fields that they span; the base of the rocks and the electrode.

A field here is float32 over the voxels of a cube and grows from the inside of the nearest grain outwards.
Only additions, products, comparisons and square roots decide it, in a fixed order, so that equal seeds give
equal voxels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree


@dataclass(frozen=True)
class Packing:
    """Grain centres (N, 3) in voxels, z y x, and radii (N,) in voxels, in a cube of `edge` with a rim of `rim`.

    The cube's own voxels are 0..edge-1; centres fill -rim..edge+rim, so that the cube's faces cut grains
    as a saw cuts rock.
    """

    centers: np.ndarray
    radii: np.ndarray
    edge: int


def pack(
    rng: np.random.Generator, edge: int, radius: float, spread: float, filling: float, overlap: float = 0.0, steps=300
) -> Packing:
    """Random packing of spheres that push each other apart.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only source of randomness.
    edge : int
        Edge of the cube that is wanted, voxels.
    radius, spread : float
        Median radius in voxels and standard deviation of its logarithm (lognormal sizes).
    filling : float
        Sum of the sphere volumes over the volume of the box.
    overlap : float
        Share of the sum of two radii by which neighbours may interpenetrate.
    steps : int
        Relaxation steps; in each, overlapping pairs move apart by half of their overlap.

    Returns
    -------
    Packing
    """
    rim = 2.5 * radius
    box = edge + 2 * rim
    radii: list[float] = []
    volume = 0.0
    while volume < filling * box**3:
        radii.append(radius * float(np.exp(spread * np.clip(rng.standard_normal(), -2, 2))))
        volume += 4 / 3 * np.pi * radii[-1] ** 3
    r = np.array(radii)
    centers = rng.random((len(r), 3)) * box
    reach = 2 * r.max()
    for _ in range(steps):
        pairs = cKDTree(centers, boxsize=box).query_pairs(reach, output_type='ndarray')
        pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        a, b = pairs.T
        apart = centers[a] - centers[b]
        apart -= box * np.round(apart / box)
        distance = np.sqrt((apart * apart).sum(axis=1)) + 1e-9
        excess = (1 - overlap) * (r[a] + r[b]) - distance
        hit = excess > 0
        if not hit.any():
            break
        move = 0.5 * (excess[hit] / distance[hit])[:, None] * apart[hit]
        np.add.at(centers, a[hit], 0.5 * move)
        np.add.at(centers, b[hit], -0.5 * move)
        centers %= box
    return Packing(centers - rim, r, edge)


def sphere_field(packing: Packing) -> np.ndarray:
    """Distance to the nearest sphere's centre over its radius: 1 on the surface; float32 (Z, Y, X)."""
    return _nearest(packing, lambda _, z, y, x: z * z + y * y + x * x, reach=1.8, root=True)


def polyhedron_field(
    rng: np.random.Generator, packing: Packing, facets: int, irregularity: float, flatness: float
) -> np.ndarray:
    """Gauge of the nearest of randomly oriented convex polyhedra: 1 on the surface; float32 (Z, Y, X).

    Every grain is the intersection of `facets` half-spaces whose distances from the centre vary by
    `irregularity` (relative), squeezed along one random axis by up to `flatness`.
    """
    count = len(packing.radii)
    normals = rng.standard_normal((count, facets, 3))
    squeezed = rng.standard_normal((count, 1, 3))
    squeezed /= np.sqrt((squeezed**2).sum(axis=2, keepdims=True))
    normals /= np.sqrt((normals**2).sum(axis=2, keepdims=True))
    along = np.abs((normals * squeezed).sum(axis=2))
    heights = 1 + irregularity * (2 * rng.random((count, facets)) - 1) - flatness * rng.random((count, 1)) * along**2

    def gauge(i: int, z: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        # The sphere rounds off far corners, which abrasion does to sand.
        value = np.sqrt(z * z + y * y + x * x) / 1.25
        for (nz, ny, nx), height in zip(normals[i], heights[i], strict=True):
            value = np.maximum(value, (z * nz + y * ny + x * nx) / height)
        return value

    return _nearest(packing, gauge, reach=2.0, root=False)


def _nearest(packing: Packing, gauge, reach: float, root: bool) -> np.ndarray:
    """Minimum over grains of a gauge, evaluated in a box of `reach` radii about each grain; beyond it `reach`."""
    edge = packing.edge
    field = np.full((edge, edge, edge), reach * reach if root else reach)
    for i, (center, radius) in enumerate(zip(packing.centers, packing.radii, strict=True)):
        low = np.clip(np.ceil(center - reach * radius).astype(int), 0, edge)
        high = np.clip(np.floor(center + reach * radius).astype(int) + 1, 0, edge)
        if (low >= high).any():
            continue
        window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        z, y, x = ((np.arange(a, b) - c) / radius for a, b, c in zip(low, high, center, strict=True))
        part = field[window]
        np.minimum(part, gauge(i, z[:, None, None], y[None, :, None], x[None, None, :]), out=part)
    return (np.sqrt(field) if root else field).astype(np.float32)


def noise(rng: np.random.Generator, shape: tuple[int, ...], sigma: float | tuple[float, ...]) -> np.ndarray:
    """Smooth Gaussian noise of mean 0 and standard deviation 1; `sigma` of the filter in voxels."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape), sigma, mode='wrap')
    return ((field - field.mean()) / field.std()).astype(np.float32)


def above(field: np.ndarray, fraction: float) -> np.ndarray:
    """Mask of the `fraction` of voxels where the field is highest."""
    count = round(fraction * field.size)
    if count == 0:
        return np.zeros(field.shape, bool)
    return field >= np.partition(field.ravel(), field.size - count)[field.size - count]


def without_specks(mask: np.ndarray, smallest: int) -> np.ndarray:
    """The mask less its 6-connected clusters below `smallest` voxels."""
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    keep = sizes >= smallest
    keep[0] = False
    return keep[labels]
