"""Button with the runs of the past: open one again, or look at the folder that holds them."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from ..session.runs import recent_runs, run_title, runs_folder


class RunsButton(QPushButton):
    """Every reconstruction and fine-tuning is recorded in a Run folder; here they come back.

    Signals
    -------
    open_requested(Path)
        A run folder to open again.
    """

    open_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__('Runs', parent)
        self.setToolTip('Every reconstruction and fine-tuning is recorded; open one again')
        self.setAutoDefault(False)
        self.runs = QMenu(self)
        self.runs.setToolTipsVisible(True)
        self.setMenu(self.runs)
        self.runs.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """List the newest runs."""
        self.runs.clear()
        self.runs.addAction('Open a run…').triggered.connect(self._ask)
        self.runs.addAction('Show the folder of runs').triggered.connect(self._show_folder)
        self.runs.addSeparator()
        found = recent_runs()
        for folder in found:
            action = self.runs.addAction(run_title(folder).replace('&', '&&'))
            action.setToolTip(folder.name)
            action.triggered.connect(lambda _=False, folder=folder: self.open_requested.emit(folder))
        if not found:
            self.runs.addAction('No runs yet: reconstruct or fine-tune first').setEnabled(False)

    def _ask(self) -> None:
        start = str(runs_folder()) if runs_folder().is_dir() else ''
        if chosen := QFileDialog.getExistingDirectory(self, 'Open a run', start):
            self.open_requested.emit(Path(chosen))

    def _show_folder(self) -> None:
        runs_folder().mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(runs_folder())))
