"""Coating field: a fine texture that is the denser the nearer another phase is, as binder on particles.

The field that places the coated phase tells how far a point lies from that phase: its value f falls
steadily with the distance. The coating is where Y + t(f) > 0, with Y a Gaussian field of
the coating's own fine texture and P(f) = Phi(t(f)) the share of the coating at that distance. Both
follow from the slices. Sections overestimate distances (the nearest particle may lie above or below), so
that P(f) is unfolded: in sections of the coated phase's own field, each distance in the plane
collects a known mixture of values f, and P(f) is the smooth function whose mixtures are the
measured shares. f and Y are independent and normal, so that the marginal of the sum is known exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, Self

import numpy as np
from pydantic import Field as Described
from pydantic import model_validator
from scipy import ndimage
from scipy.optimize import lsq_linear
from scipy.special import eval_hermitenorm, ndtr, ndtri

from ...progress import Job
from ...statistics.two_point import s2_map
from ...voxels import AXES
from ..exemplar import Exemplars
from ..random_streams import Stream, random_stream
from .bounds import MOST_PHASES, Number, Rising, counted
from .effort import Trial
from .fields import Field, levelled
from .gaussian import GaussianField

KNOTS = 24  # values of the coated phase's field at which the coating's share is known
LONGEST = 24.0  # pixels; farther from the coated phase counts as this far
DRAWN = 88  # voxels along each edge of the volumes that sections are taken from
TERMS = 18  # of the Hermite series
SCORES = np.linspace(-4, 4, 65)
LAGS = 12  # voxels; the texture is finer


class CoatingField(Field):
    """Gaussianised texture that thins out with the distance to an earlier phase; high in the coating.

    Attributes
    ----------
    texture : GaussianField
        Fine texture Y.
    coated : int
        Index of the field, among the model's, that places the coated phase.
    values, levels : tuple of float
        Values f of that field, rising, and the levels t(f) there.
    sums : tuple of float
        Values of Y + t(f) whose normal scores outside the coated phase are -4, ..., 4.
    """

    kind: Literal['coating'] = 'coating'
    texture: GaussianField
    coated: int = Described(default=0, ge=0, le=MOST_PHASES - 2)
    values: Rising
    levels: tuple[Number, ...]
    sums: Rising

    @model_validator(mode='after')
    def _check(self) -> Self:
        counted(self.values, KNOTS, 'values')
        counted(self.levels, KNOTS, 'levels')
        counted(self.sums, len(SCORES), 'sums')
        return self

    @property
    def stretch(self) -> tuple[float, float, float]:
        """Correlation length of the texture along z, y, x relative to their geometric mean."""
        return self.texture.stretch

    @property
    def hugs(self) -> bool:
        """Whether there is more of it at the coated phase than far away; the pores between are no coating."""
        third = len(self.levels) // 3
        return sum(self.levels[-third:]) > sum(self.levels[:third])

    def check_place(self, index: int) -> None:
        """Check that what is coated comes before it."""
        if self.coated >= index:
            raise ValueError(f'fields.{index}.coated is {self.coated}: only a field before it can be coated')

    def sample(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """Draw the texture alone; `combine` makes the coating of it."""
        return self.texture.sample(shape, rng, periodic=periodic)

    def combine(self, own: np.ndarray, earlier: Sequence[np.ndarray]) -> np.ndarray:
        """Coating field from its texture and the fields placed before it, all of one shape."""
        level = np.interp(earlier[self.coated], self.values, self.levels)
        return np.interp(own + level, self.sums, SCORES).astype(np.float32)

    def scaled(self, by: float) -> Self:
        """The same structure, `by` times as large."""
        return self.model_copy(update={'texture': self.texture.scaled(by), 'support': self.support * by})

    @classmethod
    def fitting(
        cls, exemplars: Exemplars, label: int, coated: int, field: Field, threshold: float, trial: Trial
    ) -> Job[CoatingField]:
        """Coating of phase `label` on phase `coated`, which `field` + `threshold` > 0 places as the first of all."""
        drawn: list[np.ndarray] = []
        for index in range(2):
            yield trial.sign(2 * DRAWN**3)
            drawn.append(_drawn(field, index))  # pyright: ignore[reportArgumentType]  # frozen models have a hash
        # Knots that split what is outside the coated phase into equal parts; the densest share first.
        outside = ndtr(-threshold)
        knots = ndtri(outside * (np.arange(KNOTS) + 0.5) / KNOTS)
        share = yield from _share(trial, exemplars, label, coated, drawn, threshold, knots)
        levels = ndtri(np.clip(share, 1e-4, 1 - 1e-4))
        # Marginal of Y + t(f) outside, over the ensemble.
        f = ndtri(outside * (np.arange(2000) + 0.5) / 2000)
        at = np.linspace(-9, 9, 721)
        below = ndtr(at[:, None] - np.interp(f, knots, levels)).mean(1)
        sums = np.interp(ndtr(SCORES), below, at)
        texture = yield from _texture(
            trial, exemplars, label, drawn, threshold, lambda values: np.interp(values, knots, levels)
        )
        return cls(
            texture=texture,
            values=tuple(round(float(v), 5) for v in knots),
            levels=tuple(round(float(v), 4) for v in levels),
            sums=tuple(round(float(v), 5) for v in sums),
            support=max(texture.support, field.support),
        )


@lru_cache(maxsize=2)
def _drawn(field: Field, index: int) -> np.ndarray:
    """Volume of the coated phase's field; one coating after the other is tried on the same."""
    return levelled(field.sample((DRAWN, DRAWN, DRAWN), random_stream(0, Stream.COATED_FIELD, index), periodic=False))


def _depth(mask: np.ndarray) -> np.ndarray:
    """Distance of every pixel to the phase, at most LONGEST."""
    if not mask.any():
        return np.full(mask.shape, LONGEST)
    return np.minimum(ndimage.distance_transform_edt(~mask), LONGEST)


def _share(
    trial: Trial,
    exemplars: Exemplars,
    label: int,
    coated: int,
    drawn: list[np.ndarray],
    threshold: float,
    knots: np.ndarray,
) -> Job[np.ndarray]:
    """Share of the coating where the coated phase's field has the values `knots`, unfolded from sections."""
    bins = np.concatenate([[0.5, 1.2, 1.7, 2.1], np.arange(2.9, 8, 0.8), [9, 11, 14, LONGEST + 1]])
    total, hits = np.zeros(len(bins) + 1), np.zeros(len(bins) + 1)
    mixture = np.zeros((len(bins) + 1, len(knots)))
    for normal, images in exemplars.images.items():
        for image in images:
            yield trial.sign()
            place = np.digitize(_depth(image == coated), bins)
            total += np.bincount(place.ravel(), minlength=len(total))
            hits += np.bincount(place[image == label], minlength=len(total))
        axis = AXES.index(normal)
        for values in drawn:
            yield trial.sign()
            for section in np.moveaxis(values, axis, 0)[::6]:
                place = np.digitize(_depth(section + threshold > 0), bins)
                where = np.interp(section, knots, np.arange(len(knots)))
                low = np.minimum(where.astype(int), len(knots) - 2)
                for index, weight in ((low, low + 1 - where), (low + 1, where - low)):
                    np.add.at(mixture, (place.ravel(), index.ravel()), weight.ravel())
        if exemplars.isotropic:
            break
    seen = (np.arange(len(total)) > 0) & (total > 20) & (mixture.sum(1) > 20)
    rows = mixture[seen] / mixture[seen].sum(1, keepdims=True)
    measured = hits[seen] / total[seen]
    weight = np.sqrt(total[seen] / total[seen].sum())
    # Second differences keep the unfolding from oscillating; they weigh little against the data.
    smooth = 0.05 * np.diff(np.eye(len(knots)), 2, axis=0)
    found = lsq_linear(
        np.concatenate([rows * weight[:, None], smooth]),
        np.concatenate([measured * weight, np.zeros(len(smooth))]),
        bounds=(0, 1),
    )
    return found.x


def _texture(
    trial: Trial, exemplars: Exemplars, label: int, drawn: list[np.ndarray], threshold: float, level_of
) -> Job[GaussianField]:
    """Gaussian field Y whose coating has the two-point probability of the slices.

    Two points at a lag r belong to the coating with probability sum over n of rho(r)^n <A_n A_n(r)>,
    A_n = phi(t) He_(n-1)(t) / sqrt(n!), A_0 = Phi(t) (the tetrachoric series, Pearson 1900), with t = t(f)
    outside the coated phase and no coating inside.
    """
    along = exemplars.s2_along(label, LAGS)
    wanted = np.mean([along[axis] for axis in AXES], axis=0)
    rho = np.linspace(-0.95, 1, 79)
    powers = rho[:, None] ** np.arange(TERMS)
    products = np.zeros((TERMS, LAGS + 1))
    fraction = 0.0
    sections = [section for values in drawn for section in values[:: DRAWN // 8]]
    for section in sections:
        yield trial.sign(4 * TERMS * section.size)
        t = level_of(section)
        outside = section + threshold <= 0
        fraction += float(np.where(outside, ndtr(t), 0.0).mean()) / len(sections)
        density = np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)
        for n in range(TERMS):
            a = ndtr(t) if n == 0 else density * eval_hermitenorm(n - 1, t) / math.sqrt(math.factorial(n))
            table = s2_map(np.where(outside, a, 0.0).astype(np.float32), LAGS)
            products[n] += (table[:, LAGS] + table[0, LAGS:]) / 2 / len(sections)
    expected = powers @ products  # (rho, lag)
    # The drawn volumes' own fraction is not quite that of the slices.
    wanted = wanted * fraction / max(wanted[0], 1e-9)
    curve = [1.0] + [float(np.interp(wanted[r], expected[:, r], rho)) for r in range(1, LAGS + 1)]
    return GaussianField.waves(np.array(curve))
