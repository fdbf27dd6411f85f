"""What reference and volumes take over from the slices of a session: voxel size and order of the labels."""

from __future__ import annotations

from ..engine.errors import InputError
from ..engine.matching import reordered
from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress
from ..engine.run.reference import Origin
from ..engine.volume import Volume
from ..engine.voxels import VoxelSize
from .material import Material
from .session import Session
from .task import Task
from .words import length


def follow_size(session: Session, size: VoxelSize) -> str:
    """Give reference and volumes the voxel size of the slices, unless they have one of their own.

    Returns
    -------
    str
        What has followed, in words; empty for nothing.
    """
    former = session.material
    session.material = former.with_scale(size)
    return followed(former, session.material)


def followed(former: Material, material: Material) -> str:
    """Say which volumes of a material have taken over the voxel size of its slices."""
    which = []
    if material.reference is not former.reference:
        which.append('reference')
    if any(one is not other for one, other in zip(material.volumes, former.volumes, strict=True)):
        which.append('volume')
    return ' and '.join(f'the {one}' for one in which)


def resize(session: Session, size: VoxelSize) -> None:
    """Set the pixel size of all slices and of what follows them; say what has followed and what keeps its own.

    Raises
    ------
    InputError
        As `Material.check_scale`; nothing has changed then.
    """
    session.material.check_scale(size)
    was_measured = session.findings.report is not None
    session.set_drafts([draft.sized(size) for draft in session.material.drafts])
    following = follow_size(session, size)
    said = f'The slices have {length(size)} a pixel now' if size.is_known else 'The pixel size is not known now'
    if following:
        said += f', and so {"have" if " and " in following else "has"} {following}'
    if was_measured and session.findings.report is None:
        said += '; press Measure in step 4 again, what was measured had another size'
    shown = {'volume': session.material.volume, 'reference': session.material.reference}
    keeping = [
        f'the {what} keeps {length(one.voxel_size)} a voxel'
        for what, one in shown.items()
        if one is not None and not one.voxel_size.agrees_with(size)
    ]
    if keeping:
        said += (
            f'; {" and ".join(keeping)}: what was measured is unchanged, and a reconstruction from now on has the size '
            'of the slices'
        )
    session.say(said, 'warning' if keeping else 'success')


def swap_phases(session: Session) -> Task:
    """Bring the reference's phases into the order that its fractions speak for.

    Raises
    ------
    InputError
        If there is no reference, or none of its orders fits the slices better.
    """
    reference = session.material.reference
    if reference is None:
        raise InputError('reference', 'there is none', 'open a volume first')
    found = session.material.reordering
    if found is None:
        raise InputError(reference.name, 'has its phases in the order of the slices', 'leave them as they are')
    order = found.order

    def run() -> EngineJob[Volume]:
        yield Progress(f'Swapping the phases of {reference.name}')
        return reordered(reference, order)

    def accept(volume: Volume) -> None:
        if session.material.reference is reference:
            made = session.material.with_other_description(reference, volume)
            session.material = made.with_reference(volume, Origin())  # its file still has the other order
            session.say(f'{reference.name}: the phases have the order of the slices now', 'success')

    return Task('load', 'Swapping phases', run, accept)
