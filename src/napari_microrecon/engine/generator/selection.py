"""Which untrained generator a material gets: each makes a small volume, and the shapes in its sections decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..progress import Job, Progress, aside
from ..provenance import hash_array
from ..shape import ShapeReference, ShapeVerdict
from ..slices import SliceSet
from ..volume import Volume
from .checkpoint import Weights
from .cost import TRIAL
from .exemplar import Exemplars
from .params import ReconstructParams
from .priors import PriorModel, fitting_prior, noise_prior
from .priors.enough import check_enough_features
from .synthesis import ExemplarField

PARAMETRIC, EXEMPLAR, COMBINED = 'prior', 'exemplar', 'combined'
NAMES = {
    PARAMETRIC: 'the parametric prior',
    EXEMPLAR: 'grown from patches of the slices',
    COMBINED: 'the parametric prior, finished with patches of the slices',
}
JUDGED = 3  # volumes of a reconstruction whose shapes are set against the slices
SURELY = 0.85  # of its limit: a parametric prior whose worst statistic lies nearer is taken as it is
APART = 0.1  # of a phase: this much less of it percolating than in what is grown rules a generator out
STAGE = 'choosing the generator'

_references: dict[str, ShapeReference] = {}  # of the latest slices
_chosen: dict[str, Selection] = {}
_REMEMBERED = 8


@dataclass(frozen=True, eq=False)
class Selection:
    """What was tried, and what is best.

    Attributes
    ----------
    name : str
        'prior', 'exemplar' or 'combined'.
    prior : PriorModel
        That of the best.
    verdicts : mapping
        Verdict by name of what was tried.
    reason : str
        In words for the user.
    """

    name: str
    prior: PriorModel
    verdicts: Mapping[str, ShapeVerdict]
    reason: str


def digest(slices: SliceSet) -> str:
    """Of what a generator takes from slices."""
    return '|'.join([slices.symmetry, *(f'{one.normal} {hash_array(one.labels)}' for one in slices)])


def shape_reference(slices: SliceSet) -> ShapeReference:
    """Statistics of the shapes in slices; remembered for the latest ones."""
    key = digest(slices)
    if key not in _references:
        _references[key] = ShapeReference.of(slices)
        while len(_references) > _REMEMBERED:
            _references.pop(next(iter(_references)), None)
    return _references[key]


def judging_shape(slices: SliceSet, volumes: Sequence[Volume]) -> Job[ShapeVerdict]:
    """Whether sections of the first volumes have the shapes of the slices; a few seconds."""
    labels = [volume.labels for volume in volumes[:JUDGED]]
    return (yield from aside(lambda: shape_reference(slices).judge(labels), Progress('judging the shapes')))


def prior_of(name: str, slices: SliceSet) -> Job[PriorModel]:
    """The prior behind one of the names, made for these slices."""
    exemplars = Exemplars.of(slices)
    if name == EXEMPLAR:
        check_enough_features(exemplars)
        return noise_prior(exemplars.phase_count).model_copy(
            update={'exemplar': ExemplarField.of(exemplars), 'reason': NAMES[EXEMPLAR]}
        )
    parametric = yield from fitting_prior(exemplars)
    if name == PARAMETRIC:
        return parametric
    return parametric.model_copy(
        update={
            'exemplar': ExemplarField.of(exemplars, from_prior=True),
            'reason': f'{parametric.reason}; finished with patches of the slices',
        }
    )


def selecting(slices: SliceSet) -> Job[Selection]:
    """Make a small volume in every way that may fit, and take the one whose sections are nearest in shape.

    Raises
    ------
    InputError
        If the slices hold too few features.
    """
    key = digest(slices)
    if key not in _chosen:
        _chosen[key] = yield from _select(slices)
        while len(_chosen) > _REMEMBERED:
            _chosen.pop(next(iter(_chosen)), None)
    return _chosen[key]


def _select(slices: SliceSet) -> Job[Selection]:
    verdicts: dict[str, ShapeVerdict] = {}
    priors: dict[str, PriorModel] = {}
    connected: dict[str, np.ndarray] = {}
    for name in (PARAMETRIC, EXEMPLAR, COMBINED):
        tried = verdicts.get(PARAMETRIC)
        if tried is not None and tried.farthest <= SURELY:
            break  # a volume in a second, and nothing to gain
        if name == COMBINED and _is_enough(verdicts[PARAMETRIC].level, verdicts[EXEMPLAR].level):
            break
        priors[name] = yield from prior_of(name, slices)
        verdicts[name], connected[name] = yield from tried_out(slices, priors[name], NAMES[name])
    grown = connected.get(EXEMPLAR)

    def rank(name: str) -> tuple[Any, ...]:
        # Sections do not tell what hangs together. What is grown from patches does as measured materials do (bone .99
        # of .999, a cathode .99 of .994) where fields of the same sections fall apart (.15, .91).
        apart = grown is not None and bool((connected[name] < grown - APART).any())
        return apart, verdicts[name].rank

    best = min(verdicts, key=rank)
    others = sorted((name for name in verdicts if name != best), key=rank)
    reason = f'{priors[best].reason} ({summed_up(verdicts[best])})'
    if others:
        reason += f'; next best: {NAMES[others[0]]} ({summed_up(verdicts[others[0]])})'
    return Selection(best, priors[best], verdicts, reason)


def _is_enough(parametric: str, exemplar: str) -> bool:
    """Whether finishing the one with the other has nothing to gain."""
    return exemplar == 'fits' or (exemplar != 'does not fit' and parametric == 'does not fit')


def summed_up(verdict: ShapeVerdict) -> str:
    """Shape error and verdict in a few words."""
    return f'shape error {verdict.error:.2f}: {verdict.words}'


def tried_out(slices: SliceSet, prior: PriorModel, what: str) -> Job[tuple[ShapeVerdict, np.ndarray]]:
    """Verdict on a small volume of an untrained generator, and the percolating share of each phase (K,) in it."""
    from .choice import untrained

    made = yield from _small(slices, untrained(slices, prior), what)
    return (yield from judging_shape(slices, made)), _connected(made[0])


def trial(slices: SliceSet, weights: Weights, what: str) -> Job[ShapeVerdict]:
    """Verdict on a small volume of these weights."""
    made = yield from _small(slices, weights, what)
    return (yield from judging_shape(slices, made))


def _small(slices: SliceSet, weights: Weights, what: str) -> Job[tuple[Volume, ...]]:
    from .reconstruction import reconstruct

    params = ReconstructParams(shape=(TRIAL, TRIAL, TRIAL), fractions='volume')
    job = reconstruct(slices, weights, params)
    while True:
        try:
            step = next(job)
        except StopIteration as stop:
            return tuple(stop.value.volumes)
        yield Progress(STAGE, 0, 0, step.metrics, step.preview, note=what)


def _connected(volume: Volume) -> np.ndarray:
    """Share of each phase (K,) that spans the volume, mean over the axes; 0 for a phase that is not there."""
    from ..statistics.percolation import Clusters

    found = [Clusters.of(volume.labels == k) for k in range(volume.phases.count)]
    return np.array([np.mean([one.percolating_fraction(a) for a in range(3)]) if one.count else 0.0 for one in found])
