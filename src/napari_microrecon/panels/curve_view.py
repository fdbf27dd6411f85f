"""The curves of a report, each with the band of real material and that of the realisations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QSizePolicy, QVBoxLayout, QWidget

from ..engine.statistics.catalogue import curve_axes, title
from .numbers import unit_text
from .parts import button, heading, narrow, row
from .plots import CurvePlot

if TYPE_CHECKING:
    from ..engine.results import Comparison, CurveBand, Ensemble, Report
    from ..viewer.appearance import Palette

_FIRST = 's2_radial'
_TIP = (
    '<qt>S₂(r) is the probability that two points at distance r both lie in the phase. It starts at the phase '
    'fraction φ and ends at φ². No curve goes beyond half the edge of the volume.</qt>'
)


class CurveView(QWidget):
    """A choice of curves and their plot."""

    plot_requested = Signal(str)  # key

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawn: tuple[Report | None, Comparison | None, Ensemble | None] = (None, None, None)
        self.plot = CurvePlot('lag', 'probability', 300)
        self.which = narrow(QComboBox())
        self.which.setToolTip(_TIP)
        self.save_button = button('Save plot…', 'This plot as PNG (300 dpi) or SVG, on white', small=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        column.addLayout(row(heading('Curve'), self.which, stretch=1))
        column.addWidget(self.plot)
        column.addLayout(row(1, self.save_button))
        self._wanted = _FIRST
        self.which.activated.connect(self._on_chosen)
        self.save_button.clicked.connect(lambda: self.plot_requested.emit(self.key))

    @property
    def key(self) -> str:
        """Key of the curve that is shown."""
        return self.which.currentData() or _FIRST

    def choose(self, key: str) -> None:
        """Show a curve, if the report has it."""
        index = self.which.findData(key)
        if index >= 0:
            self.which.setCurrentIndex(index)
            self._on_chosen()

    def _on_chosen(self) -> None:
        self._wanted = self.key
        self._redraw()

    def draw(self, report: Report | None, comparison: Comparison | None, ensemble: Ensemble | None) -> None:
        """Show what is known."""
        self._drawn = (report, comparison, ensemble)
        keys = [] if report is None else list(report.curves)
        keys.sort(key=lambda key: key != _FIRST)  # stable: the one to begin with comes first
        if keys != [self.which.itemData(i) for i in range(self.which.count())]:
            self.which.clear()
            for key in keys:
                self.which.addItem(title(key), key)
            # Curves come one by one: until the wanted one is there, the first of them stands in.
            self.which.setCurrentIndex(max(0, self.which.findData(self._wanted)))
        self.setVisible(bool(keys))
        self._redraw()

    def _redraw(self) -> None:
        report, comparison, ensemble = self._drawn
        self.plot.clear()
        key = self.which.currentData()
        if report is None or key not in report.curves:
            return
        curve = report.curves[key]
        judged = None
        if comparison is not None:
            judged = comparison.curve_bands.get(key)
            # What the band is about: the volume itself, or the mean of its blocks where the reference is too small.
            curve = comparison.compared_curves.get(key, curve) if judged is not None else curve
        drawn = curve_axes(key)
        logarithmic = drawn.logarithmic
        self.plot.set_labels(f'{drawn.across} ({unit_text(curve.lag_unit)})', drawn.up)
        self.plot.set_log(logarithmic)
        if ensemble is not None and (band := ensemble.curves.get(key)) is not None:
            self._band(f'{band.count} realisations, 95 %', band, 'ensemble', logarithmic)
        if judged is not None:
            self._band(f'{judged.count} blocks of the reference, 95 %', judged, 'reference', logarithmic)
        if comparison is not None and (real := comparison.real.curves.get(key)) is not None:
            self.plot.curve('reference', real.lag, _positive(real.value, logarithmic), 'reference')
        self.plot.curve('reconstruction', curve.lag, _positive(curve.value, logarithmic), 'generated')
        fraction = report.value('phase_fraction')
        if fraction is not None and key.startswith('s2_'):
            self.plot.level('φ²', fraction**2, 'muted')

    def _band(self, name: str, band: CurveBand, role: str, logarithmic: bool) -> None:
        low, high = (limit.tolist() for limit in band.limits)
        self.plot.band(name, band.lag, _positive(low, logarithmic), _positive(high, logarithmic), role)

    def apply_palette(self, palette: Palette) -> None:
        """Take the theme's colours."""
        self.plot.apply_palette(palette)


def _positive(values: tuple[float, ...] | list[float], logarithmic: bool) -> list[float]:
    """Values that a logarithmic axis can show: what is zero or less lies on its lower end."""
    if not logarithmic:
        return list(values)
    floor = 1e-4 * max(max(values), 1e-12)
    return [max(value, floor) for value in values]
