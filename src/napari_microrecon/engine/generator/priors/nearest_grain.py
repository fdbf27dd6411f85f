"""Distance to the nearest of many ellipsoids, each in units of its own size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation


@dataclass(frozen=True, eq=False)
class Grains:
    """Ellipsoids in space.

    Attributes
    ----------
    centres, radii : numpy.ndarray
        (N, 3) and (N,), voxels.
    stretch : tuple of float
        Of space along z, y, x.
    forms : numpy.ndarray or None
        (N, 3, 3): what takes a vector of unstretched space to the unit sphere for a grain of radius 1; spheres
        where there are none.
    """

    centres: np.ndarray
    radii: np.ndarray
    stretch: tuple[float, float, float]
    forms: np.ndarray | None = None


def nearest_grain(shape: tuple[int, int, int], grains: Grains, reach: float, *, periodic: bool) -> np.ndarray:
    """Square of the distance to the nearest grain over that grain's radius.

    Parameters
    ----------
    shape : tuple of int
        Of the grid.
    grains : Grains
        All that come near it.
    reach : float
        Largest distance that is told, in radii.
    periodic : bool
        Whether opposite faces meet.

    Returns
    -------
    numpy.ndarray
        float32 (Z, Y, X), at most `reach`^2.
    """
    nearest = np.full(shape, reach * reach, np.float32)
    for window, distance in _distances(shape, grains, reach, periodic=periodic):
        held = nearest[window]
        np.minimum(held, distance, out=held)
        _put(nearest, window, held)
    return nearest


def nearest_and_third(
    shape: tuple[int, int, int], grains: Grains, reach: float, *, periodic: bool
) -> tuple[np.ndarray, np.ndarray]:
    """As `nearest_grain`, of the nearest grain and of the third."""
    first, second, third = (np.full(shape, reach * reach, np.float32) for _ in range(3))
    for window, distance in _distances(shape, grains, reach, periodic=periodic):
        for ranked in (first, second, third):
            held = ranked[window]
            farther = np.maximum(held, distance)
            np.minimum(held, distance, out=held)
            _put(ranked, window, held)
            distance = farther
    return first, third


def _put(grid: np.ndarray, window: tuple[slice | np.ndarray, ...], values: np.ndarray) -> None:
    """Write back what was taken out of a window; where that was a view it is there already."""
    if values.base is not grid:
        grid[window] = values


def _distances(
    shape: tuple[int, int, int], grains: Grains, reach: float, *, periodic: bool
) -> Iterator[tuple[tuple[slice | np.ndarray, ...], np.ndarray]]:
    """Part of the grid around every grain and the squared distances there; see `nearest_grain`."""
    size, axes = np.asarray(shape), np.asarray(grains.stretch)
    centres, radii, forms = grains.centres, grains.radii, grains.forms
    if forms is None:
        halves = reach * radii[:, None] * axes
        matrices = None
    else:
        matrices = forms / radii[:, None, None] / axes
        # Half the edges of the box around |M x| = reach: the lengths of the rows of M^-1.
        halves = reach * np.linalg.norm(np.linalg.inv(matrices), axis=2)
    for index, (centre, half) in enumerate(zip(centres, halves, strict=True)):
        low, high = np.ceil(centre - half).astype(int), np.floor(centre + half).astype(int) + 1
        if not periodic:
            low, high = np.maximum(low, 0), np.minimum(high, size)
        else:
            # A grain never meets its own periodic image: beyond half the volume that image is nearer.
            wide = high - low > size
            low = np.where(wide, np.ceil(centre - size / 2).astype(int), low)
            high = np.where(wide, low + size, high)
        if (high <= low).any():
            continue
        if matrices is None:
            distance = _sphere(low, high, centre, radii[index] * axes)
        else:
            distance = _ellipsoid(low, high, centre, matrices[index])
        if periodic and ((low < 0) | (high > size)).any():
            yield np.ix_(*(np.arange(a, b) % n for a, b, n in zip(low, high, shape, strict=True))), distance
        else:
            yield tuple(slice(a, b) for a, b in zip(low, high, strict=True)), distance


def random_forms(count: int, axes: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    """Forms (N, 3, 3) of ellipsoids with these semi-axes, turned every way alike."""
    turned = Rotation.from_quat(rng.standard_normal((count, 4))).as_matrix()
    return turned / np.asarray(axes)[:, None]


def _sphere(low: np.ndarray, high: np.ndarray, centre: np.ndarray, radii: np.ndarray) -> np.ndarray:
    z, y, x = (
        (((np.arange(a, b) - c) / r) ** 2).astype(np.float32)
        for a, b, c, r in zip(low, high, centre, radii, strict=True)
    )
    return z[:, None, None] + y[:, None] + x


def _ellipsoid(low: np.ndarray, high: np.ndarray, centre: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """|M v|^2 as a polynomial in x for every z and y: three passes over the voxels instead of nine."""
    z, y, x = (np.arange(a, b) - c for a, b, c in zip(low, high, centre, strict=True))
    q = matrix.T @ matrix
    constant = (q[0, 0] * z**2)[:, None] + 2 * q[0, 1] * np.multiply.outer(z, y) + q[1, 1] * y**2
    linear = 2 * ((q[0, 2] * z)[:, None] + q[1, 2] * y)
    x32 = x.astype(np.float32)
    found = linear.astype(np.float32)[..., None] * x32
    found += constant.astype(np.float32)[..., None]
    found += (q[2, 2] * x**2).astype(np.float32)
    return found
