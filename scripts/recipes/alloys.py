"""Synthetic two-phase alloys with a preferred direction: dendrites along z, laths along x."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from .grains import above, noise, without_specks

Vector = np.ndarray


def cast_iron(
    seed: int,
    edge: int,
    *,
    spacing: float,
    arm_spacing: float,
    trunk: float,
    arm: float,
    reach: float,
    lean: float,
    columns: int,
    roughness: float,
    dendrites: float,
    halo: float,
    rods: float,
    rod: tuple[float, float],
) -> np.ndarray:
    """Hypoeutectic white cast iron grown along z: 0 = cementite, 1 = pearlite (dendrites and eutectic rods).

    Parameters
    ----------
    seed, edge : int
        Seed of all randomness; edge of the cube in voxels.
    spacing, arm_spacing : float
        Of the dendrite trunks in the (y, x) plane and of the secondary arms along a trunk, voxels.
    trunk, arm : float
        Radii of trunks and of arm tips, voxels; arms are necked at their roots, as coarsening leaves them.
    reach : float
        Length of an arm over the spacing of the trunks, at most about 1.15 times that.
    lean : float
        Standard deviation of the slope of a columnar grain against z.
    columns : int
        Columnar grains; the arms of one share their two directions.
    roughness : float
        Noise on the dendrites' surfaces, voxels.
    dendrites : float
        Volume fraction of the dendrites.
    halo, rods : float
        Width in voxels of the bare cementite around dendrites, and the fraction of pearlite rods in the
        eutectic beyond it (ledeburite).
    rod : tuple of float
        Filter lengths of the rods along z and across, voxels.
    """
    rng = np.random.default_rng(seed)
    strokes = list(_dendrites(rng, edge, spacing, arm_spacing, trunk, arm, reach, lean, columns))
    field = ndimage.gaussian_filter(_capsules(edge, strokes, reach=9.0), 1.0)
    field = field + roughness * noise(rng, field.shape, 2.5)
    primary = above(-field, dendrites)
    eutectic = field > field[primary].max() + halo
    texture = np.where(eutectic, noise(rng, field.shape, (rod[0], rod[1], rod[1])), -np.inf)
    pearlite = without_specks(primary | above(texture, rods * eutectic.mean()), 12)
    return (~without_specks(~pearlite, 12)).astype(np.uint8)


def _dendrites(
    rng: np.random.Generator,
    edge: int,
    spacing: float,
    arm_spacing: float,
    trunk: float,
    arm: float,
    reach: float,
    lean: float,
    columns: int,
) -> Iterator[tuple[Vector, Vector, float, float]]:
    """Start, end, start radius and end radius of every trunk and arm."""
    roots = _spread(rng, edge + 2 * spacing, spacing) - spacing
    middles = rng.random((columns, 2)) * edge
    turns = rng.random(columns) * math.pi / 2
    slopes = lean * rng.standard_normal((columns, 2))
    half = 0.75 * edge
    for root in roots:
        column = int(np.argmin(((middles - root) ** 2).sum(axis=1)))
        slope = slopes[column] + 0.03 * rng.standard_normal(2)
        turn = float(turns[column] + 0.06 * rng.standard_normal())
        axis = _unit(np.array([1.0, slope[0], slope[1]]))
        base = np.array([edge / 2, root[0], root[1]])
        yield base - half * axis, base + half * axis, trunk, trunk
        across = _unit(_reject(np.array([0.0, math.cos(turn), math.sin(turn)]), axis))
        other = np.cross(axis, across)
        for direction in (across, -across, other, -other):
            along = -half + arm_spacing * rng.random()
            while along < half:
                start = base + along * axis
                length = reach * spacing * (0.55 + 0.6 * rng.random())
                radius = arm * (0.8 + 0.45 * rng.random())
                end = start + length * (direction + 0.12 * axis + 0.05 * rng.standard_normal(3))
                yield start, end, 0.62 * radius, radius
                along += arm_spacing * (0.8 + 0.4 * rng.random())


def _spread(rng: np.random.Generator, box: float, spacing: float) -> np.ndarray:
    """Points (N, 2) in a periodic square, random and then pushed apart to about `spacing`."""
    count = round((box / spacing) ** 2)
    points = rng.random((count, 2)) * box
    for _ in range(60):
        apart = points[:, None] - points[None]
        apart -= box * np.round(apart / box)
        distance = np.sqrt((apart * apart).sum(axis=2)) + 1e9 * np.eye(count)
        push = np.clip(0.9 * spacing - distance, 0, None) / distance
        points = (points + 0.25 * (push[..., None] * apart).sum(axis=1)) % box
    return points


def _capsules(edge: int, strokes: list[tuple[Vector, Vector, float, float]], reach: float) -> np.ndarray:
    """Distance in voxels to the nearest tapered stroke, negative inside, at most `reach`."""
    field = np.full((edge, edge, edge), reach)
    for start, end, first, last in strokes:
        margin = reach + max(first, last)
        window = _window(np.minimum(start, end) - margin, np.maximum(start, end) + margin, edge)
        if window is None:
            continue
        z, y, x = _offsets(window, start)
        v = end - start
        t = np.clip((z * v[0] + y * v[1] + x * v[2]) / (v * v).sum(), 0, 1)
        distance = np.sqrt((z - t * v[0]) ** 2 + (y - t * v[1]) ** 2 + (x - t * v[2]) ** 2)
        np.minimum(field[window], distance - (first + t * (last - first)), out=field[window])
    return field


def brass(
    seed: int,
    edge: int,
    *,
    grain: float,
    stretch: float,
    lath: tuple[float, float, float],
    variety: float,
    scatter: float,
    tries: int,
    film: float,
    roughness: float,
    alpha: float,
) -> np.ndarray:
    """Extruded alpha-beta brass: 0 = beta, 1 = alpha, as Widmanstätten laths along x and films on grain boundaries.

    Parameters
    ----------
    seed, edge : int
        Seed of all randomness; edge of the cube in voxels.
    grain, stretch : float
        Width of the former beta grains across x, voxels, and their length along x over that width.
    lath : tuple of float
        Half length, half width and half thickness of the laths, voxels.
    variety : float
        Standard deviation of the logarithms of these.
    scatter : float
        Slope of a grain's lath direction against x. Laths of a grain lie in three sets, 60 degrees apart.
    tries : int
        Laths placed in turn; one whose centre falls on an earlier lath is left out.
    film : float
        Half thickness of the alpha films on grain boundaries, in units of the final growth.
    roughness : float
        Noise on the surfaces, in units of the lath.
    alpha : float
        Volume fraction of alpha; the laths grow until it is reached.
    """
    rng = np.random.default_rng(seed)
    rim = 1.5 * lath[0]
    box = edge + 2 * rim
    count = round(box**3 / (grain**3 * stretch)) + 1
    squeeze = np.array([1.0, 1.0, 1.0 / stretch])
    tree = cKDTree((rng.random((count, 3)) * box - rim) * squeeze)
    voxels = np.indices((edge, edge, edge)).reshape(3, -1).T
    distances, owners = tree.query(voxels * squeeze, k=2)
    owner = owners[:, 0].reshape(edge, edge, edge)
    wall = (distances[:, 1] - distances[:, 0]).reshape(edge, edge, edge)
    slopes = scatter * rng.standard_normal((count, 2))
    turns = rng.random(count) * math.pi
    field = np.full((edge, edge, edge), 3.0)
    for _ in range(tries):
        center = rng.random(3) * box - rim
        index = int(tree.query(center * squeeze)[1])
        turn = turns[index] + rng.integers(3) * math.pi / 3 + 0.08 * rng.standard_normal()
        half = np.array([h * math.exp(variety * s) for h, s in zip(lath, rng.standard_normal(3), strict=True)])
        long = _unit(np.array([*slopes[index], 1.0]) + 0.08 * rng.standard_normal(3))
        nearest = np.round(center).astype(int)
        if ((nearest >= 0) & (nearest < edge)).all() and field[tuple(nearest)] < 1.35:
            continue
        thin = _unit(_reject(np.array([math.cos(turn), math.sin(turn), 0.0]), long))
        axes = np.stack([long, np.cross(long, thin), thin])
        extent = 1.6 * np.sqrt(((half[:, None] * axes) ** 2).sum(axis=0))
        window = _window(center - extent, center + extent, edge)
        if window is None:
            continue
        z, y, x = _offsets(window, center)
        gauge = sum(((z * a[0] + y * a[1] + x * a[2]) / h) ** 2 for a, h in zip(axes, half, strict=True))
        inside = np.where(owner[window] == index, np.sqrt(gauge), 3.0)
        np.minimum(field[window], inside, out=field[window])
    field = ndimage.gaussian_filter(np.minimum(field, wall / (2 * film)), 0.7)
    phase = above(-(field + roughness * noise(rng, field.shape, 1.5)), alpha)
    phase = without_specks(phase, 12)
    return (~without_specks(~phase, 12)).astype(np.uint8)


def _window(low: Vector, high: Vector, edge: int) -> tuple[slice, slice, slice] | None:
    """Voxels of the cube between two corners, None where there are none."""
    first = np.clip(np.ceil(low).astype(int), 0, edge)
    last = np.clip(np.floor(high).astype(int) + 1, 0, edge)
    if (first >= last).any():
        return None
    z, y, x = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return z, y, x


def _offsets(window: tuple[slice, slice, slice], origin: Vector) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates z, y, x of a window's voxels from `origin`, ready to broadcast."""
    z, y, x = (np.arange(w.start, w.stop) - o for w, o in zip(window, origin, strict=True))
    return z[:, None, None], y[None, :, None], x[None, None, :]


def _unit(vector: Vector) -> Vector:
    return vector / math.sqrt((vector * vector).sum())


def _reject(vector: Vector, axis: Vector) -> Vector:
    """The part of `vector` that is perpendicular to the unit vector `axis`."""
    return vector - axis * (vector * axis).sum()
