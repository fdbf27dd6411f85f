"""Which structural prior a material gets: every family is fitted, and the sections decide."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage
from scipy.special import ndtri

from ...voxels import AXES
from ..exemplar import Exemplars, lineal_path
from .cells import CellField
from .fields import random_stream
from .gaussian import GaussianField
from .grains import GrainField
from .model import PriorModel

SMALLEST_GRAIN = 2.0  # voxels
SMALLEST_CELL = 6.0  # voxels
EVEN = 0.75  # least distance of two seeds in mean spacings; most random packings get no closer to order
THICKEST_WALLS = 0.5  # fraction of the volume; what lies between more of it are scattered polyhedra, not cells

Candidate = GrainField | CellField | GaussianField


def _edges(exemplars: Exemplars, label: int) -> tuple[float, float, float]:
    found = exemplars.edge_density(label)
    return found['z'], found['y'], found['x']


def _fraction(exemplars: Exemplars, label: int) -> float:
    return float(np.mean([(image == label).mean() for images in exemplars.images.values() for image in images]))


def candidates(exemplars: Exemplars, label: int) -> dict[str, Candidate]:
    """Prior families fitted to one phase of the slices, by name."""
    phi = _fraction(exemplars, label)
    edges = _edges(exemplars, label)
    lengths = exemplars.correlation_length(label)
    mean_length = math.prod(lengths.values()) ** (1 / 3)
    stretch = tuple(lengths[axis] / mean_length for axis in AXES)
    reach = min(exemplars.smallest // 2, 48)
    along = exemplars.s2_along(label, reach)
    # Pool the axes in the stretched metric, so that one table serves all directions.
    lags = np.arange(reach + 1)
    pooled = np.mean([np.interp(lags, lags / s, along[axis]) for axis, s in zip(AXES, stretch, strict=True)], axis=0)
    found: dict[str, Candidate] = {
        'Gaussian field': GaussianField.fit(pooled, phi, (stretch[0], stretch[1], stretch[2]))
    }
    for spread, words in ((0.0, 'equal grains'), (0.35, 'grains of mixed size')):
        grains = GrainField.fit(phi, edges, spread=spread)
        inverse = GrainField.fit(1 - phi, edges, spread=spread, grains_favoured=True)
        for name, field in ((words, grains), (f'{words} of this phase', inverse)):
            # Grains of a pixel or two are noise, and drawing millions of them takes minutes.
            if field.radius >= SMALLEST_GRAIN:
                found[name] = field
    found |= cells(phi, edges, 0.0)
    return found


def cells(phi: float, edges: tuple[float, float, float], apart: float) -> dict[str, Candidate]:
    """Cells behind walls of this phase, or of this phase behind walls of the others, by name."""
    words = 'even cells' if apart else 'random cells'
    found: dict[str, Candidate] = {}
    for name, filled, walls in ((f'walls of {words}', phi, True), (words, 1 - phi, False)):
        if filled > THICKEST_WALLS:
            continue
        field = CellField.fit(filled, edges, apart=apart, walls_favoured=walls)
        if field.spacing * min(field.stretch) >= SMALLEST_CELL:
            found[name] = field
    return found


def section_error(exemplars: Exemplars, label: int, field: Candidate, *, size: int = 96, draws: int = 2) -> float:
    """How far sections of the thresholded field lie from the slices; dimensionless, 0 is best.

    Mean over axes and both sides (phase and complement) of |L_prior - L_slice| / fraction up to the
    lag where the slice's own lineal path L has fallen to 2 %, plus a quarter of the relative error
    of the face density, plus 0.15 of the log ratio of the number of separate areas of the phase.
    That number tells pores between grains (few, branched areas) from pores that are themselves
    grains (many round areas), which percolate quite differently in three dimensions; half of the
    mean difference of the distributions of the distance to the boundary, on both sides, does so
    too. Two-point statistics are left out: the Gaussian field has them by construction.
    """
    phi = _fraction(exemplars, label)
    # As many voxels for every material, but longer along the axes that it is stretched along.
    nz, ny, nx = (max(round(size * s), 32) for s in field.stretch)
    shape = (nz, ny, nx)
    reach = [min(exemplars.smallest, n) // 2 for n in shape]
    draws_of = [field.sample(shape, random_stream(0, 2, i), periodic=False) for i in range(draws)]
    volumes = [values > np.quantile(values, 1 - phi) for values in draws_of]
    wanted = exemplars.edge_density(label)
    errors: list[float] = []
    faces: list[float] = []
    areas: list[float] = []
    depths: list[float] = []
    for normal, images in exemplars.images.items():
        across = AXES.index(normal)
        mine = [np.take(volume, i, across) for volume in volumes for i in range(0, shape[across], shape[across] // 8)]
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
                target = np.mean([lineal_path((i == label) == side, position, reach[axis]) for i in images], axis=0)
                got = np.mean([lineal_path(volume == side, axis, reach[axis]) for volume in volumes], axis=0)
                span = max(int((target > 0.02 * target[0]).sum()), 3)
                errors.append(float(np.abs(got - target)[:span].mean() / max(target[0], 1e-3)))
        if exemplars.isotropic:
            break
    return float(np.mean(errors) + np.mean(faces) / 4 + 0.15 * np.mean(areas) + np.mean(depths))


def _isolated_pores(exemplars: Exemplars, label: int, field: Candidate) -> float:
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


def _rank(exemplars: Exemplars, label: int) -> list[tuple[str, tuple[float, Candidate]]]:
    """Candidates with their section errors, best first."""

    def scored(found: dict[str, Candidate]) -> list[tuple[str, tuple[float, Candidate]]]:
        errors = {
            name: section_error(exemplars, label, field) + _isolated_pores(exemplars, label, field)
            for name, field in found.items()
        }
        return [(name, (errors[name], field)) for name, field in found.items()]

    ranked = sorted(scored(candidates(exemplars, label)), key=lambda item: item[1][0])
    if isinstance(ranked[0][1][1], CellField):
        # Only worth the second it takes where the material is made of cells at all.
        even = cells(_fraction(exemplars, label), _edges(exemplars, label), EVEN)
        ranked = sorted([*ranked, *scored(even)], key=lambda item: item[1][0])
    return ranked


def choose_prior(exemplars: Exemplars) -> PriorModel:
    """Fit every family to every phase and keep the one whose sections are nearest the slices."""
    count = exemplars.phase_count
    best: dict[int, tuple[float, Candidate]] = {}
    reasons: dict[int, str] = {}
    for label in [1] if count == 2 else range(count):
        ranked = _rank(exemplars, label)
        name, best[label] = ranked[0]
        beaten = [f'; {other} {error:.3f}' for other, (error, f) in ranked if f.kind != best[label][1].kind][:1]
        reasons[label] = f'phase {label}: {name} (section error {best[label][0]:.3f}{"".join(beaten)})'
    if count == 2:
        return PriorModel(phase_count=2, fields=(best[1][1],), order=(1, 0), thresholds=(0.0,), reason=reasons[1])
    order = tuple(sorted(best, key=lambda label: best[label][0]))
    fields: list[Candidate] = []
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
