"""Small pieces that all panels are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from ..engine.phases import Phases
from .style import GAP, MARGIN


def heading(text: str) -> QLabel:
    """Title of a group."""
    label = QLabel(text)
    label.setObjectName('heading')
    return label


def hint(text: str = '') -> QLabel:
    """Quiet explanation; wraps, can be selected."""
    label = QLabel(text)
    label.setObjectName('hint')
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label


def button(text: str, tip: str, *, primary: bool = False, small: bool = False) -> QPushButton:
    """Button with a tooltip; one primary button per panel."""
    made = QPushButton(text)
    made.setToolTip(tip)
    made.setAutoDefault(False)
    if primary or small:
        made.setObjectName('primary' if primary else 'small')
    return made


def row(*widgets: QWidget | int, stretch: int | None = None) -> QHBoxLayout:
    """Widgets side by side; a number is a stretch of that weight."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(GAP)
    for i, widget in enumerate(widgets):
        if isinstance(widget, int):
            layout.addStretch(widget)
        else:
            layout.addWidget(widget, 1 if i == stretch else 0)
    return layout


def form() -> QFormLayout:
    """Form with aligned labels."""
    layout = QFormLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setHorizontalSpacing(MARGIN)
    layout.setVerticalSpacing(GAP)
    layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return layout


class Listener:
    """Listens to the session until it is released, because a psygnal outlives the widgets that listen to it."""

    def listen(self, signal: Any, slot: Callable[..., None]) -> None:
        """Connect a slot to a signal of the session."""
        if not hasattr(self, '_heard'):
            self._heard: list[tuple[Any, Callable[..., None]]] = []
        signal.connect(slot)
        self._heard.append((signal, slot))

    def release(self) -> None:
        """Disconnect all slots."""
        for signal, slot in getattr(self, '_heard', ()):
            signal.disconnect(slot, missing_ok=True)
        self._heard = []


class Panel(QScrollArea, Listener):
    """One step: a column of groups that scrolls where the window is low.

    Signals
    -------
    invalid(InputError)
        The user wished something that the form's values do not allow.
    """

    invalid = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        inner = QWidget()
        self.column = QVBoxLayout(inner)
        self.column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        self.column.setSpacing(GAP)
        self.setWidget(inner)

    def gap(self) -> None:
        """Leave room between two groups."""
        self.column.addSpacing(GAP)


class _QuietWheel(QObject):
    """Keeps the wheel for scrolling: an editor takes it only when it has the focus."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Hand the wheel on to the panel."""
        if event is None or event.type() != QEvent.Type.Wheel:
            return False
        if isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def narrow(combo: QComboBox) -> QComboBox:
    """Let a choice be narrower than its longest entry."""
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(10)
    return combo


def quiet_wheel(parent: QWidget) -> None:
    """Make all number and choice editors below `parent` leave the wheel to the panel."""
    guard = _QuietWheel(parent)
    for editor in (*parent.findChildren(QAbstractSpinBox), *parent.findChildren(QComboBox)):
        editor.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        editor.installEventFilter(guard)


class Fold(QWidget):
    """Group that opens on a click, for what few people change."""

    def __init__(self, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self.head = QPushButton()
        self.head.setObjectName('small')
        self.head.setCheckable(True)
        self.head.setToolTip('Show or hide')
        self.head.setStyleSheet('text-align: left; background: transparent; border: none;')
        self.content = content
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.head)
        column.addWidget(content)
        self.head.toggled.connect(self._on_toggled)
        self._on_toggled(False)

    def _on_toggled(self, is_open: bool) -> None:
        self.content.setVisible(is_open)
        self.head.setText(f'{"▾" if is_open else "▸"}  {self._title}')


class Legend(QWidget):
    """Phases with colour and fraction; a click on one hides or shows it in the volumes.

    Signals
    -------
    opacity_requested(dict)
        Opacity 0 or 1 by phase label.
    """

    opacity_requested = Signal(object)

    def __init__(self, *, checkable: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._checkable = checkable
        self._row = QFlowLayout(self)  # wraps: three phases with names are wider than the panel
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setHorizontalSpacing(MARGIN)
        self._row.setVerticalSpacing(2)
        self.boxes: list[QCheckBox] = []
        self._shown: tuple[Phases, tuple[float, ...]] | None = None

    def show_phases(self, phases: Phases | None, fractions: Iterable[float] = ()) -> None:
        """Draw the phases; nothing where there are none."""
        values = tuple(float(f) for f in fractions)
        shown = None if phases is None else (phases, values)
        if shown == self._shown:
            return
        former, self._shown = self._shown, shown
        if phases is not None and former is not None and former[0] == phases and self.boxes:
            for box, text in zip(self.boxes, _with_numbers(phases, values), strict=True):
                box.setText(text)  # what is hidden stays hidden
            return
        while (item := self._row.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        self.boxes = []
        if phases is None:
            return
        for phase, text in zip(phases.items, _with_numbers(phases, values), strict=True):
            if self._checkable:
                entry = QCheckBox(text)
                entry.setChecked(True)
                entry.setIcon(swatch(phase.color))
                entry.setIconSize(QSize(12, 12))
                entry.setToolTip(f'Show {phase.name} in the volumes')
                entry.toggled.connect(self._on_toggled)
                self.boxes.append(entry)
                self._row.addWidget(entry)
            else:
                chip, words, entry = QLabel(), QLabel(text), QWidget()
                chip.setPixmap(swatch(phase.color).pixmap(12, 12))
                entry.setLayout(row(chip, words))
                self._row.addWidget(entry)

    def _on_toggled(self) -> None:
        self.opacity_requested.emit({i: float(box.isChecked()) for i, box in enumerate(self.boxes)})


def _with_numbers(phases: Phases, fractions: tuple[float, ...]) -> list[str]:
    if not fractions:
        return list(phases.names)
    return [f'{name}  {fraction:.3f}' for name, fraction in zip(phases.names, fractions, strict=True)]


def swatch(color: str, edge: int = 12) -> QIcon:
    """Square of one colour with a thin rim, so that it shows on any theme."""
    pixmap = QPixmap(edge, edge)
    pixmap.fill(QColor(color))
    painter = QPainter(pixmap)
    painter.setPen(QColor(128, 128, 128))
    painter.drawRect(0, 0, edge - 1, edge - 1)
    painter.end()
    return QIcon(pixmap)


def refresh_style(widget: QWidget) -> None:
    """Make Qt notice a changed property that the style sheet looks at."""
    style = widget.style()
    if style is not None:
        style.unpolish(widget)
        style.polish(widget)
