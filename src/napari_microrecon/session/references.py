"""What a reference volume takes over from the slices: voxel size, phases, and the order of its labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from ..engine.errors import InputError
from ..engine.phases import Phases
from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress
from ..engine.run.reference import Origin
from ..engine.slices import SliceSet
from ..engine.volume import Volume
from ..engine.voxels import VoxelSize
from .session import Session
from .task import Task
from .words import length

_OTHER = 0.15  # how far fractions are apart, summed over the phases, before another order is thought of
_CLEARLY = 0.5  # and how much nearer that order has to be
_MOST_TIMES = 1e5  # what voxels of one material differ by
_MOST_PHASES = 4  # orders are tried out up to so many


@dataclass(frozen=True)
class Reordering:
    """Another order of a volume's labels, in which its phase fractions are those of the slices.

    Attributes
    ----------
    order : tuple of int
        The label in the volume that is to become 0, 1, ...
    there, here : tuple of float
        Fractions of the volume as it is, and of the slices.
    """

    order: tuple[int, ...]
    there: tuple[float, ...]
    here: tuple[float, ...]


def seeming_order(volume: Volume, slices: SliceSet | None) -> Reordering | None:
    """Order of the volume's labels in which its phase fractions are those of the slices; None for the order it has.

    Labels say nothing of which phase they mean: a CT that was segmented elsewhere may have its pores as 1 where the
    picture of the slice has them as 0. Told is only what is clear.
    """
    if slices is None or slices.phases.count != volume.phases.count or volume.phases.count > _MOST_PHASES:
        return None
    ours, theirs = np.asarray(slices.fractions), volume.fractions

    def apart(order: Sequence[int]) -> float:
        return float(np.abs(theirs[list(order)] - ours).sum())

    present = tuple(range(volume.phases.count))
    best = min(permutations(present), key=apart)
    if apart(present) <= _OTHER or apart(best) >= _CLEARLY * apart(present):
        return None
    return Reordering(best, tuple(map(float, theirs)), tuple(map(float, ours)))


def reordered(volume: Volume, order: Sequence[int]) -> Volume:
    """Volume whose label `order[k]` has become k; names and colours stay with the numbers.

    Raises
    ------
    InputError
        If `order` does not name every phase once.
    """
    if sorted(order) != list(range(volume.phases.count)):
        raise InputError('order', f'{tuple(order)} does not name every phase once', 'name each of them')
    table = np.empty(volume.phases.count, dtype=np.uint8)
    table[list(order)] = np.arange(volume.phases.count, dtype=np.uint8)
    return replace(volume, labels=table[volume.labels])


def adapted(volume: Volume, slices: SliceSet | None) -> tuple[Volume, list[str]]:
    """Volume with the voxel size and the phases of the slices where its own file names none, and what to say of it."""
    if slices is None:
        return volume, []
    check_scale(volume, slices.voxel_size)
    words = []
    if not volume.voxel_size.is_known and slices.voxel_size.is_known:
        volume = replace(volume, voxel_size=slices.voxel_size)
        words.append(f'its file names no voxel size: that of the slices, {slices.voxel_size}, is taken')
    count = volume.phases.count
    if count == slices.phases.count and volume.phases == Phases.default(count):
        volume = replace(volume, phases=slices.phases)
    return volume, words


def check_scale(volume: Volume, size: VoxelSize) -> None:
    """Refuse a voxel size that cannot belong to the material of a volume.

    Raises
    ------
    InputError
        If one is more than 100 000 times the other: a unit is wrong, and a viewer cannot show both.
    """
    own = volume.voxel_size
    if not (own.is_known and size.is_known):
        return
    ratio = size.to(own.unit).x / own.x
    if not 1 / _MOST_TIMES <= ratio <= _MOST_TIMES:
        raise InputError(
            'pixel size', f'{size} is {ratio:.0e} times that of {volume.name} ({own})', 'check both numbers and units'
        )


def check_scales(session: Session, size: VoxelSize) -> None:
    """Refuse a voxel size of the slices that cannot belong to the volumes on the screen; those that follow are free.

    Raises
    ------
    InputError
        As `check_scale`.
    """
    for shown in (session.reference, session.volume):
        if shown is not None and shown not in session.borrowers:
            check_scale(shown, size)


def follow_size(session: Session, size: VoxelSize) -> str:
    """Give reference and volumes the voxel size of the slices, unless they have one of their own.

    What was measured of a volume that follows is dropped: its lengths were in voxels, or in the former size.

    Returns
    -------
    str
        What has followed, in words; empty for nothing.
    """
    sized: dict[Volume, Volume] = {}
    for one in (*session.kept, *session.volumes):
        borrows = not one.voxel_size.is_known or one in session.borrowers
        if borrows and one.voxel_size != size and one not in sized:
            sized[one] = replace(one, voxel_size=size)
            session.borrowers.add(sized[one])
    followed = []
    reference, volumes, likelihood = session.reference, session.volumes, session.likelihood
    subject = session.subject
    for one in (one for one in session.kept if one in sized):
        session.origins[sized[one]] = session.origin_of(one)
    session.kept = tuple(sized.get(one, one) for one in session.kept)
    if reference in sized:
        order = session.reordering
        session.set_reference(sized[reference])
        session.reordering = order
        followed.append('reference')
    if any(one in sized for one in volumes):
        if likelihood is not None and likelihood.volume in sized:
            session.likelihood = replace(likelihood, volume=sized[likelihood.volume])
        session.set_volumes([sized.get(one, one) for one in volumes])
        followed.append('volume')
    if subject in sized:
        session.set_subject(sized[subject])
    return ' and '.join(f'the {one}' for one in followed)


def resize(session: Session, size: VoxelSize) -> None:
    """Set the pixel size of all slices and of what follows them; say what has followed and what keeps its own.

    Raises
    ------
    InputError
        As `check_scales`; nothing has changed then.
    """
    check_scales(session, size)
    was_measured = session.report is not None
    session.set_drafts([draft.sized(size) for draft in session.drafts])
    followed = follow_size(session, size)
    said = f'The slices have {length(size)} a pixel now' if size.is_known else 'The pixel size is not known now'
    if followed:
        said += f', and so {"have" if " and " in followed else "has"} {followed}'
    if was_measured and session.report is None:
        said += '; press Measure in step 4 again, what was measured had another size'
    shown = {'volume': session.volume, 'reference': session.reference}
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
    reference = session.reference
    if reference is None:
        raise InputError('reference', 'there is none', 'open a volume first')
    found = session.reordering
    if found is None:
        raise InputError(reference.name, 'has its phases in the order of the slices', 'leave them as they are')
    order = found.order

    def run() -> EngineJob[Volume]:
        yield Progress(f'Swapping the phases of {reference.name}')
        return reordered(reference, order)

    def accept(volume: Volume) -> None:
        if session.reference is reference:
            put_in_place(session, volume)
            session.origins[volume] = Origin()  # its file still has the other order
            session.say(f'{reference.name}: the phases have the order of the slices now', 'success')

    return Task('load', 'Swapping phases', run, accept)


def put_in_place(session: Session, volume: Volume) -> None:
    """Make this the reference instead of the one at hand, of which it is another description."""
    former = session.reference
    origin = None if former is None else session.origin_of(former)
    if former in session.borrowers:
        session.borrowers.add(volume)
    session.kept = tuple(volume if one is former else one for one in session.kept)
    session.set_reference(volume, origin)
