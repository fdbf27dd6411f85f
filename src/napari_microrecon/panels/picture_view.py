"""A picture that fills its widget: grey values, or phases in their colours."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QRect, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from ..engine.phases import Phases


class PictureView(QWidget):
    """Draws one small picture as large as fits, without distorting it."""

    def __init__(self, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image = QImage()
        self.setToolTip(tip)
        self.setMinimumSize(180, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """Room for a picture that tells something."""
        return QSize(300, 280)

    def clear(self) -> None:
        """Show nothing."""
        self.image = QImage()
        self.update()

    def show_grey(self, grey: np.ndarray) -> None:
        """Draw 2D grey values from the 0.5 % quantile (black) to the 99.5 % quantile (white)."""
        low, high = np.percentile(grey, [0.5, 99.5])
        scaled = (grey.astype(np.float32) - low) * (255 / max(float(high - low), 1e-12))
        self._draw(np.clip(scaled, 0, 255).astype(np.uint8), QImage.Format.Format_Grayscale8)

    def show_labels(self, labels: np.ndarray, phases: Phases) -> None:
        """Draw 2D labels in the colours of their phases."""
        self._draw(labels, QImage.Format.Format_Indexed8, [QColor(phase.color).rgb() for phase in phases.items])

    def _draw(self, array: np.ndarray, kind: QImage.Format, colours: list[int] | None = None) -> None:
        array = np.ascontiguousarray(array)
        image = QImage(array.tobytes(), array.shape[1], array.shape[0], array.shape[1], kind)
        if colours is not None:
            image.setColorTable(colours)
        self.image = image.convertToFormat(QImage.Format.Format_RGB32)  # a copy: QImage only borrows the bytes
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture in the middle."""
        if self.image.isNull():
            return
        size = self.image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        corner = ((self.width() - size.width()) // 2, (self.height() - size.height()) // 2)
        painter = QPainter(self)
        # Enlarged pixels stay pixels; a picture that is made smaller would flicker without smoothing.
        smaller = size.width() < self.image.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smaller)
        painter.drawImage(QRect(*corner, size.width(), size.height()), self.image)
        painter.end()
