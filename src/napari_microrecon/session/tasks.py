"""Tasks that compute: reconstruct, and the demo that chains reconstruction and analysis."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..engine.errors import InputError
from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress
from .analysing import analyse
from .inputs import load_sample
from .likelihood import Likelihood
from .runs import note_reference, note_shape, record_volumes
from .session import Session
from .task import Task
from .weights import pick_weights

if TYPE_CHECKING:
    from ..engine.generator import ReconstructParams
    from ..engine.volume import Volume


def reconstruct(session: Session, params: ReconstructParams, then: Callable[[], Task | None] = lambda: None) -> Task:
    """Generate volumes from the session's slices and weights, and record them in a Run folder."""
    slices, spec, tuned = session.need_slices(), session.material.weights_spec, session.material.tuned
    notes = [draft.note for draft in session.material.drafts]
    reference = session.material.reference
    origin = None if reference is None else session.material.origin_of(reference)

    made: list[Any] = []  # what there is before the shapes are judged

    def run() -> EngineJob[Any]:
        from ..engine.generator import reconstruct as generate
        from ..engine.generator.selection import judging_shape

        yield Progress('Choosing weights')
        # Between slices a network learns from these alone, as the window says: nothing is to be tried out for it.
        quick = params.mode != 'unconditional' and spec in ('auto', 'untrained')
        choice, weights = yield from pick_weights('prior' if quick else spec, tuned, slices)
        yield Progress('Reconstructing')
        began = time.monotonic()
        result = yield from generate(slices, weights, params)
        seconds = time.monotonic() - began
        reason = 'fine-tuned in this session' if choice is None else choice.reason
        record, problem = None, ''
        try:
            record = yield from record_volumes(slices, weights, params, result.volumes, notes, reason, seconds)
            if reference is not None and origin is not None:
                problem = note_reference(record, reference, origin)
        except InputError as error:  # a full disk must not cost the volume that has just been made
            problem = f'; it is not recorded: {error}'
        made.append((choice, result, Likelihood.of(result), record, problem, None))
        if params.mode == 'most-likely':  # which is smoother than the material, and meant to be
            return made[0]
        # Once the volume is safe: whoever stops now stops the judging alone.
        yield Progress('Judging the shapes', preview=result.volumes[0])
        try:
            shape = yield from judging_shape(slices, result.volumes)
        except InputError:  # slices too small to be measured: a volume without a verdict
            return made[0]
        if record is not None:
            note_shape(record, shape)
        return *made[0][:-1], shape

    def accept(result: Any) -> Task | None:
        choice, reconstruction, likelihood, record, problem, shape = result
        made = session.material.with_volumes(reconstruction.volumes, likelihood=likelihood, shape=shape)
        if made.slices is not None:  # whose size may have become known meanwhile
            made = made.with_scale(made.scale)
        session.material = replace(made, choice=choice, run=record)
        session.preview = None
        said = _recalibrated(session, params) or f'Reconstructed {" × ".join(map(str, params.shape))} voxels: '
        if params.mode == 'most-likely':
            problem += '; the likeliest phase at every voxel: smoother than the material, with other phase fractions'
        if shape is not None and shape.level != 'fits':
            problem += f'; the shapes in its sections: {shape.words}'
        session.say(f'{said}{_fractions(reconstruction.volumes[0])}{problem}', 'warning' if problem else 'success')
        return then()

    def stopped(found: Any) -> None:
        if found is not None:
            accept(found)

    return Task('reconstruct', 'Reconstructing', run, accept, lambda: made[0] if made else None, stopped)


def _fractions(volume: Volume) -> str:
    return ', '.join(f'{p.name} {f:.3f}' for p, f in zip(volume.phases.items, volume.fractions, strict=True))


def _recalibrated(session: Session, params: ReconstructParams) -> str:
    """What a target fraction did to the volume, in words; empty where none was given."""
    slices = session.material.slices
    if not params.target_fractions or slices is None:
        return ''
    told = ', '.join(
        f'{slices.phases.names[label]} set to {value:.3f} (slices: {slices.fractions[label]:.3f})'
        for label, value in params.target_fractions.items()
    )
    return f'Recalibrated: {told} by moving the phase boundaries, same seed, same arrangement; now '


def demo(session: Session, name: str, params: Callable[[Session], ReconstructParams]) -> Task:
    """Open a sample, reconstruct it and compare the result with the sample's volume."""

    def judge() -> Task:
        session.material = session.material.as_given()  # one more click makes all of it again
        return analyse(session)

    return load_sample(session, name, lambda: reconstruct(session, params(session), judge))
