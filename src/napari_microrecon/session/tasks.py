"""Tasks that compute: reconstruct, fine-tune, analyse, and the demo that chains them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.errors import InputError
from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress
from ..engine.slices import SliceSet
from .analysing import analyse
from .inputs import load_sample
from .session import Session
from .task import Task
from .training import Training

if TYPE_CHECKING:
    from ..engine.generator import FinetuneParams, ReconstructParams, Weights, WeightsChoice


def reconstruct(session: Session, params: ReconstructParams, then: Callable[[], Task | None] = lambda: None) -> Task:
    """Generate volumes from the session's slices and weights."""
    slices, spec, tuned = session.need_slices(), session.weights_spec, session.tuned

    def run() -> EngineJob[Any]:
        from ..engine.generator import reconstruct as generate

        yield Progress('Choosing weights')
        choice, weights = pick_weights(spec, tuned, slices)
        yield Progress('Reconstructing')
        result = yield from generate(slices, weights, params)
        return choice, result

    def accept(result: Any) -> Task | None:
        choice, reconstruction = result
        session.choice = choice
        session.set_volumes(reconstruction.volumes)
        volume = reconstruction.volumes[0]
        fractions = ', '.join(f'{p.name} {f:.3f}' for p, f in zip(volume.phases.items, volume.fractions, strict=True))
        session.say(f'Reconstructed {" × ".join(map(str, volume.shape))} voxels: {fractions}', 'success')
        return then()

    return Task('reconstruct', 'Reconstructing', run, accept)


def finetune(session: Session, params: FinetuneParams, checkpoint: Path) -> Task:
    """Adapt weights to the session's slices; when stopped, the best so far are kept."""
    slices, spec, tuned = session.need_slices(), session.weights_spec, session.tuned

    def run() -> EngineJob[Weights]:
        from ..engine.generator import finetune as train

        yield Progress('Choosing weights')
        _, start = pick_weights(spec, tuned, slices, training=True)
        return (yield from train(slices, start, params, checkpoint=checkpoint))

    def accept(weights: Weights) -> None:
        _keep(session, weights, 'Fine-tuning is done')

    def stopped() -> None:
        from ..engine.generator.training_state import TrainingState

        best = TrainingState.load(checkpoint).best if checkpoint.exists() else None
        if best is not None:
            _keep(session, best, 'Fine-tuning was stopped')
        else:
            session.say('Fine-tuning was stopped before it began: there are no weights to keep yet')

    session.training = Training()
    return Task('finetune', 'Fine-tuning', run, accept, stopped)


def _keep(session: Session, weights: Weights, how: str) -> None:
    """Make fine-tuned weights the ones to reconstruct with."""
    session.tuned = weights
    session.weights_spec = 'tuned'
    session.preview = None
    session.say(f'{how}: the best weights are kept and used by Reconstruct', 'success')


def demo(session: Session, name: str, params: Callable[[Session], ReconstructParams]) -> Task:
    """Open a sample, reconstruct it and compare the result with the sample's volume."""
    return load_sample(session, name, lambda: reconstruct(session, params(session), lambda: analyse(session)))


def pick_weights(
    spec: str, tuned: Weights | None, slices: SliceSet, *, training: bool = False
) -> tuple[WeightsChoice | None, Weights]:
    """Return the choice (None for the session's own fine-tuned weights) and the weights of `spec`."""
    from ..engine.generator import choose_weights, starting_weights

    if spec == 'tuned':
        if tuned is None:
            raise InputError('weights', 'nothing has been fine-tuned yet', 'choose other weights, or fine-tune first')
        return None, tuned
    choice = (starting_weights if training else choose_weights)(spec, slices)
    return choice, choice.weights
