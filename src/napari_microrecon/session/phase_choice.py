"""Which phase of the volume at hand is measured where nobody says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..engine.volume import Volume
    from .session import Session


def phase_to_measure(session: Session) -> int | None:
    """Label of the phase that the user chose, else of the declared pore, else 1; None without a volume.

    A choice holds as long as the phases are the same. The slices say which phase is the pore of what is made of them,
    also after it was made; any other volume says so itself.
    """
    volume = session.material.measured
    if volume is None:
        return None
    chosen = session.phase_choices.get(_phases_at_hand(session, volume))
    if chosen is not None:
        return chosen
    pore = _declared_pore(session, volume)
    return volume.phases.main if pore is None else pore


def choose_phase(session: Session, label: int) -> None:
    """Measure this phase from now on."""
    volume = session.material.measured
    if volume is not None:
        session.phase_choices = {**session.phase_choices, _phases_at_hand(session, volume): volume.phases.check(label)}


def is_unasked(session: Session, volume: Volume) -> bool:
    """Whether nobody has said which phase of a volume matters: none is declared the pore, none was chosen."""
    return _declared_pore(session, volume) is None and _phases_at_hand(session, volume) not in session.phase_choices


def _phases_at_hand(session: Session, volume: Volume) -> tuple[tuple[str, ...], int | None]:
    return volume.phases.names, _declared_pore(session, volume)


def _declared_pore(session: Session, volume: Volume) -> int | None:
    slices, reference = session.material.slices, session.material.reference
    own = [volume.phases]
    theirs = [] if slices is None or slices.phases.count != volume.phases.count else [slices.phases]
    asked = [*theirs, *own] if volume is session.material.volume else [*own, *theirs]
    if reference is not None and reference.phases.count == volume.phases.count:
        asked.append(reference.phases)
    return next((phases.pore for phases in asked if phases.pore is not None), None)
