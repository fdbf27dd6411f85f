"""Spares Python's collector of cycles the modules that stay for good.

napari collects all cycles whenever a layer goes, since some graphics drivers fail otherwise, and Python does so by
itself now and then. With torch and the libraries of analysis loaded that is half a second in which the window is deaf,
nearly all of it spent on modules that never go.
"""

from __future__ import annotations

import gc

_open = 0  # widgets


def widget_opened() -> None:
    """Count a widget."""
    global _open
    _open += 1


def widget_closed() -> None:
    """Collect all again: the viewer of this widget was there when the modules were left out, and may go."""
    global _open
    _open -= 1
    gc.unfreeze()


def spare_modules() -> None:
    """Leave everything that there is by now out of collections, if a widget is open; what comes later is collected."""
    if _open:
        gc.freeze()
