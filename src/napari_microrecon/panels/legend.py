"""Phases with their colours and fractions: to read, or to show, hide and fade."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import QSize, Qt, QTimer, Signal
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap
from qtpy.QtWidgets import QCheckBox, QGridLayout, QLabel, QLayout, QSlider, QWidget
from superqt import QFlowLayout

from ..engine.phases import Phases
from .parts import quiet_wheel, row, shortened
from .style import GAP, MARGIN

_SETTLE_MS = 60  # while a slider is dragged: a frame of a 128^3 Labels layer takes .1-.4 s without a GPU
_WIDE, _NARROW = 18, 10  # characters of a name: alone in its line, beside a slider
_IN_3D = (
    'In 3D faded phases are looked through, each as far as its nearest surface. napari does not mix what lies behind '
    'that within the same phase, phases that are equally faint, and a fainter phase behind a less faint one. In 2D '
    'planes opacity does what it says.'
)


class Legend(QWidget):
    """Phases with colour and fraction."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row = QFlowLayout(self)  # wraps: three phases with names are wider than the panel
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setHorizontalSpacing(MARGIN)
        self._row.setVerticalSpacing(2)
        self._shown: tuple[Phases, tuple[float, ...]] | None = None

    def show_phases(self, phases: Phases | None, fractions: Iterable[float] = ()) -> None:
        """Draw the phases; nothing where there are none."""
        values = tuple(float(f) for f in fractions)
        shown = None if phases is None else (phases, values)
        if shown == self._shown:
            return
        self._shown = shown
        _empty(self._row)
        if phases is None:
            return
        for phase, text in zip(phases.items, _with_numbers(phases, values, _WIDE), strict=True):
            chip, entry = QLabel(), QWidget()
            chip.setPixmap(swatch(phase.color).pixmap(12, 12))
            entry.setLayout(row(chip, QLabel(text)))
            entry.setToolTip(phase.name)
            self._row.addWidget(entry)


class PhaseSwitches(QWidget):
    """One line per phase: a box that shows or hides it in the volumes, and a slider for its opacity.

    Signals
    -------
    opacity_requested(dict)
        Opacity (0..1) by phase label; 0 where the phase is hidden.
    """

    opacity_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = QGridLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setHorizontalSpacing(MARGIN)
        self._rows.setVerticalSpacing(GAP // 2)
        self._rows.setColumnStretch(1, 1)
        self.boxes: list[QCheckBox] = []
        self.sliders: list[QSlider] = []
        self._percents: list[QLabel] = []
        self._phases: Phases | None = None
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._tell)

    @property
    def opacity(self) -> dict[int, float]:
        """Opacity (0..1) by phase label."""
        pairs = zip(self.boxes, self.sliders, strict=True)
        return {i: slider.value() / 100 if box.isChecked() else 0.0 for i, (box, slider) in enumerate(pairs)}

    def show_phases(self, phases: Phases, fractions: Iterable[float] = ()) -> None:
        """Draw the phases; what is hidden or faded stays so as long as they are the same ones."""
        texts = _with_numbers(phases, tuple(float(f) for f in fractions), _NARROW)
        if phases == self._phases:
            for box, text in zip(self.boxes, texts, strict=True):
                box.setText(text)
            return
        was_changed = any(value != 1 for value in self.opacity.values())
        self._phases = phases
        _empty(self._rows)
        self.boxes, self.sliders, self._percents = [], [], []
        for phase, text in zip(phases.items, texts, strict=True):
            self._add(phase.name, phase.color, text)
        quiet_wheel(self)
        if was_changed:
            self._tell()  # the layers still show the former ones

    def _add(self, name: str, color: str, text: str) -> None:
        box, slider, percent = QCheckBox(text), QSlider(Qt.Orientation.Horizontal), QLabel('100 %')
        box.setChecked(True)
        box.setIcon(swatch(color))
        box.setIconSize(QSize(12, 12))
        box.setToolTip(f'Show {name} in the volumes')
        slider.setRange(5, 100)  # nothing at all is what the box is for
        slider.setPageStep(20)
        slider.setValue(100)
        slider.setMinimumWidth(40)
        slider.setAccessibleName(f'Opacity of {name}')
        slider.setToolTip(f'<qt>Opacity of {name} in the volumes, in percent. {_IN_3D}</qt>')
        percent.setObjectName('hint')
        percent.setMinimumWidth(percent.fontMetrics().horizontalAdvance('100 %'))
        at = len(self.boxes)
        for column, widget in enumerate((box, slider, percent)):
            self._rows.addWidget(widget, at, column)
        box.toggled.connect(lambda on: self._on_toggled(slider, on))
        slider.valueChanged.connect(lambda value: self._on_moved(percent, value))
        self.boxes.append(box)
        self.sliders.append(slider)
        self._percents.append(percent)

    def _on_toggled(self, slider: QSlider, on: bool) -> None:
        slider.setEnabled(on)
        self._settle.stop()
        self._tell()

    def _on_moved(self, percent: QLabel, value: int) -> None:
        percent.setText(f'{value} %')
        if not self._settle.isActive():  # a first frame at once after the first move, then one per interval
            self._settle.start()

    def _tell(self) -> None:
        self.opacity_requested.emit(self.opacity)


def _empty(layout: QLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.setParent(None)
            widget.deleteLater()


def _with_numbers(phases: Phases, fractions: tuple[float, ...], most: int) -> list[str]:
    """Names of at most so many characters, with their fractions."""
    names = [shortened(name, most) for name in phases.names]
    if not fractions:
        return names
    return [f'{name}  {fraction:.3f}' for name, fraction in zip(names, fractions, strict=True)]


def swatch(color: str, edge: int = 12) -> QIcon:
    """Square of one colour with a thin rim, so that it shows on any theme."""
    pixmap = QPixmap(edge, edge)
    pixmap.fill(QColor(color))
    painter = QPainter(pixmap)
    painter.setPen(QColor(128, 128, 128))
    painter.drawRect(0, 0, edge - 1, edge - 1)
    painter.end()
    return QIcon(pixmap)
