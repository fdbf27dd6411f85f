"""Slider for the fraction that a phase shall have: the same volume, with its phase boundaries moved."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QSlider, QVBoxLayout, QWidget

from ..engine.phases import Phases
from .parts import button, hint, row

_STEPS = 1000  # of the slider, for 0..1
_LOW, _HIGH = 5, 950


class FractionSlider(QWidget):
    """Target fraction of the main phase.

    Signals
    -------
    apply_requested(object)
        Fraction by phase label; empty to go back to that of the slices.
    """

    apply_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = 1
        self._name = 'phase 1'
        self._now = 0.0
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(_LOW, _HIGH)
        self.slider.setToolTip('Fraction that the pore (or phase 1) shall have in the volume')
        self.slider.setAccessibleName('Target fraction')
        self.value_text = QLabel()
        self.apply_button = button('Apply', 'Make the volume again, same seed, with this fraction', small=True)
        self.reset_button = button('As in slices', 'Go back to the fraction of the slices', small=True)
        self.told = hint()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row(self.slider, self.value_text, self.apply_button, self.reset_button, stretch=0))
        column.addWidget(self.told)
        self.slider.valueChanged.connect(self._draw)
        self.apply_button.clicked.connect(lambda: self.apply_requested.emit({self._label: self.value}))
        self.reset_button.clicked.connect(lambda: self.apply_requested.emit({}))

    @property
    def value(self) -> float:
        """Target fraction, 0..1."""
        return self.slider.value() / _STEPS

    def show_volume(self, phases: Phases, fractions: list[float], targets: dict[int, float]) -> None:
        """Start from what the volume has."""
        self._label = phases.main
        self._name, self._now = phases.names[self._label], fractions[self._label]
        self.slider.setValue(round(targets.get(self._label, self._now) * _STEPS))
        self.reset_button.setEnabled(bool(targets))
        self._draw()

    def set_idle(self, idle: bool) -> None:
        """Allow to apply, or not while something runs."""
        self.apply_button.setEnabled(idle)
        self.reset_button.setEnabled(idle)

    def _draw(self) -> None:
        self.value_text.setText(f'{self.value:.3f}')
        self.told.setText(f'{self._name} is {self._now:.3f} now; Apply moves its boundary and keeps the arrangement.')
