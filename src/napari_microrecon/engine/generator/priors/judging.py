"""How near a candidate for the prior of one phase comes to the slices: by sections of volumes that are drawn."""

from __future__ import annotations

import numpy as np

from ...progress import Job, Progress
from ..exemplar import Exemplars
from .cells import CellField
from .dendrites import DendriteField
from .fields import random_stream
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
    """How far sections of the thresholded field lie from the slices; dimensionless, 0 is best.

    Sections hardly show whether pores hang together in three dimensions, but most pore space does: grains and
    Gaussian fields that leave pores isolated are handicapped. So are those of one parameter more, as the draws scatter.
    """
    phi = fraction_of(exemplars, label)
    if size is None:
        size = 96
        if isinstance(field, DendriteField):
            size = min(LARGEST, max(round(STEMS * field.spacing), 48))
        if isinstance(field, GrainField):
            size = min(LARGEST, max(round(ENOUGH_GRAINS ** (1 / 3) * field.spacing), 48))
    # As many voxels for every material, but longer along the axes that it is stretched along.
    nz, ny, nx = (max(round(size * s), 32) for s in field.stretch)
    drawn = [field.around((nz, ny, nx), random_stream(0, 2, i), phi) for i in range(draws)]
    masks = [values > np.quantile(values, 1 - phi) for values in drawn]
    error = section_distance(exemplars, label, masks)
    if isinstance(field, GrainField):
        error += VARIETY * (field.spread > 0) + CURVED * (field.bent > 0)
    if isinstance(field, (GrainField, GaussianField)) and exemplars.pore is not None:
        pores = masks if label == exemplars.pore else [~mask for mask in masks]
        if label == exemplars.pore or exemplars.phase_count == 2:
            error += ISOLATED * (1 - float(np.mean([percolating_fraction(pore) for pore in pores])))
    return error


def scored(exemplars: Exemplars, label: int, fields: dict[str, Candidate], draws: int) -> Job[Scored]:
    """Section errors and fields by name."""
    found: Scored = {}
    for name, field in fields.items():
        yield sign(name)
        found[name] = section_error(exemplars, label, field, draws=draws), field
    return found


def sign(name: str) -> Progress:
    """Sign of life: what is being tried."""
    return Progress('fitting the structural prior', note=name)


def least(found: Scored) -> float:
    """Smallest error."""
    return min(error for error, _ in found.values())
