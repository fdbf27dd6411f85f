"""What every structural prior is: a random 3D field with a standard normal value per voxel."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d
from scipy.special import ndtri

from ..random_streams import random_stream as random_stream  # growth from patches imports it from here
from .bounds import Support

CUT = 3.0  # standard deviations at which the filter of smooth noise ends
SLOW, COARSE = 12.0, 6.0  # voxels: noise that is smoother is drawn on a grid on which it is as smooth as this
MOST_VOXELS = 3_000_000  # of a volume that is measured
SPARE = 3  # points beyond either end of a coarse axis, where a spline is not to be trusted


def gaussianise(probability: np.ndarray) -> np.ndarray:
    """Standard normal value of a cumulative probability, float32, clipped to +-4."""
    return np.clip(ndtri(np.clip(probability, 4e-5, 1 - 4e-5)), -4, 4).astype(np.float32)


def levelled(values: np.ndarray) -> np.ndarray:
    """Field whose own values are standard normal, not only those of the ensemble: one draw stands for many."""
    share = np.linspace(0.002, 0.998, 250)
    return np.interp(values, np.quantile(values.ravel()[::5], share), ndtri(share)).astype(np.float32)


def drawn_shape(edge: float, stretch: Sequence[float], least: int = 32) -> tuple[int, int, int]:
    """Shape of a volume that is measured: as many voxels for every material, but longer where it is stretched.

    Extreme stretches ask for more than edge^3 voxels, because no edge is shorter than `least`: then the longest
    edges are cut.
    """
    edges = [max(round(edge * s), least) for s in stretch]
    longest = sorted(edges, reverse=True)
    for count in (1, 2, 3):
        if math.prod(edges) <= MOST_VOXELS:
            break
        cut = int((MOST_VOXELS / math.prod(longest[count:])) ** (1 / count))
        if count == 3 or cut >= longest[count]:
            edges = [min(n, cut) for n in edges]
    return edges[0], edges[1], edges[2]


def smooth_noise(
    shape: Sequence[int], lengths: Sequence[float], rng: np.random.Generator, *, periodic: bool
) -> np.ndarray:
    """Gaussian field, standard normal, filtered by Gaussians of these lengths along its axes; float32 of this shape.

    Where it changes slowly it is drawn on a coarser grid and interpolated, so that work and memory do not grow with
    the lengths.
    """
    steps = [max(length / COARSE, 1.0) if length > SLOW else 1.0 for length in lengths]
    grids = [CoarseAxis.of(n, step, periodic=periodic) for n, step in zip(shape, steps, strict=True)]
    lengths = [length / grid.step for length, grid in zip(lengths, grids, strict=True)]
    reach = [0 if periodic else math.ceil(CUT * length) for length in lengths]
    smooth = rng.standard_normal([grid.count + 2 * r for grid, r in zip(grids, reach, strict=True)], dtype=np.float32)
    # The filter's own weights tell the variance: a draw keeps its scatter.
    power = 1.0
    for axis, (length, grid, r) in enumerate(zip(lengths, grids, reach, strict=True)):
        smooth = gaussian_filter1d(smooth, length, axis, mode='wrap', truncate=CUT)
        # What only this axis needed goes at once.
        smooth = smooth[(slice(None),) * axis + (slice(r, r + grid.count),)]
        at = np.arange(-int(CUT * length + 0.5), int(CUT * length + 0.5) + 1)
        weight = np.exp(-(at**2) / (2 * length**2))
        if periodic:
            weight = np.bincount(at % grid.count, weight)
        power *= float((weight**2).sum() / weight.sum() ** 2)
    smooth = (smooth / np.float32(math.sqrt(power))).astype(np.float32)
    for axis, grid in enumerate(grids):
        smooth = grid.filled(smooth, axis)
    return smooth


@dataclass(frozen=True, slots=True)
class CoarseAxis:
    """Points some voxels apart along one axis of a grid, that the voxels are interpolated from.

    Attributes
    ----------
    count : int
        Of the points.
    step : float
        Voxels between them.
    voxels : int
        Along the axis.
    periodic : bool
        Whether the ends of the axis meet.
    """

    count: int
    step: float
    voxels: int
    periodic: bool

    @classmethod
    def of(cls, voxels: int, step: float, *, periodic: bool) -> CoarseAxis:
        """Points about `step` voxels apart, a whole number of steps to the period if there is one."""
        if step <= 1:
            return cls(voxels, 1.0, voxels, periodic)
        if periodic:
            count = max(round(voxels / step), 4)
            return cls(count, voxels / count, voxels, periodic)
        return cls(math.ceil((voxels - 1) / step) + 1 + 2 * SPARE, step, voxels, periodic)

    def filled(self, values: np.ndarray, axis: int) -> np.ndarray:
        """Values at every voxel by a cubic spline along an axis; float32."""
        if self.count == self.voxels and self.step == 1:
            return values
        weights = self.weights.astype(np.float32)
        return np.ascontiguousarray(np.moveaxis(np.tensordot(weights, values, (1, axis)), 0, axis))

    @property
    def weights(self) -> np.ndarray:
        """Of every point (second axis) in the value at every voxel (first axis)."""
        points = np.eye(self.count)
        if self.periodic:
            spline = CubicSpline(np.arange(self.count + 1), np.concatenate([points, points[:1]]), bc_type='periodic')
            return spline(np.arange(self.voxels) / self.step)
        return CubicSpline(np.arange(self.count), points)(SPARE + np.arange(self.voxels) / self.step)


class Field(BaseModel):
    """A family of random fields with parameters that fit in a JSON header.

    A high value favours the phase that the field stands for; thresholding it at the normal
    quantile of that phase's fraction gives the untrained reconstruction. Every kind has a name, `kind`, by which files
    tell it from others: ``kind: Literal['grains'] = 'grains'``.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    if TYPE_CHECKING:  # no field of the base class: it would come first in files
        kind: Any = ''

    support: Support
    """Distance in voxels beyond which two values are independent."""

    @property
    def work(self) -> float:
        """What drawing a voxel takes, in tenths of a microsecond or so; see `Effort`."""
        return 1.0

    @property
    def crowd(self) -> float:
        """Grains, cells or arms per voxel, which time and memory grow with."""
        return 0.0

    @property
    def period(self) -> tuple[int, int, int]:
        """Smallest periodic volume (z, y, x) in voxels whose statistics are those of a large one; 0: any will do."""
        return 0, 0, 0

    @property
    def proportions(self) -> tuple[float, float, float]:
        """Edges along z, y, x, over their geometric mean, of volumes that tell enough of the field."""
        return getattr(self, 'stretch', (1.0, 1.0, 1.0))

    @property
    def measured_edge(self) -> int:
        """Mean edge of such volumes, voxels."""
        return 96

    @property
    def handicap(self) -> float:
        """What is added to its section error: the scatter that a further fitted parameter gains by chance."""
        return 0.0

    @property
    def may_isolate(self) -> bool:
        """Whether it can leave pores isolated in three dimensions that sections hardly tell from connected ones."""
        return False

    def check_place(self, index: int) -> None:
        """Check that the field can be the model's field `index`.

        Raises
        ------
        ValueError
            If it needs others before it.
        """

    @abstractmethod
    def sample(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """Draw the field on a grid, float32 (Z, Y, X), mean 0 and variance 1."""

    def around(self, shape: tuple[int, int, int], rng: np.random.Generator, share: float) -> np.ndarray:
        """Draw what has the level set of a fraction `share` of high values, for as little work as it takes.

        Values far from that level may be cut, and values rise with those of `sample`, but are not them.
        """
        return self.sample(shape, rng, periodic=False)

    @abstractmethod
    def scaled(self, by: float) -> Self:
        """The same structure, `by` times as large."""

    def combine(self, own: np.ndarray, earlier: Sequence[np.ndarray]) -> np.ndarray:
        """Final values from what `sample` drew and the fields of the phases placed before; the same shape."""
        return own


class NoiseField(Field):
    """White noise: no structure at all, the input of SliceGAN-like generators; a baseline."""

    kind: Literal['noise'] = 'noise'
    support: Support = 0.0

    def sample(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """Draw independent standard normal values."""
        return rng.standard_normal(shape, dtype=np.float32)

    def scaled(self, by: float) -> Self:
        """Noise has no size."""
        return self
