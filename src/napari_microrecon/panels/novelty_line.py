"""Whether the reconstruction is copied from its slice, or repeats itself, found out on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from .numbers import with_um
from .parts import Listener, button, hint, row

if TYPE_CHECKING:
    from ..session import Session
    from ..viewer.appearance import Palette

_WORDS = {
    'new': ('new', 'good'),
    'copied': ('copied from the slice', 'bad'),
    'cannot tell': ('cannot tell', 'muted'),
}
_REPEATING = 'repeats itself'


class NoveltyLine(QWidget, Listener):
    """Verdict, its numbers, and a button to ask for it; only for what was generated from slices."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._palette: Palette | None = None
        self.verdict = QLabel()
        self.reason = hint()
        self.run_button = button(
            'Copied or repeated?',
            'Look for parts of the slices that reappear in the volume, and for a shift after which the volume repeats '
            'itself; some seconds',
            small=True,
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row(self.run_button, self.verdict, 1))
        column.addWidget(self.reason)
        events = session.events
        for event in (events.novelty, events.volume, events.slices, events.subject, events.job):
            self.listen(event, self._draw)
        self._draw()

    def apply_palette(self, palette: Palette) -> None:
        """Take the theme's colours."""
        self._palette = palette
        self._draw()

    def _draw(self) -> None:
        session, found = self._session, self._session.findings.novelty
        self.setVisible(
            session.material.volume is not None
            and session.material.slices is not None
            and session.material.subject is None
        )
        self.run_button.setEnabled(not session.job.is_active)
        self.reason.setVisible(found is not None)
        if found is None:
            self.verdict.setText('')
            return
        words, role = _WORDS[found.verdict]
        repeats = session.findings.repeats
        if repeats is not None and repeats.verdict == 'repeats':
            words, role = (f'{words}, {_REPEATING}' if found.verdict == 'copied' else _REPEATING), 'bad'
        self.verdict.setText(words)
        if self._palette is not None:
            self.verdict.setStyleSheet(f'color: {getattr(self._palette, role)}; font-weight: 600')
        told = found.sentence.removeprefix(f'{found.verdict}: ')
        lines = ['. '.join((f'{told[:1].upper()}{told[1:]}', *found.notes))]
        if repeats is not None:
            lines.append(f'Repeats within the volume: {repeats.sentence.removeprefix("repeats: ")}.')
        self.reason.setText(with_um('\n'.join(lines)))
