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

    Two phases have one field, which favours phase 1. K > 2 phases have one field each.

    Attributes
    ----------
    phase_count : int
        K.
    fields : tuple of Field
        One for K = 2, else K.
    reason : str
        Why these families, in words for the user.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    phase_count: int
    fields: tuple[AnyField, ...]
    reason: str = ''

    @property
    def support(self) -> float:
        """Distance in voxels beyond which two values are independent."""
        return max(field.support for field in self.fields)

    def sample(self, shape: tuple[int, int, int], seed: int, *, periodic: bool) -> np.ndarray:
        """Draw all fields, float32 (F, Z, Y, X); the same for the same shape and seed on any machine."""
        return np.stack(
            [
                field.sample(shape, random_stream(seed, 1, index), periodic=periodic)
                for index, field in enumerate(self.fields)
            ]
        )

    def offsets(self, fractions: np.ndarray) -> np.ndarray:
        """Offsets (K,) by which the untrained prior has these fractions over the ensemble, exactly."""
        if self.phase_count == 2:
            return np.array([0.0, float(ndtri(fractions[1] / np.sum(fractions)))])
        return calibrate(_independent(self.phase_count), fractions)

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
    """Independent standard normal values (n, K): what the fields of the ensemble are."""
    return random_stream(0, 5).standard_normal((200_000, count))


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
    labels = [1] if exemplars.phase_count == 2 else list(range(exemplars.phase_count))
    fields: list[GrainField | GaussianField | NoiseField] = []
    reasons: list[str] = []
    for label in labels:
        scored = {
            name: (section_error(exemplars, label, field) + _isolated_pores(exemplars, label, field), field)
            for name, field in candidates(exemplars, label).items()
        }
        ranked = sorted(scored.items(), key=lambda item: item[1][0])
        best, (error, field) = ranked[0]
        fields.append(field)
        beaten = [f'; {name} {other:.3f}' for name, (other, f) in ranked if f.kind != field.kind][:1]
        reasons.append(f'phase {label}: {best} (section error {error:.3f}{"".join(beaten)})')
    return PriorModel(phase_count=exemplars.phase_count, fields=tuple(fields), reason='; '.join(reasons))


def noise_prior(phase_count: int) -> PriorModel:
    """White noise in place of structure, the baseline that other generators start from."""
    count = 1 if phase_count == 2 else phase_count
    return PriorModel(phase_count=phase_count, fields=(NoiseField(),) * count, reason='white noise, as asked')
