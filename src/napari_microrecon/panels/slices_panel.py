"""Step 1: which slices, which planes, which phases, which voxel size; and a volume to compare with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QSpinBox,
    QWidget,
)

from ..engine.phases import Phases
from ..engine.voxels import AXES, UNITS, VoxelSize
from ..session.words import length
from .legend import Legend
from .parts import Panel, button, form, heading, hint, row
from .representativity_box import RepresentativityBox
from .shelf_line import ShelfLine
from .slice_count_panel import SliceCountPanel
from .slice_table import SliceTable

if TYPE_CHECKING:
    from qtpy.QtGui import QDragEnterEvent, QDropEvent

    from ..session import Session
    from ..viewer.appearance import Palette
    from .prepare_dialog import PrepareDialog

_FILES = 'Images and volumes (*.tif *.tiff *.png *.jpg *.jpeg *.bmp *.npy);;All files (*)'
_EMPTY = 'No slices yet. Open a 2D image of your material, drop files here, or press a demo above.'


class SlicesPanel(Panel):
    """Shows and edits the session's slices; emits wishes only."""

    open_requested = Signal(object)  # list of Path
    layers_requested = Signal()
    place_requested = Signal(int, str, object)  # index, normal, position or None
    remove_requested = Signal(int)
    segment_requested = Signal(int)  # number of phases
    prepare_requested = Signal(object, int)  # Preparation by index, number of phases
    phases_requested = Signal(object)  # Phases
    voxel_size_requested = Signal(object)  # VoxelSize
    section_requested = Signal(str, int)  # normal, position
    reference_clear_requested = Signal()
    swap_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._filling = False
        self._palette: Palette | None = None
        self.adjuster: PrepareDialog | None = None
        self.setAcceptDrops(True)
        self._build_slices()
        self._build_phases()
        self._build_reference()
        self.column.addStretch(1)
        self.listen(session.events.slices, self._on_slices)
        self.listen(session.events.reference, self._on_reference)
        self.listen(session.events.reordering, self._on_doubt)
        self._on_slices()
        self._on_reference()
        self._on_doubt()

    # -- building -------------------------------------------------------------------------------

    def _build_slices(self) -> None:
        self.open_button = button('Open files…', '2D slices, or a 3D volume to compare with (TIFF, PNG, NPY, …)')
        self.layers_button = button('Use selected layers', 'Take the layers selected in the layer list')
        self.table = SliceTable()
        self.empty = hint(_EMPTY)
        self.evidence = hint()
        self.column.addWidget(heading('Slices'))
        self.column.addLayout(row(self.open_button, self.layers_button, 1))
        self.shelf = ShelfLine(self._session)
        self.column.addWidget(self.shelf)
        self.column.addWidget(self.empty)
        self.column.addWidget(self.table)
        self.column.addWidget(self.evidence)
        self.open_button.clicked.connect(self._on_open)
        self.layers_button.clicked.connect(self.layers_requested)
        self.table.place_requested.connect(self.place_requested)
        self.table.adjust_requested.connect(self.adjust)
        self.table.remove_requested.connect(self.remove_requested)

    def _build_phases(self) -> None:
        self.gap()
        self.legend = Legend()
        self.phase_count = QSpinBox()
        self.phase_count.setRange(2, 8)
        self.phase_count.setToolTip('Number of phases in the pictures')
        self.segment_button = button('Segment again', 'Threshold the pictures anew into this many phases (Otsu)')
        self.pore = QComboBox()
        self.pore.setToolTip('The phase whose porosity and transport are analysed')
        self.voxel = QDoubleSpinBox()
        self.voxel.setDecimals(4)
        self.voxel.setRange(0.0001, 1e6)
        self.voxel.setToolTip('Edge length of one pixel, taken from the file where it says so')
        self.unit = QComboBox()
        for unit in UNITS:
            self.unit.addItem('µm' if unit == 'um' else unit, unit)
        self.unit.setToolTip("Length unit; 'voxel' means that the size is not known")
        self.phases_heading = heading('Phases and scale')
        self.phases_box = QWidget()
        rows = form()
        self.phases_box.setLayout(rows)
        rows.addRow('Area fractions', self.legend)
        rows.addRow('Phases', row(self.phase_count, self.segment_button, 1))
        rows.addRow('Pore phase', self.pore)
        rows.addRow('Pixel size', row(self.voxel, self.unit, stretch=0))
        self.column.addWidget(self.phases_heading)
        self.column.addWidget(self.phases_box)
        self.representativity = RepresentativityBox(self._session)
        self.column.addWidget(self.representativity)
        self.segment_button.clicked.connect(lambda: self.segment_requested.emit(self.phase_count.value()))
        self.pore.activated.connect(lambda _: self._on_pore())
        self.voxel.editingFinished.connect(self._on_voxel)
        self.unit.activated.connect(lambda _: self._on_voxel())

    def _build_reference(self) -> None:
        self.gap()
        self.reference_text = hint()
        self.normal = QComboBox()
        self.normal.addItems(AXES)
        self.normal.setToolTip('Axis that the slice is perpendicular to')
        self.position = QSpinBox()
        self.position.setToolTip('Voxel along that axis, counted from 0')
        self.section_button = button('Take slice', 'Add this plane of the reference to the slices')
        self.clear_button = button('Forget', 'Work without a reference', small=True)
        self.swap_button = button(
            'Swap phases',
            'Give the labels of the reference the order in which its phase fractions are those of the slices',
            small=True,
        )
        self.doubt = hint()
        self.section_box = QWidget()
        self.section_box.setLayout(row(self.normal, self.position, self.section_button, 1, self.clear_button))
        self.column.addWidget(heading('Reference volume (optional)'))
        self.column.addWidget(self.reference_text)
        self.column.addWidget(self.doubt)
        self.column.addLayout(row(self.swap_button, 1))
        self.column.addWidget(self.section_box)
        self.slice_counts = SliceCountPanel(self._session)
        self.column.addWidget(self.slice_counts)
        self.normal.currentIndexChanged.connect(lambda _: self._limit_position())
        self.section_button.clicked.connect(
            lambda: self.section_requested.emit(self.normal.currentText(), self.position.value())
        )
        self.clear_button.clicked.connect(self.reference_clear_requested)
        self.swap_button.clicked.connect(self.swap_requested)

    def apply_palette(self, palette: Palette) -> None:
        """Take the theme's colours."""
        self._palette = palette
        self.representativity.apply_palette(palette)
        if self.adjuster is not None:
            self.adjuster.apply_palette(palette)

    # -- drawing --------------------------------------------------------------------------------

    def _on_slices(self) -> None:
        slices = self._session.material.slices
        drafts = self._session.material.drafts
        self.empty.setVisible(not drafts)
        for widget in (self.table, self.evidence, self.phases_heading, self.phases_box):
            widget.setVisible(bool(drafts))
        self.table.show_drafts(drafts)
        if slices is None:
            return
        self._filling = True
        self.evidence.setText(_sentence(slices.evidence))
        self.legend.show_phases(slices.phases, slices.fractions)
        self.phase_count.setValue(slices.phases.count)
        self.segment_button.setEnabled(all(draft.image is not None for draft in drafts))
        self.pore.clear()
        self.pore.addItem('none', None)
        for phase in slices.phases.items:
            self.pore.addItem(phase.name, phase.label)
        self.pore.setCurrentIndex(0 if slices.phases.pore is None else slices.phases.pore + 1)
        self._show_size(slices.voxel_size)
        self._filling = False

    def _show_size(self, size: VoxelSize) -> None:
        self.voxel.setValue(size.x)
        self.unit.setCurrentIndex(UNITS.index(size.unit))

    def _on_reference(self) -> None:
        volume = self._session.material.reference
        self.section_box.setVisible(volume is not None)
        if volume is None:
            self.reference_text.setText('None. Open a 3D volume (CT, FIB-SEM) to judge the reconstruction by it.')
            return
        size = ' × '.join(str(n) for n in volume.shape)
        edge = f'of {length(volume.voxel_size)}' if volume.voxel_size.is_known else 'of unknown size'
        self.reference_text.setText(f'{volume.name}: {size} voxels {edge}')
        self._limit_position()
        self.position.setValue(volume.shape[0] // 2)

    def _on_doubt(self) -> None:
        found = self._session.material.reordering
        for widget in (self.doubt, self.swap_button):
            widget.setVisible(found is not None)
        if found is not None:
            there, here = (', '.join(f'{f:.2f}' for f in fractions) for fractions in (found.there, found.here))
            self.doubt.setText(f'Phase fractions {there} in the reference, {here} in the slices: another order?')

    def _limit_position(self) -> None:
        if (volume := self._session.material.reference) is not None:
            self.position.setRange(0, volume.shape[AXES.index(self.normal.currentText())] - 1)  # pyright: ignore[reportArgumentType]

    # -- wishes ---------------------------------------------------------------------------------

    def adjust(self, index: int) -> None:
        """Open the window that sets thresholds and clean-up of a slice; one window at a time."""
        from .prepare_dialog import PrepareDialog

        if self.adjuster is not None:
            self.adjuster.close()
        # A child of the inner widget: what the style sheet says of a scroll area's own children is not for it.
        self.adjuster = made = PrepareDialog(self._session, index, self.widget())
        made.apply_requested.connect(self.prepare_requested)
        made.destroyed.connect(lambda: self._on_adjusted(made))
        if self._palette is not None:
            made.apply_palette(self._palette)
        made.show()

    def _on_adjusted(self, closed: PrepareDialog) -> None:
        if self.adjuster is closed:
            self.adjuster = None

    def _on_open(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, 'Open slices or a volume', '', _FILES)
        if names:
            self.open_requested.emit([Path(name) for name in names])

    def _on_pore(self) -> None:
        slices = self._session.material.slices
        if slices is not None:
            self.phases_requested.emit(Phases(items=slices.phases.items, pore=self.pore.currentData()))

    def _on_voxel(self) -> None:
        slices = self._session.material.slices
        if self._filling or slices is None:
            return
        shown, unit = round(slices.voxel_size.x, 4), slices.voxel_size.unit
        # Losing the focus is no wish: only another number or unit is.
        if (self.voxel.value(), self.unit.currentData()) != (shown, unit):
            chosen = self.unit.currentData()
            if chosen == unit == 'voxel':  # a number alone: pictures of materials are in micrometres
                chosen = 'um'
            # A voxel is one voxel long: whoever takes the unit away means that the size is not known.
            edge = 1.0 if chosen == 'voxel' else self.voxel.value()
            self.voxel_size_requested.emit(VoxelSize.cube(edge, chosen))
            held = self._session.material.slices
            if held is not None:  # a size that was refused does not stay in the field
                self._show_size(held.voxel_size)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragEnterEvent) -> None:
        """Accept files."""
        event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the files."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.open_requested.emit(paths)


def _sentence(text: str) -> str:
    return f'{text[:1].upper()}{text[1:]}.' if text else ''
