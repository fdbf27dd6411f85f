"""Colours of napari's theme, for widgets that napari's style sheet does not reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.components import ViewerModel


@dataclass(frozen=True)
class Palette:
    """Colours as #rrggbb."""

    background: str
    foreground: str
    primary: str
    secondary: str
    text: str
    muted: str
    accent: str
    on_accent: str
    good: str
    warning: str
    bad: str
    generated: str
    reference: str
    ensemble: str


def palette_of(viewer: ViewerModel) -> Palette:
    """Return the colours of the viewer's theme; curves and verdicts keep a contrast of 3 or more on them."""
    from napari.utils.theme import get_theme

    theme = get_theme(viewer.theme)
    dark = theme.type == 'dark'
    return Palette(
        background=theme.background.as_hex('long'),
        foreground=theme.foreground.as_hex('long'),
        primary=theme.primary.as_hex('long'),
        secondary=theme.secondary.as_hex('long'),
        text=theme.text.as_hex('long'),
        muted='#a3a8b3' if dark else '#5d5d63',
        accent=theme.current.as_hex('long'),
        on_accent='#ffffff' if dark else '#1e1e21',
        good='#4fc38a' if dark else '#0b7a45',
        warning='#e3b617' if dark else '#8a6a00',
        bad='#ff7b72' if dark else '#b3201d',
        generated='#56b4e9' if dark else '#0a62a0',  # blue and orange stay apart for the colour-blind
        reference='#f0a13a' if dark else '#b45f06',
        ensemble='#d98cb3' if dark else '#96326c',
    )
