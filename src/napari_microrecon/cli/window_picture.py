"""A picture of the napari window after a demo has run in it, taken by a process of its own on a virtual display."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Self

from .terminal import duration

_TIMEOUT = 900  # seconds: the window runs the whole demo on its own
_SCREEN = '-screen 0 1600x1000x24'


def window_command(name: str, edge: int | None) -> list[str]:
    """Arguments of Python that open the window with a demo; `edge` of the volume, None for the usual one."""
    command = ['-m', 'napari_microrecon.panels.demo_window', name]
    return command if edge is None else [*command, '--edge', str(edge)]


class WindowPicture:
    """Starts the window at once, so that it works beside the caller; leaving the context ends it.

    Parameters
    ----------
    name : str
        Name of a sample.
    path : Path
        PNG file to write; one that is there already is removed.
    edge : int, optional
        Edge of the volume in voxels.
    """

    def __init__(self, name: str, path: Path, edge: int | None = None) -> None:
        self.path = path
        self._window = window_command(name, edge)
        self._missing = ''
        self._child: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, *self._window, '--screenshot', str(self.path)]
        if sys.platform not in ('win32', 'darwin'):
            missing = [tool for tool in ('xvfb-run', 'Xvfb', 'xauth') if shutil.which(tool) is None]
            if missing:
                self._missing = (
                    f'No {self.path.name}: {", ".join(missing)} missing; install it with: apt-get install xvfb xauth '
                    '(and see README for the libraries that Qt needs).'
                )
                return self
            command = ['xvfb-run', '-a', '-s', _SCREEN, *command]
        self.path.unlink(missing_ok=True)
        self._said = tempfile.TemporaryFile()
        # A group of its own: ending it ends the display and the window with xvfb-run.
        self._child = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=self._said, start_new_session=sys.platform != 'win32'
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        if self._said is not None:
            self._said.close()

    def wait(self) -> str:
        """Wait for the picture; '' when it is there, else why it is not."""
        if self._child is None or self._said is None:
            return self._missing
        try:
            code = self._child.wait(_TIMEOUT)
        except subprocess.TimeoutExpired:
            return f'No {self.path.name}: the window was not done after {duration(_TIMEOUT)}.'
        if code == 0 and self.path.is_file():
            return ''
        self._said.seek(0)
        lines = self._said.read().decode(errors='replace').splitlines()
        last = next((line.strip() for line in reversed(lines) if line.strip()), 'no message')
        return f'No {self.path.name}: the window ended with code {code}: {last}'

    def _end(self) -> None:
        if self._child is None or self._child.poll() is not None:
            return
        if sys.platform == 'win32':
            self._child.kill()
        else:
            os.killpg(self._child.pid, signal.SIGTERM)
        self._child.wait()
