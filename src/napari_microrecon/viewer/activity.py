"""The session's job in napari's activity dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils import progress as napari_progress
from qtpy.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from ..session.session import Session

_EVERY_MS = 500


class ActivityBar(QObject):
    """Follows the session's job twice a second.

    napari's progress bars process events whenever they are touched. Done inside a slot, that would let the
    next signs of life overtake the present one; so the bar is touched by a timer of its own only. Jobs that
    end sooner get no bar.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._bar: Any = None
        self._busy = False
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._on_tick)
        session.events.job.connect(self._on_job)

    def close(self) -> None:
        """Remove the bar and stop to follow."""
        self._timer.stop()
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()

    def _on_job(self) -> None:
        if self._session.job.is_active and not self._timer.isActive():
            self._timer.start()

    def _on_tick(self) -> None:
        if self._busy:  # reached again through the events that the bar processes
            return
        self._busy = True
        try:
            self._follow()
        finally:
            self._busy = False

    def _follow(self) -> None:
        job = self._session.job
        if not job.is_active:
            self.close()
            return
        if self._bar is None:
            self._bar = napari_progress(total=0, desc=job.title)  # total 0 shows as busy
            return
        bar, progress = self._bar, job.progress
        if progress.total and bar.total != progress.total:
            bar.total = progress.total
        if bar.desc != f'{progress.stage}: ':
            bar.set_description(progress.stage)
        if progress.total and self._bar is bar:  # not closed meanwhile
            bar.update(min(progress.step, progress.total) - bar.n)
