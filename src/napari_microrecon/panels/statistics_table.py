"""Table of all statistics: value, unit, uncertainty, the reference's band and the verdict in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from ..engine.analysis.faces import face_title
from ..engine.statistics.catalogue import is_numerical, short_table, short_title, title
from .numbers import PANEL, ROLES, shown, spread, unit_text

if TYPE_CHECKING:
    from ..engine.results import Comparison, Ensemble, Report, Statistic
    from ..viewer.appearance import Palette

_ROW = 27  # pixels, the least height of a row
_APART = 9  # pixels between the lines of one row and those of the next
NAME, VALUE, REFERENCE, VERDICT, FACE = range(5)
_WIDTHS = {VALUE: 70, REFERENCE: 84, VERDICT: 84, FACE: 18}  # pixels; the panel is 400 wide, the name takes the rest


class StatisticsTable(QTableWidget):
    """One row per statistic; tells which one was chosen.

    Signals
    -------
    chosen(str)
        Key of the row that the user is on.
    face_requested(str)
        Key of a statistic with a spatial face that was clicked.
    """

    chosen = Signal(str)
    face_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 5, parent)
        self.setObjectName('statistics')
        self.keys: list[str] = []
        self.show_all = False
        self._palette: Palette | None = None
        self.setHorizontalHeaderLabels(['', 'Volume', 'Reference', 'Verdict', ''])
        self.verticalHeader().hide()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)  # a ± belongs to the number above it, in the same stripe
        self.setWordWrap(True)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(16)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, width)
        header.sectionResized.connect(lambda *_: self._fit())
        self.cellClicked.connect(self._on_clicked)
        self.currentCellChanged.connect(lambda row, *_: self._on_row(row))

    def apply_palette(self, palette: Palette) -> None:
        """Take the theme's colours; the next fill shows them."""
        self._palette = palette

    def fill(self, report: Report, comparison: Comparison | None, ensemble: Ensemble | None) -> None:
        """Show what is known; cells are changed in place, so that the chosen row stays chosen."""
        judged = None if comparison is None or not comparison.band else comparison
        # What was judged: the volume itself, or the mean of its blocks where the reference is too small.
        values = report.statistics if judged is None else judged.compared
        first = short_table()
        self.keys = [key for key in first if key in values]
        if self.show_all:
            self.keys += [key for key in values if key not in first and not is_numerical(key)]
        self.setRowCount(len(self.keys))
        self.setColumnHidden(REFERENCE, judged is None and ensemble is None)
        self.setColumnHidden(VERDICT, judged is None)
        header = self.horizontalHeaderItem(REFERENCE)
        if header is not None:
            header.setText('Reference' if judged is not None else 'Realisations')
        for row, key in enumerate(self.keys):
            self._fill_row(row, key, values[key], judged, ensemble)
        self._fit()

    def _fill_row(
        self, row: int, key: str, statistic: Statistic, judged: Comparison | None, ensemble: Ensemble | None
    ) -> None:
        unit = unit_text(statistic.unit)
        name = short_title(key) if key in short_table() else title(key)
        self._cell(row, NAME, f'{name} ({unit})' if unit else name, f'{title(key)}: {statistic.method}')
        band = judged.band.get(key) if judged is not None else ensemble.statistics.get(key) if ensemble else None
        digits = PANEL.digits_for(statistic.value, band if judged is not None else None)
        role = '' if statistic.value is not None else 'muted'
        self._cell(row, VALUE, shown(statistic, digits), statistic.note, role, right=True)
        whose = 'blocks of the reference' if judged is not None else 'realisations'
        tip = '' if band is None else f'mean of {band.n} {whose}, and where 95 % of more would lie'
        self._cell(row, REFERENCE, spread(band, digits), tip, right=True)
        verdict = None if judged is None else judged.verdicts.get(key)
        words, role = ('', '') if verdict is None else (verdict.words, ROLES[verdict.verdict])
        self._cell(row, VERDICT, words, '' if verdict is None else verdict.sentence, role)
        face = face_title(key) if statistic.value else None
        self._cell(row, FACE, '▣' if face else '', f'Click to show as a layer: {face}' if face else '', 'accent')

    def has_face(self, key: str) -> bool:
        """Whether a click on the row of a statistic shows a layer."""
        item = self.item(self.keys.index(key), FACE) if key in self.keys else None
        return item is not None and bool(item.text())

    def _cell(self, row: int, column: int, text: str, tip: str, role: str = '', *, right: bool = False) -> None:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            self.setItem(row, column, item)
        if item.text() != text:
            item.setText(text)
        item.setToolTip(f'<qt>{tip}</qt>' if tip else '')
        if self._palette is not None:
            item.setForeground(QColor(getattr(self._palette, role or 'text')))

    def _fit(self) -> None:
        """Make the table as high as its rows, so that the panel scrolls and not the table."""
        self.resizeRowsToContents()
        height = 4
        for row in range(self.rowCount()):
            self.setRowHeight(row, max(_ROW, self.rowHeight(row) + _APART))
            height += self.rowHeight(row)
        header = self.horizontalHeader()
        height += 0 if header.isHidden() else header.sizeHint().height()
        if self.height() != height:
            self.setFixedHeight(height)

    def _on_row(self, row: int) -> None:
        if 0 <= row < len(self.keys):
            self.chosen.emit(self.keys[row])

    def _on_clicked(self, row: int, _: int) -> None:
        if 0 <= row < len(self.keys) and self.has_face(self.keys[row]):
            self.face_requested.emit(self.keys[row])
