"""Slider and number for the fraction that a phase shall have: the same volume, with its phase boundaries moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QSlider, QVBoxLayout, QWidget

from ..engine.phases import Phases
from .parts import Listener, button, hint, narrow, row

if TYPE_CHECKING:
    from ..session import Session

_STEPS = 1000  # of the slider, for 0..1
_LOW, _HIGH = 1, 999  # a phase that is nothing or all leaves no boundary to move


class FractionSlider(QWidget, Listener):
    """Target fraction of a phase: of the pore, unless the user chooses another one.

    Signals
    -------
    apply_requested(object)
        Fraction by phase label; empty to go back to that of the slices.
    """

    apply_requested = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._phases: Phases | None = None
        self._now: Sequence[float] = ()
        self._sliced: Sequence[float] = ()
        self._targets: Mapping[int, float] = {}
        self._is_idle = True
        self.phase = narrow(QComboBox())
        self.phase.setToolTip('The phase whose fraction is set; the others share the rest as they do now')
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(_LOW, _HIGH)
        self.slider.setAccessibleName('Target fraction')
        self.number = QDoubleSpinBox()
        self.number.setDecimals(3)
        self.number.setSingleStep(0.01)
        self.number.setRange(_LOW / _STEPS, _HIGH / _STEPS)
        self.number.setKeyboardTracking(False)
        self.number.setAccessibleName('Target fraction, as a number')
        self.apply_button = button('Apply', 'Make the volume again, same seed, with this fraction', small=True)
        self.reset_button = button('As in slices', 'Go back to the fractions of the slices', small=True)
        self.told = hint()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row(self.phase, self.number, stretch=0))
        column.addWidget(self.slider)
        column.addLayout(row(self.apply_button, self.reset_button, 1))
        column.addWidget(self.told)
        self.phase.currentIndexChanged.connect(lambda _: self._start())
        self.slider.valueChanged.connect(lambda _: self._draw())
        self.number.valueChanged.connect(lambda value: self.slider.setValue(round(value * _STEPS)))
        self.apply_button.clicked.connect(self._on_apply)
        self.reset_button.clicked.connect(lambda: self.apply_requested.emit({}))
        self.listen(session.events.volume, self._on_volume)
        self.listen(session.events.slices, self._on_phases)
        self._on_volume()

    @property
    def label(self) -> int:
        """Of the phase that is chosen."""
        return max(0, self.phase.currentIndex())

    @property
    def value(self) -> float:
        """Target fraction, 0..1."""
        return self.slider.value() / _STEPS

    @property
    def targets(self) -> Mapping[int, float]:
        """What was asked for when the volume at hand was made, by label; the next one is to have it, too."""
        return self._targets

    def _on_volume(self) -> None:
        volume = self._session.material.volume
        wanted = {} if volume is None else volume.provenance.parameters.get('target_fractions', {})
        self._targets = {int(label): float(fraction) for label, fraction in wanted.items()}
        self._now = () if volume is None else [float(f) for f in volume.fractions]
        self._on_phases()

    def _on_phases(self) -> None:
        """Offer the phases as they are declared now: the next volume is made of the slices, with their pore."""
        volume, slices = self._session.material.volume, self._session.material.slices
        if volume is None:
            self._phases = None
            return
        is_alike = slices is not None and slices.phases.count == volume.phases.count
        phases = slices.phases if is_alike else volume.phases
        self._sliced = [float(f) for f in slices.fractions] if is_alike else ()
        former, chosen = self._phases, self.label
        is_same = former is not None and (former.count, former.main) == (phases.count, phases.main)
        self._phases = phases
        self.phase.blockSignals(True)
        self.phase.clear()
        self.phase.addItems(list(phases.names))
        self.phase.setCurrentIndex(chosen if is_same else phases.main)
        self.phase.blockSignals(False)
        self._start()

    def set_idle(self, idle: bool) -> None:
        """Allow to apply, or not while something runs."""
        self._is_idle = idle
        self._enable()

    def _enable(self) -> None:
        self.apply_button.setEnabled(self._is_idle)
        self.reset_button.setEnabled(self._is_idle and bool(self._targets))

    def _on_apply(self) -> None:
        self.number.interpretText()  # typed, and the field not left yet: not every system's buttons take the focus
        self.apply_requested.emit({self.label: self.value})

    def _start(self) -> None:
        """Put the slider where the phase is, or was wanted to be."""
        if self._phases is None:
            return
        self.slider.setValue(round(self._targets.get(self.label, self._now[self.label]) * _STEPS))
        for editor in (self.slider, self.number):
            editor.setToolTip(f'Fraction that {self._phases.names[self.label]} shall have in the volume')
        self._draw()
        self._enable()

    def _draw(self) -> None:
        if self._phases is None:
            return
        names, label = self._phases.names, self.label
        sliced = f' ({self._sliced[label]:.3f} in the slices)' if self._sliced else ''
        now = f'{self._now[label]:.3f} now{sliced}'
        others = [f'{names[k]} to {value:.3f}' for k, value in self._targets.items() if k != label]
        if label in self._targets:
            said = f'{names[label]} was set to {self._targets[label]:.3f} and is {now}. Reconstruct keeps it.'
        elif others:
            said = f'{names[label]} is {now}; {" and ".join(others)} was set. Apply sets {names[label]} instead.'
        else:
            said = f'{names[label]} is {now}. Apply moves its boundary and keeps the arrangement.'
        self.number.blockSignals(True)
        self.number.setValue(self.value)
        self.number.blockSignals(False)
        self.told.setText(said)
