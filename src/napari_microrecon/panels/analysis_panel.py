"""Step 4: the statistics of a volume beside those of the reference and the spread of its realisations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QCheckBox, QFileDialog, QVBoxLayout, QWidget

from ..engine.statistics.catalogue import curve_of
from ..session.phase_choice import phase_to_measure
from ..session.words import lacking
from .curve_view import CurveView
from .hold_back_box import HoldBackBox
from .labels_question import LabelsQuestion
from .novelty_line import NoveltyLine
from .numbers import summary, with_um
from .parts import Panel, button, heading, hint, row
from .statistic_card import StatisticCard
from .statistics_table import StatisticsTable
from .subject_box import SubjectBox

if TYPE_CHECKING:
    from ..session import Session
    from ..viewer.appearance import Palette

_MADE = 'The reference is itself a reconstruction: inside means alike, not right'
_PAUSE_MS = 300  # between two drawings while a job runs


class AnalysisPanel(Panel):
    """Draws the session's report, comparison and ensemble; computes nothing."""

    analyse_requested = Signal(object)  # Wish
    subject_requested = Signal(str)  # reconstruction or reference
    layer_requested = Signal(str)  # name of a labels layer
    phase_requested = Signal(int)  # label
    labels_answered = Signal(object, bool, object, object)  # names, whether the phase is the pore, VoxelSize, Wish
    face_requested = Signal(str)  # key
    volumes_requested = Signal()
    copies_requested = Signal()
    save_requested = Signal(object)  # Path
    plot_requested = Signal(object, str)  # Path, key

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.subject = SubjectBox(session)
        self.question = LabelsQuestion(session)
        self.run_button = button('Measure', 'Measure the volume, and the reference with it', primary=True)
        self.blocked = hint()
        self.stale = hint()
        self.stale.setObjectName('warning')
        self.summary = hint()
        self._build_results()
        self.column.addWidget(heading('Statistics'))
        for widget in (
            self.subject, self.question, self.run_button, self.blocked, self.unfinished, self.stale, self.summary,
            self.results,
        ):  # fmt: skip
            self.column.addWidget(widget)
        self.gap()
        self.hold_back = HoldBackBox(session)
        self.column.addWidget(self.hold_back)
        self.column.addStretch(1)
        self._wire()
        events = session.events
        for event in (events.report, events.comparison, events.ensemble, events.labelling):
            self.listen(event, self._on_report)
        self.listen(events.phase_choices, self._tell_whose)
        for event in (
            events.job, events.volume, events.subject, events.reference, events.labelling, events.face, events.slices,
        ):  # fmt: skip
            self.listen(event, self._on_job)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._draw)
        self._draw()
        self._on_job()

    def _build_results(self) -> None:
        self.curves = CurveView()
        self.plot = self.curves.plot
        self.table = StatisticsTable()
        self.all_box = QCheckBox('all statistics')
        self.all_box.setToolTip('Show what is measured besides the main numbers')
        self.volumes_button = button('Show volumes', 'Leave the layer of the statistic', small=True)
        self.card = StatisticCard()
        self.footnote = hint()
        self.novelty = NoveltyLine(self._session)
        self.save_button = button('Report…', 'One HTML page with plots, verdicts and provenance', small=True)
        self.csv_button = button('Table…', 'All statistics as CSV, or as JSON with the curves', small=True)
        self.unfinished = hint()
        self.unfinished.setObjectName('warning')
        exports = (self.save_button, self.csv_button, self.curves.save_button, self.card.save_button)
        self._exports = {export: export.toolTip() for export in exports}
        self.results = QWidget()
        column = QVBoxLayout(self.results)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.curves)
        column.addLayout(row(heading('Numbers'), 1, self.volumes_button, self.all_box))
        column.addWidget(self.table)
        column.addWidget(self.footnote)
        column.addWidget(self.card)
        column.addWidget(self.novelty)
        column.addLayout(row(heading('Export'), 1, self.save_button, self.csv_button))

    def _wire(self) -> None:
        self.run_button.clicked.connect(lambda: self.analyse_requested.emit(self.subject.wish))
        self.subject.subject_requested.connect(self.subject_requested)
        self.subject.layer_requested.connect(self.layer_requested)
        self.subject.phase_requested.connect(self.phase_requested)
        self.question.answered.connect(self._on_answered)
        self.question.invalid.connect(self.invalid)
        self.table.chosen.connect(self._on_chosen)
        self.table.face_requested.connect(self._on_face)
        self.all_box.toggled.connect(self._on_all)
        self.volumes_button.clicked.connect(self.volumes_requested)
        self.novelty.run_button.clicked.connect(self.copies_requested)
        self.save_button.clicked.connect(lambda: self._on_save('report.html', 'Web page (*.html)'))
        self.csv_button.clicked.connect(
            lambda: self._on_save('statistics.csv', 'Comma-separated values (*.csv);;JSON (*.json)')
        )
        self.curves.plot_requested.connect(self._on_plot)
        self.card.plot_requested.connect(self._on_plot)

    # -- drawing --------------------------------------------------------------------------------

    def apply_palette(self, palette: Palette) -> None:
        """Take the theme's colours."""
        for part in (self.curves, self.table, self.card, self.novelty, self.hold_back):
            part.apply_palette(palette)
        self._draw()

    def _on_job(self) -> None:
        session, job = self._session, self._session.job
        asking = session.material.labelling is not None
        ready = session.material.measured is not None
        self.subject.setEnabled(not job.is_active)
        self.question.setEnabled(not job.is_active)
        self.run_button.setVisible(not asking)
        self.run_button.setEnabled(ready and not job.is_active)
        compared = (
            session.material.reference is not None and session.material.measured is not session.material.reference
        )
        self.run_button.setText('Compare with the reference' if compared else 'Measure')
        if self._pause.isActive() and not job.is_active:  # stopped: the last that was told is still to be drawn
            self._pause.stop()
            self._draw()
        self._draw_state()
        self._tell_whose()
        self.volumes_button.setVisible(session.findings.face is not None)
        self.blocked.setVisible(not ready and not asking)
        self.blocked.setText('Reconstruct a volume in step 2 first, or choose a volume or a labels layer above.')

    def _tell_whose(self) -> None:
        """Say so where the numbers below are not those of the phase that is chosen."""
        session, report = self._session, self._session.findings.report
        volume, label = session.material.measured, phase_to_measure(session)
        if report is None or volume is None or label is None or label == report.phase:
            self.stale.hide()
            return
        self.stale.setText(
            f'What follows is of {report.phase_name}. Press “{self.run_button.text()}” for '
            f'{volume.phases.names[label]}.'
        )
        self.stale.setVisible(session.material.labelling is None and not session.job.is_active)

    def _draw_state(self) -> None:
        """Say what is missing of a measurement that was cancelled, which is no matter for a report."""
        session, job = self._session, self._session.job
        missing = '' if job.is_active else lacking(session.material, tortuosity=self.subject.tortuosity.isChecked())
        shown = bool(missing) and session.material.labelling is None
        self.unfinished.setVisible(shown)
        changing = '' if session.findings.comparison is None else ' Verdicts may still change.'
        self.unfinished.setText(
            f'Stopped before the end, not complete. Missing: {missing}.{changing} “{self.run_button.text()}” begins '
            'anew; reports, tables and plots are written of complete measurements only.'
        )
        for export, tip in self._exports.items():
            export.setEnabled(session.findings.report is not None and not job.is_active and not missing)
            export.setToolTip(f'<qt>The measurement is not complete. Missing: {missing}</qt>' if missing else tip)
        if missing and session.findings.report is not None:  # how many verdicts there would be is not known
            self.summary.setText(f'Phase: {session.findings.report.phase_name}.')

    def _on_report(self) -> None:
        """Draw at once, but not more often than the window can bear while a job tells of every piece."""
        if not self._session.job.is_active:
            self._pause.stop()
            self._draw()
        elif not self._pause.isActive():
            self._pause.start()

    def _draw(self) -> None:
        report, comparison, ensemble = (
            self._session.findings.report,
            self._session.findings.comparison,
            self._session.findings.ensemble,
        )
        self.results.setVisible(report is not None and self._session.material.labelling is None)
        self.summary.setVisible(report is not None and self._session.material.labelling is None)
        self._tell_whose()
        self.curves.draw(report, comparison, ensemble)
        if report is None:
            self._draw_state()
            return
        self.table.fill(report, comparison, ensemble)
        self.card.draw(self.card.key, report, comparison, ensemble)
        active = self._session.job.is_active and self._session.job.kind == 'analyse'
        waiting = active and comparison is None and self._session.material.reference is not None
        self.summary.setText(
            f'Phase: {report.phase_name}. The reference is measured next…' if waiting else summary(report, comparison)
        )
        self._draw_state()
        self.summary.setToolTip('' if comparison is None else f'<qt>{comparison.summary}</qt>')
        self.footnote.setVisible(comparison is not None and bool(comparison.band))
        if comparison is not None:
            reference = self._session.material.reference
            is_made = reference is not None and reference.provenance.kind == 'reconstruction'
            notes = '. '.join((comparison.basis, *comparison.notes, *([_MADE] if is_made else [])))
            self.footnote.setText(with_um(f'Compared: {notes}. Hover over a verdict for its reason.'))

    # -- wishes ---------------------------------------------------------------------------------

    def _on_answered(self, names: list[str], phase: int, is_pore: bool, size: Any) -> None:
        from dataclasses import replace

        self.labels_answered.emit(names, is_pore, size, replace(self.subject.wish, phase=phase))

    def _on_all(self, on: bool) -> None:
        self.table.show_all = on
        self._draw()

    def _on_chosen(self, key: str) -> None:
        report = self._session.findings.report
        if report is None:
            return
        self.card.draw(key, report, self._session.findings.comparison, self._session.findings.ensemble)
        self.curves.choose(curve_of(key))

    def _on_face(self, key: str) -> None:
        if not self._session.job.is_active:  # a click must not end what is still being measured
            self.face_requested.emit(key)

    def _on_save(self, name: str, kinds: str) -> None:
        path, chosen = QFileDialog.getSaveFileName(self, 'Save', name, kinds)
        if path:
            ending = '.json' if 'json' in chosen else Path(name).suffix
            self.save_requested.emit(_ended(Path(path), ending))

    def _on_plot(self, key: str) -> None:
        path, chosen = QFileDialog.getSaveFileName(self, 'Save plot', f'{key}.png', 'PNG (*.png);;SVG (*.svg)')
        if path:
            self.plot_requested.emit(_ended(Path(path), '.svg' if 'svg' in chosen else '.png'), key)


def _ended(path: Path, ending: str) -> Path:
    """Add an ending where the user has given none."""
    return path if path.suffix else path.with_suffix(ending)
