"""Button with a menu of formats; asks for the file and, where a format is about one phase, for the phase."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from ..engine.export.formats import Format, known_formats
from ..engine.phases import Phases


class ExportButton(QPushButton):
    """Menu of `known_formats`.

    Signals
    -------
    export_requested(str, Path, object)
        Format, file, and label of the phase or None.
    """

    export_requested = Signal(str, object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__('Export', parent)
        self.setToolTip('Image, mesh, pore network, report or weights for other programs')
        self.setAutoDefault(False)
        self.formats = QMenu(self)
        self.formats.setToolTipsVisible(True)
        self.setMenu(self.formats)

    def show_phases(self, phases: Phases) -> None:
        """Offer the formats, and the phases below those that need one."""
        self.formats.clear()
        for known in known_formats():
            if not known.phase:
                action = self.formats.addAction(f'{known.title}…')
                action.setToolTip(f'For {known.opens}')
                action.triggered.connect(lambda _=False, known=known: self._ask(known, None, ''))
                continue
            below = self.formats.addMenu(known.title)
            below.setToolTip(f'For {known.opens}')
            for phase in phases.items:
                action = below.addAction(f'{phase.name}…')
                action.triggered.connect(
                    lambda _=False, known=known, phase=phase: self._ask(known, phase.label, phase.name)
                )

    def _ask(self, known: Format, label: int | None, name: str) -> None:
        filters = ';;'.join(f'{known.title} (*{ending})' for ending in known.endings)
        stem = f'reconstruction-{name}' if name else 'reconstruction'
        chosen, used = QFileDialog.getSaveFileName(self, f'Export {known.title}', stem + known.endings[0], filters)
        if not chosen:
            return
        if not chosen.lower().endswith(known.endings):
            # Not all file dialogs add the ending of the filter that was chosen.
            ending = next((e for e in known.endings if f'(*{e})' in used), known.endings[0])
            chosen += ending
        self.export_requested.emit(known.key, Path(chosen), label)
