"""How long the window was deaf: the largest gap between two beats of a timer in the event loop."""

from __future__ import annotations

import time

from qtpy.QtCore import QObject, QTimer

BEAT_MS = 20


class Heartbeat(QObject):
    """Timer that beats every 20 ms and remembers the gaps between its beats.

    Used by tests and benchmarks: a gap above some 150 ms is felt by whoever uses the window.

    Attributes
    ----------
    gaps : list of float
        Seconds between two beats.
    busy : list of float
        What the main thread itself computed in each gap, seconds; the rest it waited for other threads (Python's lock),
        for other processes, or for the beat.
    last : float
        When it last beat (`time.perf_counter`); another thread may watch it.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.gaps: list[float] = []
        self.busy: list[float] = []
        self.last = self._spent = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._on_beat)

    def start(self) -> None:
        """Begin to count from now; former gaps are forgotten."""
        self.gaps, self.busy = [], []
        self.last, self._spent = time.perf_counter(), time.thread_time()
        self._timer.start()

    def stop(self) -> float:
        """End, and return the largest gap in seconds."""
        self._on_beat()
        self._timer.stop()
        return self.largest

    @property
    def largest(self) -> float:
        """Largest gap so far, seconds."""
        return max(self.gaps, default=0.0)

    def _on_beat(self) -> None:
        now, spent = time.perf_counter(), time.thread_time()
        self.gaps.append(now - self.last)
        self.busy.append(spent - self._spent)
        self.last, self._spent = now, spent
