"""Warming up beside the window."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

from napari_microrecon.viewer import collecting

_SCRIPT = """
import threading, time
import pint
from pint.registry import LazyRegistry
from napari_microrecon.viewer.warmup import _prepare_layers

shared = pint.get_application_registry()
loading = threading.Thread(target=_prepare_layers)
loading.start()
while loading.is_alive() and isinstance(shared.get(), LazyRegistry):
    time.sleep(.001)
assert str(shared('pixel').units) == 'pixel'  # a layer that is made at this moment
loading.join()
assert abs(shared('um').to('mm').magnitude - 1e-3) < 1e-12
assert pint.Unit('um') == shared.um
"""


def test_units_are_known_while_their_registry_is_built():
    # In a process of its own: there is one registry in each, and here it has been built.
    done = subprocess.run([sys.executable, '-c', _SCRIPT], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_modules_are_left_out_of_collections_while_a_widget_is_open(monkeypatch):
    monkeypatch.setattr(collecting, '_open', 0)
    gc.unfreeze()
    collecting.spare_modules()
    assert gc.get_freeze_count() == 0  # nobody would ever collect what is there now
    collecting.widget_opened()
    collecting.spare_modules()
    assert gc.get_freeze_count() > 10_000
    later = _Later()
    later.itself = later
    gone = weakref.ref(later)
    del later
    gc.collect()
    assert gone() is None  # what was made since is collected as ever
    collecting.widget_closed()
    assert gc.get_freeze_count() == 0


class _Later:
    itself: _Later
