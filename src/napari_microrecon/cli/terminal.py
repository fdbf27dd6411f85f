"""What the command line says: progress and remarks on stderr, results on stdout."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any, TypeVar

from ..engine.progress import Job, Progress, drain

Result = TypeVar('Result')
_SPARSE = 10.0  # seconds between progress lines where they cannot overwrite each other
_NEW_STAGE = 3.0  # seconds after which a new stage is worth a line
_SHOWN = ('loss', 's2_error', 'surface_error', 'fraction_error', 'percolating')


def fail(message: str, code: int) -> int:
    """Print one line on stderr and return the exit code."""
    _wipe()
    say('napari-microrecon: ' + ' '.join(message.split()))
    return code


def say(text: str, end: str = '\n') -> None:
    """Print on stderr; where nobody listens (closed, on a full disk) the work goes on without a word."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(text, end=end, file=sys.stderr, flush=True)


def _is_screen() -> bool:
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # closed
        return False


class Terminal:
    """Collects what a command has to say.

    Remarks wait until the work begins: where the input turns out to be bad, only the error line is printed.

    Parameters
    ----------
    as_json : bool
        Print results as one JSON object instead of sentences.
    """

    def __init__(self, as_json: bool = False) -> None:
        self._as_json = as_json
        self._waiting: list[str] = []
        self._stage = ''
        self._said = float('-inf')

    def note(self, text: str) -> None:
        """Remark for the user, on stderr."""
        self._waiting.append(text)

    def run(
        self, job: Job[Result], on_progress: Callable[[Progress], None] | None = None, *, by_steps: bool = False
    ) -> Result:
        """Run an engine job with progress; stopping the program stops the job and frees what it holds.

        With `by_steps` the first Ctrl-C (or SIGTERM) waits for the end of the step at work, whose result would be lost;
        the second does not.
        """
        with _after_the_step() if by_steps else contextlib.nullcontext(lambda: None) as stop_if_asked:
            return self._run(job, on_progress, stop_if_asked)

    def _run(
        self, job: Job[Result], on_progress: Callable[[Progress], None] | None, stop_if_asked: Callable[[], None]
    ) -> Result:
        def show(progress: Progress) -> None:
            stop_if_asked()
            self.flush()
            self._show(progress)
            if on_progress is not None:
                on_progress(progress)

        with contextlib.closing(job):
            result = drain(job, show)
        _wipe()
        self._said = float('-inf')
        return result

    def result(self, sentences: list[str], data: Mapping[str, Any]) -> None:
        """Print the result: sentences for people, or `data` as JSON."""
        self.flush()
        if self._as_json:
            print(json.dumps(data, allow_nan=False))
        else:
            print('\n'.join(sentences))

    def flush(self) -> None:
        """Print the remarks that wait."""
        if self._waiting:
            _wipe()
            say('\n'.join(self._waiting))
            self._waiting.clear()

    def _show(self, progress: Progress) -> None:
        line = describe(progress)
        if _is_screen():
            width = shutil.get_terminal_size().columns - 1
            say(f'\r\x1b[K{line[:width]}', end='')
            return
        now = time.monotonic()
        if now - self._said >= (_SPARSE if progress.stage == self._stage else _NEW_STAGE):
            self._stage, self._said = progress.stage, now
            say(line)


@contextlib.contextmanager
def _after_the_step() -> Iterator[Callable[[], None]]:
    """Hold back the first signal to stop; what is given raises what the signal would have."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    asked: list[tuple[int, FrameType | None]] = []

    def hold_back(number: int, frame: FrameType | None) -> None:
        handler = before[signal.Signals(number)]
        if asked and callable(handler):
            handler(number, frame)
        asked.append((number, frame))
        say('stopping after this step; once more stops at once')

    def stop_if_asked() -> None:
        if asked and callable(handler := before[signal.Signals(asked[0][0])]):
            handler(*asked[0])

    held = [number for number, handler in before.items() if callable(handler)]  # not where it is ignored
    for number in held:
        signal.signal(number, hold_back)
    try:
        yield stop_if_asked
    finally:
        for number in held:
            signal.signal(number, before[number])


def describe(progress: Progress) -> str:
    """One line for a progress: stage, steps, time left, the numbers that tell how it goes."""
    parts = [progress.stage]
    if progress.total:
        parts.append(f'{progress.step}/{progress.total} ({100 * progress.step // progress.total} %)')
    elif progress.step:
        parts.append(str(progress.step))
    left = progress.metrics.get('seconds_left')
    if left is not None and left > 0:
        parts.append(f'about {duration(left)} left')
    parts += [f'{key.replace("_", " ")} {progress.metrics[key]:.3g}' for key in _SHOWN if key in progress.metrics]
    if progress.note:
        parts.append(progress.note)
    return '  '.join(parts)


def duration(seconds: float) -> str:
    """'40 s', '3 min', '2.5 h'."""
    if seconds < 100:
        return f'{max(1, round(seconds))} s'
    return f'{seconds / 60:.0f} min' if seconds < 5400 else f'{seconds / 3600:.1f} h'


def _wipe() -> None:
    if _is_screen():
        say('\r\x1b[K', end='')
