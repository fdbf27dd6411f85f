"""Choice of weights, in step with the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QWidget

from ..engine.generator.priors.families import prior_families
from ..session.shipped import shipped_names
from .parts import Listener, narrow

if TYPE_CHECKING:
    from ..session import Session

_FILE = 'file…'
_TIP = (
    'Automatic takes the shipped weights nearest to your slices where these are near enough; else it makes a small '
    'volume without training in each way and takes the one whose sections are nearest to the slices in shape. Which '
    'and why is said once it has chosen'
)
# Ways without trained weights, by what the engine calls them; families of fields follow.
UNTRAINED = {
    'untrained': 'Untrained: the best of these',
    'exemplar': 'Untrained: grown from patches of the slices',
    'combined': 'Untrained: fitted fields, finished with patches',
    'prior': 'Untrained: fitted fields only',
}


def families() -> dict[str, tuple[str, str]]:
    """Text and tooltip of every family of fields, those of other packages included, by what the engine calls it."""
    return {
        f'prior:{name}': (f'Untrained: {family.title}', family.fits)
        for name, family in prior_families().items()
        if family.describes_phases
    }


class WeightsCombo(QComboBox, Listener):
    """Automatic, shipped, fine-tuned, from a file, or none at all."""

    chosen = Signal(str)

    def __init__(self, session: Session, *, training: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        narrow(self)
        self._session = session
        self._training = training
        self.set_idle_because('')
        self.listen(session.events.weights_spec, self._fill)
        self.listen(session.events.tuned, self._fill)
        self.activated.connect(self._on_activated)
        self._fill()

    def set_idle_because(self, reason: str) -> None:
        """Take no choice where weights play no part, and say why; an empty reason takes it again."""
        self.setEnabled(not reason)
        self.setToolTip(f'<qt>{reason or _TIP}</qt>')

    def _fill(self) -> None:
        session = self._session
        self.blockSignals(True)
        self.clear()
        self.addItem('Automatic', 'auto')
        if session.material.tuned is not None:
            self.addItem('Fine-tuned on your slices', 'tuned')
        for name in shipped_names():
            self.addItem(f'Shipped: {name}', name)
        if self._training:
            self.addItem('From scratch', 'scratch')
        else:
            for spec, text in UNTRAINED.items():
                self.addItem(text, spec)
            for spec, (text, tip) in families().items():
                self.addItem(text, spec)
                self.setItemData(self.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        spec = session.material.weights_spec
        if self.findData(spec) < 0 and spec not in (*UNTRAINED, *families(), 'scratch'):
            self.addItem(spec.rsplit('/', 1)[-1], spec)
        self.addItem('From a file…', _FILE)
        if self._training and (spec in UNTRAINED or spec in families()):
            spec = 'scratch'  # what the training makes of it
        elif not self._training and spec == 'scratch':
            spec = 'prior'
        self.setCurrentIndex(max(0, self.findData(spec)))
        self.blockSignals(False)

    def _on_activated(self) -> None:
        spec = self.currentData()
        if spec == _FILE:
            spec, _ = QFileDialog.getOpenFileName(self, 'Open weights', '', 'Weights (*.safetensors)')
            self._fill()
        if spec:
            self.chosen.emit(spec)
