"""PoreSpy, imported late and without its side effects."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np


@contextmanager
def quiet_porespy() -> Iterator[ModuleType]:
    """Give PoreSpy to the block, and leave the process as it was.

    Importing PoreSpy adds a RichHandler to the root logger and switches numpy's floating-point warnings off for the
    whole process; its functions draw progress bars and log warnings. Here the root logger's handlers and level
    and numpy's error state come back afterwards, and the bars stay hidden.
    """
    root = logging.getLogger()
    handlers, level, errors = list(root.handlers), root.level, np.geterr()
    hooks = sys.excepthook
    try:
        import porespy

        for handler in [h for h in root.handlers if h not in handlers]:
            root.removeHandler(handler)
        root.setLevel(level)
        np.seterr(**errors)
        porespy.settings.tqdm['disable'] = True
        logger = logging.getLogger('porespy')
        before = logger.level
        logger.setLevel(logging.ERROR)
        try:
            with np.errstate(divide='ignore', invalid='ignore'):  # its functions count on it
                yield porespy
        finally:
            logger.setLevel(before)
    finally:
        for handler in [h for h in root.handlers if h not in handlers]:
            root.removeHandler(handler)
        root.setLevel(level)
        np.seterr(**errors)
        sys.excepthook = hooks
