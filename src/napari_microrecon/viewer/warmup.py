"""Loads what the first click will need while the user still reads the widget."""

from __future__ import annotations

import importlib
import logging
import time
from functools import cache
from threading import Event

from qtpy.QtCore import QThreadPool

from .collecting import spare_modules

log = logging.getLogger(__name__)
# In the order in which a demo needs them.
_MODULES = ('engine.samples', 'engine.generator.reconstruction', 'engine.files', 'engine.analysis.comparing')


_loaded = Event()


def warm_up() -> None:
    """Start to load in the background, once per process; a later window has the modules spared, too."""
    if _loaded.is_set():
        spare_modules()
    _start()


@cache
def _start() -> None:
    """Begin.

    Importing torch, compiling napari's label colouring and building pint's registry of units take some
    seconds, which would otherwise pass between the first click and the first volume.
    """
    pool = QThreadPool.globalInstance()
    if pool is not None:
        pool.start(_load)


def _load() -> None:
    began = time.monotonic()
    try:
        _prepare_layers()
        for name in _MODULES:
            importlib.import_module(f'napari_microrecon.{name}')
        _prepare_solver()
        _loaded.set()
        spare_modules()
    # Whatever is broken will break the job that needs it, and that one tells the user.
    except Exception:
        log.debug('warming up failed', exc_info=True)
    log.debug('warmed up in %.1f s', time.monotonic() - began)


def _prepare_layers() -> None:
    """Compile the colouring of labels and build the registry of units.

    Not by making a layer: napari filters warnings while it does, and warning filters know no threads.
    """
    import numpy as np
    import pint
    from pint.registry import LazyRegistry

    from ..engine.phases import Phases
    from .layers import phase_colormap

    phase_colormap(Phases.default(2)).map(np.ones((2, 2, 2), np.uint8))
    # The shared registry builds itself where it is first used and takes its readers in before it is done: a layer made
    # meanwhile would not find its unit. So another one is built aside, and put in place where none is in use yet.
    built = pint.UnitRegistry()
    if isinstance(pint.get_application_registry().get(), LazyRegistry):
        pint.set_application_registry(built)


def _prepare_solver() -> None:
    """Compile the inner loops of the tortuosity solver; a later start finds them on the disk."""
    import numpy as np

    from ..engine.diffusion.solver import solve_diffusion

    bent = np.ones((12, 12, 12), dtype=bool)
    bent[4, 1:] = False  # a straight duct would need no solver
    for _ in solve_diffusion(bent, 0):
        pass
