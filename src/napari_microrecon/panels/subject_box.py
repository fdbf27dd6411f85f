"""What is measured: the reconstruction, the reference or any labels layer; which phase; with or without tortuosity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QWidget

from ..session.analysing import Wish
from ..session.phase_choice import phase_to_measure
from .parts import Listener, form, narrow

if TYPE_CHECKING:
    from ..session import Session

Choice = tuple[str, str]  # kind: reconstruction, reference, layer or other; and the name of a layer


class SubjectBox(QWidget, Listener):
    """Choices of volume and phase.

    Signals
    -------
    subject_requested(str)
        'reconstruction' or 'reference'.
    layer_requested(str)
        Name of a labels layer.
    phase_requested(int)
        Label of the phase to measure.
    """

    subject_requested = Signal(str)
    phase_requested = Signal(int)
    layer_requested = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.which = narrow(QComboBox())
        self.which.setPlaceholderText('choose a volume')
        self.which.setToolTip('The reconstruction, the reference, or any labels layer of the viewer')
        self.phase = narrow(QComboBox())
        self.phase.setToolTip('Whose statistics are measured')
        self.tortuosity = QCheckBox('tortuosity')
        self.tortuosity.setChecked(True)
        self.tortuosity.setToolTip('By far the most expensive statistic; it comes last, axis by axis')
        rows = form()
        self.setLayout(rows)
        rows.addRow('Volume', self.which)
        rows.addRow('Phase', self.phase)
        rows.addRow('', self.tortuosity)
        self.which.activated.connect(lambda _: self._on_which())
        self.phase.currentIndexChanged.connect(self.phase_requested)
        events = session.events
        for event in (
            events.volume, events.reference, events.subject, events.labels_layers, events.labelling, events.volumes,
            events.slices, events.phase_choices,
        ):  # fmt: skip
            self.listen(event, self._draw)
        self._draw()

    @property
    def wish(self) -> Wish:
        """What the choices say."""
        return Wish(phase=self.phase.currentData(), tortuosity=self.tortuosity.isChecked())

    def _draw(self) -> None:
        entries, current = self._entries(), self._current()
        self.which.clear()
        for text, choice in entries:
            self.which.addItem(text, choice)
        self.which.setCurrentIndex(next((i for i, (_, c) in enumerate(entries) if c == current), -1))
        volume = self._session.material.measured
        names = () if volume is None or self._session.material.labelling is not None else volume.phases.names
        shown = tuple(self.phase.itemText(i) for i in range(self.phase.count()))
        self.phase.blockSignals(True)
        if names != shown:
            self.phase.clear()
            for label, name in enumerate(names):
                self.phase.addItem(name, label)
        label = phase_to_measure(self._session)
        self.phase.setCurrentIndex(-1 if label is None or not names else label)
        self.phase.blockSignals(False)
        self.phase.setEnabled(bool(names))

    def _entries(self) -> list[tuple[str, Choice]]:
        session = self._session
        entries: list[tuple[str, Choice]] = []
        if session.material.volume is not None:
            count = len(session.material.volumes)
            more = f' and {count - 1} more realisation{"s" if count > 2 else ""}' if count > 1 else ''
            entries.append((f'reconstruction{more}', ('reconstruction', '')))
        if session.material.reference is not None:
            entries.append((f'reference: {session.material.reference.name}', ('reference', '')))
        entries += [(f'layer: {name}', ('layer', name)) for name in session.labels_layers]
        if (current := self._current()) is not None and current not in [choice for _, choice in entries]:
            entries.append((current[1], current))
        return entries

    def _current(self) -> Choice | None:
        session = self._session
        if session.material.labelling is not None:
            return 'layer', session.material.labelling.name
        if session.material.subject is not None:
            if session.material.subject is session.material.reference:
                return 'reference', ''
            is_layer = session.material.subject.name in session.labels_layers
            return ('layer' if is_layer else 'other'), session.material.subject.name
        return None if session.material.volume is None else ('reconstruction', '')

    def _on_which(self) -> None:
        kind, name = self.which.currentData()
        if kind == 'layer':
            self.layer_requested.emit(name)
        elif kind != 'other':
            self.subject_requested.emit(kind)
        self._draw()  # until the session follows, what it has is shown
