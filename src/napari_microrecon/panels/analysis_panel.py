"""Step 4: porosity, tortuosity and two-point correlation of the volume beside those of the reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..engine.analysis.report import title
from ..session.words import tally
from .parts import Panel, button, heading, hint, row
from .plots import CurvePlot

if TYPE_CHECKING:
    from ..engine.analysis import Comparison, Report, Statistic
    from ..session import Session
    from ..viewer.appearance import Palette

_ROW = 23  # pixels
# Statistics in reading order with short names; all others are in the saved report.
ROWS = {
    'phase_fraction': 'Phase fraction',
    's2_error': 'S₂ error',
    'specific_surface': 'Surface',
    'percolating_fraction_z': 'Percolating z',
    'percolating_fraction_y': 'Percolating y',
    'percolating_fraction_x': 'Percolating x',
    'tortuosity_z': 'Tortuosity z',
    'tortuosity_y': 'Tortuosity y',
    'tortuosity_x': 'Tortuosity x',
    'correlation_length_z': 'Corr. length z',
    'correlation_length_y': 'Corr. length y',
    'correlation_length_x': 'Corr. length x',
    'anisotropy_index': 'Anisotropy',
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
        self.table.setHorizontalHeaderLabels(['', 'This volume', 'Reference ± 2 sd', ''])
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
        busy = comparison is None and self._session.reference is not None and self._session.job.is_active
        self.summary.setText(
            f'Phase: {report.phase_name}. The reference is being measured…' if busy else summary(report, comparison)
        )
        self.summary.setToolTip('' if comparison is None else f'<qt>{comparison.summary}</qt>')

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
                pairs = list(zip(band.mean, band.sd, strict=True))
                low, high = [m - 2 * d for m, d in pairs], [m + 2 * d for m, d in pairs]
                self.plot.band('± 2 sd', band.lag, low, high, 'reference')
            if real is not None:
                self.plot.curve('reference', real.lag, real.value, 'reference')
        self.plot.curve('reconstruction', curve.lag, curve.value, 'generated')
        fraction = report.statistics.get('phase_fraction')
        if fraction is not None and fraction.value is not None:
            self.plot.level('φ²', fraction.value**2, 'muted')

    def _fill(self, report: Report, comparison: Comparison | None) -> None:
        judged = None if comparison is None or not comparison.band else comparison
        # What was judged: the volume itself, or the mean of its blocks where the reference is too small.
        values = report.statistics if judged is None else judged.compared
        keys = [key for key in ROWS if key in values]
        self.table.setRowCount(len(keys))
        self.table.setColumnHidden(2, judged is None)
        self.table.setColumnHidden(3, judged is None)
        for i, key in enumerate(keys):
            statistic = values[key]
            unit = '' if statistic.unit == '1' else f' ({_pretty(statistic.unit)})'
            self._cell(i, 0, f'{ROWS[key]}{unit}', f'{title(key)}: {statistic.method}')
            self._cell(i, 1, shown(statistic), statistic.note, right=True)
            if judged is None:
                continue
            band = judged.band.get(key)
            spread = '' if band is None or band.sd is None else f' ± {number(2 * band.sd, 2)}'
            tip = '' if band is None else f'mean ± 2 sd of {band.count} blocks of the reference'
            self._cell(i, 2, f'{number(None if band is None else band.mean)}{spread}', tip, right=True)
            verdict = judged.verdicts.get(key)
            mark, role = _MARKS['cannot tell' if verdict is None else verdict.verdict]
            item = self._cell(i, 3, mark, '' if verdict is None else verdict.sentence)
            item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
            if self._palette is not None:
                item.setForeground(QColor(getattr(self._palette, role)))
        for i in range(len(keys)):
            self.table.setRowHeight(i, _ROW)
        head = 0 if self.table.horizontalHeader().isHidden() else self.table.horizontalHeader().sizeHint().height()
        self.table.setFixedHeight(head + len(keys) * _ROW + 4)
        self.footnote.setVisible(judged is not None)
        if judged is not None:
            self.footnote.setText(f'Compared: {_pretty(judged.basis)}. Hover over a mark for its reason.')

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


def number(value: float | None, digits: int = 3) -> str:
    """Few significant digits; a dash where there is no value."""
    if value is None:
        return '–'
    return '0' if value == 0 else f'{value:#.{digits}g}'.rstrip('.')


def shown(statistic: Statistic) -> str:
    """Value of a statistic; infinity where a phase does not span the volume, for then nothing passes."""
    if statistic.value is None and statistic.note.startswith('no path'):
        return '∞'
    return number(statistic.value)


def summary(report: Report, comparison: Comparison | None) -> str:
    """One sentence over the table."""
    if comparison is None or not comparison.verdicts:
        return f'Phase: {report.phase_name}. Add a reference volume in step 1 to judge these numbers.'
    return f'Phase: {report.phase_name}. {tally(comparison)}'


def _pretty(text: str) -> str:
    return text.replace('um', 'µm') if text.endswith('um') or text.startswith('1/um') else text.replace(' x ', ' × ')
