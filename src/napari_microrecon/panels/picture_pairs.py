"""Crops of the slices above sections of a volume, at equal scale: shape is judged by eye as well."""

from __future__ import annotations

from qtpy.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from ..engine.slices import SliceSet
from ..engine.volume import Volume
from .parts import hint
from .picture_view import PictureView
from .style import GAP

PAIRS, EDGE = 3, 128  # pictures of each; their largest edge in voxels
TOLD = 'Above crops of the slices, below sections of the volume, at equal scale.'


class PicturePairs(QWidget):
    """Three pictures of the slices, and below them three of the volume, normal z, y and x.

    Parameters
    ----------
    height : int
        Of a picture, in pixels of the screen.
    told : bool
        Whether a line above says what is what; else only tooltips do.
    """

    def __init__(self, *, height: int = 104, told: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GAP)
        self.views: list[tuple[PictureView, PictureView]] = []
        for column, axis in zip(range(PAIRS), 'zyx', strict=True):
            pair = (
                PictureView(f'Crop of a slice that sections normal to {axis} should look like'),
                PictureView(f'Section of the volume normal to {axis}, at the same scale'),
            )
            for line, view in enumerate(pair):
                view.setMinimumSize(60, 60)
                view.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
                view.setFixedHeight(height)
                grid.addWidget(view, line, column)
            self.views.append(pair)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        if told:
            column.addWidget(hint(TOLD))
        column.addLayout(grid)

    def clear(self) -> None:
        """Show nothing."""
        for pair in self.views:
            for view in pair:
                view.clear()

    def show_pairs(self, slices: SliceSet, volume: Volume) -> None:
        """Draw both; a volume of other phases than the slices is left out."""
        if slices.phases.count != volume.phases.count:
            return
        from ..engine.shape import shape_pictures

        pictures = shape_pictures(slices, volume.labels, PAIRS, EDGE)
        for (of_slice, of_volume), (crop, section) in zip(self.views, pictures, strict=True):
            of_slice.show_labels(crop, slices.phases)
            of_volume.show_labels(section, slices.phases)
