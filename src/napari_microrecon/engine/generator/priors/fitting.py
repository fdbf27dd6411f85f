"""Which structural prior a material gets: every family is fitted, and the sections decide."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from scipy.special import ndtri

from ...errors import InputError
from ...progress import Job, drain
from ..exemplar import Exemplars
from ..random_streams import Stream, random_stream
from .effort import Effort
from .enough import check_enough_features
from .extract import extracted
from .families import PhaseOfSlices, PriorFamily, family_of, known_family, prior_families, related_families
from .fields import Field, drawn_shape, levelled
from .judging import DRAWS, Scored, least, scored
from .model import PriorModel, combine, nest
from .sections import interface_distance, section_distance

NEAR = 1.7  # times the least error
REFINED = 2  # phases of many
TOGETHER = 80  # voxels along the edges of volumes of three phases

_REMEMBERED = 8

_chosen: dict[tuple[str, str], PriorModel] = {}  # by the digest of the slices and the family that was asked for


def candidates(
    exemplars: Exemplars, label: int, families: Iterable[PriorFamily] | None = None
) -> dict[str, tuple[PriorFamily, Field]]:
    """First guesses for one phase of the slices, by name, each with the family that makes it."""
    phase = PhaseOfSlices(exemplars, label)
    families = prior_families().values() if families is None else families
    return {name: (family, field) for family in families for name, field in family.first_guesses(phase).items()}


def _rank(exemplars: Exemplars, effort: Effort, families: list[PriorFamily]) -> Job[dict[int, Scored]]:
    """Candidates of every phase with their section errors, best first."""
    labels = [1] if exemplars.phase_count == 2 else list(range(exemplars.phase_count))
    # One draw tells what is out of the question, and which phase is to be what the others leave. Of many phases, the
    # first two give the others their places: only these are worth all variants.
    found: dict[int, Scored] = {}
    makers: dict[int, dict[str, PriorFamily]] = {}
    for label in labels:
        yield effort.trial(f'phase {label}').sign()
        guesses = candidates(exemplars, label, families)
        makers[label] = {name: family for name, (family, _) in guesses.items()}
        fields = {name: field for name, (_, field) in guesses.items()}
        found[label] = yield from scored(exemplars, label, fields, 1, effort)
    described = sorted(labels, key=lambda label: least(found[label]))
    for label in described[: max(1, min(REFINED, len(labels) - 1))]:
        phase = PhaseOfSlices(exemplars, label)
        found[label] = yield from _refine(phase, found[label], makers[label], families, effort)
    return {label: dict(sorted(found[label].items(), key=lambda item: item[1][0])) for label in labels}


def _refine(
    phase: PhaseOfSlices, found: Scored, makers: dict[str, PriorFamily], families: list[PriorFamily], effort: Effort
) -> Job[Scored]:
    """Candidates that are not out of the question, in all variants, judged on more draws; the others as found."""
    near = {name: one for name, one in found.items() if one[0] < NEAR * least(found)}
    variants: dict[str, Field] = {}
    for family in families:
        own = {name: field for name, (_, field) in near.items() if makers[name] is family}
        variants |= yield from family.variants(phase, own, effort)
    # What a family does not hand on it will refine itself.
    kept = {name: one for name, one in found.items() if name not in near or name in variants}
    kept |= yield from scored(phase.exemplars, phase.label, variants, DRAWS, effort)
    for family in families:
        kept |= yield from family.refined(phase, near, kept, effort)
    return kept


def choose_prior(exemplars: Exemplars) -> PriorModel:
    """As `fitting_prior`, without a sign of life until it is done."""
    return drain(fitting_prior(exemplars))


def fitting_prior(exemplars: Exemplars, effort: Effort | None = None, *, family: str = '') -> Job[PriorModel]:
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
    family : str
        Name of the only family to fit, to as many phases as it describes; all of them where it is empty.

    Raises
    ------
    InputError
        If the slices hold too few features, or nothing that the family describes.
    """
    if effort is not None:
        return (yield from _choose(exemplars, effort, family))
    key = exemplars.digest, family
    if key not in _chosen:
        _chosen[key] = yield from _choose(exemplars, Effort(), family)
        while len(_chosen) > _REMEMBERED:
            _chosen.pop(next(iter(_chosen)), None)
    return _chosen[key]


def _choose(exemplars: Exemplars, effort: Effort, family: str) -> Job[PriorModel]:
    trial = effort.trial('taking the measure of the slices')
    yield trial.sign()
    check_enough_features(exemplars)
    ready = effort.trial('getting ready')
    yield ready.sign()
    from .kernels import prepared

    yield from prepared(ready)
    extract, by, how = yield from extracted(exemplars, trial)
    model = yield from _fitted(extract, effort, family)
    notes = [model.reason]
    if how:
        notes.append(f'fitted {how}')
    if effort.left_out:
        notes.append(f'for want of time not tried: {", ".join(effort.left_out)}')
    fields = tuple(field.scaled(by) for field in model.fields) if by > 1 else model.fields
    return model.model_copy(update={'fields': fields, 'reason': '; '.join(notes)})


def _fitted(exemplars: Exemplars, effort: Effort, asked: str) -> Job[PriorModel]:
    """The prior at the resolution of these slices."""
    count = exemplars.phase_count
    best: dict[int, tuple[float, Field]] = {}
    reasons: dict[int, str] = {}
    ranks = (yield from _asked(exemplars, effort, asked)) if asked else {}
    if not ranks or count > 2:
        ranks = (yield from _rank(exemplars, effort, list(prior_families().values()))) | ranks
    for label, ranked in ranks.items():
        name, (error, field) = next(iter(ranked.items()))
        others = [(other, error) for other, (error, rival) in ranked.items() if rival.kind != field.kind]
        beaten = [f'; {other} {error:.3f}' for other, error in others[:1]]
        name, field = yield from family_of(field).finished(PhaseOfSlices(exemplars, label), name, field, effort)
        best[label] = error, field
        reasons[label] = f'phase {label}: {name} (section error {error:.3f}{"".join(beaten)})'
    if count == 2:
        return PriorModel(phase_count=2, fields=(best[1][1],), order=(1, 0), thresholds=(0.0,), reason=reasons[1])
    # What was asked for takes its place first: what is last of all has no field.
    order = tuple(sorted(best, key=lambda label: (best[label][1].kind != asked, best[label][0])))
    families = {label: field for label, (_, field) in best.items()}
    plain = yield from _assemble(exemplars, families, order, effort)
    told = '; '.join([reasons[label] for label in order[:-1]] + [f'phase {order[-1]}: what is left'])
    nested = error = yield from model_error(exemplars, plain, effort)
    chosen, reason = plain, told
    for label in order[1:]:
        for relation in related_families():
            if not effort.allows(f'phase {label} as a {relation.relation}'):
                continue
            sequence = (order[0], label, *(other for other in order[1:] if other != label))
            related = yield from _assemble(exemplars, families, sequence, effort, second=relation)
            found = yield from model_error(exemplars, related, effort)
            if found < error:
                others = [reasons[other] for other in sequence[2:-1]]
                what = relation.related_words(related.fields[1])
                errors = f'(volume error {found:.3f}; independent of it {nested:.3f})'
                words = f'phase {label}: {what} phase {order[0]} {errors}'
                reason = '; '.join([reasons[order[0]], words, *others, f'phase {sequence[-1]}: what is left'])
                chosen, error = related, found
    # Models are compared by fields that are levelled in each draw. Only the one that is kept must know how high its
    # fields are in how much of space.
    fields: list[Field] = []
    for field in chosen.fields:
        fields.append((yield from family_of(field).completed(field, effort)))
    return chosen.model_copy(update={'reason': reason, 'fields': tuple(fields)})


def _asked(exemplars: Exemplars, effort: Effort, name: str) -> Job[dict[int, Scored]]:
    """Candidates of one family, by the phases that it describes.

    Raises
    ------
    InputError
        If it describes none of them.
    """
    family = known_family(name)
    found = yield from _rank(exemplars, effort, [family])
    found = {label: ranked for label, ranked in found.items() if ranked}
    if not found:
        raise InputError(
            f'prior {name}', 'finds nothing of its kind in the slices', 'take another one, or leave the choice to auto'
        )
    return found


def model_error(exemplars: Exemplars, model: PriorModel, effort: Effort) -> Job[float]:
    """How far sections of volumes of an untrained model of three and more phases lie from the slices; 0 is best."""
    first = model.fields[0]
    # More phases are more volumes: three have two of them.
    size = TOGETHER * min(1.0, (2 / (model.phase_count - 1)) ** (1 / 3))
    shape = drawn_shape(size, first.proportions)
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
    families: dict[int, Field],
    order: tuple[int, ...],
    effort: Effort,
    *,
    second: PriorFamily | None = None,
) -> Job[PriorModel]:
    """Phases in this order, each in what the earlier ones leave; the second related to the first if so asked."""
    fields: list[Field] = []
    thresholds: list[float] = []
    for index, label in enumerate(order[:-1]):
        left = 1.0 - sum(exemplars.fractions[list(order[:index])])
        share = float(np.clip(exemplars.fractions[label] / left, 1e-3, 1 - 1e-3))
        field = families[label]
        if index == 1 and second is not None:
            trial = effort.trial(f'phase {label} as a {second.relation}')
            field = yield from second.related(exemplars, label, order[0], families[order[0]], thresholds[0], trial)
        elif index:
            field = family_of(field).refit(field, exemplars, label, order[:index], share)
        fields.append(field)
        thresholds.append(float(ndtri(share)))
    return PriorModel(
        phase_count=exemplars.phase_count, fields=tuple(fields), order=order, thresholds=tuple(thresholds)
    )
