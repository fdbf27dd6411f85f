"""Dendrites grown along one axis: stems that bear rows of side arms, and the finer structure between them.

Alloys that solidify in one direction, and their castings near the wall, consist of such columns (Kurz and Fisher,
*Fundamentals of Solidification*, 1998, chapter 4): stems about a primary spacing apart, nearly parallel to the
flow of heat; along each of them arms a secondary spacing apart, in the four directions across that a cubic crystal
prefers, which the stems of one grain share; and between them, where the melt was eutectic, a much finer mixture of
both phases with a preference for the same direction. Arms thicken all alike as they coarsen, so that one radius stands
for all of them but for some scatter.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Literal, Self

import numpy as np
from pydantic import Field as Described
from pydantic import model_validator
from scipy.spatial import cKDTree

from .bounds import Length, Number, Rising, Share, counted
from .cells import scatter_seeds
from .fields import Field, smooth_noise

APART = 0.65  # least distance of two stems in spacings
GRAIN = 16  # stems that share the directions of their arms
TWIST = 0.06  # radians by which these differ from stem to stem
UNEVEN = 0.3  # of the spacing of the arms and of their radius
LENGTHS = (0.5, 1.5)  # of arms over the mean
SWAY = 8.0  # spacings along a stem in which it leans to either side and back
FAR = 0.35  # spacings from the middle of stems and arms beyond which distance is only roughly known
ROUGH, RUFFLE = 0.065, 0.16  # arm spacings that surfaces are rough by, and over which that changes
GAP = 0.2  # arm spacings around dendrites that are free of the finer structure
SCORES = np.linspace(-4, 4, 65)
STEMS, LARGEST = 4, 128  # side by side in a volume whose sections are measured; its edge in voxels at most

Distance = Callable[[list[np.ndarray]], np.ndarray]


class DendriteField(Field):
    """Gaussianised depth in stems and arms, or in the finer structure between them; high inside.

    Attributes
    ----------
    along : int
        Axis of the stems: 0, 1, 2 for z, y, x.
    spacing, arm_spacing : float
        Mean distance of the stems across and of the arms along a stem, voxels.
    stem, arm : float
        Radii, voxels.
    length : float
        Mean length of the arms over the spacing of the stems.
    lean : float
        Root mean square slope of the stems, dimensionless.
    fine : tuple of float
        Filter lengths of the Gaussian field that the finer structure is cut from, along the stems and across, voxels.
    fine_level : float
        Its value above which it belongs to the phase of the dendrites, in standard deviations; 4 and more for none.
    favoured : bool
        Whether the phase that the field stands for is the dendrites' or the other.
    values : tuple of float
        Depths in voxels whose normal scores are -4, ..., 4.
    """

    kind: Literal['dendrites'] = 'dendrites'
    along: int = Described(ge=0, le=2)
    spacing: Length
    arm_spacing: Length
    stem: Number
    arm: Number
    length: float = Described(default=0.45, ge=0, le=5, allow_inf_nan=False)
    lean: Share = 0.0
    fine: tuple[Length, Length] = (4.0, 1.0)
    fine_level: float = Described(default=4.0, ge=-10, le=100, allow_inf_nan=False)
    favoured: bool = True
    values: Rising = ()

    @model_validator(mode='after')
    def _check(self) -> Self:
        counted(self.values, len(SCORES), 'values', may_lack=True)
        if not 0.5 <= self.spacing / self.arm_spacing <= 20:
            raise ValueError('spacing is not 0.5 to 20 times arm_spacing')
        for name in ('stem', 'arm'):
            if abs(getattr(self, name)) > 1.5 * self.spacing:
                raise ValueError(f'{name} is more than 1.5 times the spacing')
        return self

    @property
    def crowd(self) -> float:
        """Arms per voxel; four leave a stem at every height."""
        return 4 / (self.spacing**2 * self.arm_spacing)

    @property
    def measured_edge(self) -> int:
        """Of a volume with some stems, voxels."""
        return min(LARGEST, max(round(STEMS * self.spacing), 48))

    @property
    def period(self) -> tuple[int, int, int]:
        """Room for a dozen stems side by side, each with some arms."""
        across = max(math.ceil(3.5 * self.spacing / 8) * 8, 64)
        along = max(math.ceil(4 * self.arm_spacing / 8) * 8, 64)
        z, y, x = (along if axis == self.along else across for axis in range(3))
        return z, y, x

    def sample(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """Draw the field on a grid, float32 (Z, Y, X)."""
        depth = self.depth(shape, rng, periodic=periodic)
        score = np.interp(depth, self.values, SCORES).astype(np.float32)
        return score if self.favoured else -score

    def scaled(self, by: float) -> Self:
        """The same structure, `by` times as large."""
        lengths = {name: getattr(self, name) * by for name in ('spacing', 'arm_spacing', 'stem', 'arm', 'support')}
        fine = self.fine[0] * by, self.fine[1] * by
        values = tuple(value * by for value in self.values)
        return self.model_copy(update={**lengths, 'fine': fine, 'values': values})

    def depth(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """Voxels below the surface of the phase of the dendrites, negative outside; float32 (Z, Y, X)."""
        b, c = (n for axis, n in enumerate(shape) if axis != self.along)
        depth = self.dendrites((shape[self.along], b, c), rng, periodic=periodic)
        return np.ascontiguousarray(np.moveaxis(self.filled(depth, rng, periodic=periodic), 0, self.along))

    @property
    def gap(self) -> float:
        """Voxels around dendrites that are free of the finer structure."""
        return GAP * self.arm_spacing

    def filled(self, depth: np.ndarray, rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """Depth in stems and arms as `dendrites` draws it, with the finer structure between them."""
        if self.fine_level >= SCORES[-1]:
            return depth
        lengths = (self.fine[0], self.fine[1], self.fine[1])
        fine = (smooth_noise(depth.shape, lengths, rng, periodic=periodic) - self.fine_level) * self.fine[1]
        return np.maximum(depth, np.minimum(fine, -depth - self.gap)).astype(np.float32)

    def dendrites(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """Depth in stems and arms alone, the first axis along the stems; float32."""
        sway = self.lean * SWAY * self.spacing / (math.sqrt(2) * math.pi)  # of a sine with this mean slope
        margin = 0.0 if periodic else (LENGTHS[1] * self.length + FAR) * self.spacing + 2 * sway
        extent = np.asarray(shape[1:]) + 2 * margin
        # Rounded up or down by chance: neither few nor many stems are favoured.
        count = max(1, int(extent.prod() / self.spacing**2 + rng.random()))
        roots = scatter_seeds(extent, count, APART * self.spacing, rng) - margin
        turns = self._turns(roots, extent, margin, rng)
        cells = np.stack(np.meshgrid(*(np.arange(n) for n in shape[1:]), indexing='ij'), -1)
        nearest, _ = cKDTree(roots % extent, boxsize=extent).query(cells) if periodic else cKDTree(roots).query(cells)
        far = FAR * self.spacing
        distance = np.broadcast_to(np.maximum(nearest - self.stem, far), shape).astype(np.float32)
        waves = max(1, round(shape[0] / (SWAY * self.spacing))) if periodic else shape[0] / (SWAY * self.spacing)
        heights = np.arange(shape[0])
        for root, turn in zip(roots, turns, strict=True):
            phases = 2 * math.pi * rng.random(2)
            amplitude = math.sqrt(2) * self.lean * shape[0] / (2 * math.pi * waves)

            def place(height: np.ndarray | float, root=root, phases=phases, amplitude=amplitude) -> np.ndarray:
                angle = 2 * math.pi * waves * np.asarray(height)[..., None] / shape[0] + phases
                return root + amplitude * np.sin(angle)

            middles = place(heights)
            low = np.array([0, *(middles.min(0) - self.stem - far)])
            high = np.array([shape[0] - 1, *(middles.max(0) + self.stem + far)])
            _deepen(distance, low, high, self._stem(middles), periodic=periodic)
            for quarter in range(4):
                angle = turn + quarter * math.pi / 2
                direction = np.array([math.cos(angle), math.sin(angle)])
                for height in self._heights(shape[0], rng, periodic=periodic):
                    reach = self.length * self.spacing * rng.uniform(*LENGTHS)
                    radius = self.arm * rng.uniform(1 - UNEVEN, 1 + UNEVEN)
                    start = np.array([height, *place(height)])
                    end = start + reach * np.array([0, *direction])
                    low, high = np.minimum(start, end) - radius - far, np.maximum(start, end) + radius + far
                    _deepen(distance, low, high, _arm(start, direction, reach, radius), periodic=periodic)
        lengths = (RUFFLE * self.arm_spacing,) * 3
        rough = np.float32(ROUGH * self.arm_spacing) * smooth_noise(shape, lengths, rng, periodic=periodic)
        return rough - distance

    def _turns(self, roots: np.ndarray, extent: np.ndarray, margin: float, rng: np.random.Generator) -> np.ndarray:
        """Angle of the arms of every stem: nearly the same in one grain."""
        grains = rng.random((max(1, round(len(roots) / GRAIN)), 2)) * extent
        _, grain = cKDTree(grains, boxsize=extent).query((roots + margin) % extent)
        return rng.uniform(0, math.pi / 2, len(grains))[grain] + TWIST * rng.standard_normal(len(roots))

    def _heights(self, edge: int, rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """Where the arms of one side of a stem leave it."""
        if periodic:
            count = max(1, round(edge / self.arm_spacing))
            step, start = edge / count, 0.0
        else:
            step, start = self.arm_spacing, -self.arm_spacing
            count = math.ceil(edge / step) + 2
        return start + step * (np.arange(count) + rng.random() + UNEVEN * rng.uniform(-1, 1, count))

    def _stem(self, middles: np.ndarray) -> Distance:
        def distance(at: list[np.ndarray]) -> np.ndarray:
            y = (at[1] - middles[:, :1]).astype(np.float32)
            x = (at[2] - middles[:, 1:]).astype(np.float32)
            return np.sqrt((y * y)[:, :, None] + (x * x)[:, None, :]) - np.float32(self.stem)

        return distance


def _arm(start: np.ndarray, direction: np.ndarray, length: float, radius: float) -> Distance:
    """Distance from the surface of a rod with round ends, across the stem."""

    def distance(at: list[np.ndarray]) -> np.ndarray:
        z, y, x = (places - middle for places, middle in zip(at, start, strict=True))
        along = np.clip(y[:, None] * direction[0] + x * direction[1], 0, length)
        across = (y[:, None] - along * direction[0]) ** 2 + (x - along * direction[1]) ** 2
        return np.sqrt(across.astype(np.float32) + (z * z).astype(np.float32)[:, None, None]) - np.float32(radius)

    return distance


def _deepen(field: np.ndarray, low: np.ndarray, high: np.ndarray, distance: Distance, *, periodic: bool) -> None:
    """Take the least of the field and a distance in the box between two corners, which wraps if periodic."""
    first, last = np.ceil(low).astype(int), np.floor(high).astype(int) + 1
    if not periodic:
        first, last = np.maximum(first, 0), np.minimum(last, field.shape)
    if (last <= first).any():
        return
    at = [np.arange(a, b) for a, b in zip(first, last, strict=True)]
    if periodic and ((first < 0) | (last > field.shape)).any():
        found = distance(at)
        # A box wider than the volume meets itself: piece by piece, so that no place is written twice at once.
        pieces = [list(_wrapped(a, b, n)) for a, b, n in zip(first, last, field.shape, strict=True)]
        for steps in itertools.product(*pieces):
            inside, box = (tuple(places) for places in zip(*steps, strict=True))
            np.minimum(field[box], found[inside], out=field[box])
        return
    box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    np.minimum(field[box], distance(at), out=field[box])


def _wrapped(first: int, last: int, edge: int) -> Iterator[tuple[slice, slice]]:
    """Pieces of first..last - 1 between the ends of a periodic axis: places from the first, and on the axis."""
    start = first
    while start < last:
        place = start % edge
        count = min(edge - place, last - start)
        yield slice(start - first, start - first + count), slice(place, place + count)
        start += count
