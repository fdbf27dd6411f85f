"""Warming up beside the window."""

from __future__ import annotations

import subprocess
import sys

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
