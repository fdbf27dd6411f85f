"""A refusal for lack of memory as a notification whose buttons are the ways out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from napari.utils.notifications import Notification, notification_manager

from ..session.analysing import Wish

if TYPE_CHECKING:
    from ..engine.analysis import MemoryRefusal
    from ..session import Session


def ways_out(refusal: MemoryRefusal, session: Session, wish: Wish) -> list[tuple[str, Wish]]:
    """What can be measured instead, each with the words of its button."""
    ways: list[tuple[str, Wish]] = []
    # What was cut already is the session's subject by now.
    wish = replace(wish, crop=None, factor=1, reference_crop=None)
    measured, reference = session.material.measured, session.material.reference
    is_reference = measured is not None and reference is not None and refusal.subject == reference.name != measured.name
    if refusal.without_tortuosity:
        ways.append(('Without tortuosity', replace(wish, tortuosity=False)))
    if refusal.crop is not None:
        size = ' × '.join(str(n) for n in refusal.crop)
        if is_reference:
            ways.append((f'Middle {size} of the reference', replace(wish, reference_crop=refusal.crop)))
        else:
            ways.append((f'Middle {size}', replace(wish, crop=refusal.crop)))
    if refusal.factor is not None:
        ways.append((f'{refusal.factor} × coarser', replace(wish, factor=refusal.factor)))
    return ways


def offer(refusal: MemoryRefusal, session: Session, wish: Wish, take: Callable[[Wish], None]) -> Notification:
    """Show the refusal; a click on one of its buttons takes that way."""

    def action(way: Wish) -> Callable[..., None]:
        return lambda *_: take(way)

    actions = tuple((words, action(way)) for words, way in ways_out(refusal, session, wish))
    notification = Notification(str(refusal), 'error', actions=actions)
    notification_manager.dispatch(notification)
    return notification
