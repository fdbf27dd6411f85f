"""The fields of a preparation: phases, thresholds, noise, small regions, crop, turn, pixel size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ..engine.crop import Crop
from ..engine.preparation import Preparation
from ..engine.raw_image import MOST_LABELS, RawImage
from .parts import button, form, narrow, row
from .style import GAP

_ABREAST = 3  # thresholds beside each other
_SIDES = ('top', 'bottom', 'left', 'right')
_TURNS = ('as it is', '90° to the left', '180°', '90° to the right')
_FLIPS = {'none': 'not mirrored', 'up-down': 'upside down', 'left-right': 'left to right'}
_DENOISE = {'none': 'none', 'median': 'median', 'total-variation': 'total variation'}


class PrepareForm(QWidget):
    """Shows a preparation and tells when the user has changed it.

    Signals
    -------
    changed()
        Any field.
    data_bar_requested()
        The user wants the data bar to be found.
    """

    changed = Signal()
    data_bar_requested = Signal()

    def __init__(self, image: RawImage, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preparation = Preparation()
        self.phase_count = QSpinBox()
        self.phase_count.setRange(2, MOST_LABELS)
        self.order = _choice({'dark-first': 'the darkest', 'bright-first': 'the brightest'}, 'order')
        self.automatic = QCheckBox('automatic (Otsu)')
        self.automatic.setToolTip('Thresholds found by Otsu, several by multi-Otsu; off once you move one')
        self.levels: list[QDoubleSpinBox] = []
        self._levels_box = QWidget()
        self._levels_grid = QGridLayout(self._levels_box)
        self._levels_grid.setContentsMargins(0, 0, 0, 0)
        self._levels_grid.setSpacing(GAP)
        self._levels_grid.setColumnStretch(_ABREAST, 1)
        self.denoise = _choice(_DENOISE, 'denoise')
        self.radius = _number(QSpinBox(), 1, 15, 'radius', ' px')
        self.weight = _number(QDoubleSpinBox(), 0.01, 5, 'weight')
        self.weight.setSingleStep(0.05)
        for box in (self.radius, self.weight):
            box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
            box.setFixedWidth(56)
        self.least_size = _number(QSpinBox(), 0, 1_000_000, 'least_size', ' px')
        self.sides = {side: QSpinBox() for side in _SIDES}
        rows, columns = self._shape = image.array.shape[:2]
        for side, box in self.sides.items():
            length, what = (rows, 'rows') if side in ('top', 'bottom') else (columns, 'columns')
            box.setRange(0, length - 1)
            box.setPrefix(f'{side} ')
            box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)  # they would take more room than the number
            box.setToolTip(f'{what.capitalize()} cut off at the {side}, in pixels')
        self.bar_button = button('Find data bar', 'Cut off the bar with scale and text below the picture', small=True)
        self.turn = _choice(dict(enumerate(_TURNS)), 'quarter_turns')
        self.flip = _choice(_FLIPS, 'flip')
        known = image.voxel_size.is_known
        unit = image.voxel_size.unit.replace('um', 'µm') if known else 'px'
        self.pixel_size = _number(QDoubleSpinBox(), 0, 1e6, 'pixel_size', f' {unit}')
        self.pixel_size.setDecimals(4)
        self.pixel_size.setSpecialValueText('as it is')
        self._build()
        self._connect()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        rows = form()
        column.addLayout(rows)
        column.addStretch(1)
        self.phase_count.setToolTip('Number of phases in the picture; all slices must show the same phases')
        rows.addRow('Phases', self.phase_count)
        rows.addRow('Phase 0 is', self.order)
        rows.addRow('Thresholds', self.automatic)
        rows.addRow('', self._levels_box)
        rows.addRow('Denoise', row(self.denoise, self.radius, self.weight, stretch=0))
        rows.addRow('Least region', self.least_size)
        sides = self.sides
        grid = QGridLayout()
        grid.setSpacing(GAP)
        for i, side in enumerate(_SIDES):
            grid.addWidget(sides[side], i // 2, i % 2)
        rows.addRow('Cut off', grid)
        rows.addRow('', row(self.bar_button, 1))
        rows.addRow('Turn', self.turn)
        rows.addRow('Mirror', self.flip)
        rows.addRow('Pixel size', self.pixel_size)
        for i in range(rows.rowCount()):
            label, field = rows.itemAt(i, rows.ItemRole.LabelRole), rows.itemAt(i, rows.ItemRole.FieldRole)
            if label is not None and field is not None and field.widget() is not None:
                words: Any = label.widget()
                if isinstance(words, QLabel):
                    words.setToolTip(field.widget().toolTip())

    def _connect(self) -> None:
        for box in (self.phase_count, self.radius, self.weight, self.least_size, self.pixel_size, *self.sides.values()):
            box.setKeyboardTracking(False)
            box.valueChanged.connect(lambda _: self._on_changed())
        for combo in (self.order, self.denoise, self.turn, self.flip):
            combo.currentIndexChanged.connect(lambda _: self._on_changed())
        self.automatic.toggled.connect(lambda _: self._on_changed())
        self.bar_button.clicked.connect(self.data_bar_requested)

    # -- values ---------------------------------------------------------------------------------

    def preparation(self) -> Preparation:
        """What the form says.

        Raises
        ------
        InputError
            If the values do not go together, naming the field.
        """
        top, bottom, left, right = (self.sides[side].value() for side in _SIDES)
        crop = Crop(rows=(top, -bottom or None), columns=(left, -right or None))
        return Preparation.of(
            **{
                **self._preparation.model_dump(),
                'order': self.order.currentData(),
                'thresholds': None if self.automatic.isChecked() else tuple(box.value() for box in self.levels),
                'denoise': self.denoise.currentData(),
                'radius': self.radius.value(),
                'weight': self.weight.value(),
                'least_size': self.least_size.value(),
                'crop': None if crop == Crop() else crop,
                'quarter_turns': self.turn.currentData(),
                'flip': self.flip.currentData(),
                'pixel_size': self.pixel_size.value() or None,
            }
        )

    def show_preparation(self, preparation: Preparation, count: int) -> None:
        """Show a preparation and the number of phases, silently."""
        self._preparation = preparation
        rows, columns = self._shape
        crop = (preparation.crop if isinstance(preparation.crop, Crop) else Crop()).within(self._shape)
        (top, bottom), (left, right) = crop.rows, crop.columns
        cut = (top, rows - (bottom or 0), left, columns - (right or 0))
        with QSignalBlocker(self):
            self.phase_count.setValue(count)
            self.order.setCurrentIndex(self.order.findData(preparation.order))
            self.automatic.setChecked(preparation.thresholds is None)
            self.denoise.setCurrentIndex(self.denoise.findData(preparation.denoise))
            self.radius.setValue(preparation.radius)
            self.weight.setValue(preparation.weight)
            self.least_size.setValue(preparation.least_size)
            for side, value in zip(_SIDES, cut, strict=True):
                self.sides[side].setValue(value)
            self.turn.setCurrentIndex(preparation.quarter_turns)
            self.flip.setCurrentIndex(self.flip.findData(preparation.flip))
            self.pixel_size.setValue(preparation.pixel_size or 0)
            self.show_levels(preparation.thresholds or ())
            self._show_strength()

    def show_levels(self, levels: Sequence[float]) -> None:
        """Show thresholds, silently."""
        while len(self.levels) > len(levels):
            box = self.levels.pop()
            self._levels_grid.removeWidget(box)
            box.deleteLater()
        while len(self.levels) < len(levels):
            box = _number(QDoubleSpinBox(), -1e9, 1e9, 'thresholds')
            box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
            box.setKeyboardTracking(False)
            box.setFixedWidth(60)
            box.valueChanged.connect(lambda _: self._on_level())
            self.levels.append(box)
            place = len(self.levels) - 1
            self._levels_grid.addWidget(box, place // _ABREAST, place % _ABREAST)
        largest = max((abs(level) for level in levels), default=0.0) or 1.0
        decimals = min(12, max(0, 3 - math.floor(math.log10(largest))))  # four to five digits
        for box, level in zip(self.levels, levels, strict=True):
            with QSignalBlocker(box):
                box.setDecimals(decimals)
                box.setValue(level)
                box.setToolTip(f'Grey values up to {level:.4g} belong to the phase below, in numbers of the picture')

    def set_levels(self, levels: Sequence[float]) -> None:
        """Take thresholds that the user has dragged."""
        with QSignalBlocker(self.automatic):
            self.automatic.setChecked(False)
        self.show_levels(levels)
        self.changed.emit()

    def cut_off(self, side: str, pixels: int) -> None:
        """Cut so many pixels off one side."""
        self.sides[side].setValue(pixels)

    def _on_level(self) -> None:
        with QSignalBlocker(self.automatic):
            self.automatic.setChecked(False)
        self.changed.emit()

    def _on_changed(self) -> None:
        self._show_strength()
        self.changed.emit()

    def _show_strength(self) -> None:
        self.radius.setVisible(self.denoise.currentData() == 'median')
        self.weight.setVisible(self.denoise.currentData() == 'total-variation')


def _tip(field: str) -> str:
    return f'<qt>{Preparation.model_fields[field].description}</qt>'


def _choice(entries: dict[Any, str], field: str) -> QComboBox:
    combo = narrow(QComboBox())
    for value, words in entries.items():
        combo.addItem(words, value)
    combo.setToolTip(_tip(field))
    return combo


def _number(box: Any, low: float, high: float, field: str, suffix: str = '') -> Any:
    box.setRange(low, high)
    box.setSuffix(suffix)
    box.setToolTip(_tip(field))
    return box
