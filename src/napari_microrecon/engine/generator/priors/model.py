"""The structural prior of one material: a field per phase boundary, and how it was chosen."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Described
from scipy import ndimage
from scipy.special import ndtri

from ...voxels import AXES
from ..calibration import calibrate
from ..exemplar import Exemplars, lineal_path
from .fields import NoiseField, random_stream
from .gaussian import GaussianField
from .grains import GrainField

AnyField = Annotated[GrainField | GaussianField | NoiseField, Described(discriminator='kind')]


SMALLEST_GRAIN = 2.0  # voxels


class PriorModel(BaseModel):
    """Random fields that a volume inherits its three-dimensional structure from.

    Two phases have one field, which favours phase 1. K > 2 phases take their places one after the
    other, K - 1 fields in all: the phase that a field describes best first (the particles), the next
    one in what is left (the binder), the last fills the rest (the pores). So the shape of the first
    is not broken by the others.

    Attributes
    ----------
    phase_count : int
        K.
    fields : tuple of Field
        K - 1.
    order : tuple of int
        Phase labels in the order in which they take their places; the last one has no field.
    thresholds : tuple of float
        Added to each field: the phase takes what is positive.
    reason : str
        Why these families, in words for the user.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    phase_count: int
    fields: tuple[AnyField, ...]
    order: tuple[int, ...] = ()
    thresholds: tuple[float, ...] = ()
    reason: str = ''

    @property
    def channels(self) -> int:
        """Channels F that `sample` returns: the field itself for two phases, else K phase logits."""
        return 1 if self.phase_count == 2 else self.phase_count

    @property
    def support(self) -> float:
        """Distance in voxels beyond which two values are independent."""
        return max(field.support for field in self.fields)

    def sample(self, shape: tuple[int, int, int], seed: int, *, periodic: bool) -> np.ndarray:
        """Draw the prior, float32 (F, Z, Y, X); the same for the same shape and seed on any machine."""
        fields = np.stack(
            [
                field.sample(shape, random_stream(seed, 1, index), periodic=periodic)
                for index, field in enumerate(self.fields)
            ]
        )
        return fields if self.phase_count == 2 else nest(fields, self.order, self.thresholds)

    def offsets(self, fractions: np.ndarray) -> np.ndarray:
        """Offsets (K,) by which the untrained prior has these fractions over the ensemble, exactly."""
        if self.phase_count == 2:
            return np.array([0.0, float(ndtri(fractions[1] / np.sum(fractions)))])
        return _ensemble_offsets(self.order, self.thresholds, tuple(float(f) for f in fractions))

    def fractions_of(self, sample: np.ndarray, fractions: np.ndarray) -> np.ndarray:
        """Fractions (K,) that the prior, calibrated to `fractions`, has on a sample of its fields (n, F)."""
        labels = (self.logits(sample.T).T + self.offsets(fractions)).argmax(1)
        return np.bincount(labels, minlength=self.phase_count) / len(labels)

    def logits(self, fields: np.ndarray) -> np.ndarray:
        """Untrained phase logits (K, ...) of fields (F, ...); their argmax needs calibrated offsets."""
        if self.phase_count == 2:
            return np.concatenate([np.zeros_like(fields), fields])
        return fields


@lru_cache(maxsize=8)
def _independent(count: int) -> np.ndarray:
    """Independent standard normal values (n, count): what the fields of the ensemble are."""
    return random_stream(0, 5).standard_normal((50_000, count))


@lru_cache(maxsize=64)
def _ensemble_offsets(
    order: tuple[int, ...], thresholds: tuple[float, ...], fractions: tuple[float, ...]
) -> np.ndarray:
    logits = nest(_independent(len(thresholds)).T, order, thresholds)
    return calibrate(logits.T.astype(float), np.array(fractions))


def nest(fields: np.ndarray, order: tuple[int, ...], thresholds: tuple[float, ...]) -> np.ndarray:
    """Logits (K, ...) whose largest is the first phase in `order` with a positive field (K - 1, ...), else the last."""
    logits = np.empty((len(order), *fields.shape[1:]), np.float32)
    rest: np.ndarray | None = None
    for label, field, threshold in zip(order[:-1], fields, thresholds, strict=True):
        own = field + np.float32(threshold)
        logits[label] = own if rest is None else np.minimum(rest, own)
        rest = -own if rest is None else np.minimum(rest, -own)
    logits[order[-1]] = rest
    return logits


def candidates(exemplars: Exemplars, label: int) -> dict[str, GrainField | GaussianField]:
    """Prior families fitted to one phase of the slices, by name."""
    phi = float(np.mean([(image == label).mean() for images in exemplars.images.values() for image in images]))
    edges_of = exemplars.edge_density(label)
    edges = (edges_of['z'], edges_of['y'], edges_of['x'])
    lengths = exemplars.correlation_length(label)
    mean_length = math.prod(lengths.values()) ** (1 / 3)
    stretch = tuple(lengths[axis] / mean_length for axis in AXES)
    reach = min(exemplars.smallest // 2, 48)
    along = exemplars.s2_along(label, reach)
    # Pool the axes in the stretched metric, so that one table serves all directions.
    lags = np.arange(reach + 1)
    pooled = np.mean([np.interp(lags, lags / s, along[axis]) for axis, s in zip(AXES, stretch, strict=True)], axis=0)
    found: dict[str, GrainField | GaussianField] = {
        'Gaussian field': GaussianField.fit(pooled, phi, (stretch[0], stretch[1], stretch[2]))
    }
    for spread, words in ((0.0, 'equal grains'), (0.35, 'grains of mixed size')):
        grains = GrainField.fit(phi, edges, spread=spread)
        inverse = GrainField.fit(1 - phi, edges, spread=spread, grains_favoured=True)
        for name, field in ((words, grains), (f'{words} of this phase', inverse)):
            # Grains of a pixel or two are noise, and drawing millions of them takes minutes.
            if field.radius >= SMALLEST_GRAIN:
                found[name] = field
    return found


def section_error(
    exemplars: Exemplars, label: int, field: GrainField | GaussianField, *, size: int = 96, draws: int = 2
) -> float:
    """How far sections of the thresholded field lie from the slices; dimensionless, 0 is best.

    Mean over axes and both sides (phase and complement) of |L_prior - L_slice| / fraction up to the
    lag where the slice's own lineal path L has fallen to 2 %, plus a quarter of the relative error
    of the face density, plus 0.15 of the log ratio of the number of separate areas of the phase.
    That number tells pores between grains (few, branched areas) from pores that are themselves
    grains (many round areas), which percolate quite differently in three dimensions; half of the
    mean difference of the distributions of the distance to the boundary, on both sides, does so
    too. Two-point statistics are left out: the Gaussian field has them by construction.
    """
    phi = float(np.mean([(image == label).mean() for images in exemplars.images.values() for image in images]))
    reach = min(exemplars.smallest // 2, size // 2)
    draws_of = [field.sample((size, size, size), random_stream(0, 2, i), periodic=False) for i in range(draws)]
    volumes = [values > np.quantile(values, 1 - phi) for values in draws_of]
    wanted = exemplars.edge_density(label)
    errors: list[float] = []
    faces: list[float] = []
    areas: list[float] = []
    depths: list[float] = []
    for normal, images in exemplars.images.items():
        across = AXES.index(normal)
        mine = [np.take(volume, i, across) for volume in volumes for i in range(0, size, size // 8)]
        theirs = [image == label for image in images]
        areas.append(abs(math.log(_areas(mine) / _areas(theirs))))
        for side in (True, False):
            gap = _depths([m == side for m in mine]) - _depths([t == side for t in theirs])
            depths.append(float(np.abs(gap).mean()))
        inplane = [axis for axis in range(3) if AXES[axis] != normal]
        for position, axis in enumerate(inplane):
            edges = float(np.mean([np.diff(volume, axis=axis).mean() for volume in volumes]))
            faces.append(abs(edges / wanted[AXES[axis]] - 1))
            for side in (True, False):
                target = np.mean([lineal_path((i == label) == side, position, reach) for i in images], axis=0)
                got = np.mean([lineal_path(volume == side, axis, reach) for volume in volumes], axis=0)
                span = max(int((target > 0.02 * target[0]).sum()), 3)
                errors.append(float(np.abs(got - target)[:span].mean() / max(target[0], 1e-3)))
        if exemplars.isotropic:
            break
    return float(np.mean(errors) + np.mean(faces) / 4 + 0.15 * np.mean(areas) + np.mean(depths))


def _isolated_pores(exemplars: Exemplars, label: int, field: GrainField | GaussianField) -> float:
    """Handicap of pores that are themselves grains: sections hardly show it, but most pore space is connected."""
    if exemplars.pore is None or not isinstance(field, GrainField):
        return 0.0
    return 0.03 if (label == exemplars.pore) == field.grains_favoured else 0.0


def _areas(sections: list[np.ndarray]) -> float:
    """Separate areas of a phase per pixel, those cut by the edge counted half."""
    total = 0.0
    for section in sections:
        clusters, count = ndimage.label(section)
        rim = np.unique(np.concatenate([clusters[0], clusters[-1], clusters[:, 0], clusters[:, -1]]))
        total += count - 0.5 * int((rim > 0).sum())
    return max(total, 0.5) / sum(section.size for section in sections)


def _depths(masks: list[np.ndarray], longest: int = 12) -> np.ndarray:
    """Share of the pixels of a mask that lie deeper than 1, 2, ... pixels below its border."""
    depths = np.concatenate([ndimage.distance_transform_edt(mask)[mask] for mask in masks])
    return np.array([(depths > t).mean() if len(depths) else 0.0 for t in range(1, longest)])


def choose_prior(exemplars: Exemplars) -> PriorModel:
    """Fit every family to every phase and keep the one whose sections are nearest the slices."""
    count = exemplars.phase_count
    best: dict[int, tuple[float, GrainField | GaussianField]] = {}
    reasons: dict[int, str] = {}
    for label in [1] if count == 2 else range(count):
        scored = {
            name: (section_error(exemplars, label, field) + _isolated_pores(exemplars, label, field), field)
            for name, field in candidates(exemplars, label).items()
        }
        ranked = sorted(scored.items(), key=lambda item: item[1][0])
        name, best[label] = ranked[0]
        beaten = [f'; {other} {error:.3f}' for other, (error, f) in ranked if f.kind != best[label][1].kind][:1]
        reasons[label] = f'phase {label}: {name} (section error {best[label][0]:.3f}{"".join(beaten)})'
    if count == 2:
        return PriorModel(phase_count=2, fields=(best[1][1],), order=(1, 0), thresholds=(0.0,), reason=reasons[1])
    order = tuple(sorted(best, key=lambda label: best[label][0]))
    fields: list[GrainField | GaussianField] = []
    thresholds: list[float] = []
    for index, label in enumerate(order[:-1]):
        left = 1.0 - sum(exemplars.fractions[list(order[:index])])
        share = float(np.clip(exemplars.fractions[label] / left, 1e-3, 1 - 1e-3))
        field = best[label][1]
        if index and isinstance(field, GrainField):
            # Refit to what the earlier phases leave over.
            e = exemplars.edge_density(label, without=order[:index])
            inside = share if not field.grains_favoured else 1 - share
            field = GrainField.fit(
                inside, (e['z'], e['y'], e['x']), spread=field.spread, grains_favoured=field.grains_favoured
            )
        fields.append(field)
        thresholds.append(float(ndtri(share)))
    told = [reasons[label] for label in order[:-1]] + [f'phase {order[-1]}: what is left']
    return PriorModel(
        phase_count=count,
        fields=tuple(fields),
        order=order,
        thresholds=tuple(thresholds),
        reason='; '.join(told),
    )


def noise_prior(phase_count: int) -> PriorModel:
    """White noise in place of structure, the baseline that other generators start from."""
    return PriorModel(
        phase_count=phase_count,
        fields=(NoiseField(),) * (phase_count - 1),
        order=tuple(range(phase_count)) if phase_count > 2 else (1, 0),
        thresholds=tuple(float(ndtri(1 / (phase_count - i))) for i in range(phase_count - 1)),
        reason='white noise, as asked',
    )
