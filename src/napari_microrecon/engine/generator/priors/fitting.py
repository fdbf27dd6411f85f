"""Which structural prior a material gets: every family is fitted, and the sections decide."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri

from ...voxels import AXES
from ..exemplar import Exemplars
from .cells import CellField
from .coating import CoatingField
from .fields import NoiseField, levelled, random_stream
from .gaussian import GaussianField
from .grains import GrainField
from .model import PriorModel, combine, nest
from .sections import interface_distance, section_distance

SMALLEST_GRAIN = 2.0  # voxels
ENOUGH_GRAINS = 1000  # in a volume whose sections are measured
SMALLEST_CELL = 6.0  # voxels
NEAR = 1.7  # times the least error
MIXED = 0.35  # standard deviation of ln(radius)
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
    found |= grains(phi, edges, 0.0)
    found |= cells(phi, edges, 0.0)
    return found


def grains(phi: float, edges: tuple[float, float, float], spread: float) -> dict[str, Candidate]:
    """Grains of the other phases, or of this phase, by name; `spread` of the logarithm of their size."""
    words = 'grains of mixed size' if spread else 'equal grains'
    found = {
        words: GrainField.fit(phi, edges, spread=spread),
        f'{words} of this phase': GrainField.fit(1 - phi, edges, spread=spread, grains_favoured=True),
    }
    # Grains of a pixel or two are noise, and drawing millions of them takes minutes.
    return {name: field for name, field in found.items() if field.radius >= SMALLEST_GRAIN}


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
    """How far sections of the thresholded field lie from the slices; dimensionless, 0 is best."""
    phi = _fraction(exemplars, label)
    if isinstance(field, GrainField):
        size = min(size, max(round((ENOUGH_GRAINS / field.density) ** (1 / 3)), 48))
    # As many voxels for every material, but longer along the axes that it is stretched along.
    nz, ny, nx = (max(round(size * s), 32) for s in field.stretch)
    drawn = [field.sample((nz, ny, nx), random_stream(0, 2, i), periodic=False) for i in range(draws)]
    return section_distance(exemplars, label, [values > np.quantile(values, 1 - phi) for values in drawn])


def _isolated_pores(exemplars: Exemplars, label: int, field: Candidate) -> float:
    """Handicap of pores that are themselves grains: sections hardly show it, but most pore space is connected."""
    if exemplars.pore is None or not isinstance(field, GrainField):
        return 0.0
    return 0.03 if (label == exemplars.pore) == field.grains_favoured else 0.0


def _rank(exemplars: Exemplars, label: int) -> list[tuple[str, tuple[float, Candidate]]]:
    """Candidates with their section errors, best first."""

    def scored(fields: dict[str, Candidate], draws: int) -> dict[str, tuple[float, Candidate]]:
        return {
            name: (
                section_error(exemplars, label, field, draws=draws) + _isolated_pores(exemplars, label, field),
                field,
            )
            for name, field in fields.items()
        }

    # One draw tells what is out of the question; two rank the rest.
    found = scored(candidates(exemplars, label), 1)
    least = min(error for error, _ in found.values())
    near = {name: field for name, (error, field) in found.items() if error < NEAR * least}
    phi, edges = _fraction(exemplars, label), _edges(exemplars, label)
    sides = {field.grains_favoured for field in near.values() if isinstance(field, GrainField)}
    variants = grains(phi, edges, MIXED) if sides else {}
    near |= {n: f for n, f in variants.items() if isinstance(f, GrainField) and f.grains_favoured in sides}
    if any(isinstance(field, CellField) for field in near.values()):
        near |= cells(phi, edges, EVEN)
    found |= scored(near, 2)
    ranked = sorted(found.items(), key=lambda item: item[1][0])
    return ranked


def choose_prior(exemplars: Exemplars) -> PriorModel:
    """Fit every family to every phase and keep the one whose sections are nearest the slices.

    Three phases and more are put together in several ways: one inside what the other leaves over, or as a coating
    of the phase that is described best. Whole volumes are then set against the slices.
    """
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
    families = {label: field for label, (_, field) in best.items()}
    plain = _assemble(exemplars, families, order)
    told = '; '.join([reasons[label] for label in order[:-1]] + [f'phase {order[-1]}: what is left'])
    nested = error = model_error(exemplars, plain)
    chosen, reason = plain, told
    for label in order[1:]:
        sequence = (order[0], label, *(other for other in order[1:] if other != label))
        coated = _assemble(exemplars, families, sequence, coating=True)
        coat = coated.fields[1]
        # The same thing said of the other phase: it thins out where the coating is dense.
        hugs = isinstance(coat, CoatingField) and coat.hugs
        found = model_error(exemplars, coated)
        if found < error:
            others = [reasons[other] for other in sequence[2:-1]]
            what = 'coating of' if hugs else 'denser away from'
            errors = f'(volume error {found:.3f}; independent of it {nested:.3f})'
            words = f'phase {label}: {what} phase {order[0]} {errors}'
            reason = '; '.join([reasons[order[0]], words, *others, f'phase {sequence[-1]}: what is left'])
            chosen, error = coated, found
    return chosen.model_copy(update={'reason': reason})


def model_error(exemplars: Exemplars, model: PriorModel, *, size: int = 80) -> float:
    """How far sections of volumes of an untrained model of three and more phases lie from the slices; 0 is best."""
    first = model.fields[0]
    stretch = (1.0, 1.0, 1.0) if isinstance(first, NoiseField) else first.stretch
    nz, ny, nx = (max(round(size * s), 32) for s in stretch)
    drawn = [
        levelled(field.sample((nz, ny, nx), random_stream(0, 1, index), periodic=False))
        for index, field in enumerate(model.fields)
    ]
    volume = nest(combine(model.fields, drawn), model.order, model.thresholds).argmax(0)
    # The first phase is the same in all models that are compared.
    errors = [section_distance(exemplars, label, [volume == label]) for label in model.order[1:]]
    return float(np.mean(errors)) + interface_distance(exemplars, [volume])


def _assemble(
    exemplars: Exemplars, families: dict[int, Candidate], order: tuple[int, ...], *, coating: bool = False
) -> PriorModel:
    """Phases in this order, each in what the earlier ones leave; the second as a coating of the first if so asked."""
    fields: list[Candidate | CoatingField] = []
    thresholds: list[float] = []
    for index, label in enumerate(order[:-1]):
        left = 1.0 - sum(exemplars.fractions[list(order[:index])])
        share = float(np.clip(exemplars.fractions[label] / left, 1e-3, 1 - 1e-3))
        field: Candidate | CoatingField = families[label]
        if index == 1 and coating:
            field = CoatingField.fit(exemplars, label, order[0], families[order[0]], thresholds[0])
        elif index and isinstance(field, GrainField):
            # Refit to what the earlier phases leave over.
            e = exemplars.edge_density(label, without=order[:index])
            inside = share if not field.grains_favoured else 1 - share
            field = GrainField.fit(
                inside, (e['z'], e['y'], e['x']), spread=field.spread, grains_favoured=field.grains_favoured
            )
        fields.append(field)
        thresholds.append(float(ndtri(share)))
    return PriorModel(
        phase_count=exemplars.phase_count, fields=tuple(fields), order=order, thresholds=tuple(thresholds)
    )
