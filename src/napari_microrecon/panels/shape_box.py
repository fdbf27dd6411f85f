"""Whether the volume's sections have the shapes of the slices: a verdict in words, and pictures of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from .parts import Fold, Listener, Words, hint, refresh_style
from .picture_pairs import PicturePairs
from .style import GAP

if TYPE_CHECKING:
    from ..session import Session

_TIP = (
    'Sections of the volume are set against the slices: number, size and form of their pieces, chords, boundaries, '
    'texture at several scales. It says nothing of the third dimension, which sections do not show.'
)


class ShapeBox(QWidget, Listener):
    """The verdict on the volume at hand; hidden where there is none."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.words = Words()
        self.words.setObjectName('verdict')
        self.words.setToolTip(f'<qt>{_TIP}</qt>')
        self.detail = hint()
        self.pictures = PicturePairs()
        self.fold = Fold('Look: slice and volume', self.pictures)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GAP)
        for widget in (self.words, self.detail, self.fold):
            rows.addWidget(widget)
        for event in (session.events.shape, session.events.volume, session.events.slices):
            self.listen(event, self._on_changed)
        self._on_changed()

    def _on_changed(self) -> None:
        session = self._session
        verdict, volume, slices = session.findings.shape, session.material.volume, session.material.slices
        self.setVisible(verdict is not None and volume is not None and slices is not None)
        if verdict is None or volume is None or slices is None:
            return
        self.words.setText(f'Shape: {verdict.words}.')
        self.words.setProperty('level', verdict.level)
        refresh_style(self.words)
        advice = '' if verdict.level == 'fits' else ' Look at both below before you use numbers of this volume.'
        self.detail.setText(f'Worst statistic at {verdict.farthest:.2f} times its limit.{advice}')
        self.pictures.show_pairs(slices, volume)
