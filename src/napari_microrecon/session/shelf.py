"""Work that has given way to other work, kept so that it can be brought back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..engine.errors import InputError
from .training import Training

if TYPE_CHECKING:
    from .session import Session

# In the order in which they are restored, after slices, volumes and reference.
_PLAIN = (
    'tuned', 'training', 'weights_spec', 'choice', 'shape', 'likelihood', 'run', 'resumable', 'reordering',
    'experiment', 'report', 'comparison', 'ensemble', 'novelty', 'repeats', 'held_back', 'given',
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Work:
    """One piece of work: everything of a session that belongs to its material.

    Attributes
    ----------
    name : str
        What the user knows it by.
    holds : str
        What there is of it, in words.
    is_own : bool
        Whether the user has made or changed something; False for a sample or a run as it was opened.
    fields : mapping of str to object
        Values of the session's fields.
    """

    name: str
    holds: str
    is_own: bool
    fields: Mapping[str, Any]


def note_as_given(session: Session) -> None:
    """Remember that what the session holds now was opened, not made: it can be had again without being kept."""
    session.given = _held(session)


def is_own(session: Session) -> bool:
    """Whether the session holds something that the user has made or changed since it was opened."""
    held = _held(session)
    if not _is_something(session):
        return False
    return session.given is None or any(one is not former for one, former in zip(held, session.given, strict=True))


def work_at_hand(session: Session) -> Work | None:
    """What the session holds, None where that is nothing."""
    if not _is_something(session):
        return None
    fields = {name: getattr(session, name) for name in _PLAIN}
    for name in ('drafts', 'slices', 'sample', 'volumes', 'subject', 'reference', 'kept'):
        fields[name] = getattr(session, name)
    return Work(_name(session), _holds(session), is_own(session), fields)


def put_away(session: Session) -> str:
    """Keep what the session holds, because something else takes its place; say so, or nothing where it holds nothing.

    One piece of work is kept. A sample as it was opened is closed rather than push out what the user has made.
    """
    work, former = work_at_hand(session), session.put_away
    if work is None:
        return ''
    if not work.is_own and former is not None and former.is_own:
        return f'{work.name} was closed; {former.name} can still be brought back in step 1'
    session.put_away = work
    return f'{work.name} was put away (Bring back, in step 1, returns to it)'


def clear(session: Session) -> None:
    """Empty the session of all that belongs to one material."""
    session.set_volumes(())
    session.forget_references()
    session.set_drafts(())
    forget_rest(session)


def forget_rest(session: Session) -> None:
    """Drop what belongs to the material at hand beside slices, volumes and reference."""
    session.sample = None
    session.tuned = None
    session.training = Training()
    session.weights_spec = 'auto'
    session.run = session.opened = session.resumable = None
    session.given = None


def make_room(session: Session, unit: str) -> None:
    """Take away what is shown in another unit than what comes; else it is left to be filled anew, which is quicker.

    napari warns of layers with different units, and there would be some until all are exchanged.
    """
    shown = [draft.slice for draft in session.drafts] + [*session.volumes, session.reference]
    if any(one is not None and one.voxel_size.unit != unit for one in shown):
        session.set_volumes(())
        session.set_reference(None)
        session.set_drafts(())


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
    session.put_away = work_at_hand(session)
    fields = work.fields
    if fields['slices'] is not None:
        make_room(session, fields['slices'].voxel_size.unit)
    session.set_volumes(fields['volumes'])
    session.sample = fields['sample']
    session.kept = fields['kept']
    session.set_reference(fields['reference'])
    session.set_drafts(fields['drafts'], like=fields['slices'])
    session.set_subject(fields['subject'])
    for name in _PLAIN:
        setattr(session, name, fields[name])
    session.opened = None
    session.opened = fields['run']  # forms show its parameters
    session.say(f'{work.name} is back: {work.holds}', 'success')


def _held(session: Session) -> tuple[Any, ...]:
    """What tells one state of the work from another, by identity: all of it is replaced, never changed in place."""
    return session.drafts, session.volumes, session.kept, session.tuned


def _is_something(session: Session) -> bool:
    return bool(session.drafts or session.volumes or session.kept) or session.tuned is not None


def _name(session: Session) -> str:
    if session.sample is not None:
        return f'{session.sample.title.split(",")[0].split(" (")[0]} (sample)'
    things = [draft.slice for draft in session.drafts] or [*session.volumes, *session.kept]
    return things[0].name or 'your work' if things else 'your work'


def _holds(session: Session) -> str:
    count = len(session.drafts)
    parts = [f'{count} slice{"s" if count > 1 else ""}'] if count else []
    if session.volumes:
        parts.append('a reconstruction' if len(session.volumes) == 1 else f'{len(session.volumes)} reconstructions')
    if session.kept:
        parts.append('a reference volume' if len(session.kept) == 1 else f'{len(session.kept)} volumes to compare with')
    if session.tuned is not None:
        parts.append('fine-tuned weights')
    return ', '.join(parts)
