"""Fine-tuning as a task: every one has a Run folder, so that it can be paused, closed and taken up again."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ..engine.errors import InputError
from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress
from ..engine.run import Run, hash_tensors
from ..engine.slices import SliceSet
from . import runs
from .session import Session
from .task import Task
from .training import Start, Training
from .weights import pick_weights
from .words import weights_in_words

if TYPE_CHECKING:
    from ..engine.generator import FinetuneParams, Weights
    from ..engine.generator.training_state import TrainingState

_OUTPUT = 'weights.safetensors'


def finetune(session: Session, params: FinetuneParams) -> Task:
    """Adapt weights to the session's slices; when stopped or paused, the best so far are kept."""
    slices, spec, tuned = session.need_slices(), params.start_of(session.material.weights_spec), session.material.tuned
    notes = [draft.note for draft in session.material.drafts]
    held: list[Run] = []

    def run() -> EngineJob[Weights]:
        from ..engine.generator import resolve_device

        yield Progress('Choosing weights')
        choice, start = yield from pick_weights(spec, tuned, slices, training=True)
        fixed = params if params.threads else params.model_copy(update={'threads': _threads()})
        reason = 'fine-tuned in this session' if choice is None else choice.reason
        yield Progress('Beginning', preview=Start(weights_in_words(choice), reason))
        device = resolve_device(params.device)
        held.append(runs.new_run('finetune', slices, start, fixed, notes, device=device, reason=reason))
        return (yield from _train(held[0], slices, start, fixed, resume=False))

    session.material = replace(session.material, training=Training(), resumable=None)
    return _task(session, held, run)


def resume(session: Session, run: Run) -> Task:
    """Go on with a fine-tuning where it stopped; on the CPU it ends as if it had not been interrupted."""
    held, known = [run], session.material.training.start

    def job() -> EngineJob[Weights]:
        from ..engine.generator import FinetuneParams, Weights

        reason = run.record.weights_reason
        yield Progress('Taking up the training', preview=Start(reason, reason) if reason and known is None else None)
        slices, start = run.load_slices(), Weights.load(run.need_input('weights'))
        params = FinetuneParams.model_validate(run.record.parameters)
        return (yield from _train(run, slices, start, params, resume=True))

    session.material = replace(session.material, resumable=None)
    return _task(session, held, job)


def _train(run: Run, slices: SliceSet, start: Weights, params: FinetuneParams, *, resume: bool) -> EngineJob[Weights]:
    """Train in a run's folder and record how it ended."""
    from ..engine.generator import finetune as train

    began = time.monotonic()
    if resume:
        run.go_on()
    before = float(run.record.results.get('seconds', 0.0))
    try:
        weights = yield from train(
            slices, start, params, checkpoint=run.checkpoint, resume=run.checkpoint if resume else None
        )
        weights.save(run.folder / _OUTPUT)
        run.add_output('weights', run.folder / _OUTPUT, hash_tensors(weights.tensors))
        told = weights.header.training
        seconds = round(before + time.monotonic() - began, 1)
        run.finish(
            steps=told['steps_done'], plan=told['plan'], seconds=seconds, statistics=told.get('statistics', {})
        )  # fmt: skip
    except BaseException:
        # What stopped it is what is told, also where the disk is too full to record that.
        with contextlib.suppress(InputError):
            if resume or run.checkpoint.is_file():
                run.finish('stopped', seconds=round(before + time.monotonic() - began, 1))
            else:
                run.discard()
        raise
    return weights


def _task(session: Session, held: list[Run], run: object) -> Task:
    def accept(weights: Weights) -> None:
        session.pausing = False
        session.material = replace(session.material, run=held[0])
        keep(session, weights, 'Fine-tuning is done')

    def rescue() -> TrainingState | None:
        from ..engine.generator.training_state import TrainingState

        return TrainingState.load(held[0].checkpoint) if held and held[0].checkpoint.is_file() else None

    def stopped(state: TrainingState | None) -> None:
        pausing, session.pausing = session.pausing, False
        if state is None or state.best is None:
            session.say('Fine-tuning was stopped before it began: there are no weights to keep yet')
            return
        can_go_on = held[0] if runs.can_go_on(held[0]) else None
        session.material = replace(session.material, run=held[0], resumable=can_go_on)
        if pausing:
            session.material = replace(session.material, tuned=state.best)
            session.preview = None
            session.say(f'Fine-tuning is paused at step {state.record.step}; Resume goes on, also from its run folder')
        else:
            keep(session, state.best, 'Fine-tuning was stopped')

    leaves = 'the best weights so far are kept'
    return Task('finetune', 'Fine-tuning', run, accept, rescue, stopped, leaves)  # pyright: ignore[reportArgumentType]


def keep(session: Session, weights: Weights, how: str) -> None:
    """Make fine-tuned weights the ones to reconstruct with."""
    session.material = session.material.with_tuned(weights)
    session.preview = None
    session.say(f'{how}: the best weights are kept and used by Reconstruct', 'success')


def _threads() -> int:
    """Threads that leave a core to the window; recorded, because sums depend on how they are shared out."""
    import torch

    return max(1, min(torch.get_num_threads(), (os.cpu_count() or 2) - 1))
