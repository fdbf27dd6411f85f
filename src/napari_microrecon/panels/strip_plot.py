"""One number beside its bands: where the volume lies in the spread of real material and of the realisations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from ..viewer.appearance import Palette
from .numbers import number

_ROW = 22  # pixels
_AXIS = 20
_NAMES = 104


@dataclass(frozen=True)
class Strip:
    """One row.

    Attributes
    ----------
    name : str
        What it shows.
    mean : float
        Value or mean.
    ends : (float, float) or None
        Of the bar, None where they are not known.
    role : str
        Colour of the palette.
    tip : str
        Shown under the pointer.
    """

    name: str
    mean: float
    ends: tuple[float, float] | None
    role: str
    tip: str


class StripPlot(QWidget):
    """Rows of dots with bars over one axis."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.strips: tuple[Strip, ...] = ()
        self._palette: Palette | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(300, _ROW * len(self.strips) + _AXIS + 4)

    def apply_palette(self, palette: Palette) -> None:
        """Take the theme's colours."""
        self._palette = palette
        self.update()

    def draw(self, strips: Sequence[Strip]) -> None:
        """Show other rows."""
        self.strips = tuple(strips)
        self.setMinimumHeight(self.sizeHint().height())
        self.updateGeometry()
        self.update()

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest value on the axis, with some room."""
        ends = [end for s in self.strips for end in (s.mean, *(s.ends or ()))]
        if not ends:
            return 0.0, 1.0
        low, high = min(ends), max(ends)
        room = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
        return low - room, high + room

    def _x(self, value: float) -> float:
        low, high = self.limits
        return _NAMES + (value - low) / (high - low) * (self.width() - _NAMES - 12)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw names, bars, dots and the axis."""
        if self._palette is None or not self.strips:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row, strip in enumerate(self.strips):
            middle = _ROW * (row + 0.5)
            color = QColor(getattr(self._palette, strip.role))
            painter.setPen(QColor(self._palette.text))
            painter.drawText(QRectF(0, middle - _ROW / 2, _NAMES - 6, _ROW), Qt.AlignmentFlag.AlignVCenter, strip.name)
            if strip.ends is not None:
                faint = QColor(color)
                faint.setAlpha(90)
                left, right = (self._x(end) for end in strip.ends)
                painter.fillRect(QRectF(left, middle - 4, max(1.0, right - left), 8), faint)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            painter.drawEllipse(QPointF(self._x(strip.mean), middle), 4, 4)
        bottom = _ROW * len(self.strips)
        painter.setPen(QPen(QColor(self._palette.secondary)))
        painter.drawLine(QPointF(_NAMES, bottom + 1), QPointF(self.width() - 12, bottom + 1))
        painter.setPen(QColor(self._palette.muted))
        low, high = self.limits
        for place, align in ((low, 'AlignLeft'), ((low + high) / 2, 'AlignHCenter'), (high, 'AlignRight')):
            box = QRectF(_NAMES, bottom + 3, self.width() - _NAMES - 12, _AXIS)
            painter.drawText(box, getattr(Qt.AlignmentFlag, align), number(place))
        painter.end()

    def strip_at(self, y: float) -> Strip | None:
        """Row at a height in pixels."""
        row = int(y // _ROW)
        return self.strips[row] if 0 <= row < len(self.strips) else None

    def event(self, event: QEvent) -> bool:
        """Show the numbers of the row under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            strip = self.strip_at(event.pos().y())
            if strip is not None:
                QToolTip.showText(event.globalPos(), strip.tip, self)
            return True
        return super().event(event)
