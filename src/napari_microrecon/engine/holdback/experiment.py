"""The experiment: hold part of the slices back, reconstruct from the rest, compare."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..progress import Job, Progress
from ..slices import SliceSet
from ..volume import Volume
from .judging import judge_held
from .result import HeldBack
from .splitting import split

if TYPE_CHECKING:
    from ..generator import FinetuneParams, ReconstructParams, Weights


def hold_back(
    slices: SliceSet,
    weights: str | Weights,
    params: ReconstructParams,
    *,
    share: float = 1 / 3,
    training: FinetuneParams | None = None,
) -> Job[tuple[HeldBack, tuple[Volume, ...]]]:
    """Reconstruct from part of every slice and compare sections of the volume with the part held back.

    Parameters
    ----------
    slices : SliceSet
        Whole slices, 96 pixels or more along the edge that is cut at a third.
    weights : str or Weights
        What to choose for the rest ('auto', 'prior', a name, a file), or weights at hand.
    params : ReconstructParams
        Of the volumes; the mode must be unconditional, because what is left of a slice fills no plane.
    share : float
        Part of every slice that is held back, 0.1 to 0.5.
    training : FinetuneParams, optional
        Train on the rest first, from these weights.

    Yields
    ------
    Progress
        Of training, reconstruction and comparison, with their previews.

    Returns
    -------
    HeldBack
        Statistics and verdicts.
    tuple of Volume
        What was compared.

    Raises
    ------
    InputError
        If the slices are too small for it, the mode holds slices in place, or the weights have seen the whole slices.
    """
    if params.mode != 'unconditional':
        raise InputError('mode', f'{params.mode} holds whole slices in place', 'choose unconditional')
    parts = split(slices, share)
    yield Progress('Choosing weights for the rest of the slices')
    used, reason = yield from _weights(weights, slices, parts.rest, training is not None)
    if training is not None:
        from ..generator import finetune

        used = yield from _named(finetune(parts.rest, used, training, name='rest'), 'Training on the rest')
        reason = f'trained on the rest, from: {reason}'
    from ..generator import reconstruct

    made = yield from _named(reconstruct(parts.rest, used, params), 'Reconstructing from the rest')
    isotropic = parts.rest.symmetry == 'isotropic'
    judged = yield from judge_held(parts.held, made.volumes, isotropic=isotropic)
    return (
        HeldBack(
            share=share,
            rest=tuple(s.name for s in parts.rest),
            held=tuple(s.name for s in parts.held),
            window=judged.window,
            held_windows=judged.held_windows,
            section_windows=judged.section_windows,
            weights=reason,
            volume_shape=params.shape,
            volumes=len(made.volumes),
            statistics=judged.statistics,
            notes=_notes(params, isotropic),
        ),
        made.volumes,
    )


def _weights(given: str | Weights, slices: SliceSet, rest: SliceSet, is_start: bool) -> Job[tuple[Weights, str]]:
    """Weights and why; none that were trained on the part held back."""
    from ..generator import choosing_weights

    whole = {s.source.sha256 for s in slices}

    def seen(used: Weights) -> str:
        inputs = used.header.provenance.inputs if used.header.trained else ()
        return next((source.name for source in inputs if source.sha256 in whole), '')

    if not isinstance(given, str):
        used, reason = given, f'the weights {given.name!r}'
    else:
        choice = yield from choosing_weights(given, rest, training=is_start)
        used, reason = choice.weights, choice.reason
        if given == 'auto' and (which := seen(used)):
            choice = yield from choosing_weights('scratch' if is_start else 'prior', rest, training=is_start)
            reason = f'{choice.reason} (the nearest weights, {used.name}, were trained on the whole of {which})'
            used = choice.weights
    if which := seen(used):
        raise InputError(
            used.name, f'was trained on {which}, with the part that is to be held back',
            'choose other weights, or train on the rest',
        )  # fmt: skip
    return used, reason


def _notes(params: ReconstructParams, isotropic: bool) -> tuple[str, ...]:
    found = [
        'the part held back borders on the rest: it tells of the same place of the material, not of another one',
        'nothing is said of connectivity in 3D, which no section shows',
    ]
    if params.fractions == 'volume':
        found.append('every volume has the phase fractions of the rest, so that the band lacks their spread')
    if isotropic:
        found.append('isotropy is assumed: sections of all three axes stand for every slice')
    return tuple(found)


def _named(job: Generator[Progress, None, Any], stage: str) -> Generator[Progress, None, Any]:
    """The job with the part it plays here before its own words."""
    try:
        while True:
            try:
                progress = next(job)
            except StopIteration as end:
                return end.value
            yield replace(progress, stage=f'{stage}: {progress.stage}')
    finally:
        job.close()
