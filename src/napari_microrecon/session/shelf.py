"""Work that has given way to other work, kept so that it can be brought back."""

from __future__ import annotations

from dataclasses import replace

from ..engine.errors import InputError
from .material import Material
from .session import Session


def put_away(session: Session) -> str:
    """Keep what the session holds, because something else takes its place; say so, or nothing where it holds nothing.

    One piece of work is kept. A sample as it was opened is closed rather than push out what the user has made.
    """
    work, former = session.material, session.put_away
    if work.is_empty:
        return ''
    if not work.is_own and former is not None and former.is_own:
        return f'{work.name} was closed; {former.name} can still be brought back in step 1'
    session.put_away = work
    return f'{work.name} was put away (Bring back, in step 1, returns to it)'


def take_up(session: Session, material: Material) -> None:
    """Make this the material at hand.

    What is shown in another unit is taken away before; else it is left to be filled anew, which is quicker. napari
    warns of layers with different units, and there would be some until all are exchanged.
    """
    former = session.material
    shown = [*(draft.slice for draft in former.drafts), *former.volumes, former.reference]
    units = {one.voxel_size.unit for one in shown if one is not None}
    if material.slices is not None and units - {material.scale.unit}:
        session.material = Material()
    session.material = material


def bring_back(session: Session) -> None:
    """Return to the work that was put away; what is at hand is put away in its turn.

    Raises
    ------
    InputError
        If nothing was put away, or something runs whose result belongs to the work at hand.
    """
    work = session.put_away
    if work is None:
        raise InputError('work', 'nothing was put away', 'open files, a run or a demo')
    if session.job.is_active or session.awaiting:
        raise InputError('work', f'{session.job.title} is not done yet', 'wait for it, or cancel it')
    session.put_away = None if session.material.is_empty else session.material
    # Faces and questions are not brought back: their layers are gone. Forms show the parameters of the run.
    back = replace(work.with_findings(face=None), labelling=None, opened=work.run)
    take_up(session, back)
    session.preview = None
    session.say(f'{work.name} is back: {work.holds}', 'success')
