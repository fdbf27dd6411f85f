"""Which process made something on disk, and whether it still runs."""

from __future__ import annotations

import hashlib
import os
import platform


def this_machine() -> str:
    """Eight letters for this machine: folders may be shared between several."""
    return hashlib.sha256(platform.node().encode('utf-8', 'replace')).hexdigest()[:8]


def this_process() -> str:
    """Text that names this process among all that ever ran on this machine and on others."""
    import psutil

    return f'{os.getpid()}-{this_machine()}-{psutil.Process().create_time():.2f}'


def is_running(name: str) -> bool:
    """Whether the process of a text made by `this_process` still runs on this machine."""
    import psutil

    try:
        number, machine, began = name.split('-')
        process = psutil.Process(int(number))
        return machine == this_machine() and f'{process.create_time():.2f}' == began and process.is_running()
    except (ValueError, psutil.Error):
        return False


def may_be_running(number: int, machine: str) -> bool:
    """Whether a process with this number may still write: it runs here, or belongs to another machine."""
    import psutil

    return bool(machine and machine != this_machine()) or psutil.pid_exists(number)
