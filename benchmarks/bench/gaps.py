"""Who kept the event loop waiting: a thread that looks at the main thread's stack while the heart does not beat."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol

LOOK_EVERY = 0.01  # seconds
FROM = 0.05  # seconds without a beat, from which on it is looked at
_OURS, _DRAWING, _NAPARI = 'napari_microrecon', ('vispy', 'OpenGL'), ('napari/', 'superqt', 'psygnal')


class Beats(Protocol):
    """What is watched: `napari_microrecon.viewer.heartbeat.Heartbeat`."""

    gaps: list[float]
    busy: list[float]
    last: float


@dataclass(frozen=True)
class Gap:
    """A time without a beat.

    Attributes
    ----------
    seconds, busy : float
        Its length, and what the main thread computed meanwhile.
    blame : str
        'ours', 'napari', 'drawing' (vispy, GL) or 'Qt' (events without Python, such as composing the window), by where
        the main thread was found most often.
    where : str
        Function found most often: the innermost of ours, else the innermost of all.
    """

    seconds: float
    busy: float
    blame: str
    where: str


@dataclass
class Watch:
    """Looks at the main thread between `start` and `stop`."""

    beats: Beats
    _looks: dict[float, list[tuple[str, str]]] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; the heart must beat already."""
        self._looks.clear()
        self._over.clear()
        main = threading.main_thread().ident
        self._thread = threading.Thread(target=self._run, args=(main,), daemon=True)
        self._thread.start()

    def stop(self, limit: float) -> list[Gap]:
        """End, and return the gaps longer than `limit` (seconds), the longest first."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        found, at = [], self.beats.last
        for seconds, busy in zip(reversed(self.beats.gaps), reversed(self.beats.busy), strict=True):
            at -= seconds  # when the gap began, that is when the beat before it came
            if seconds > limit:
                looks = [look for began, some in self._looks.items() if abs(began - at) < 1e-4 for look in some]
                blame, where = Counter(looks).most_common(1)[0][0] if looks else ('unseen', '')
                found.append(Gap(seconds, busy, blame, where))
        return sorted(found, key=lambda gap: -gap.seconds)

    def _run(self, main: int) -> None:
        while not self._over.wait(LOOK_EVERY):
            began = self.beats.last
            if time.perf_counter() - began > FROM:
                frame = sys._current_frames().get(main)
                self._looks.setdefault(began, []).append(blame(frame))


def blame(frame: FrameType | None) -> tuple[str, str]:
    """Whose code a stack is in, and in which function.

    What draws is blamed on drawing and what napari does on napari, also where we have caused it; the function then is
    the one of ours that did.
    """
    names: list[tuple[str, str]] = []
    while frame is not None:
        code = frame.f_code
        names.append((code.co_filename, f'{code.co_filename.rsplit("/", 1)[-1]}:{frame.f_lineno} {code.co_name}'))
        frame = frame.f_back
    ours = next((i for i, (file, _) in enumerate(names) if _OURS in file), None)
    inner = names if ours is None else names[:ours]
    # Every event of the window passes through napari's main window on its way to Qt.
    files = [file for file, where in inner if not ('qt_main_window' in file and where.endswith(' event'))]
    if any(part in file for file in files for part in _DRAWING):
        whose = 'drawing'
    elif any(part in file for file in files for part in _NAPARI):
        whose = 'napari'
    else:
        whose = 'Qt' if ours is None else 'ours'
    return whose, names[ours][1] if ours is not None else names[0][1] if names else ''
