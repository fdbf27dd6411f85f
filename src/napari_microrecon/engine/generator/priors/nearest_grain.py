"""Distance to the nearest of many ellipsoids, each in units of its own size."""

from __future__ import annotations

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
    return _nearest(1, shape, grains, reach, periodic=periodic)[0]


def nearest_and_third(
    shape: tuple[int, int, int], grains: Grains, reach: float, *, periodic: bool
) -> tuple[np.ndarray, np.ndarray]:
    """As `nearest_grain`, of the nearest grain and of the third."""
    ranked = _nearest(3, shape, grains, reach, periodic=periodic)
    return ranked[0], ranked[2]


def _nearest(ranks: int, shape: tuple[int, int, int], grains: Grains, reach: float, *, periodic: bool) -> np.ndarray:
    """Squared distances (ranks, Z, Y, X) to the nearest grains, the nearest first; see `nearest_grain`."""
    from .kernels import lower_ellipsoids, lower_spheres

    size, axes = np.asarray(shape), np.asarray(grains.stretch)
    radii = grains.radii[:, None] * axes
    matrices = None
    if grains.forms is None:
        halves = reach * radii
    else:
        matrices = grains.forms / grains.radii[:, None, None] / axes
        # Half the edges of the box around |M x| = reach: the lengths of the rows of M^-1.
        halves = reach * np.linalg.norm(np.linalg.inv(matrices), axis=2)
    low = np.ceil(grains.centres - halves).astype(int)
    high = np.floor(grains.centres + halves).astype(int) + 1
    if periodic:
        # A grain never meets its own periodic image: beyond half the volume that image is nearer.
        wide = high - low > size
        low = np.where(wide, np.ceil(grains.centres - size / 2).astype(int), low)
        high = np.where(wide, low + size, high)
    else:
        low, high = np.maximum(low, 0), np.minimum(high, size)
    seen = (high > low).all(1)
    low, high, centres = low[seen], high[seen], grains.centres[seen]
    farthest = np.float32(reach * reach)
    ranked = np.full((ranks, *shape), farthest)
    if matrices is None:
        lower_spheres(ranked, low, high, centres, radii[seen], farthest)
    else:
        forms = matrices[seen].transpose(0, 2, 1) @ matrices[seen]
        lower_ellipsoids(ranked, low, high, centres, forms, farthest)
    return ranked


def random_forms(count: int, axes: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    """Forms (N, 3, 3) of ellipsoids with these semi-axes, turned every way alike."""
    turned = Rotation.from_quat(rng.standard_normal((count, 4))).as_matrix()
    return turned / np.asarray(axes)[:, None]
