"""Step 4: porosity, tortuosity and two-point correlation of the volume beside those of the reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from .parts import Panel, button, heading, hint, row
from .plots import CurvePlot

if TYPE_CHECKING:
    from ..session import Session
    from ..viewer.appearance import Palette

_ROW = 23  # pixels
# Statistics in reading order with the words of the table; others are in the saved report.
ROWS = {
    'phase_fraction': 'Phase fraction',
    'specific_surface': 'Specific surface',
    'percolating_fraction_z': 'Percolating z',
    'percolating_fraction_y': 'Percolating y',
    'percolating_fraction_x': 'Percolating x',
    'tortuosity_z': 'Tortuosity z',
    'tortuosity_y': 'Tortuosity y',
    'tortuosity_x': 'Tortuosity x',
    'correlation_length_z': 'Correlation length z',
    'correlation_length_y': 'Correlation length y',
    'correlation_length_x': 'Correlation length x',
}
_CURVES = {'s2_radial': 'radial mean', 's2_z': 'along z', 's2_y': 'along y', 's2_x': 'along x'}
_MARKS = {'inside': ('✓', 'good'), 'outside': ('✗', 'bad'), 'cannot tell': ('?', 'muted')}


class AnalysisPanel(Panel):
    """Draws the session's report and comparison; computes nothing."""

    analyse_requested = Signal()
    save_requested = Signal(object)  # Path

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._palette: Palette | None = None
        self.run_button = button('Measure', 'Measure the volume, and the reference with it', primary=True)
        self.save_button = button('Save report…', 'One HTML page with plots, or JSON')
        self.blocked = hint()
        self.summary = hint()
        self._build_plot()
        self._build_table()
        self.column.addWidget(heading('Statistics'))
        self.column.addWidget(self.run_button)
        self.column.addWidget(self.blocked)
        self.column.addWidget(self.summary)
        self.column.addWidget(self.results)
        self.column.addStretch(1)
        self.run_button.clicked.connect(self.analyse_requested)
        self.save_button.clicked.connect(self._on_save)
        events = session.events
        for event in (events.report, events.comparison):
            self.listen(event, self._on_report)
        for event in (events.job, events.volume, events.reference):
            self.listen(event, self._on_job)
        self._on_report()
        self._on_job()

    def _build_plot(self) -> None:
        self.plot = CurvePlot('lag', 'S₂', 200)
        self.which = QComboBox()
        for key, words in _CURVES.items():
            self.which.addItem(words, key)
        self.which.setToolTip(
            '<qt>S₂(r) is the probability that two points at distance r both lie in the phase. It starts at the '
            'phase fraction φ and ends at φ².</qt>'
        )
        self.which.activated.connect(lambda _: self._draw_curves())

    def _build_table(self) -> None:
        self.table = QTableWidget(0, 4)
        self.table.setHorizontalHeaderLabels(['', 'Reconstruction', 'Reference', ''])
        self.table.verticalHeader().hide()
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.Fixed)
        self.table.setColumnWidth(3, 24)
        self.footnote = hint()
        self.results = QWidget()
        from qtpy.QtWidgets import QVBoxLayout

        column = QVBoxLayout(self.results)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row(heading('Two-point correlation S₂(r)'), 1, self.which))
        column.addWidget(self.plot)
        column.addWidget(self.table)
        column.addWidget(self.footnote)
        column.addLayout(row(self.save_button, 1))

    # -- drawing --------------------------------------------------------------------------------

    def apply_palette(self, palette: Palette) -> None:
        """Take the theme's colours."""
        self._palette = palette
        self.plot.apply_palette(palette)
        self._on_report()

    def _on_job(self) -> None:
        job = self._session.job
        ready = self._session.volume is not None
        self.run_button.setEnabled(ready and not job.is_active)
        self.run_button.setText('Measure' if self._session.reference is None else 'Compare with the reference')
        self.save_button.setEnabled(self._session.report is not None and not job.is_active)
        self.blocked.setVisible(not ready)
        self.blocked.setText('' if ready else 'Reconstruct a volume in step 2 first.')

    def _on_report(self) -> None:
        report, comparison = self._session.report, self._session.comparison
        self.results.setVisible(report is not None)
        self.summary.setVisible(report is not None)
        if report is None:
            return
        self._draw_curves()
        self._fill(report, comparison)
        self.summary.setText(summary(report, comparison))

    def _draw_curves(self) -> None:
        report, comparison = self._session.report, self._session.comparison
        self.plot.clear()
        if report is None:
            return
        key = self.which.currentData()
        curve = report.curves.get(key)
        if curve is None:
            return
        self.plot.set_x_label(f'lag r ({"µm" if curve.lag_unit == "um" else curve.lag_unit})')
        if comparison is not None:
            real = comparison.real.curves.get(key)
            band = comparison.curve_bands.get(key)
            if band is not None:
                self.plot.band('real ± 2 sd', band.lag, band.low, band.high, 'reference')
            if real is not None:
                self.plot.curve('reference', real.lag, real.value, 'reference')
        self.plot.curve('reconstruction', curve.lag, curve.value, 'generated')
        fraction = report.statistics.get('phase_fraction')
        if fraction is not None and fraction.value is not None:
            self.plot.level('φ²', fraction.value**2, 'muted')

    def _fill(self, report: Any, comparison: Any) -> None:
        keys = [key for key in ROWS if key in report.statistics]
        self.table.setRowCount(len(keys))
        self.table.setColumnHidden(2, comparison is None)
        self.table.setColumnHidden(3, comparison is None)
        for i, key in enumerate(keys):
            statistic = report.statistics[key]
            unit = '' if statistic.unit in ('', '1', None) else f' ({_pretty(statistic.unit)})'
            self._cell(i, 0, f'{ROWS[key]}{unit}', statistic.method)
            self._cell(i, 1, number(statistic.value), statistic.note, right=True)
            if comparison is None:
                continue
            real = comparison.real.statistics.get(key)
            band = comparison.band.get(key)
            spread = f' ± {number(2 * band.sd)}' if band is not None and band.sd is not None else ''
            mean = band.mean if band is not None else real.value if real is not None else None
            self._cell(i, 2, f'{number(mean)}{spread}', 'mean ± 2 sd of real subvolumes of this size', right=True)
            verdict = comparison.verdicts.get(key)
            mark, role = _MARKS.get(verdict.verdict if verdict is not None else 'cannot tell', _MARKS['cannot tell'])
            item = self._cell(i, 3, mark, verdict.sentence if verdict is not None else '')
            item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
            if self._palette is not None:
                item.setForeground(QColor(getattr(self._palette, role)))
        for i in range(len(keys)):
            self.table.setRowHeight(i, _ROW)
        head = 0 if self.table.horizontalHeader().isHidden() else self.table.horizontalHeader().sizeHint().height()
        self.table.setFixedHeight(head + len(keys) * _ROW + 4)
        self.footnote.setText(
            '' if comparison is None else 'Reference: mean ± 2 sd of its subvolumes of the same size. ✓ inside, '
            '✗ outside, ? cannot tell; hover for the sentence.'
        )

    def _cell(self, i: int, j: int, text: str, tip: str | None, *, right: bool = False) -> QTableWidgetItem:
        item = QTableWidgetItem(text)
        item.setToolTip(f'<qt>{tip}</qt>' if tip else '')
        if right:
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.table.setItem(i, j, item)
        return item

    # -- wishes ---------------------------------------------------------------------------------

    def _on_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, 'Save report', 'report.html', 'Web page (*.html);;JSON (*.json)')
        if name:
            self.save_requested.emit(Path(name))


def number(value: float | None) -> str:
    """Three significant digits; a dash where there is no value."""
    return '–' if value is None else f'{value:.3g}'


def _pretty(unit: str) -> str:
    return unit.replace('um', 'µm')


def summary(report: Any, comparison: Any) -> str:
    """One sentence over the table."""
    name = report.phase_name
    if comparison is None:
        return f'Phase: {name}. Add a reference volume in step 1 to judge these numbers.'
    told = [v.verdict for key, v in comparison.verdicts.items() if key in ROWS]
    inside, judged = told.count('inside'), sum(v != 'cannot tell' for v in told)
    return f'Phase: {name}. {inside} of {judged} statistics lie within the spread of the real material.'
