"""No real volume at hand: part of the slices is held back and compared with sections of a volume from the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QDoubleSpinBox,
    QHeaderView,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from .numbers import PANEL, ROLES, number, spread, unit_text, with_um
from .parts import Fold, Listener, button, form, hint, row

if TYPE_CHECKING:
    from ..engine.holdback import HeldBack, HeldStatistic
    from ..session import Session
    from ..viewer.appearance import Palette

_ROW = 23  # pixels, the least height of a row
NAME, HELD, SECTIONS, VERDICT = range(4)
_WIDTHS = {HELD: 66, SECTIONS: 86, VERDICT: 92}
_SHORT = {
    'phase_fraction': 'Fraction',
    'perimeter_density': 'Boundary',
    's2_error': 'S₂ error',
    'chord_length': 'Chord length',
    'correlation_length': 'Corr. length',
}
_TIPS = {
    'phase_fraction': 'Area fraction of the phase',
    'perimeter_density': 'Length of its boundary per area (Cauchy-Crofton)',
    's2_error': 'Distance of the two-point probability from the mean over sections, in units of φ (1 − φ)',
    'chord_length': 'Mean length of straight lines within the phase',
    'correlation_length': 'Distance at which the autocovariance has fallen to 1/e',
}
_WHAT = (
    'Cuts a part off every slice, makes volumes from what is left, and asks whether sections of these could have shown '
    'the part held back. Slices, volumes and weights stay as they are.'
)


class HoldBackBox(QWidget, Listener):
    """Asks for the experiment and shows what came of it.

    Signals
    -------
    requested(float, float)
        Share that is held back (0..1) and minutes of training on the rest, 0 for none.
    """

    requested = Signal(float, float)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._palette: Palette | None = None
        self._drawn: HeldBack | None = None
        self.rows: list[int] = []  # of the table, by statistic
        self.share = QSpinBox()
        self.share.setRange(10, 50)
        self.share.setValue(33)
        self.share.setSuffix(' %')
        self.share.setToolTip(
            'Part of every slice that is held back: its last columns, or its last rows where it is higher than wide. '
            '64 pixels an edge must be left, 32 held back'
        )
        self.minutes = QDoubleSpinBox()
        self.minutes.setRange(0, 600)
        self.minutes.setDecimals(1)
        self.minutes.setSuffix(' min')
        self.minutes.setSpecialValueText('none')
        self.minutes.setToolTip('Train on the rest for so long first; none: the weights of step 2 as they are')
        self.run_button = button('Hold back and compare', _WHAT)
        self.sentence = hint()
        self.table = self._make_table()
        self.notes = hint()
        self.answer = QWidget()
        inside = QVBoxLayout(self.answer)
        inside.setContentsMargins(0, 0, 0, 0)
        for widget in (self.sentence, self.table, self.notes):
            inside.addWidget(widget)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(hint(_WHAT))
        rows = form()
        rows.addRow('Held back', self.share)
        rows.addRow('Training', self.minutes)
        column.addLayout(rows)
        column.addLayout(row(self.run_button, 1))
        column.addWidget(self.answer)
        self.fold = Fold('No real volume? Hold back part of the slices', content)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.addWidget(self.fold)
        self.run_button.clicked.connect(lambda: self.requested.emit(self.share.value() / 100, self.minutes.value()))
        for event in (session.events.job, session.events.slices, session.events.held_back):
            self.listen(event, self._draw)
        self._draw()

    @staticmethod
    def _make_table() -> QTableWidget:
        table = QTableWidget(0, 4)
        table.setHorizontalHeaderLabels(['', 'Held back', 'Sections', 'Verdict'])
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setWordWrap(True)
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            table.setColumnWidth(column, width)
        return table

    def apply_palette(self, palette: Palette) -> None:
        """Take the theme's colours."""
        self._palette, self._drawn = palette, None
        self._draw()

    def _draw(self) -> None:
        session, found = self._session, self._session.findings.held_back
        ready = session.material.slices is not None
        self.run_button.setEnabled(ready and not session.job.is_active)
        self.run_button.setToolTip(f'<qt>{_WHAT if ready else "Add a slice in step 1 first"}</qt>')
        self.answer.setVisible(found is not None)
        if found is None or found is self._drawn:
            return
        self._drawn = found
        self.sentence.setText(f'{found.sentence}.')
        told = (f'compared: {found.basis}', f'weights: {found.weights}', *found.notes)
        self.notes.setText(with_um(' '.join(f'{text[:1].upper()}{text[1:].rstrip(".")}.' for text in told)))
        self.table.clearSpans()
        self.table.setRowCount(0)
        self.rows = []
        phase = None
        for one in found.statistics:
            if one.phase_name != phase:  # a line of its own: names of phases are long
                phase = one.phase_name
                self.table.setRowCount(self.table.rowCount() + 1)
                self.table.setItem(self.table.rowCount() - 1, NAME, _bold(phase))
                self.table.setSpan(self.table.rowCount() - 1, NAME, 1, 4)
            self.table.setRowCount(self.table.rowCount() + 1)
            self.rows.append(self.table.rowCount() - 1)
            self._fill_row(self.rows[-1], one)
        height = self.table.horizontalHeader().sizeHint().height() + 4
        self.table.resizeRowsToContents()
        for i in range(self.table.rowCount()):
            self.table.setRowHeight(i, max(_ROW, self.table.rowHeight(i)))
            height += self.table.rowHeight(i)
        self.table.setFixedHeight(height)

    def _fill_row(self, i: int, one: HeldStatistic) -> None:
        unit = unit_text(one.unit)
        name = _SHORT[one.key] + (f' ({unit})' if unit else '')
        where = f' {one.plane}.' if one.plane else ''
        digits = PANEL.digits_for(one.held, one.sections)
        cells = (
            (name + (f', {one.plane}' if one.plane else ''), f'{_TIPS[one.key]}.{where}', ''),
            (number(one.held, digits), 'Mean over the windows of the part held back', ''),
            (
                spread(one.sections, digits),
                f'Mean over {one.sections.n} windows of sections, and where 95 % of further ones would lie',
                '',
            ),
            (one.verdict.words, one.verdict.sentence, ROLES[one.verdict.verdict]),
        )
        for column, (text, tip, role) in enumerate(cells):
            item = QTableWidgetItem(text)
            side = Qt.AlignmentFlag.AlignRight if column in (HELD, SECTIONS) else Qt.AlignmentFlag.AlignLeft
            item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            item.setToolTip(f'<qt>{tip}</qt>')
            if self._palette is not None:
                item.setForeground(QColor(getattr(self._palette, role or 'text')))
            self.table.setItem(i, column, item)


def _bold(text: str) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    font = item.font()
    font.setBold(True)
    item.setFont(font)
    return item
