"""Threads whose words reach the main thread, and which have fallen silent before the interpreter ends.

napari's ``thread_worker`` is not used, for what it does to long jobs: its thread emits on a QObject that PyQt deletes
at the end of the interpreter, whether the thread still works or not ("wrapped C/C++ object of type WorkerBaseSignals
has been deleted"); it exchanges the warning filters of the whole process from each thread; its pool has as many threads
as the machine has cores, so that on two cores a new job waits behind one that was cancelled; and napari's question
before a window is closed names jobs after Python functions.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, Qt, Signal, Slot

LAST_WAIT_S = 30.0  # at the end of the interpreter, for steps that cannot be interrupted
THREAD_NAME = 'microrecon-job'
Say = Callable[[Any], None]
_alive: set[SpeakingThread] = set()


class SpeakingThread(QObject):
    """One thread of work, and the way that its words take to the thread that made it.

    Parameters
    ----------
    work : callable
        Called in the new thread with a function that sends one object; must not raise.
    hear : callable
        Called with each object, in the order sent, in the event loop of the thread that made this; a slot of a QObject
        is forgotten with its object.
    stop : threading.Event, optional
        What `work` looks at in order to end early; set at the end of the interpreter.
    """

    _said = Signal(object)
    _ended = Signal()

    def __init__(self, work: Callable[[Say], None], hear: Say, stop: threading.Event | None = None) -> None:
        super().__init__()  # without a parent: nobody but Python may delete it
        self._work = work
        self._stop = threading.Event() if stop is None else stop
        self._gate = threading.Lock()
        self._is_hushed = False
        # Queued also where Qt would call directly: `hear` runs in the event loop, never inside of `start`.
        queued = Qt.ConnectionType.QueuedConnection
        self._said.connect(hear, queued)  # pyright: ignore[reportCallIssue]
        self._ended.connect(self._on_ended, queued)  # pyright: ignore[reportCallIssue]
        # A daemon, because Python waits for others before it calls what is registered with atexit.
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        _alive.add(self)  # until its last word is delivered
        self._thread.start()

    def hush(self) -> None:
        """Deliver nothing that is said from now on; returns when no word is on its way any more."""
        with self._gate:
            self._is_hushed = True

    def _say(self, word: Any) -> None:
        with self._gate:
            if not self._is_hushed:
                self._said.emit(word)

    def _run(self) -> None:
        try:
            self._work(self._say)
        finally:
            with self._gate:
                if self._is_hushed:
                    _alive.discard(self)
                else:
                    self._ended.emit()

    @Slot()
    def _on_ended(self) -> None:
        _alive.discard(self)


def end_all(patience: float = LAST_WAIT_S) -> None:
    """Silence all threads, ask them to stop, and wait for them as long as `patience` (seconds) in all."""
    running = list(_alive)
    for one in running:
        one._stop.set()
        one.hush()
    until = time.monotonic() + patience
    for one in running:
        one._thread.join(max(0.0, until - time.monotonic()))


# Called before PyQt deletes what belongs to Python, which it registered when it was imported above.
atexit.register(end_all)
