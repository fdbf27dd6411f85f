"""What is known of one statistic: its bands, its verdict with the reason, its method, its place in the volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFrame, QVBoxLayout, QWidget

from ..engine.results.bands import Band
from ..engine.statistics.catalogue import quantity_of, title
from .numbers import PANEL, shown, spread, unit_text, with_um
from .parts import button, heading, hint, row
from .strip_plot import Strip, StripPlot

if TYPE_CHECKING:
    from ..engine.results import Comparison, Ensemble, Report
    from ..viewer.appearance import Palette


class StatisticCard(QFrame):
    """Details of the statistic that the user has chosen in the table."""

    plot_requested = Signal(str)  # key

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName('card')
        self.key = ''
        self.name = heading('')
        self.strips = StripPlot()
        self.words = hint()
        self.method = hint()
        self.save_button = button('Save plot…', 'This number beside its bands, as PNG or SVG', small=True)
        column = QVBoxLayout(self)
        column.addLayout(row(self.name, 1, self.save_button))
        column.addWidget(self.strips)
        column.addWidget(self.words)
        column.addWidget(self.method)
        self.save_button.clicked.connect(lambda: self.plot_requested.emit(self.key))
        self.hide()

    def apply_palette(self, palette: Palette) -> None:
        """Take the theme's colours."""
        self.strips.apply_palette(palette)

    def draw(self, key: str, report: Report, comparison: Comparison | None, ensemble: Ensemble | None) -> None:
        """Show one statistic; hides itself where the report has none of that key."""
        judged = None if comparison is None or not comparison.band else comparison
        values = report.statistics if judged is None else judged.compared
        statistic = values.get(key)
        self.key = key
        self.setVisible(statistic is not None)
        if statistic is None:
            return
        unit = unit_text(statistic.unit)
        self.name.setText(title(key))
        strips: list[Strip] = []
        if judged is not None and (band := judged.band.get(key)) is not None:
            strips += _of('reference', band, 'reference', f'{band.n} blocks of the reference', unit)
        if ensemble is not None and (band := ensemble.statistics.get(key)) is not None:
            strips += _of('realisations', band, 'ensemble', f'{band.n} realisations', unit)
        if statistic.value is not None:
            tip = f'this volume: {shown(statistic)} {unit}'.replace('\n', ' ')
            own = None if statistic.sd is None else Band.of_error(statistic.value, statistic.sd, quantity_of(key))
            strips.append(Strip('this volume', statistic.value, _ends(own), 'generated', tip))
        self.strips.setVisible(statistic.value is not None)
        self.strips.draw(strips)
        self.save_button.setVisible(statistic.value is not None)
        verdict = None if judged is None else judged.verdicts.get(key)
        said = [] if verdict is None else [verdict.sentence]
        said += [statistic.note] if statistic.note and statistic.note not in ''.join(said) else []
        text = with_um('. '.join(f'{part[:1].upper()}{part[1:]}' for part in said))
        self.words.setText(text)
        self.words.setVisible(bool(text))
        self.method.setText(with_um(f'Method: {statistic.method}'))


def _of(name: str, band: Band, role: str, what: str, unit: str) -> list[Strip]:
    if band.mean is None:
        return []
    tip = f'mean of {what}, and where 95 % of more would lie: {spread(band, PANEL.digits)}'.replace('\n', ', ')
    return [Strip(name, band.mean, _ends(band), role, f'{tip} {unit}')]


def _ends(band: Band | None) -> tuple[float, float] | None:
    return None if band is None or band.low is None or band.high is None else (band.low, band.high)
