"""Errors and remarks as napari notifications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari.utils.notifications import notification_manager, show_error, show_info, show_warning

from ..engine.errors import EngineError

if TYPE_CHECKING:
    from ..engine.volume import Volume
    from ..session.session import Session


def error(problem: Exception) -> None:
    """Show what went wrong; the traceback is kept for errors that are ours to repair."""
    if isinstance(problem, EngineError):
        show_error(str(problem))
    else:
        notification_manager.receive_error(type(problem), problem, problem.__traceback__)


def warning(text: str) -> None:
    """Show a warning."""
    show_warning(text)


def info(text: str) -> None:
    """Show a remark."""
    show_info(text)


class Remarks:
    """Shows what reading remarked on the session's volumes, once each: edited voxels, missing ones.

    Parameters
    ----------
    session : Session
        Listened to.
    """

    def __init__(self, session: Session) -> None:
        self._told: set[str] = set()
        session.events.reference.connect(self._on_reference)
        session.events.volumes.connect(self._tell)

    def _on_reference(self, volume: Volume | None) -> None:
        self._tell([] if volume is None else [volume])

    def _tell(self, volumes: Sequence[Volume]) -> None:
        for volume in volumes:
            words = f'{volume.name}: {volume.note}'
            if volume.note and words not in self._told:
                self._told.add(words)
                warning(words)
