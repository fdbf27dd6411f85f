"""Whether the volume's sections have the shapes of the slices: a verdict in words, and pictures of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from .parts import Fold, Listener, Words, hint, refresh_style
from .picture_view import PictureView
from .style import GAP

if TYPE_CHECKING:
    from ..session import Session

PAIRS, EDGE = 3, 128  # pictures of slice and volume, and their largest edge in pixels
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
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GAP)
        self.pairs: list[tuple[PictureView, PictureView]] = []
        for column in range(PAIRS):
            pair = PictureView('Crop of a slice'), PictureView('Section of the volume, at the same scale')
            for line, view in enumerate(pair):
                view.setMinimumSize(60, 60)
                view.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
                view.setFixedHeight(104)
                grid.addWidget(view, line, column)
            self.pairs.append(pair)
        pictures = QWidget()
        column = QVBoxLayout(pictures)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(hint('Above crops of the slices, below sections of the volume, at equal scale.'))
        column.addLayout(grid)
        self.fold = Fold('Look: slice and volume', pictures)
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
        verdict, volume, slices = session.shape, session.volume, session.slices
        self.setVisible(verdict is not None and volume is not None and slices is not None)
        if verdict is None or volume is None or slices is None:
            return
        self.words.setText(f'Shape: {verdict.words}.')
        self.words.setProperty('level', verdict.level)
        refresh_style(self.words)
        advice = '' if verdict.level == 'fits' else ' Look at both below before you use numbers of this volume.'
        self.detail.setText(f'Worst statistic at {verdict.farthest:.2f} times its limit.{advice}')
        if slices.phases.count != volume.phases.count:
            return
        from ..engine.shape import shape_pictures

        pictures = shape_pictures(slices, volume.labels, PAIRS, EDGE)
        for (of_slice, of_volume), (crop, section) in zip(self.pairs, pictures, strict=False):
            of_slice.show_labels(crop, slices.phases)
            of_volume.show_labels(section, slices.phases)
