"""How near a candidate for the prior of one phase comes to the slices: by sections of volumes that are drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ...progress import Job, drain
from ...statistics.percolation import Clusters
from ..exemplar import Exemplars
from ..random_streams import Stream, random_stream
from .effort import Effort, Trial
from .fields import Field, drawn_shape
from .sections import section_distance

DRAWS = 3  # volumes that decide between families
ISOLATED = 0.3  # handicap of pores none of which percolate

Scored = Mapping[str, tuple[float, Field]]  # section error and field by name


def edges_of(exemplars: Exemplars, label: int) -> tuple[float, float, float]:
    """Phase changes per voxel along z, y and x."""
    found = exemplars.edge_density(label)
    return found['z'], found['y'], found['x']


def fraction_of(exemplars: Exemplars, label: int) -> float:
    """Fraction of a phase in all slices."""
    return float(np.mean([(image == label).mean() for images in exemplars.images.values() for image in images]))


def section_error(exemplars: Exemplars, label: int, field: Field, *, size: int | None = None, draws: int = 2) -> float:
    """As `judged`, without a sign of life."""
    return drain(judged(exemplars, label, field, Trial(field.kind), size=size, draws=draws))


def judged(
    exemplars: Exemplars, label: int, field: Field, trial: Trial, *, size: int | None = None, draws: int = 2
) -> Job[float]:
    """How far sections of the thresholded field lie from the slices; dimensionless, 0 is best.

    Sections hardly show whether pores hang together in three dimensions, but most pore space does: fields that leave
    pores isolated are handicapped. So are those of one parameter more, as the draws scatter.
    """
    phi = fraction_of(exemplars, label)
    masks = yield from drawn_masks(field, size or field.measured_edge, phi, draws, trial)
    error = yield from section_distance(exemplars, label, masks, trial)
    error += field.handicap
    if field.may_isolate and exemplars.pore is not None:
        pores = masks if label == exemplars.pore else [~mask for mask in masks]
        if label == exemplars.pore or exemplars.phase_count == 2:
            connected: list[float] = []
            for pore in pores:
                yield trial.sign(pore.size / 4)
                connected.append(float(np.mean(Clusters.of(pore).percolating_fractions())))
            error += ISOLATED * (1 - float(np.mean(connected)))
    return error


def drawn_masks(field: Field, size: int, phi: float, draws: int, trial: Trial) -> Job[list[np.ndarray]]:
    """Phase of the fraction `phi` in some drawn volumes, bool."""
    shape = drawn_shape(size, field.proportions)
    masks: list[np.ndarray] = []
    for index in range(draws):
        yield trial.sign(field.work * math.prod(shape))
        values = field.around(shape, random_stream(0, Stream.CANDIDATES, index), phi)
        masks.append(values > np.quantile(values, 1 - phi))
    return masks


def scored(
    exemplars: Exemplars, label: int, fields: Mapping[str, Field], draws: int, effort: Effort
) -> Job[dict[str, tuple[float, Field]]]:
    """Section errors and fields by name, of as many as the effort allows, but the first in any case."""
    found: dict[str, tuple[float, Field]] = {}
    for name, field in fields.items():
        if not found or effort.allows(name):
            error = yield from judged(exemplars, label, field, effort.trial(name), draws=draws)
            found[name] = error, field
    return found


def least(found: Scored) -> float:
    """Smallest error; infinite of none."""
    return min((error for error, _ in found.values()), default=math.inf)
