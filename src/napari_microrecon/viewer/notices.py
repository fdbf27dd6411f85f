"""Errors and remarks as napari notifications."""

from __future__ import annotations

from napari.utils.notifications import notification_manager, show_error, show_info, show_warning

from ..engine.errors import EngineError


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
