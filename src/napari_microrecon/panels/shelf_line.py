"""Line that names the work that was put away, with the button that brings it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from .parts import Listener, button, hint, row, shortened

if TYPE_CHECKING:
    from ..session import Session

_MOST = 30  # characters of a name


class ShelfLine(QWidget, Listener):
    """Shown as long as there is something to bring back.

    Signals
    -------
    requested()
        The work that was put away is wanted.
    """

    requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.text = hint()
        self.button = button('Bring back', '', small=True)
        self.setLayout(row(self.text, self.button, stretch=0))
        self.button.clicked.connect(self.requested)
        for event in (session.events.put_away, session.events.job, session.events.awaiting):
            self.listen(event, self._draw)
        self._draw()

    def _draw(self) -> None:
        session, work = self._session, self._session.put_away
        self.setVisible(work is not None)
        if work is not None:
            self.text.setText(f'Put away: {shortened(work.name, _MOST)}')
            self.button.setToolTip(f'Go back to {work.name}: {work.holds}. What is open now is put away instead.')
            self.button.setEnabled(not (session.job.is_active or session.awaiting))
