"""What the items in napari's menus do: open the widget at one of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .microrecon_widget import MicroreconWidget

_PLUGIN = 'napari-microrecon'
_WIDGET = 'Microrecon'


def open_widget(step: int | None = None) -> MicroreconWidget:
    """Open the widget in the current viewer, or bring it to the front, and return it."""
    import napari

    viewer = napari.current_viewer()
    if viewer is None:
        raise RuntimeError('there is no viewer')
    dock, widget = viewer.window.add_plugin_dock_widget(_PLUGIN, _WIDGET)
    dock.show()
    dock.raise_()
    if step is not None:
        widget.show_step(step)
    return widget


def show_slices() -> None:
    """Open step 1."""
    open_widget(0)


def show_reconstruct() -> None:
    """Open step 2."""
    open_widget(1)


def show_finetune() -> None:
    """Open step 3."""
    open_widget(2)


def show_analyse() -> None:
    """Open step 4."""
    open_widget(3)
