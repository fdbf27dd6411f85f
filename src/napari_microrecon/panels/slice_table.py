"""Table of the slices: size, plane, position, and what can be done with each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from ..engine.voxels import AXES
from .parts import button, quiet_wheel

if TYPE_CHECKING:
    from ..session.drafts import SliceDraft

_ADJUST = 'Thresholds, noise, crop and turn of the picture'
_LABELS = 'This slice came as labels: nothing to adjust'
_NO_PICTURE = '<qt>A run keeps the slice as it was segmented, not the picture: open the picture again to adjust it</qt>'
_ROW = 26  # pixels
_NORMAL, _POSITION, ADJUST, REMOVE = range(2, 6)  # columns of editors and buttons
_WIDTHS = {1: 80, _NORMAL: 50, _POSITION: 56, ADJUST: 56, REMOVE: 24}


class SliceTable(QTableWidget):
    """One row per slice.

    Signals
    -------
    place_requested(int, str, object)
        Index, normal, and position or None.
    adjust_requested(int), remove_requested(int)
        Index.
    """

    place_requested = Signal(int, str, object)
    adjust_requested = Signal(int)
    remove_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 6, parent)
        self.setHorizontalHeaderLabels(['Slice', 'Pixels', 'Normal', 'Position', '', ''])
        self.verticalHeader().hide()
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        header = self.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.setColumnWidth(column, width)

    def show_drafts(self, drafts: Sequence[SliceDraft]) -> None:
        """Draw the slices."""
        self.setRowCount(len(drafts))
        for i, draft in enumerate(drafts):
            made = draft.slice
            name = QTableWidgetItem(made.name)
            name.setToolTip(f'{made.name}: {draft.note}' if draft.note else made.name)
            self.setItem(i, 0, name)
            size = QTableWidgetItem(f'{made.labels.shape[0]}×{made.labels.shape[1]}')
            size.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
            self.setItem(i, 1, size)
            normal, position = self._row_editors(i)
            # Editors are kept and filled silently: replacing them would take the focus from the one in use.
            for editor in (normal, position):
                editor.blockSignals(True)
            normal.setCurrentText(made.normal)
            position.setValue(-1 if made.position is None else made.position)
            for editor in (normal, position):
                editor.blockSignals(False)
            adjust = self.cellWidget(i, ADJUST)
            if adjust is not None:
                adjust.setEnabled(draft.is_adjustable)
                adjust.setToolTip(_ADJUST if draft.is_adjustable else _NO_PICTURE if draft.lacks_picture else _LABELS)
        # Names need the room more than buttons that nobody can press, unless people would look for them.
        self.setColumnHidden(ADJUST, not any(draft.is_adjustable or draft.lacks_picture for draft in drafts))
        shown = min(len(drafts), 4)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + shown * _ROW + 4)

    def _row_editors(self, i: int) -> tuple[QComboBox, QSpinBox]:
        """Return the editors of a row; they are made on the first call."""
        normal, position = self.cellWidget(i, _NORMAL), self.cellWidget(i, _POSITION)
        if isinstance(normal, QComboBox) and isinstance(position, QSpinBox):
            return normal, position
        normal, position = QComboBox(), QSpinBox()
        normal.addItems(AXES)
        normal.setToolTip('Axis that the slice is perpendicular to')
        position.setRange(-1, 100000)
        position.setSpecialValueText('any')
        position.setKeyboardTracking(False)
        position.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)  # they would take more room than the number
        position.setToolTip("Voxel along the normal, counted from 0; 'any' where it is not known")
        adjust = button('Adjust…', _ADJUST, small=True)
        adjust.setStyleSheet('padding: 1px 2px;')
        remove = button('✕', 'Remove this slice', small=True)
        for column, widget in ((_NORMAL, normal), (_POSITION, position), (ADJUST, adjust), (REMOVE, remove)):
            self.setCellWidget(i, column, widget)
        normal.activated.connect(lambda _: self._on_place(i))
        position.valueChanged.connect(lambda _: self._on_place(i))
        adjust.clicked.connect(lambda _=False: self.adjust_requested.emit(i))
        remove.clicked.connect(lambda _=False: self.remove_requested.emit(i))
        self.setRowHeight(i, _ROW)
        quiet_wheel(self)
        return normal, position

    def _on_place(self, index: int) -> None:
        normal, position = self._row_editors(index)
        value = position.value()
        self.place_requested.emit(index, normal.currentText(), None if value < 0 else value)
