"""Grain field: distance to the nearest grain of a Boolean model.

Granular materials inherit the three-dimensional connectivity of their pores from the packing of
the grains. A Boolean model of spheres (Stoyan, Kendall and Mecke, *Stochastic Geometry and its
Applications*, 1995, section 3) has that connectivity, and its radius and density follow from the
matrix fraction phi and the specific surface s: with E[r^3]/E[r^2] = 3 phi (-ln phi) / s and
lambda = -ln phi / (4/3 pi E[r^3]). The distance u to the nearest grain in units of that grain's
radius has P(u > t) = exp(-lambda 4/3 pi E[r^3] t^3), so that its Gaussian score is known exactly.
Faces counted on a grid are not quite the surface, so that drawn volumes set the size.
"""

from __future__ import annotations

import math
from typing import Literal, Self

import numpy as np
from pydantic import Field as Described
from pydantic import model_validator
from scipy.special import ndtr, ndtri

from ...progress import Job, drain
from ..random_streams import Stream, random_stream
from .bounds import Length, Rising, Share, Stretch, counted
from .effort import Trial
from .fields import Field, drawn_shape, gaussianise, levelled, smooth_noise
from .grain_levels import channel_levels, even_survival
from .nearest_grain import Grains, nearest_and_third, nearest_grain, random_forms

WIDEST = 2.0  # ln(radius) is normal, cut at this many standard deviations
MEASURED, ACROSS = 128, 8  # voxels and spacings along the volumes whose faces tell how large the grains must be
DRAWN = 4  # such volumes; the faces of one scatter by 3 %
DRAWN_EVEN = 8  # that tell the distribution of a field that nothing else tells
STEPS = 64  # distances from the grains at which it is told
AROUND = (
    1.25,
    1.6,
)  # times the distance of the level from the grains, straight and bent, that drawn levels stay within
BENT = 0.48  # correlation length of the bends of a boundary over the median radius
SCORES = np.linspace(-4, 4, 65)
ENOUGH, LARGEST = 1000, 128  # grains in a volume whose sections are measured, as far as its edge in voxels allows
VARIETY = 0.02  # handicap of grains of mixed size, as the draws scatter
CURVED = 0.01  # handicap of bent boundaries, which are judged on the same draws as straight ones


def _moment(order: int, spread: float) -> float:
    """E[(r / R)^order] of the cut lognormal radii, R their median."""
    at = np.linspace(-6, 6, 4801)
    weight = np.exp(-(at**2) / 2)
    return float((np.exp(order * spread * np.clip(at, -WIDEST, WIDEST)) * weight).sum() / weight.sum())


class GrainField(Field):
    """Gaussianised distance to the nearest ellipsoidal grain; high between the grains.

    Attributes
    ----------
    radius : float
        Median grain radius in voxels.
    spread : float
        Standard deviation of ln(radius), dimensionless; 0 for equal grains.
    density : float
        Grains per voxel.
    stretch : tuple of float
        Semi-axes along z, y, x relative to the radius, with product 1.
    flatness : float
        Axis of a grain over its two others, which are alike: 1 for spheres, less for plates, more for needles. They
        are turned every way alike before space is stretched, which lays plates and needles along the long axes.
    grains_favoured : bool
        Whether the phase that the field stands for is the grains (high inside) or the matrix.
    even : float
        Grains in each of the boxes that share them out evenly, so that their number hardly varies from volume to
        volume; 0 for grains strewn at random.
    bent : float
        Share of the field's standard deviation, 0..1, that is a Gaussian field about half as coarse as the grains:
        boundaries that bend in and out, and throats that it narrows or closes.
    channels : float
        Share of the distance to the third nearest grain, 0..1, that is taken off that to the nearest: what is left
        between grains runs along the edges where three of them meet, with wider throats, as between grains that
        have grown against each other.
    values : tuple of float
        For grains shared out evenly or with channels: what `_between` draws where the score is -4, ..., 4.
    """

    kind: Literal['grains'] = 'grains'
    radius: Length
    spread: float = Described(default=0.0, ge=0, le=0.6, allow_inf_nan=False)
    density: float = Described(gt=0, le=1e3, allow_inf_nan=False)
    stretch: Stretch = (1.0, 1.0, 1.0)
    flatness: float = Described(default=1.0, ge=0.05, le=12, allow_inf_nan=False)
    grains_favoured: bool = False
    even: float = Described(default=0.0, ge=0, le=1000, allow_inf_nan=False)
    bent: Share = 0.0
    channels: Share = 0.0
    values: Rising = ()

    @model_validator(mode='after')
    def _check(self) -> Self:
        counted(self.values, len(SCORES), 'values', may_lack=True)
        if 0 < self.even < 0.5:
            raise ValueError(f'even is {self.even:g}: half a grain in each box, or none, is the least')
        # Grains of this size and number fill all but exp(-occupied) of space.
        if not 1e-5 < self._occupied < 50:
            raise ValueError(
                f'radius and density fill space {self._occupied:.3g} times over, 0.00001 to 50 is possible'
            )
        return self

    @classmethod
    def fit(
        cls,
        matrix_fraction: float,
        edges: tuple[float, float, float],
        *,
        spread: float = 0.0,
        grains_favoured: bool = False,
    ) -> GrainField:
        """Parameters from a matrix fraction and face densities.

        Parameters
        ----------
        matrix_fraction : float
            Fraction of the space between the grains, 0..1.
        edges : tuple of float
            Phase changes per voxel along z, y and x (for an isotropic medium a third of the
            counted face density each; the true surface is 2/3 of the counted one).
        spread, grains_favoured
            See the attributes.
        """
        phi = min(max(matrix_fraction, 1e-3), 1 - 1e-3)
        mean_edge = math.prod(edges) ** (1 / 3)
        moment_ratio = 3 * phi * -math.log(phi) / (2 * mean_edge)  # E[r^3] / E[r^2]
        radius = moment_ratio * _moment(2, spread) / _moment(3, spread)
        density = -math.log(phi) / (4 / 3 * math.pi * radius**3 * _moment(3, spread))
        z, y, x = (mean_edge / edge for edge in edges)
        return cls(
            radius=radius,
            spread=spread,
            density=density,
            stretch=(z, y, x),
            grains_favoured=grains_favoured,
            support=4 * radius * math.exp(WIDEST * spread) * max(z, y, x),
        )

    @property
    def axes(self) -> tuple[float, float, float]:
        """Semi-axes of a grain over its radius, with product 1."""
        across = self.flatness ** (-1 / 3)
        return across, across, across * self.flatness

    def formed(self, flatness: float) -> GrainField:
        """As many grains of the same volume, but plates or needles."""
        field = self.model_copy(update={'flatness': flatness})
        return field.model_copy(update={'support': self.support * max(field.axes) / max(self.axes)})

    @property
    def work(self) -> float:
        """Straight grains are drawn near their boundaries only; of small ones there are many."""
        if self.channels:
            return 1 + 14 / self.spacing
        if self.bent:
            return 1 + 4 / self.spacing
        return 0.1 + (3 if self.flatness == 1 else 6) / self.spacing

    @property
    def measured_edge(self) -> int:
        """Of a volume with enough grains, voxels."""
        return min(LARGEST, max(round(ENOUGH ** (1 / 3) * self.spacing), 48))

    @property
    def handicap(self) -> float:
        """Of mixed sizes and bent boundaries."""
        return VARIETY * (self.spread > 0) + CURVED * (self.bent > 0)

    @property
    def may_isolate(self) -> bool:
        """Grains around pores close them."""
        return True

    @property
    def crowd(self) -> float:
        """Grains per voxel."""
        return self.density

    @property
    def spacing(self) -> float:
        """Cube root of the volume per grain, voxels."""
        return self.density ** (-1 / 3)

    def scaled(self, by: float) -> Self:
        """The same structure, `by` times as large."""
        return self.model_copy(
            update={
                'radius': self.radius * by,
                'density': self.density / by**3,
                'support': self.support * by,
            }
        )

    def sized(self, matrix_fraction: float, edges: tuple[float, float, float]) -> GrainField:
        """As `sizing`, without a sign of life."""
        return drain(self.sizing(matrix_fraction, edges, Trial('sizing')))

    def sizing(self, matrix_fraction: float, edges: tuple[float, float, float], trial: Trial) -> Job[GrainField]:
        """Of the size at which drawn volumes have these phase changes per voxel (geometric mean of the axes)."""
        matrix = min(max(matrix_fraction, 1e-3), 1 - 1e-3)
        share = 1 - matrix if self.grains_favoured else matrix
        counted = np.zeros(3)
        for index in range(DRAWN):
            yield trial.sign(self.work * math.prod(self._measured))
            values = self.around(self._measured, random_stream(0, Stream.GRAIN_SIZES, index), share)
            mask = values > np.quantile(values, 1 - share)
            counted += [np.diff(mask, axis=axis).mean() / DRAWN for axis in range(3)]
        return self.scaled(float(np.prod(np.maximum(counted, 1e-4) / edges)) ** (1 / 3))

    def tabled(self) -> GrainField:
        """As `tabling`, without a sign of life."""
        return drain(self.tabling(Trial('tabling')))

    def tabling(self, trial: Trial) -> Job[GrainField]:
        """With the distribution of the field, where grains are shared out evenly or have channels."""
        sign = -1 if self.grains_favoured else 1
        yield trial.sign()
        if not self.even:
            values = sign * channel_levels(self.channels, self._occupied, sign * SCORES)
        elif not self.channels and self.flatness == 1:
            at = np.linspace(0, self._reach, STEPS + 1)[1:]
            farther = yield from even_survival(
                at, self.radius, self.spread, self.stretch, self.density, self.even, trial
            )
            known = (farther > ndtr(-4.5)) & (farther < ndtr(4.5))
            scores = gaussianise(-np.expm1(-self._occupied * at**3))
            values = sign * np.interp(sign * SCORES, -ndtri(farther[known]), scores[known])
        else:
            draws: list[np.ndarray] = []
            for index in range(DRAWN_EVEN):
                yield trial.sign(math.prod(self._measured))
                drawn = self._between(self._measured, random_stream(0, Stream.GRAIN_SIZES, index), periodic=False)
                draws.append(drawn.ravel()[::7])
            values = np.quantile(np.concatenate(draws), ndtr(SCORES))
        return self.model_copy(update={'values': tuple(map(float, values))})

    @property
    def _measured(self) -> tuple[int, int, int]:
        """Of volumes that tell the statistics of the field."""
        return drawn_shape(min(ACROSS * self.spacing, MEASURED), self.stretch)

    def sample(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """Draw the field on a grid, float32 (Z, Y, X)."""
        return self._finished(self._between(shape, rng, periodic=periodic), rng, periodic=periodic)

    def around(self, shape: tuple[int, int, int], rng: np.random.Generator, share: float) -> np.ndarray:
        """As `Field.around`: the space around a grain that matters is a third of that which a whole field takes."""
        if self.channels:
            return self.sample(shape, rng, periodic=False)
        matrix = 1 - share if self.grains_favoured else share
        # Grains fill 1 - matrix of the volume as far as (-ln matrix / occupied)^(1/3) radii around them.
        level = (-math.log(min(max(matrix, 1e-3), 1 - 1e-3)) / self._occupied) ** (1 / 3)
        reach = min(AROUND[self.bent > 0] * level, self._reach)
        nearest = nearest_grain(shape, self._grains(shape, rng, periodic=False), reach, periodic=False)
        if np.count_nonzero(nearest < reach * reach) < (1 - matrix) * nearest.size:
            return self.sample(shape, rng, periodic=False)
        if self.bent:
            values = gaussianise(-np.expm1(-self._occupied * nearest**1.5))
            return self._finished(-values if self.grains_favoured else values, rng, periodic=False)
        return -nearest if self.grains_favoured else nearest

    @property
    def _occupied(self) -> float:
        """Volume of all grains, overlaps counted again, per volume."""
        return self.density * 4 / 3 * math.pi * self.radius**3 * _moment(3, self.spread)

    @property
    def _reach(self) -> float:
        """Distance over the radius beyond which only one point in 10^5 lies."""
        return (math.log(1e5) / self._occupied) ** (1 / 3)

    def _between(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """What lies how far from the grains; turned round where grains are favoured.

        Without channels the score of the distance to the nearest grain, by the closed form.
        """
        grains = self._grains(shape, rng, periodic=periodic)
        if self.channels:
            nearest, third = nearest_and_third(shape, grains, self._reach, periodic=periodic)
            between = np.sqrt(nearest) - np.float32(self.channels) * np.sqrt(third)
        else:
            nearest = nearest_grain(shape, grains, self._reach, periodic=periodic)
            between = gaussianise(-np.expm1(-self._occupied * nearest**1.5))
        return -between if self.grains_favoured else between

    def _grains(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> Grains:
        """Those that the grid can see."""
        longest = self._reach * self.radius * math.exp(WIDEST * self.spread) * max(self.axes)
        margin = np.zeros(3) if periodic else np.ceil(longest * np.asarray(self.stretch))
        centres = self._strewn(np.asarray(shape) + 2 * margin, rng) - margin
        count = len(centres)
        radii = self.radius * np.exp(self.spread * np.clip(rng.standard_normal(count), -WIDEST, WIDEST))
        forms = random_forms(count, self.axes, rng) if self.flatness != 1 else None
        return Grains(centres, radii, self.stretch, forms)

    def _finished(self, values: np.ndarray, rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """What `_between` drew, normal where it is not yet, and with its boundaries bent."""
        if self.values:
            values = np.interp(values, self.values, SCORES).astype(np.float32)
        elif self.channels:
            values = levelled(values)
        if self.bent:
            lengths = [BENT * self.radius * s for s in self.stretch]
            bends = smooth_noise(values.shape, lengths, rng, periodic=periodic)
            values = np.float32(math.sqrt(1 - self.bent**2)) * values + np.float32(self.bent) * bends
        return values

    def _strewn(self, extent: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Centres of grains in a box from 0 to `extent`, shape (N, 3)."""
        if not self.even:
            return rng.random((rng.poisson(self.density * extent.prod()), 3)) * extent
        parts = np.maximum(np.rint(extent / (self.even / self.density) ** (1 / 3)), 1).astype(int)
        box = extent / parts
        each = self.density * box.prod()
        counts = int(each) + (rng.random(parts.prod()) < each % 1)
        corners = np.stack(np.unravel_index(np.repeat(np.arange(len(counts)), counts), tuple(parts)), axis=1)
        return (corners + rng.random((len(corners), 3))) * box
