"""How near a candidate for the prior of one phase comes to the slices: by sections of volumes that are drawn."""

from __future__ import annotations

import math

import numpy as np

from ...progress import Job, drain
from ..exemplar import Exemplars
from ..random_streams import Stream, random_stream
from .cells import CellField
from .dendrites import DendriteField
from .effort import Effort, Trial
from .fields import drawn_shape
from .gaussian import GaussianField
from .grains import GrainField
from .sections import percolating_fraction, section_distance

DRAWS = 3  # volumes that decide between families
ENOUGH_GRAINS, LARGEST = 1000, 128  # in a volume whose sections are measured, as far as its edge in voxels allows
STEMS = 4  # side by side in such a volume
ISOLATED = 0.3  # handicap of pores none of which percolate
VARIETY = 0.02  # handicap of grains of mixed size, as the draws scatter
CURVED = 0.01  # handicap of bent boundaries, which are judged on the same draws as straight ones

Candidate = GrainField | CellField | DendriteField | GaussianField
Scored = dict[str, tuple[float, Candidate]]


def edges_of(exemplars: Exemplars, label: int) -> tuple[float, float, float]:
    """Phase changes per voxel along z, y and x."""
    found = exemplars.edge_density(label)
    return found['z'], found['y'], found['x']


def fraction_of(exemplars: Exemplars, label: int) -> float:
    """Fraction of a phase in all slices."""
    return float(np.mean([(image == label).mean() for images in exemplars.images.values() for image in images]))


def section_error(
    exemplars: Exemplars, label: int, field: Candidate, *, size: int | None = None, draws: int = 2
) -> float:
    """As `judged`, without a sign of life."""
    return drain(judged(exemplars, label, field, Trial(field.kind), size=size, draws=draws))


def judged(
    exemplars: Exemplars, label: int, field: Candidate, trial: Trial, *, size: int | None = None, draws: int = 2
) -> Job[float]:
    """How far sections of the thresholded field lie from the slices; dimensionless, 0 is best.

    Sections hardly show whether pores hang together in three dimensions, but most pore space does: grains and
    Gaussian fields that leave pores isolated are handicapped. So are those of one parameter more, as the draws scatter.
    """
    phi = fraction_of(exemplars, label)
    masks = yield from drawn_masks(field, size or measured_edge(field), phi, draws, trial)
    error = yield from section_distance(exemplars, label, masks, trial)
    if isinstance(field, GrainField):
        error += VARIETY * (field.spread > 0) + CURVED * (field.bent > 0)
    if isinstance(field, (GrainField, GaussianField)) and exemplars.pore is not None:
        pores = masks if label == exemplars.pore else [~mask for mask in masks]
        if label == exemplars.pore or exemplars.phase_count == 2:
            connected: list[float] = []
            for pore in pores:
                yield trial.sign(pore.size / 4)
                connected.append(percolating_fraction(pore))
            error += ISOLATED * (1 - float(np.mean(connected)))
    return error


def measured_edge(field: Candidate) -> int:
    """Of volumes that tell enough of a field, before they are stretched; voxels."""
    if isinstance(field, DendriteField):
        return min(LARGEST, max(round(STEMS * field.spacing), 48))
    if isinstance(field, GrainField):
        return min(LARGEST, max(round(ENOUGH_GRAINS ** (1 / 3) * field.spacing), 48))
    return 96


def drawn_masks(field: Candidate, size: int, phi: float, draws: int, trial: Trial) -> Job[list[np.ndarray]]:
    """Phase of the fraction `phi` in some drawn volumes, bool."""
    shape = drawn_shape(size, field.stretch)
    masks: list[np.ndarray] = []
    for index in range(draws):
        yield trial.sign(field.work * math.prod(shape))
        values = field.around(shape, random_stream(0, Stream.CANDIDATES, index), phi)
        masks.append(values > np.quantile(values, 1 - phi))
    return masks


def scored(exemplars: Exemplars, label: int, fields: dict[str, Candidate], draws: int, effort: Effort) -> Job[Scored]:
    """Section errors and fields by name, of as many as the effort allows, but the first in any case."""
    found: Scored = {}
    for name, field in fields.items():
        if not found or effort.allows(name):
            error = yield from judged(exemplars, label, field, effort.trial(name), draws=draws)
            found[name] = error, field
    return found


def least(found: Scored) -> float:
    """Smallest error."""
    return min(error for error, _ in found.values())
