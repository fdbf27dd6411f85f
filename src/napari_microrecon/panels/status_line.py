"""Foot of the widget: what happened last, and progress with Cancel while something runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from ..session.jobs import JobState
from .parts import Listener, button, refresh_style, row
from .style import GAP, MARGIN

if TYPE_CHECKING:
    from ..session import Session


# Whatever changes in the window makes Qt compose all of it with the canvas, in software where there is no graphics
# card: an animation then takes most of a core, which the job wants too.
_EVERY_MS = 400


class StatusLine(QWidget, Listener):
    """Draws the session's job and status."""

    cancel_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.text = QLabel()
        self.text.setObjectName('status')
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.cancel_button = button('Cancel', 'Stop within a second; nothing half-done is kept', small=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, GAP, MARGIN, GAP)
        column.setSpacing(GAP)
        column.addWidget(self.bar)
        column.addLayout(row(self.text, self.cancel_button, stretch=0))
        self.cancel_button.clicked.connect(self.cancel_requested)
        self._shown = session.job.state
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_EVERY_MS)
        self._later.timeout.connect(self._draw)
        self.listen(session.events.job, self._on_job)
        self.listen(session.events.status, self._draw)
        self._draw()

    def _on_job(self) -> None:
        """Draw a new state at once, and of signs of life as many as can be read."""
        if self._session.job.state is not self._shown:
            self._draw()
        elif not self._later.isActive():
            self._later.start()

    def _draw(self) -> None:
        self._later.stop()
        self._shown = self._session.job.state
        self._fill()

    def _fill(self) -> None:
        job, status = self._session.job, self._session.status
        self.bar.setVisible(job.is_active)
        self.cancel_button.setVisible(job.is_active)
        self.cancel_button.setEnabled(job.state is JobState.RUNNING)
        if not job.is_active:
            self._say(status.text, status.level)
            return
        progress = job.progress
        self.bar.setRange(0, max(1, progress.total))  # never the busy animation, see _EVERY_MS
        self.bar.setValue(min(progress.step, progress.total))
        if job.state is JobState.STOPPING:
            self._say('Stopping…', 'info')
            return
        left = progress.metrics.get('seconds_left')
        self._say(f'{progress.stage}…{"" if left is None else f"  {duration(left)} left"}', 'info')

    def _say(self, text: str, level: str) -> None:
        self.text.setText(text)
        self.text.setToolTip(text)
        if self.text.property('level') != level:
            self.text.setProperty('level', level)
            refresh_style(self.text)


def duration(seconds: float) -> str:
    """'8 s', '3 min 20 s' or '2 h 5 min'."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f'{whole} s'
    if whole < 3600:
        return f'{whole // 60} min {whole % 60} s' if whole < 600 else f'{whole // 60} min'
    return f'{whole // 3600} h {whole % 3600 // 60} min'
