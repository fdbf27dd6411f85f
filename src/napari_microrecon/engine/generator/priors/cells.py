"""Cell field: distance to the nearest wall between Voronoi cells, in closed form from slice statistics.

Closed-cell foams and polycrystals are made of convex cells behind walls. The walls of the Voronoi
cells of a random seed process (Okabe, Boots, Sugihara and Chiu, *Spatial Tessellations*, 2000,
chapter 5) meet at the same junctions and, thickened evenly, never leave a gap. With D the distance
of a random point to the nearest wall in units of the mean spacing a = (seed density)^(-1/3), walls of
half the thickness t a fill the fraction P(D < t) and have the surface p_D(t) / a, p_D the density
of D, so that the wall fraction and the face density give t and a. Where the material is stretched,
walls are stretched along with it: they are thickest across the longest axis.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import Literal, Self

import numpy as np
from pydantic import Field as Described
from pydantic import model_validator
from scipy.spatial import Voronoi, cKDTree
from scipy.special import ndtr

from ..random_streams import Stream, random_stream
from .bounds import Length, Rising, Stretch, counted
from .fields import Field

FARTHEST = 2.0  # mean spacings; with random seeds, one point in 10^14 is farther from all of them
REPEATS = 8  # of a periodic volume on either side
MARGIN = 3.0  # mean spacings around the grid that seeds are drawn in
DRAWN = 2  # volumes that tell how far from the walls points are where seeds keep apart
SCORES = np.linspace(-4, 4, 81)  # standard normal values at which the distance is tabulated


def scatter_seeds(size: np.ndarray, count: int, apart: float, rng: np.random.Generator) -> np.ndarray:
    """Random points (count, D) in the periodic box of this size (D,), no two closer than `apart`.

    Points are added one after the other and dropped where they come too close to an earlier one
    (random sequential adsorption). Where no more fit, the last ones may be closer.
    """
    points = rng.random((count, len(size))) * size
    if apart <= 0 or count < 2:
        return points
    kept = points[:0]
    for _ in range(60):
        tried = np.concatenate([kept, points])
        pairs = cKDTree(tried, boxsize=size).query_pairs(apart, output_type='ndarray')
        pairs.sort(axis=1)
        alive = [True] * len(tried)
        for earlier, later in pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))].tolist():
            if alive[earlier]:
                alive[later] = False
        kept = tried[np.array(alive)]
        if len(kept) >= count:
            break
        points = rng.random((count, len(size))) * size
    return np.concatenate([kept, points])[:count]


def wall_distance(seeds: np.ndarray, low: np.ndarray, steps: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Distance to the nearest wall of the Voronoi cells on a grid, float32 (Z, Y, X).

    Parameters
    ----------
    seeds : numpy.ndarray
        (n, 3), reaching `MARGIN` beyond the grid; all lengths in mean spacings.
    low, steps : numpy.ndarray
        Place of the first grid point and grid spacing, (3,).
    shape : tuple of int
        Grid points along each axis.
    """
    from .kernels import raise_cells

    diagram = Voronoi(seeds)
    ridges = np.concatenate([diagram.ridge_points, diagram.ridge_points[:, ::-1]])
    ridges = ridges[np.argsort(ridges[:, 0], kind='stable')]
    first = np.searchsorted(ridges[:, 0], np.arange(len(seeds) + 1))
    towards = seeds[ridges[:, 1]] - seeds[ridges[:, 0]]
    lengths = np.linalg.norm(towards, axis=1)
    # Boxes around the cells; cells without an end have a corner with the number -1.
    regions = [diagram.regions[index] for index in diagram.point_region]
    corners = np.fromiter(itertools.chain.from_iterable(regions), int)
    begins = np.cumsum([0, *(len(region) for region in regions[:-1])])
    lowest, highest = (
        bound.reduceat(np.concatenate([diagram.vertices, [[end] * 3]])[corners], begins)
        for bound, end in ((np.minimum, -np.inf), (np.maximum, np.inf))
    )
    corner, end = np.maximum(seeds - FARTHEST, lowest), np.minimum(seeds + FARTHEST, highest)
    start = np.maximum(np.ceil((corner - low) / steps), 0).astype(int)
    stop = np.minimum(np.floor((end - low) / steps) + 1, shape).astype(int)
    seen = np.flatnonzero((stop > start).all(1))
    found = np.zeros(shape, np.float32)
    raise_cells(found, seen, start, stop, seeds, low, steps, first, towards / lengths[:, None], lengths / 2)
    return found


def draw_distance(
    shape: tuple[int, int, int], spacing: np.ndarray, apart: float, rng: np.random.Generator, *, periodic: bool
) -> np.ndarray:
    """Distance to the nearest wall in mean spacings; `spacing` (3,) in grid steps along each axis."""
    steps = 1 / spacing
    size = np.asarray(shape) * steps
    margin = 0.0 if periodic else MARGIN
    extent = size + 2 * margin
    # Seeds that keep apart also keep their number: it scatters by (1 - packing)^4 as that of hard spheres does.
    expected = float(extent.prod())
    packing = min(math.pi / 6 * apart**3, 0.5)
    count = (
        rng.poisson(expected) if apart <= 0 else round(rng.normal(expected, math.sqrt(expected) * (1 - packing) ** 2))
    )
    seeds = scatter_seeds(extent, max(count, 1), apart, rng) - margin
    if periodic:
        # A volume much smaller than a cell repeats itself, and what is beyond some repeats is hidden by nearer ones.
        counts = [min(math.ceil(MARGIN / s), REPEATS) for s in size]
        images = [np.arange(-count, count + 1) * s for count, s in zip(counts, size, strict=True)]
        moved = np.concatenate([seeds + np.array(shift) for shift in itertools.product(*images)])
        near = ((moved > -MARGIN) & (moved < size + MARGIN)).all(1)
        seeds = moved[near]
    return wall_distance(seeds, np.zeros(3), steps, shape)


@lru_cache(maxsize=8)
def drawn_distances(apart: float, index: int) -> np.ndarray:
    """Distances to the nearest wall in a drawn volume, in mean spacings, shape (n,)."""
    rng = random_stream(0, Stream.CELLS, index)
    return draw_distance((63, 63, 63), np.full(3, 7.0), apart, rng, periodic=True).ravel()


@lru_cache(maxsize=8)
def wall_statistics(apart: float) -> tuple[np.ndarray, np.ndarray]:
    """Distances D in mean spacings and P(D < them), for seeds that keep `apart` mean spacings apart.

    Random seeds (0): let the nearest seed lie at d. The wall towards another seed s, as seen from
    the origin, is farther than t where |s|^2 - d^2 > 2 t |s - s_1|, and no seed may lie in the volume V(d, t)
    where it is not: P(D > t) = int 4 pi d^2 exp(-V(d, t)) dd. Others: from drawn cells.
    """
    at = np.linspace(0, 1.2, 121)
    if apart > 0:
        values = np.sort(np.concatenate([drawn_distances(apart, index) for index in range(DRAWN)]))
        return at, np.searchsorted(values, at) / len(values)
    nodes, weights = np.polynomial.legendre.leggauss(16)
    cosine = nodes[None, None, :]
    d = np.linspace(1e-3, FARTHEST, 80)[None, :, None]
    t = at[:, None, None]
    low, high = np.broadcast_to(d, (len(at), 80, 16)), np.broadcast_to(d + 2 * t + 1e-9, (len(at), 80, 16))
    for _ in range(26):
        middle = (low + high) / 2
        inside = middle**2 - d**2 <= 2 * t * np.sqrt(np.maximum(middle**2 - 2 * middle * d * cosine + d**2, 0))
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    volume = 2 * math.pi / 3 * (low**3 * weights).sum(2)
    beyond = np.trapezoid(4 * math.pi * d[0, :, 0] ** 2 * np.exp(-volume), d[0, :, 0], axis=1)
    return at, 1 - np.clip(beyond / beyond[0], 0, 1)


class CellField(Field):
    """Gaussianised distance to the nearest wall between cells; high in the walls.

    Attributes
    ----------
    spacing : float
        Cube root of the mean cell volume, voxels.
    apart : float
        Least distance of two seeds in spacings: 0 for cells of all sizes (Poisson), 0.75 for even ones.
    stretch : tuple of float
        Mean cell extent along z, y, x relative to their geometric mean.
    distances : tuple of float
        Distance to the nearest wall in spacings whose normal score is 4, ..., -4.
    walls_favoured : bool
        Whether the phase that the field stands for is the walls or the cells.
    """

    kind: Literal['cells'] = 'cells'
    spacing: Length
    apart: float = Described(default=0.0, ge=0, le=0.9, allow_inf_nan=False)
    stretch: Stretch = (1.0, 1.0, 1.0)
    distances: Rising
    walls_favoured: bool = True

    @model_validator(mode='after')
    def _check(self) -> Self:
        counted(self.distances, len(SCORES), 'distances')
        return self

    @property
    def crowd(self) -> float:
        """Cells per voxel; a diagram of a cell takes as much as a hundred grains."""
        return 100 / self.spacing**3

    @property
    def work(self) -> float:
        """Planes around every cell."""
        return 5.0

    @property
    def period(self) -> tuple[int, int, int]:
        """Room for about eight cells; a periodic volume of one or two has the wrong walls."""
        z, y, x = (max(round(1.5 * self.spacing * stretch / 8) * 8, 96) for stretch in self.stretch)
        return z, y, x

    @classmethod
    def fit(
        cls,
        wall_fraction: float,
        edges: tuple[float, float, float],
        *,
        apart: float = 0.0,
        walls_favoured: bool = True,
    ) -> CellField:
        """Closed-form parameters from the fraction of the walls and the phase changes per voxel along z, y and x."""
        phi = min(max(wall_fraction, 1e-3), 1 - 1e-3)
        at, below = wall_statistics(apart)
        half = float(np.interp(phi, below, at))
        step = 0.05
        lower = max(half - step, 0.0)
        density = float(np.diff(np.interp([lower, half + step], at, below))[0] / (half + step - lower))
        mean_edge = math.prod(edges) ** (1 / 3)
        # Faces per voxel along an axis are half the surface per volume.
        spacing = density / (2 * mean_edge)
        stretch = tuple(mean_edge / edge for edge in edges)
        rising = np.concatenate([[True], np.diff(below) > 1e-7])
        table = np.interp(ndtr(SCORES), below[rising], at[rising])
        return cls(
            spacing=spacing,
            apart=apart,
            stretch=(stretch[0], stretch[1], stretch[2]),
            distances=tuple(round(float(value), 6) for value in table),
            walls_favoured=walls_favoured,
            support=FARTHEST * spacing * max(stretch),
        )

    def sample(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """Draw the field on a grid, float32 (Z, Y, X)."""
        spacing = self.spacing * np.asarray(self.stretch)
        distance = draw_distance(shape, spacing, self.apart, rng, periodic=periodic)
        score = np.interp(distance, self.distances, SCORES).astype(np.float32)
        return -score if self.walls_favoured else score

    def scaled(self, by: float) -> Self:
        """The same structure, `by` times as large."""
        return self.model_copy(update={'spacing': self.spacing * by, 'support': self.support * by})
