"""Which structural prior a material gets: every family is fitted, and the sections decide."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri

from ...progress import Job, drain
from ...voxels import AXES
from ..exemplar import Exemplars
from .cells import CellField
from .coating import CoatingField
from .evenness import evened
from .fields import NoiseField, levelled, random_stream
from .forms import formed_grains
from .gaussian import GaussianField
from .grain_sizes import equal_grains, refined_grains
from .grains import GrainField
from .growth import grown_dendrites, rows_of_arms
from .judging import DRAWS, Candidate, Scored, edges_of, fraction_of, least, scored, section_error, sign
from .model import PriorModel, combine, nest
from .sections import interface_distance, section_distance

SMALLEST_CELL = 6.0  # voxels
BADLY, QUICK = 0.2, 64  # least error, above which plates and needles are tried, first in volumes with this edge
NEAR = 1.7  # times the least error
REFINED = 2  # phases of many
EVEN = 0.75  # least distance of two seeds in mean spacings; most random packings get no closer to order
THICKEST_WALLS = 0.5  # fraction of the volume; what lies between more of it are scattered polyhedra, not cells

_REMEMBERED = 8

_chosen: dict[str, PriorModel] = {}  # by the digest of the slices


def candidates(exemplars: Exemplars, label: int) -> dict[str, Candidate]:
    """Prior families fitted to one phase of the slices, by name."""
    phi = fraction_of(exemplars, label)
    edges = edges_of(exemplars, label)
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
    found |= equal_grains(phi, edges)
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


def dendrites(exemplars: Exemplars, label: int) -> dict[str, Candidate]:
    """Dendrites of the phase and of the others, by name, where the slices show rows of arms."""
    rows = rows_of_arms(exemplars, label)
    if rows is None:
        return {}
    return {
        name: grown_dendrites(exemplars, label, rows, favoured=favoured)
        for name, favoured in (('dendrites of this phase', True), ('dendrites', False))
    }


def _refine(exemplars: Exemplars, label: int, found: Scored) -> Job[Scored]:
    """Candidates that are not out of the question, in all variants, judged on more draws; the others as found."""
    near = {name: field for name, (error, field) in found.items() if error < NEAR * least(found)}
    found = dict(found)
    phi, edges = fraction_of(exemplars, label), edges_of(exemplars, label)
    strewn: dict[str, tuple[float, GrainField]] = {}
    for name, field in list(near.items()):
        if isinstance(field, GrainField):
            strewn[name] = found.pop(name)[0], field
            del near[name]
    if any(isinstance(field, CellField) for field in near.values()):
        near |= cells(phi, edges, EVEN)
    found |= yield from scored(exemplars, label, near, DRAWS)
    if strewn:
        found |= yield from refined_grains(exemplars, label, strewn, least(found) if found else math.inf)
    found |= yield from scored(exemplars, label, dendrites(exemplars, label), DRAWS)
    if least(found) > BADLY and strewn:
        forms: Scored = {}
        for favoured in (True, False):
            for name, form in formed_grains(phi, edges, favoured=favoured):
                yield sign(name)
                forms[name] = section_error(exemplars, label, form, size=QUICK, draws=1), form
        name, (_, form) = min(forms.items(), key=lambda item: item[1][0])
        found |= yield from scored(exemplars, label, {name: form}, DRAWS)
    return found


def _rank(exemplars: Exemplars) -> Job[dict[int, Scored]]:
    """Candidates of every phase with their section errors, best first."""
    labels = [1] if exemplars.phase_count == 2 else list(range(exemplars.phase_count))
    # One draw tells what is out of the question, and which phase is to be what the others leave. Of many phases, the
    # first two give the others their places: only these are worth all variants.
    found: dict[int, Scored] = {}
    for label in labels:
        found[label] = yield from scored(exemplars, label, candidates(exemplars, label), 1)
    described = sorted(labels, key=lambda label: least(found[label]))
    for label in described[: max(1, min(REFINED, len(labels) - 1))]:
        found[label] = yield from _refine(exemplars, label, found[label])
    return {label: dict(sorted(found[label].items(), key=lambda item: item[1][0])) for label in labels}


def choose_prior(exemplars: Exemplars) -> PriorModel:
    """As `fitting_prior`, without a sign of life until it is done."""
    return drain(fitting_prior(exemplars))


def fitting_prior(exemplars: Exemplars) -> Job[PriorModel]:
    """Fit every family to every phase and keep the one whose sections are nearest the slices.

    Three phases and more are put together in several ways: one inside what the other leaves over, or as a coating
    of the phase that is described best. Whole volumes are then set against the slices. It takes some seconds, so the
    answers for the latest slices are remembered.
    """
    digest = exemplars.digest
    if digest not in _chosen:
        _chosen[digest] = yield from _choose(exemplars)
        while len(_chosen) > _REMEMBERED:
            _chosen.pop(next(iter(_chosen)), None)
    return _chosen[digest]


def _choose(exemplars: Exemplars) -> Job[PriorModel]:
    count = exemplars.phase_count
    best: dict[int, tuple[float, Candidate]] = {}
    reasons: dict[int, str] = {}
    ranks = yield from _rank(exemplars)
    for label, ranked in ranks.items():
        name, best[label] = next(iter(ranked.items()))
        others = [(other, error) for other, (error, field) in ranked.items() if field.kind != best[label][1].kind]
        beaten = [f'; {other} {error:.3f}' for other, error in others[:1]]
        error, field = best[label]
        if isinstance(field, GrainField):
            yield sign(f'{name} shared out evenly')
            field = evened(exemplars, label, field, fraction_of(exemplars, label), edges_of(exemplars, label))
            # Channels have no closed form that tells how high their field is where.
            field = field.tabled() if field.channels and not field.values else field
            best[label] = error, field
            name += ' shared out evenly' if field.even else ''
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
        yield sign(f'phase {label} as a coating')
        coated = _assemble(exemplars, families, sequence, coating=True)
        yield sign(f'phase {label} as a coating')
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
                inside,
                (e['z'], e['y'], e['x']),
                spread=field.spread,
                grains_favoured=field.grains_favoured,
            ).model_copy(update={'even': field.even, 'bent': field.bent, 'channels': field.channels})
            field = field.tabled() if field.channels or field.even else field
        fields.append(field)
        thresholds.append(float(ndtri(share)))
    return PriorModel(
        phase_count=exemplars.phase_count, fields=tuple(fields), order=order, thresholds=tuple(thresholds)
    )
