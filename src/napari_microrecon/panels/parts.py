"""Small pieces that all panels are made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from .style import GAP, MARGIN

_LONG_WORD = re.compile(r'<[^<>]*>|[^\s<>]{25,}')
_BREAK, _PIECE = '\u200b', 12  # zero-width space; characters between two of them


def heading(text: str) -> QLabel:
    """Title of a group."""
    label = QLabel(text)
    label.setObjectName('heading')
    return label


class Words(QLabel):
    """Label that wraps, also within words that are longer than the panel is wide, such as names of files."""

    def __init__(self, text: str = '') -> None:
        super().__init__()
        self._said = ''
        self.setWordWrap(True)
        self.setText(text)

    def setText(self, text: str | None) -> None:
        """Show the text with invisible places to break it."""
        self._said = text or ''
        super().setText(_LONG_WORD.sub(_breakable, self._said))

    def text(self) -> str:
        """What was said, without these places."""
        return self._said


def _breakable(found: re.Match[str]) -> str:
    word = found[0]
    if word.startswith('<'):  # a tag of rich text
        return word
    return _BREAK.join(word[i : i + _PIECE] for i in range(0, len(word), _PIECE))


def hint(text: str = '') -> QLabel:
    """Quiet explanation; wraps, can be selected."""
    label = Words(text)
    label.setObjectName('hint')
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
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)  # should never be
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
    """Keeps the wheel for scrolling: an editor takes it only when it has the focus, a slider never."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Hand the wheel on to the panel."""
        if event is None or event.type() != QEvent.Type.Wheel:
            return False
        if isinstance(watched, QSlider) or (isinstance(watched, QWidget) and not watched.hasFocus()):
            event.ignore()
            return True
        return False


def narrow(combo: QComboBox) -> QComboBox:
    """Let a choice be narrower than its longest entry."""
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(10)
    return combo


def shortened(name: str, most: int) -> str:
    """Name of at most so many characters: a longer one lacks its middle."""
    return name if len(name) <= most else f'{name[: most // 2].rstrip()}…{name[-((most - 1) // 2) :].lstrip()}'


def quiet_wheel(parent: QWidget) -> None:
    """Make all number and choice editors and sliders below `parent` leave the wheel to the panel.

    To be called again by whoever adds editors later.
    """
    guard = next((child for child in parent.children() if isinstance(child, _QuietWheel)), None) or _QuietWheel(parent)
    for kind in (QAbstractSpinBox, QComboBox, QSlider):
        for editor in parent.findChildren(kind):
            editor.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            editor.installEventFilter(guard)  # once, however often it is called


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


def refresh_style(widget: QWidget) -> None:
    """Make Qt notice a changed property that the style sheet looks at."""
    style = widget.style()
    if style is not None:
        style.unpolish(widget)
        style.polish(widget)
