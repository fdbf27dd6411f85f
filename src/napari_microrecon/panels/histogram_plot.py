"""Histogram of grey values in the colours of the phases, with thresholds to drag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from ..engine.phases import Phases
from ..viewer.appearance import Palette

_HEAD = 1.15  # room above the highest bar


class HistogramPlot(QWidget):
    """Bars, one solid line per threshold in use, one dotted line per automatic threshold.

    Signals
    -------
    thresholds_changed(tuple of float)
        The user has moved a line.
    """

    thresholds_changed = Signal(object)

    def __init__(self, height: int = 150, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette: Palette | None = None
        self._edges = np.array([0.0, 1.0])
        self._colours: list[str] = []
        self.lines: list[Any] = []
        self._marks: list[Any] = []
        self._view = pg.PlotWidget()
        self._view.setFrameShape(self._view.Shape.NoFrame)
        self._view.setToolTip(
            '<qt>Share of the pixels by grey value. Drag a line to move the threshold between two phases; the dotted '
            'line is where Otsu puts it.</qt>'
        )
        self._item: Any = self._view.getPlotItem()
        self._item.hideButtons()
        self._item.setMenuEnabled(False)
        self._item.setMouseEnabled(x=False, y=False)
        self._item.hideAxis('left')
        self._item.getAxis('bottom').setHeight(40)
        self._item.layout.setContentsMargins(8, 0, 8, 6)
        self._bars = pg.BarGraphItem(x0=[0], x1=[1], height=[0], pen=None)
        self._item.addItem(self._bars)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._view)
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Where the lines stand, rising."""
        return tuple(sorted(float(line.value()) for line in self.lines))

    def show_histogram(self, counts: np.ndarray, edges: np.ndarray) -> None:
        """Draw the parts of all pixels, shape (bins,), between the grey values `edges`, shape (bins + 1,)."""
        self._edges = np.asarray(edges, float)
        self._bars.setOpts(x0=self._edges[:-1], x1=self._edges[1:], height=counts)
        # Pixels that are clipped to black or white would dwarf all others.
        inner = counts[1:-1] if len(counts) > 4 else counts
        top = float(inner.max()) or float(counts.max()) or 1.0
        self._item.setYRange(0, _HEAD * top, padding=0)
        self._item.setXRange(self._edges[0], self._edges[-1], padding=0.02)
        self._paint_bars()

    def show_phases(self, phases: Phases, order: str) -> None:
        """Colour the bars; `order` tells whether phase 0 is the darkest."""
        colours = [phase.color for phase in phases.items]
        self._colours = colours if order == 'dark-first' else colours[::-1]
        self._paint_bars()

    def show_thresholds(self, used: Sequence[float], automatic: Sequence[float]) -> None:
        """Draw the lines; those that the user can drag are `used`."""
        if len(self.lines) != len(used):
            for line in self.lines:
                self._item.removeItem(line)
            self.lines = [pg.InfiniteLine(pos=value, angle=90, movable=True) for value in used]
            for line in self.lines:
                line.setZValue(10)
                line.sigPositionChanged.connect(self._on_moved)
                self._item.addItem(line, ignoreBounds=True)
        for line, value in zip(self.lines, used, strict=True):
            with QSignalBlocker(line):
                line.setBounds((None, None))
                line.setValue(value)
        for mark in self._marks:
            self._item.removeItem(mark)
        self._marks = [pg.InfiniteLine(pos=value, angle=90) for value in automatic]
        for mark in self._marks:
            self._item.addItem(mark, ignoreBounds=True)
        self._bound()
        self._paint_lines()
        self._paint_bars()

    def _bound(self) -> None:
        """Keep every line between its neighbours."""
        low, high = self._edges[0], self._edges[-1]
        least = (high - low) / 1000
        values = [line.value() for line in self.lines]
        ends = [low, *values, high]
        for i, line in enumerate(self.lines):
            with QSignalBlocker(line):
                first, last = ends[i] + least, ends[i + 2] - least
                # A threshold that was typed may lie outside the histogram; it is not pulled in.
                line.setBounds((min(first, values[i]), max(last, values[i])))

    def _on_moved(self) -> None:
        self._bound()
        self._paint_bars()
        self.thresholds_changed.emit(self.thresholds)

    # -- colours --------------------------------------------------------------------------------

    def apply_palette(self, palette: Palette) -> None:
        """Take the theme's colours."""
        self._palette = palette
        self._view.setBackground(palette.foreground)
        axis = self._item.getAxis('bottom')
        axis.setPen(pg.mkPen(palette.secondary))
        axis.setTextPen(pg.mkPen(palette.text))
        axis.setLabel(text='grey value', siPrefixEnableRanges=(), color=palette.muted)
        self._paint_lines()
        self._paint_bars()

    def _paint_lines(self) -> None:
        if self._palette is None:
            return
        for line in self.lines:
            line.setPen(pg.mkPen(self._palette.text, width=2))
            line.setHoverPen(pg.mkPen(self._palette.accent, width=4))
        for mark in self._marks:
            mark.setPen(pg.mkPen(self._palette.muted, width=2, style=Qt.PenStyle.DotLine))

    def _paint_bars(self) -> None:
        if not self._colours:
            return
        brushes = [pg.mkBrush(QColor(colour)) for colour in self._colours]
        centres = (self._edges[:-1] + self._edges[1:]) / 2
        classes = np.searchsorted(np.asarray(self.thresholds), centres, side='left')
        self._bars.setOpts(brushes=[brushes[min(c, len(brushes) - 1)] for c in classes])
