"""Choose the weights for a set of slices: shipped ones that are near enough, else the structural prior."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..progress import Job, Progress, drain
from ..provenance import Provenance, now, versions
from ..shape import ShapeVerdict
from ..slices import SliceSet
from ..voxels import AXES
from .checkpoint import Fingerprint, Weights, WeightsHeader, shipped_weights
from .exemplar import Exemplars
from .params import Architecture
from .priors import PriorModel, fitting_prior, noise_prior
from .priors.families import family_origins, known_family
from .selection import COMBINED, EXEMPLAR, PARAMETRIC, prior_of, selecting, summed_up, trial

UNTRAINED = ('prior', 'scratch', 'noise', EXEMPLAR, COMBINED, 'untrained')
FAMILY = 'prior:'  # before the name of a family of priors that is asked for
NEAR = 0.35  # fingerprint distance below which shipped weights serve as they are
CLEARLY = 0.05  # by which another order of the phases must be nearer
MOST_ORDERED = 3  # phases for which all orders are tried
USABLE = 1.0  # beyond it they say nothing about the material


@dataclass(frozen=True, eq=False)
class WeightsChoice:
    """Chosen weights and why.

    Attributes
    ----------
    weights : Weights
        Ready for `reconstruct` or `finetune`.
    reason : str
        In words for the user.
    distance : float
        Between the slices' statistics and those of the weights' training slices; 0 is identical.
    finetune_recommended : bool
        Whether training on the slices would pay.
    nearest : str
        Name of the nearest shipped weights where the prior was taken instead of them; `distance` is theirs.
    asked : bool
        Whether the user asked for these, and none were chosen.
    verdicts : mapping
        Of the generators that were tried on the slices, by name.
    """

    weights: Weights
    reason: str
    distance: float
    finetune_recommended: bool
    nearest: str = ''
    asked: bool = False
    verdicts: Mapping[str, ShapeVerdict] = field(default_factory=dict)


def fingerprint(exemplars: Exemplars) -> Fingerprint:
    """Fractions, correlation lengths and edge densities of the slices."""

    def triple(values: dict) -> tuple[float, float, float]:
        z, y, x = (round(float(values[axis]), 5) for axis in AXES)
        return z, y, x

    labels = range(exemplars.phase_count)
    return Fingerprint(
        fractions=tuple(round(float(f), 5) for f in exemplars.fractions),
        correlation_lengths=tuple(triple(exemplars.correlation_length(label)) for label in labels),
        edges=tuple(triple(exemplars.edge_density(label)) for label in labels),
    )


def untrained(slices: SliceSet, prior: PriorModel, name: str = 'prior') -> Weights:
    """A structural prior for these slices as weights without a network."""
    exemplars = Exemplars.of(slices)
    header = WeightsHeader(
        name=name,
        architecture=Architecture(phase_count=prior.phase_count, field_count=prior.channels),
        prior=prior,
        phases=slices.phases,
        voxel_size=slices.voxel_size,
        fractions=tuple(float(f) for f in exemplars.fractions),
        isotropic=exemplars.isotropic,
        fingerprint=fingerprint(exemplars),
        trained=False,
        provenance=Provenance(
            kind='reconstruction',
            description='untrained structural prior',
            inputs=tuple(s.source for s in slices),
            versions=versions() | family_origins(prior.fields),
            created=now(),
        ),
    )
    return Weights(header, {})


@lru_cache(maxsize=16)
def _load(path: Path, stamp: float) -> Weights:
    return Weights.load(path)


def load_shipped(name: str) -> Weights:
    """Shipped weights by name."""
    path = shipped_weights()[name]
    return _load(path, path.stat().st_mtime)


def check_phases(weights: Weights, slices: SliceSet) -> Weights:
    """Return the weights if they make as many phases as the slices have, else raise InputError."""
    if weights.phases.count != slices.phases.count:
        raise InputError(
            f'weights {weights.name}',
            f'make {weights.phases.count} phases while the slices have {slices.phases.count}',
            'choose other weights, the prior, or segment the slices into as many phases',
        )
    return weights


def choose_weights(spec: str, slices: SliceSet) -> WeightsChoice:
    """Weights to reconstruct with: as `choosing_weights`, without a sign of life until it is done."""
    return drain(choosing_weights(spec, slices))


def starting_weights(spec: str, slices: SliceSet) -> WeightsChoice:
    """Weights to train from: as `choosing_weights`, without a sign of life until it is done."""
    return drain(choosing_weights(spec, slices, training=True))


def needs_selection(spec: str, slices: SliceSet) -> bool:
    """Whether untrained generators will have to be tried on the slices, which takes a while."""
    if spec != 'auto':
        return spec == 'untrained'
    mine = fingerprint(Exemplars.of(slices))
    isotropic = slices.symmetry == 'isotropic'
    loaded = [load_shipped(name) for name in shipped_weights()]
    near = [_in_order_of(one, slices, mine)[1] for one in loaded if one.header.isotropic == isotropic]
    return not near or min(near) > NEAR / 2


def choosing_weights(spec: str, slices: SliceSet, *, training: bool = False) -> Job[WeightsChoice]:
    """Weights for `slices` by 'auto', a shipped name, a file, or one of the untrained generators.

    These are 'prior' (or 'scratch'), 'prior:' and the name of a family, 'exemplar', 'combined', 'untrained' (the best
    of them by shape) and 'noise'.

    Parameters
    ----------
    spec, slices
        As said.
    training : bool
        Whether they are to be trained on the slices: 'auto' then accepts weights that are only roughly near.

    Raises
    ------
    InputError
        If the weights are unknown or make another number of phases.
    """
    shipped = shipped_weights()
    family = spec.removeprefix(FAMILY) if spec.startswith(FAMILY) else ''
    if family:
        known_family(family)
    elif spec not in ('auto', *UNTRAINED):  # at once: what is refused gives no sign of life first
        return _asked_for(spec, slices)
    yield Progress('choosing weights')
    if training and spec == 'auto':
        return (yield from _warm(slices))
    if training and spec in UNTRAINED and spec != 'noise':
        spec = 'scratch'  # a training refines fields: what is grown from patches is no start
    if spec in (EXEMPLAR, COMBINED):
        prior = yield from prior_of(spec, slices)
        return WeightsChoice(untrained(slices, prior, spec), f'as asked: {prior.reason}', 0.0, False, asked=True)
    if spec in ('prior', 'scratch', 'noise') or family:
        if spec == 'noise':
            prior = noise_prior(slices.phases.count)
        else:
            prior = yield from fitting_prior(Exemplars.of(slices), family=family)
        weights = untrained(slices, prior, 'noise' if spec == 'noise' else 'prior')
        why = f'the untrained structural prior, fitted to the slices: {prior.reason}'
        return WeightsChoice(weights, why, 0.0, True, asked=True)
    if spec == 'untrained':
        found = yield from selecting(slices)
        weights = untrained(slices, found.prior, found.name)
        return WeightsChoice(weights, found.reason, 0.0, found.name == PARAMETRIC, asked=True, verdicts=found.verdicts)
    mine = fingerprint(Exemplars.of(slices))
    isotropic = slices.symmetry == 'isotropic'
    usable: list[tuple[float, str]] = []
    for name in shipped:
        weights = load_shipped(name)
        _, distance, _ = _in_order_of(weights, slices, mine)
        if np.isfinite(distance) and weights.header.isotropic == isotropic:
            usable.append((distance, name))
    near = 'no shipped weights make these phases'
    if usable:
        near = f'the nearest shipped weights ({min(usable)[1]}) are {min(usable)[0]:.2f} away'
    if usable and min(usable)[0] <= NEAR:
        weights, distance, order = _in_order_of(load_shipped(min(usable)[1]), slices, mine)
        reason = f'{weights.name}: nearest shipped weights, distance {distance:.2f}{order}'
        if distance <= NEAR / 2:
            return WeightsChoice(weights, reason, distance, False)
        # These few numbers do not see shape: a small volume does.
        verdict = yield from trial(slices, weights, f'shipped weights {weights.name}')
        if verdict.level == 'fits':
            reason = f'{reason} ({summed_up(verdict)})'
            return WeightsChoice(weights, reason, distance, True, verdicts={weights.name: verdict})
        near = f'{near} and do not have the shapes of the slices ({summed_up(verdict)})'
    found = yield from selecting(slices)
    reason = f'untrained, because {near}: {found.reason}'
    distance, name = min(usable) if usable else (float('inf'), '')
    weights = untrained(slices, found.prior, found.name)
    return WeightsChoice(weights, reason, distance, found.name == PARAMETRIC, nearest=name, verdicts=found.verdicts)


def _asked_for(spec: str, slices: SliceSet) -> WeightsChoice:
    """Shipped weights by name, or those of a file."""
    shipped = shipped_weights()
    if spec in shipped:
        weights = load_shipped(spec)
    elif spec.endswith('.safetensors') or Path(spec).exists():
        weights = Weights.load(spec)
    else:
        known = ', '.join(['auto', 'prior', 'exemplar', 'combined', *shipped])
        raise InputError(f'weights {spec}', 'are not known', f'use one of {known}, or a .safetensors file')
    mine = fingerprint(Exemplars.of(slices))
    weights, distance, told = _in_order_of(check_phases(weights, slices), slices, mine)
    return WeightsChoice(weights, f'{weights.name}, as asked{told}', distance, distance > NEAR, asked=True)


def _in_order_of(weights: Weights, slices: SliceSet, mine: Fingerprint) -> tuple[Weights, float, str]:
    """Weights that make the phases in the order of the slices, their distance, and what to say of the order.

    Grey pictures give the phases by brightness, in which a pore may come first or last, so that the nearest order
    counts. Where both sides say which phase is the pore, that is kept.
    """
    header, count = weights.header, slices.phases.count
    least = header.fingerprint.reordered(header.order or range(weights.phases.count)).distance(mine)
    if weights.phases.count != count or count > MOST_ORDERED or header.order:
        return weights, least, ''
    best: tuple[int, ...] = ()
    mine_pore, their_pore = slices.phases.pore, weights.phases.pore
    for order in itertools.permutations(range(count)):
        if mine_pore is not None and their_pore is not None and order[mine_pore] != their_pore:
            continue
        distance = header.fingerprint.reordered(order).distance(mine)
        if distance < least - CLEARLY:
            least, best = distance, order
    if not best:
        return weights, least, ''
    names = weights.phases.names
    pairs = ', '.join(f'{slices.phases.names[k]} is its {names[other]}' for k, other in enumerate(best))
    return Weights(header.model_copy(update={'order': best}), weights.tensors), least, f'; {pairs}'


def _warm(slices: SliceSet) -> Job[WeightsChoice]:
    """The nearest shipped weights that say anything about the material, else the prior."""
    mine = fingerprint(Exemplars.of(slices))
    isotropic = slices.symmetry == 'isotropic'
    found = [
        (weights.header.fingerprint.distance(mine), name)
        for name, weights in ((name, load_shipped(name)) for name in shipped_weights())
        if weights.header.isotropic == isotropic
    ]
    if found and min(found)[0] <= USABLE:
        distance, name = min(found)
        return WeightsChoice(load_shipped(name), f'warm start from {name}, distance {distance:.2f}', distance, True)
    choice = yield from choosing_weights('scratch', slices)
    distance, name = min(found) if found else (float('inf'), '')
    name = name if np.isfinite(distance) else ''
    near = f'the nearest shipped weights ({name}) are {distance:.2f} away' if name else 'no shipped weights fit'
    reason = f'the untrained structural prior, because {near}: {choice.weights.header.prior.reason}'
    return replace(choice, reason=reason, distance=distance, nearest=name, asked=False)
