"""Curves in the colours of napari's theme: light enough to be redrawn while a job runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from ..viewer.appearance import Palette

_DASHES = {'solid': Qt.PenStyle.SolidLine, 'dash': Qt.PenStyle.DashLine, 'dot': Qt.PenStyle.DotLine}


class CurvePlot(QWidget):
    """One pair of axes with named curves, bands and level lines, and a key above it.

    Curves are described by a role of the palette ('generated', 'reference', 'muted'), not by a colour, so
    that the plot follows the theme.
    """

    def __init__(self, x_label: str, y_label: str, height: int = 170, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels = {'bottom': x_label, 'left': y_label}
        self._palette: Palette | None = None
        self._curves: dict[str, tuple[Any, str, str, int]] = {}
        self._fills: dict[str, tuple[Any, str]] = {}
        self._levels: dict[str, tuple[Any, str]] = {}
        self._ranges: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._is_log = False
        self._cursor: Any = None
        self._key = QLabel()
        self._key.setWordWrap(True)
        self.readout = QLabel(' ')
        self.readout.setObjectName('hint')
        self.readout.setWordWrap(True)
        self.readout.setMinimumHeight(2 * self.readout.fontMetrics().lineSpacing())  # the plot must not jump
        self._key.setObjectName('hint')
        self._key.setTextFormat(Qt.TextFormat.RichText)
        self._view = pg.PlotWidget()
        self._view.setFrameShape(self._view.Shape.NoFrame)
        self._item: Any = self._view.getPlotItem()
        self._item.hideButtons()
        self._item.setMenuEnabled(False)
        self._item.setMouseEnabled(x=False, y=False)
        self._item.getAxis('left').setWidth(52)
        self._item.getAxis('bottom').setHeight(40)
        self._item.layout.setContentsMargins(0, 0, 0, 6)  # pyqtgraph lets the label hang over the axis' lower edge
        # The page scrolls with the wheel; a plot under the pointer must not catch it.
        self._view.wheelEvent = lambda event: event.ignore()  # pyright: ignore[reportAttributeAccessIssue]
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._key)
        column.addWidget(self._view, 1)
        column.addWidget(self.readout)
        self._view.scene().sigMouseMoved.connect(self._on_mouse)  # pyright: ignore[reportAttributeAccessIssue]
        # A fixed height, not a hint: with labels that wrap, layouts would ask for the height of pyqtgraph's own hint.
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    # -- content --------------------------------------------------------------------------------

    def set_labels(self, bottom: str, left: str) -> None:
        """Change the words at the axes."""
        self._labels = {'bottom': bottom, 'left': left}
        self._paint_axes()

    def set_log(self, y: bool) -> None:
        """Use a logarithmic vertical axis."""
        self._is_log = y
        self._item.setLogMode(False, y)

    def curve(
        self, name: str, x: Sequence[float], y: Sequence[float], role: str, style: str = 'solid', width: int = 2
    ) -> None:
        """Draw or redraw a curve."""
        if name not in self._curves:
            item = pg.PlotDataItem(antialias=True)
            self._item.addItem(item)
            self._curves[name] = (item, role, style, width)
            self._paint()
        self._curves[name][0].setData(np.asarray(x, float), np.asarray(y, float))

    def band(self, name: str, x: Sequence[float], low: Sequence[float], high: Sequence[float], role: str) -> None:
        """Fill the area between two curves."""
        if name in self._fills:
            self._item.removeItem(self._fills.pop(name)[0])
        xs, lows, highs = (np.asarray(values, float) for values in (x, low, high))
        # The curves of a fill are not drawn themselves, and nobody else tells them of the logarithmic axis.
        ends = [pg.PlotDataItem(xs, np.log10(values) if self._is_log else values) for values in (lows, highs)]
        fill = pg.FillBetweenItem(*ends)
        fill.setZValue(-10)
        self._ranges[name] = (xs, lows, highs)
        self._item.addItem(fill)
        self._fills[name] = (fill, role)
        self._paint()

    def level(self, name: str, value: float, role: str) -> None:
        """Draw a dotted horizontal line."""
        if name in self._levels:
            self._levels[name][0].setValue(value)
            return
        line = pg.InfiniteLine(pos=value, angle=0)
        self._item.addItem(line)
        self._levels[name] = (line, role)
        self._paint()

    def clear(self) -> None:
        """Remove all curves."""
        self._item.clear()
        self._curves, self._fills, self._levels, self._ranges = {}, {}, {}, {}
        self._cursor = None
        self.readout.setText(' ')
        self._paint_key()

    def data(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of a curve, empty where it is not drawn."""
        if name not in self._curves:
            return np.empty(0), np.empty(0)
        x, y = self._curves[name][0].getOriginalDataset()
        return (np.empty(0), np.empty(0)) if x is None else (x, y)

    @property
    def names(self) -> list[str]:
        """Names of the curves drawn."""
        return list(self._curves)

    @property
    def bands(self) -> list[str]:
        """Names of the bands drawn."""
        return list(self._fills)

    # -- values under the pointer ---------------------------------------------------------------

    def values_at(self, x: float) -> str:
        """Numbers of all curves and bands at the drawn place nearest to `x`; empty where nothing is drawn."""
        told: list[str] = []
        place: float | None = None
        for name in self._curves:
            xs, ys = self.data(name)
            if len(xs) and xs[0] <= x <= xs[-1]:
                nearest = int(np.argmin(np.abs(xs - x)))
                place = float(xs[nearest]) if place is None else place
                told.append(f'{name} {ys[nearest]:.4g}')
        for name, (xs, low, high) in self._ranges.items():
            if len(xs) and xs[0] <= x <= xs[-1]:
                nearest = int(np.argmin(np.abs(xs - x)))
                told.append(f'{name}: {low[nearest]:.4g} to {high[nearest]:.4g}')
        return '' if place is None else f'{self._labels["bottom"]} {place:.4g}: {"; ".join(told)}'

    def _on_mouse(self, position: Any) -> None:
        inside = self._item.vb.sceneBoundingRect().contains(position)
        x = float(self._item.vb.mapSceneToView(position).x()) if inside else 0.0
        text = self.values_at(x) if inside else ''
        self.readout.setText(text or ' ')
        if self._cursor is None:
            self._cursor = pg.InfiniteLine(angle=90)
            self._item.addItem(self._cursor, ignoreBounds=True)
        if self._palette is not None:
            self._cursor.setPen(pg.mkPen(self._palette.muted, width=1))
        self._cursor.setVisible(bool(text))
        self._cursor.setPos(x)

    def leaveEvent(self, event: Any) -> None:
        """Forget the pointer."""
        self.readout.setText(' ')
        if self._cursor is not None:
            self._cursor.setVisible(False)
        super().leaveEvent(event)

    # -- colours --------------------------------------------------------------------------------

    def apply_palette(self, palette: Palette) -> None:
        """Take the theme's colours."""
        self._palette = palette
        self._view.setBackground(palette.foreground)
        self._paint_axes()
        self._paint()

    def _paint_axes(self) -> None:
        if self._palette is None:
            return
        for side in ('left', 'bottom'):
            axis = self._item.getAxis(side)
            axis.setPen(pg.mkPen(self._palette.secondary))
            axis.setTextPen(pg.mkPen(self._palette.text))
            # Without ranges there is no SI prefix; it would multiply the ticks by 1000 and show no unit for it.
            axis.setLabel(text=self._labels[side], siPrefixEnableRanges=(), color=self._palette.muted)

    def _paint(self) -> None:
        if self._palette is None:
            return
        for item, role, style, width in self._curves.values():
            item.setPen(pg.mkPen(getattr(self._palette, role), width=width, style=_DASHES[style]))
        for fill, role in self._fills.values():
            color = QColor(getattr(self._palette, role))
            color.setAlpha(55)
            fill.setBrush(pg.mkBrush(color))
        for line, role in self._levels.values():
            line.setPen(pg.mkPen(getattr(self._palette, role), width=1, style=_DASHES['dot']))
        self._paint_key()

    def _paint_key(self) -> None:
        if self._palette is None:
            return
        marks = {'solid': '━', 'dash': '╍', 'dot': '┄'}
        entries = [(name, role, marks[style]) for name, (_, role, style, _) in self._curves.items()]
        entries += [(name, role, '█') for name, (_, role) in self._fills.items()]
        entries += [(name, role, '┄') for name, (_, role) in self._levels.items()]
        self._key.setText(
            '&nbsp;&nbsp; '.join(
                f'<span style="color:{getattr(self._palette, role)}">{mark}</span>&nbsp;{name.replace(" ", "&nbsp;")}'
                for name, role, mark in entries
            )
        )
