"""Task of the slice-count experiment: what 3, 5, 7 slices of the reference volume would give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.errors import InputError
from ..engine.progress import Job as EngineJob
from .session import Session
from .task import Task

if TYPE_CHECKING:
    from ..engine.conditioned.experiment import SliceCounts


def try_slice_counts(session: Session, device: str = 'auto') -> Task:
    """Cut the reference volume into few slices, rebuild it from these and compare.

    Raises
    ------
    InputError
        If there is no reference volume.
    """
    reference = session.material.reference
    if reference is None:
        raise InputError('reference', 'there is none', 'open a 3D volume in step 1 first')

    def run() -> EngineJob[SliceCounts]:
        from ..engine.conditioned.experiment import slice_counts

        return (yield from slice_counts(reference, device=device))

    def accept(found: SliceCounts) -> None:
        session.find(experiment=found)
        counts = ', '.join(str(one.count) for one in found.attempts)
        session.say(f'{reference.name}: rebuilt from {counts} slices and compared', 'success')

    return Task('experiment', 'Trying numbers of slices', run, accept)
