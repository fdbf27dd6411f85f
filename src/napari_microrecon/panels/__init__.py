"""Qt views: they emit what the user wishes and draw the session; they hold no science."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name == 'MicroreconWidget':
        from .microrecon_widget import MicroreconWidget

        return MicroreconWidget
    raise AttributeError(name)
