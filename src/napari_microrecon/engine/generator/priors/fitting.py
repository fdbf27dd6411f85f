"""Which structural prior a material gets: every family is fitted, and the sections decide."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri

from ...progress import Job, drain
from ...voxels import AXES
from ..exemplar import Exemplars
from ..random_streams import Stream, random_stream
from .cells import DRAWN, CellField, drawn_distances
from .coating import CoatingField
from .effort import Effort
from .enough import check_enough_features
from .evenness import evened
from .extract import extracted
from .fields import NoiseField, drawn_shape, levelled
from .forms import formed_grains
from .gaussian import GaussianField
from .grain_sizes import equal_grains, refined_grains
from .grains import GrainField
from .growth import grown_dendrites, rows_of_arms
from .judging import DRAWS, Candidate, Scored, edges_of, fraction_of, judged, least, scored
from .model import AnyField, PriorModel, combine, nest
from .sections import interface_distance, section_distance

SMALLEST_CELL = 6.0  # voxels
BADLY, QUICK = 0.2, 64  # least error, above which plates and needles are tried, first in volumes with this edge
NEAR = 1.7  # times the least error
REFINED = 2  # phases of many
EVEN = 0.75  # least distance of two seeds in mean spacings; most random packings get no closer to order
TOGETHER = 80  # voxels along the edges of volumes of three phases
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


def dendrites(exemplars: Exemplars, label: int, effort: Effort) -> Job[dict[str, Candidate]]:
    """Dendrites of the phase and of the others, by name, where the slices show rows of arms."""
    yield effort.trial('dendrites').sign()
    rows = rows_of_arms(exemplars, label)
    found: dict[str, Candidate] = {}
    if rows is not None:
        for name, favoured in (('dendrites of this phase', True), ('dendrites', False)):
            if effort.allows(name):
                found[name] = yield from grown_dendrites(exemplars, label, rows, effort.trial(name), favoured=favoured)
    return found


def _refine(exemplars: Exemplars, label: int, found: Scored, effort: Effort) -> Job[Scored]:
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
        for index in range(DRAWN):
            yield effort.trial('even cells').sign()
            drawn_distances(EVEN, index)
        near |= cells(phi, edges, EVEN)
    found |= yield from scored(exemplars, label, near, DRAWS, effort)
    if strewn:
        rival = least(found) if found else math.inf
        refined = yield from refined_grains(exemplars, label, strewn, rival, effort)
        found |= refined or strewn
    if effort.allows('dendrites'):
        found |= yield from scored(exemplars, label, (yield from dendrites(exemplars, label, effort)), DRAWS, effort)
    if least(found) > BADLY and strewn and effort.allows('plates and needles'):
        forms: Scored = {}
        for favoured in (True, False):
            formed = yield from formed_grains(phi, edges, effort, favoured=favoured)
            for name, form in formed.items():
                error = yield from judged(exemplars, label, form, effort.trial(name), size=QUICK, draws=1)
                forms[name] = error, form
        if forms:
            name, (_, form) = min(forms.items(), key=lambda item: item[1][0])
            found |= yield from scored(exemplars, label, {name: form}, DRAWS, effort)
    return found


def _rank(exemplars: Exemplars, effort: Effort) -> Job[dict[int, Scored]]:
    """Candidates of every phase with their section errors, best first."""
    labels = [1] if exemplars.phase_count == 2 else list(range(exemplars.phase_count))
    # One draw tells what is out of the question, and which phase is to be what the others leave. Of many phases, the
    # first two give the others their places: only these are worth all variants.
    found: dict[int, Scored] = {}
    for label in labels:
        yield effort.trial(f'phase {label}').sign()
        found[label] = yield from scored(exemplars, label, candidates(exemplars, label), 1, effort)
    described = sorted(labels, key=lambda label: least(found[label]))
    for label in described[: max(1, min(REFINED, len(labels) - 1))]:
        found[label] = yield from _refine(exemplars, label, found[label], effort)
    return {label: dict(sorted(found[label].items(), key=lambda item: item[1][0])) for label in labels}


def choose_prior(exemplars: Exemplars) -> PriorModel:
    """As `fitting_prior`, without a sign of life until it is done."""
    return drain(fitting_prior(exemplars))


def fitting_prior(exemplars: Exemplars, effort: Effort | None = None) -> Job[PriorModel]:
    """Fit every family to every phase and keep the one whose sections are nearest the slices.

    Three phases and more are put together in several ways: one inside what the other leaves over, or as a coating
    of the phase that is described best. Whole volumes are then set against the slices. It takes some seconds, so the
    answers for the latest slices are remembered. Work and memory are bounded, whatever the slices: see `extracted` and
    `Effort`.

    Parameters
    ----------
    exemplars : Exemplars
        The slices.
    effort : Effort, optional
        What the fit may take, if not as much as usual; its result is not remembered.

    Raises
    ------
    InputError
        If the slices hold too few features.
    """
    if effort is not None:
        return (yield from _choose(exemplars, effort))
    digest = exemplars.digest
    if digest not in _chosen:
        _chosen[digest] = yield from _choose(exemplars, Effort())
        while len(_chosen) > _REMEMBERED:
            _chosen.pop(next(iter(_chosen)), None)
    return _chosen[digest]


def _choose(exemplars: Exemplars, effort: Effort) -> Job[PriorModel]:
    trial = effort.trial('taking the measure of the slices')
    yield trial.sign()
    check_enough_features(exemplars)
    ready = effort.trial('getting ready')
    yield ready.sign()
    from .kernels import prepared

    yield from prepared(ready)
    extract, by, how = yield from extracted(exemplars, trial)
    model = yield from _fitted(extract, effort)
    notes = [model.reason]
    if how:
        notes.append(f'fitted {how}')
    if effort.left_out:
        notes.append(f'for want of time not tried: {", ".join(effort.left_out)}')
    fields = tuple(field.scaled(by) for field in model.fields) if by > 1 else model.fields
    return model.model_copy(update={'fields': fields, 'reason': '; '.join(notes)})


def _fitted(exemplars: Exemplars, effort: Effort) -> Job[PriorModel]:
    """The prior at the resolution of these slices."""
    count = exemplars.phase_count
    best: dict[int, tuple[float, Candidate]] = {}
    reasons: dict[int, str] = {}
    ranks = yield from _rank(exemplars, effort)
    for label, ranked in ranks.items():
        name, best[label] = next(iter(ranked.items()))
        others = [(other, error) for other, (error, field) in ranked.items() if field.kind != best[label][1].kind]
        beaten = [f'; {other} {error:.3f}' for other, error in others[:1]]
        error, field = best[label]
        if isinstance(field, GrainField):
            words = f'{name} shared out evenly'
            if effort.allows(words):
                phi, edges = fraction_of(exemplars, label), edges_of(exemplars, label)
                field = yield from evened(exemplars, label, field, phi, edges, effort.trial(words))
            # Channels have no closed form that tells how high their field is where.
            field = (yield from field.tabling(effort.trial(name))) if field.channels and not field.values else field
            best[label] = error, field
            name = words if field.even else name
        reasons[label] = f'phase {label}: {name} (section error {best[label][0]:.3f}{"".join(beaten)})'
    if count == 2:
        return PriorModel(phase_count=2, fields=(best[1][1],), order=(1, 0), thresholds=(0.0,), reason=reasons[1])
    order = tuple(sorted(best, key=lambda label: best[label][0]))
    families = {label: field for label, (_, field) in best.items()}
    plain = yield from _assemble(exemplars, families, order, effort)
    told = '; '.join([reasons[label] for label in order[:-1]] + [f'phase {order[-1]}: what is left'])
    nested = error = yield from model_error(exemplars, plain, effort)
    chosen, reason = plain, told
    for label in order[1:]:
        if not effort.allows(f'phase {label} as a coating'):
            continue
        sequence = (order[0], label, *(other for other in order[1:] if other != label))
        coated = yield from _assemble(exemplars, families, sequence, effort, coating=True)
        coat = coated.fields[1]
        # The same thing said of the other phase: it thins out where the coating is dense.
        hugs = isinstance(coat, CoatingField) and coat.hugs
        found = yield from model_error(exemplars, coated, effort)
        if found < error:
            others = [reasons[other] for other in sequence[2:-1]]
            what = 'coating of' if hugs else 'denser away from'
            errors = f'(volume error {found:.3f}; independent of it {nested:.3f})'
            words = f'phase {label}: {what} phase {order[0]} {errors}'
            reason = '; '.join([reasons[order[0]], words, *others, f'phase {sequence[-1]}: what is left'])
            chosen, error = coated, found
    # Models are compared by fields that are levelled in each draw. Only the one that is kept must know how high its
    # fields are in how much of space.
    fields: list[AnyField] = []
    for field in chosen.fields:
        if isinstance(field, GrainField) and (field.channels or field.even) and not field.values:
            field = yield from field.tabling(effort.trial('grains in what is left'))
        fields.append(field)
    return chosen.model_copy(update={'reason': reason, 'fields': tuple(fields)})


def model_error(exemplars: Exemplars, model: PriorModel, effort: Effort) -> Job[float]:
    """How far sections of volumes of an untrained model of three and more phases lie from the slices; 0 is best."""
    first = model.fields[0]
    # More phases are more volumes: three have two of them.
    size = TOGETHER * min(1.0, (2 / (model.phase_count - 1)) ** (1 / 3))
    shape = drawn_shape(size, (1.0, 1.0, 1.0) if isinstance(first, NoiseField) else first.stretch)
    trial = effort.trial('phases together')
    drawn: list[np.ndarray] = []
    for index, field in enumerate(model.fields):
        yield trial.sign(2 * (field.work + 1) * math.prod(shape))
        drawn.append(levelled(field.sample(shape, random_stream(0, Stream.FIELD, index), periodic=False)))
    yield trial.sign()
    volume = nest(combine(model.fields, drawn), model.order, model.thresholds).argmax(0)
    # The first phase is the same in all models that are compared.
    errors: list[float] = []
    for label in model.order[1:]:
        errors.append((yield from section_distance(exemplars, label, [volume == label], trial)))
    yield trial.sign()
    return float(np.mean(errors)) + interface_distance(exemplars, [volume])


def _assemble(
    exemplars: Exemplars,
    families: dict[int, Candidate],
    order: tuple[int, ...],
    effort: Effort,
    *,
    coating: bool = False,
) -> Job[PriorModel]:
    """Phases in this order, each in what the earlier ones leave; the second as a coating of the first if so asked."""
    fields: list[Candidate | CoatingField] = []
    thresholds: list[float] = []
    for index, label in enumerate(order[:-1]):
        left = 1.0 - sum(exemplars.fractions[list(order[:index])])
        share = float(np.clip(exemplars.fractions[label] / left, 1e-3, 1 - 1e-3))
        field: Candidate | CoatingField = families[label]
        if index == 1 and coating:
            trial = effort.trial(f'phase {label} as a coating')
            field = yield from CoatingField.fitting(
                exemplars, label, order[0], families[order[0]], thresholds[0], trial
            )
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
        fields.append(field)
        thresholds.append(float(ndtri(share)))
    return PriorModel(
        phase_count=exemplars.phase_count, fields=tuple(fields), order=order, thresholds=tuple(thresholds)
    )
