"""Slices to volumes: choose weights, make the volumes, keep them, judge the shapes in their sections."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import InputError
from ..generator.checkpoint import Weights
from ..generator.choice import WeightsChoice, choosing_weights
from ..generator.params import ReconstructParams
from ..generator.reconstruction import Reconstruction
from ..generator.reconstruction import reconstruct as generate
from ..generator.selection import judging_shape
from ..progress import Job, Progress
from ..run import Run
from ..shape import ShapeVerdict
from ..slices import SliceSet
from ..volume import Volume


@dataclass(frozen=True, eq=False)
class Chosen:
    """Weights to work with and why; `choice` says more where they were chosen by name or by the slices."""

    weights: Weights
    reason: str
    choice: WeightsChoice | None = None


@dataclass(frozen=True, eq=False)
class Made:
    """Volumes and how they came about.

    Attributes
    ----------
    chosen : Chosen
        What made them.
    reconstruction : Reconstruction
        The volumes, and probabilities in the modes between slices.
    seconds : float
        Wall-clock time of making them.
    run : Run or None
        Where they are recorded.
    problem : str
        Why they are not, where that was wanted.
    shape : ShapeVerdict or None
        Whether sections of the volumes have the shapes of the slices; None where that cannot be judged.
    not_judged : str
        Why it cannot.
    """

    chosen: Chosen
    reconstruction: Reconstruction
    seconds: float
    run: Run | None = None
    problem: str = ''
    shape: ShapeVerdict | None = None
    not_judged: str = ''

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """One per realisation."""
        return self.reconstruction.volumes


def choose(
    weights: str | Weights, slices: SliceSet, params: ReconstructParams, reason: str = 'as given'
) -> Job[Chosen]:
    """Weights for a reconstruction.

    Between slices a network learns from these alone, so nothing is tried out for it: the parametric prior stands in the
    record. A volume that was asked to be grown from patches is grown around the slices.

    Parameters
    ----------
    weights : str or Weights
        'auto', a name, a file or an untrained generator (`choosing_weights`); or the weights themselves.
    slices, params
        As for `reconstruct`.
    reason : str
        Of weights that are given themselves.

    Raises
    ------
    InputError
        If there are none of this name, or they make another number of phases.
    """
    if isinstance(weights, Weights):
        return Chosen(weights, reason)
    between = params.mode != 'unconditional' and weights in ('auto', 'untrained')
    choice = yield from choosing_weights('prior' if between else weights, slices)
    return Chosen(choice.weights, choice.reason, choice)


def reconstruct(
    slices: SliceSet,
    weights: str | Weights,
    params: ReconstructParams,
    training: Volume | None = None,
    *,
    reason: str = 'as given',
    keep: Callable[[Made], Job[Made]] | None = None,
    on_chosen: Callable[[Chosen], None] | None = None,
    on_kept: Callable[[Made], None] | None = None,
) -> Job[Made]:
    """Choose weights, make volumes, keep them and judge their shapes.

    Parameters
    ----------
    slices : SliceSet
        What the material looks like.
    weights : str or Weights
        See `choose`.
    params : ReconstructParams
        Shape, mode, seed and so on.
    training : Volume, optional
        Real material to learn from besides the slices, in the modes between them.
    reason : str
        Why these weights, where they are given themselves.
    keep : callable, optional
        Writes and records the volumes, see `recording`.
    on_chosen, on_kept : callable, optional
        Told of the weights before the volumes are made, and of the volumes once they are kept: whoever stops the job
        after that stops the judging alone.

    Yields
    ------
    Progress
        Closing the job cancels it.

    Raises
    ------
    InputError, EngineError
        As the functions that it calls.
    """
    yield Progress('Choosing weights')
    chosen = yield from choose(weights, slices, params, reason)
    if on_chosen is not None:
        on_chosen(chosen)
    yield Progress('Reconstructing')
    began = time.monotonic()
    done = yield from generate(slices, chosen.weights, params, training)
    made = Made(chosen, done, time.monotonic() - began)
    if keep is not None:
        made = yield from keep(made)
    if on_kept is not None:
        on_kept(made)
    return (yield from judge_shape(slices, made, params))


def judge_shape(slices: SliceSet, made: Made, params: ReconstructParams) -> Job[Made]:
    """Add the verdict on the shapes, and record it.

    The likeliest phase at every voxel is smoother than the material, and meant to be: it gets none.
    """
    if params.mode == 'most-likely':
        return made
    yield Progress('Judging the shapes', preview=made.volumes[0])
    try:
        shape = yield from judging_shape(slices, made.volumes)
    except InputError as error:  # slices too small to be measured
        return replace(made, not_judged=str(error))
    return replace(made, shape=shape)
