"""Head of the widget: one click that shows the whole way on a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QWidget

from ..engine.samples import bundled_samples, published_samples
from .parts import Listener, button, narrow
from .style import GAP

if TYPE_CHECKING:
    from ..session import Session


class DemoBar(QWidget, Listener):
    """Choice of a sample and the button that runs it."""

    demo_requested = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.samples = narrow(QComboBox())
        self.samples.setToolTip('Material to show the whole way on')
        for sample in bundled_samples():
            self._add(sample.name, sample.title, '', f'{sample.description} Works offline.')
        self.samples.insertSeparator(self.samples.count())
        for sample in published_samples():
            self._add(sample.name, sample.title, ' (web)', f'{sample.description} It is downloaded.')
        self.run_button = button('Run demo', 'Open the sample, reconstruct it, compare it with its reference volume')
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addWidget(self.samples, 1)
        layout.addWidget(self.run_button)
        self.run_button.clicked.connect(lambda: self.demo_requested.emit(self.samples.currentData()))
        self.listen(session.events.job, self._on_job)

    def choose(self, name: str) -> None:
        """Show a sample as chosen."""
        self.samples.setCurrentIndex(max(0, self.samples.findData(name)))

    def _add(self, name: str, title: str, remark: str, tip: str) -> None:
        material = title.split(',')[0].split(' (')[0]  # there is no room for more
        self.samples.addItem(f'{material}{remark}', name)
        words = f'<qt><b>{title}{remark}</b><br>{tip}</qt>'
        self.samples.setItemData(self.samples.count() - 1, words, Qt.ItemDataRole.ToolTipRole)

    def _on_job(self) -> None:
        self.run_button.setEnabled(not self._session.job.is_active)
