"""How long the window was deaf: the largest gap between two beats of a timer in the event loop."""

from __future__ import annotations

import time

from qtpy.QtCore import QObject, QTimer

BEAT_MS = 20


class Heartbeat(QObject):
    """Timer that beats every 20 ms and remembers the gaps between its beats.

    Used by tests and benchmarks: a gap above some 150 ms is felt by whoever uses the window.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.gaps: list[float] = []
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._on_beat)

    def start(self) -> None:
        """Begin to count from now; former gaps are forgotten."""
        self.gaps = []
        self._last = time.perf_counter()
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
        now = time.perf_counter()
        self.gaps.append(now - self._last)
        self._last = now
