"""Task of the experiment for those who have no CT: part of the slices is held back and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..engine.errors import InputError
from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress
from .session import Session
from .task import Task

if TYPE_CHECKING:
    from ..engine.generator import FinetuneParams, ReconstructParams

FEWEST_VOLUMES = 2  # the band should have the spread between volumes in it


def hold_back(session: Session, params: ReconstructParams, share: float, training: FinetuneParams | None) -> Task:
    """Reconstruct from part of the session's slices and compare with the other part; slices and volumes stay.

    Parameters
    ----------
    session : Session
        With slices and a choice of weights.
    params : ReconstructParams
        Size, seed and device are taken from it; mode, number of volumes and fractions are those of the experiment.
    share : float
        Part of every slice that is held back.
    training : FinetuneParams or None
        Train on the rest first.

    Raises
    ------
    InputError
        If there are no slices, one of them is too small, naming it, or the volume would be.
    """
    from ..engine.holdback import split
    from ..engine.holdback.splitting import SMALLEST_HELD

    slices, spec, tuned = session.need_slices(), session.material.weights_spec, session.material.tuned
    split(slices, share)  # refused before a job starts
    if min(params.shape) < SMALLEST_HELD:
        size = ' × '.join(map(str, params.shape))
        raise InputError(
            'volume',
            f'would be {size} voxels, and sections of it too small to be compared with the part held back',
            f'set Size in step 2 to {SMALLEST_HELD} or more along every edge',
        )
    asked = params.model_copy(
        update={
            'mode': 'unconditional',
            'realisations': max(params.realisations, FEWEST_VOLUMES),
            'fractions': 'ensemble',
            'target_fractions': {},
        }
    )

    def run() -> EngineJob[Any]:
        from ..engine.holdback import hold_back as experiment

        yield Progress('Holding part of the slices back')
        weights = tuned if spec == 'tuned' and tuned is not None else spec
        found, _ = yield from experiment(slices, weights, asked, share=share, training=training)
        return found

    def accept(found: Any) -> None:
        session.find(held_back=found)
        session.say(found.sentence, 'success')

    session.find(held_back=None)
    return Task('experiment', 'Holding part of the slices back', run, accept)
