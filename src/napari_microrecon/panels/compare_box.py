"""How volumes are looked at: in 3D or in planes, beside which other volume, cut open where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QLabel, QSlider, QWidget

from ..engine.voxels import AXES
from ..viewer.cutting import CutPlane
from .parts import Listener, button, form, hint, narrow, row

if TYPE_CHECKING:
    from ..engine.volume import Volume
    from ..session import Session

_SETTLE_MS = 40  # while the slider is dragged
_SIDE_BY_SIDE = 'Side by side the two views share camera, slice position, cut and colours'
_NO_REFERENCE = 'There is nothing to stand beside it: open a real volume in step 1, or keep this one as the reference'
_ALONE = 'There is one volume only. Make several (Volumes above 1), keep this one, or open a real volume in step 1'
_ONE_VIEW = 'The reconstruction is shown, the reference is hidden. Its eye in the layer list shows it, behind.'
_SAME_SIZE = (
    'Shows the middle of the reference only, as large as the reconstruction. What is measured stays the whole '
    'reference: its band needs blocks.'
)
_CUT = 'Cut both volumes open at the same plane in 3D; in 2D that plane is shown'


class CompareBox(QWidget, Listener):
    """Choices of view, layout, partner and cut; the stage and the session follow.

    Signals
    -------
    volume_3d_requested(bool)
        In 3D, or in planes.
    side_by_side_requested(bool)
        Two cells, or one.
    partner_requested(Volume)
        Another volume is the reference now.
    keep_requested()
        The reconstruction at hand becomes the reference.
    cut_requested(CutPlane or None)
        Where volumes are cut open.
    same_size_requested(bool)
        Show as much of the reference as there is of the reconstruction.
    """

    volume_3d_requested = Signal(bool)
    side_by_side_requested = Signal(bool)
    partner_requested = Signal(object)
    keep_requested = Signal()
    cut_requested = Signal(object)
    same_size_requested = Signal(bool)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._beside = True  # the user's choice, also while there is nothing to stand beside
        self._build()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._tell_cut)
        self.view.activated.connect(lambda _: self.volume_3d_requested.emit(self.view.currentData()))
        self.layout_choice.activated.connect(lambda _: self._on_layout())
        self.partner.activated.connect(lambda _: self.partner_requested.emit(self.partner.currentData()))
        self.keep_button.clicked.connect(self.keep_requested)
        self.same_size.toggled.connect(self.same_size_requested)
        self.cut.toggled.connect(lambda _: self._on_cut())
        self.axis.activated.connect(lambda _: self._on_axis())
        self.slider.valueChanged.connect(lambda _: self._on_moved())
        events = session.events
        for event in (events.volumes, events.volume, events.reference, events.kept):
            self.listen(event, self._draw)
        self._draw()

    def _build(self) -> None:
        self.view = narrow(QComboBox())
        self.view.addItem('3D volume', True)
        self.view.addItem('2D planes', False)
        self.view.setToolTip('Show volumes in 3D, or plane by plane with the slider below the canvas')
        self.layout_choice = narrow(QComboBox())
        self.layout_choice.addItem('Beside the reference', True)
        self.layout_choice.addItem('In one view', False)
        self.one_view = hint(_ONE_VIEW)
        self.partner = narrow(QComboBox())
        self.partner.setPlaceholderText('none')
        self.keep_button = button(
            'Keep this one',
            'It becomes the reference: the next volume stands beside it and is compared with it',
            small=True,
        )
        self.same_size = QCheckBox('Reference at the same size')
        self.cut = QCheckBox('at')
        self.cut.setToolTip(_CUT)
        self.axis = QComboBox()
        self.axis.addItems(AXES)
        self.axis.setToolTip('Axis that the cut is perpendicular to')
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName('Position of the cut')
        self.place = QLabel()
        self.place.setObjectName('hint')
        self.place.setMinimumWidth(self.place.fontMetrics().horizontalAdvance('1000 µm'))
        rows = form()
        self.setLayout(rows)
        rows.addRow('View', self.view)
        rows.addRow('Layout', self.layout_choice)
        rows.addRow(self.one_view)
        rows.addRow('Beside', row(self.partner, self.keep_button, stretch=0))
        rows.addRow('', self.same_size)
        rows.addRow('Cut', row(self.cut, self.axis, self.slider, self.place, stretch=2))

    # -- drawing --------------------------------------------------------------------------------

    def _candidates(self) -> list[tuple[str, Volume]]:
        """What the first volume can be compared with: what was opened or kept, and its other realisations."""
        session = self._session
        found = [(_words(one), one) for one in session.material.kept if one is not session.material.volume]
        known = [one for _, one in found]
        count = len(session.material.volumes)
        for i, one in enumerate(session.material.volumes[1:], 2):
            if not any(one is other for other in known):
                found.append((f'volume {i} of {count}: {one.name}', one))
        return found

    def _draw(self) -> None:
        reference = self._session.material.reference
        beside = self.layout_choice.model().item(0)  # pyright: ignore[reportAttributeAccessIssue]
        beside.setEnabled(reference is not None)
        beside.setToolTip('' if reference is not None else _NO_REFERENCE)
        self.layout_choice.setCurrentIndex(0 if self._beside and reference is not None else 1)
        self.layout_choice.setToolTip(_SIDE_BY_SIDE if reference is not None else _NO_REFERENCE)
        self._tell_layout()
        candidates = self._candidates()
        self.partner.clear()
        for words, one in candidates:
            self.partner.addItem(words, one)
        current = [i for i, (_, one) in enumerate(candidates) if one is reference]
        self.partner.setCurrentIndex(current[0] if current else -1)
        self.partner.setEnabled(bool(candidates))
        self.partner.setToolTip('What the reconstruction stands beside and is compared with' if candidates else _ALONE)
        self.same_size.setEnabled(reference is not None)
        self.same_size.setToolTip(_SAME_SIZE if reference is not None else _NO_REFERENCE)
        self.keep_button.setEnabled(
            self._session.material.volume is not None and self._session.material.volume is not reference
        )
        self._limit()

    def _tell_layout(self) -> None:
        self.one_view.setVisible(self._session.material.reference is not None and not self.layout_choice.currentData())

    def _limit(self) -> None:
        """Let the cut reach through the longer of both volumes."""
        volume, reference = self._session.material.volume, self._session.material.reference
        if volume is None:
            return
        axis = AXES.index(self.axis.currentText())  # pyright: ignore[reportArgumentType]
        last = volume.shape[axis] - 1
        if reference is not None and not self.same_size.isChecked():
            edge, other = volume.voxel_size, reference.voxel_size
            size = other.to(edge.unit) if other.is_known and edge.is_known else edge
            last = max(last, round((reference.shape[axis] - 1) * size.zyx[axis] / edge.zyx[axis]))
        was_new = self.slider.maximum() != last
        self.slider.blockSignals(True)
        self.slider.setRange(0, last)
        if was_new and not self.cut.isChecked():
            self.slider.setValue((volume.shape[axis] - 1) // 2)
        self.slider.blockSignals(False)
        self.slider.setToolTip(f'Position along {self.axis.currentText()}, 0 to {last} voxels of the reconstruction')
        self._show_place()

    def _show_place(self) -> None:
        plane, volume = self.plane, self._session.material.volume
        if volume is None:
            return
        unit = volume.voxel_size.unit
        self.place.setText(f'{plane.position:.4g} {"µm" if unit == "um" else "" if unit == "voxel" else unit}'.strip())
        for widget in (self.slider, self.place):
            widget.setEnabled(self.cut.isChecked())

    @property
    def plane(self) -> CutPlane:
        """Where the slider stands."""
        volume, axis = self._session.material.volume, self.axis.currentText()
        edge = 1.0 if volume is None else volume.voxel_size.zyx[AXES.index(axis)]  # pyright: ignore[reportArgumentType]
        return CutPlane(axis, self.slider.value() * edge)  # pyright: ignore[reportArgumentType]

    # -- wishes ---------------------------------------------------------------------------------

    def _on_layout(self) -> None:
        self._beside = self.layout_choice.currentData()
        self._tell_layout()
        self.side_by_side_requested.emit(self._beside)

    def _on_axis(self) -> None:
        self._limit()
        if self.cut.isChecked():
            self._tell_cut()

    def _on_cut(self) -> None:
        self._show_place()
        self._tell_cut()

    def _on_moved(self) -> None:
        self._show_place()
        if self.cut.isChecked() and not self._settle.isActive():
            self._settle.start()

    def _tell_cut(self) -> None:
        self.cut_requested.emit(self.plane if self.cut.isChecked() else None)


def _words(volume: Volume) -> str:
    size = ' × '.join(map(str, volume.shape))
    return f'{volume.name} ({size})'
