"""The four steps as numbered tabs; a tick shows what is done."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget


class StepBar(QWidget):
    """Numbered, exclusive buttons."""

    chosen = Signal(int)

    def __init__(self, titles: Sequence[str], tips: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._titles = tuple(titles)
        self._done = [False] * len(titles)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self.buttons: list[QPushButton] = []
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for i, tip in enumerate(tips):
            step = QPushButton()
            step.setObjectName('step')
            step.setCheckable(True)
            step.setToolTip(tip)
            self._group.addButton(step, i)
            self.buttons.append(step)
            layout.addWidget(step, len(titles[i]))  # room by the length of the word
            self._label(i)
        self.buttons[0].setChecked(True)
        self._group.idClicked.connect(self.chosen)

    def choose(self, index: int) -> None:
        """Mark a step as the current one."""
        self.buttons[index].setChecked(True)

    def set_done(self, index: int, done: bool) -> None:
        """Tick a step, or take the tick away."""
        self._done[index] = done
        self._label(index)

    def _label(self, index: int) -> None:
        self.buttons[index].setText(f'{"✓" if self._done[index] else index + 1}  {self._titles[index]}')
