"""Asks which label of a foreign layer is which phase, which of them to measure, and how large a voxel is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFrame, QGridLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from ..engine.errors import InputError
from ..engine.voxels import UNITS, VoxelSize
from ..session.labelling import distinct
from .parts import Listener, Words, button, form, hint, narrow, quiet_wheel, row

if TYPE_CHECKING:
    from ..session import Session
    from ..session.labelling import Labelling

_LACK = 'choose µm, nm, … beside it; where the size is not known, write 1, or the shape of a voxel as in 2, 1, 1'
_NAMES = ('pore', 'solid', 'grain', 'matrix', 'binder', 'active material', 'strut', 'particle')


class LabelsQuestion(QFrame, Listener):
    """Shown as long as the session has a labelling that nobody has explained.

    Signals
    -------
    answered(list of str, int, bool, VoxelSize)
        Phase of each label, which of the distinct phases to measure, whether it is the pore, and the voxel size.
    invalid(InputError)
        The voxel size is none.
    """

    answered = Signal(object, int, bool, object)
    invalid = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setObjectName('card')
        self.names: list[QComboBox] = []
        self.question = Words()
        self.question.setObjectName('heading')
        self._grid = QGridLayout()
        self.measured = narrow(QComboBox())
        self.measured.setToolTip('The phase whose statistics are wanted')
        self.is_pore = QCheckBox('it is the pore')
        self.is_pore.setToolTip('Permeability is estimated for pores only')
        self.edge = QLineEdit()
        self.edge.setToolTip('Edge of one voxel; three numbers z, y, x where they differ')
        self.unit = QComboBox()
        for unit in UNITS:
            self.unit.addItem('µm' if unit == 'um' else unit, unit)
        self.unit.setToolTip("Length unit; 'voxel' means that the size is not known")
        self.lack = hint()
        self.run_button = button('Measure this layer', 'Measure with these phases', primary=True)
        rows = form()
        rows.addRow('Measure', row(self.measured, self.is_pore, stretch=0))
        rows.addRow('Voxel size', row(self.edge, self.unit, stretch=0))
        column = QVBoxLayout(self)
        column.addWidget(self.question)
        column.addWidget(hint('Labels of the same name become one phase.'))
        column.addLayout(self._grid)
        column.addLayout(rows)
        column.addWidget(self.lack)
        column.addWidget(self.run_button)
        self.run_button.clicked.connect(self._on_run)
        self.edge.textChanged.connect(lambda _: self._draw_lack())
        self.unit.currentIndexChanged.connect(lambda _: self._draw_lack())
        self.listen(session.events.labelling, self._on_labelling)
        self._on_labelling(session.material.labelling)

    def _on_labelling(self, labelling: Labelling | None) -> None:
        self.setVisible(labelling is not None)
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        self.names = []
        if labelling is None:
            return
        self.question.setText(f'{labelling.name}: which label is which phase?')
        for i, (word, share) in enumerate(zip(labelling.words, labelling.shares, strict=True)):
            name = narrow(QComboBox())
            name.setEditable(True)
            name.addItems(_NAMES)
            name.setCurrentText(f'label {word}')
            name.setToolTip(f'Phase that label {word} stands for')
            name.currentTextChanged.connect(lambda _: self._list_phases())
            self.names.append(name)
            self._grid.addWidget(QLabel(f'{word}   ({share:.1%})'), i, 0)
            self._grid.addWidget(name, i, 1)
        self._grid.setColumnStretch(1, 1)
        quiet_wheel(self)
        size = labelling.voxel_size
        self.edge.setText(f'{size.x:g}' if size.is_isotropic else f'{size.z:g}, {size.y:g}, {size.x:g}')
        self.unit.setCurrentIndex(UNITS.index(size.unit))
        self.measured.clear()
        self._list_phases()
        self.measured.setCurrentIndex(self.measured.count() - 1)

    def _list_phases(self) -> None:
        """Offer the phases as they are called now; a pore is what most people want measured."""
        former = self.measured.currentIndex()
        had_pore = self.measured.findText('pore') >= 0
        names = distinct([name.currentText() for name in self.names])
        self.measured.clear()
        self.measured.addItems(names)
        self.measured.setCurrentIndex(min(former, len(names) - 1))
        if 'pore' in names and not had_pore:
            self.measured.setCurrentIndex(names.index('pore'))
            self.is_pore.setChecked(True)
        self.is_pore.setEnabled(True)

    def voxel_size(self) -> VoxelSize:
        """Return the size that is written here.

        Raises
        ------
        InputError
            If it is none, or a length without a unit.
        """
        text = self.edge.text().replace(' ', '')
        size = VoxelSize.parse(text, self.unit.currentData())
        if not size.is_known and min(size.zyx) != 1:  # lengths would come out in no unit at all
            raise InputError('voxel size', f'{text} has no length unit', _LACK)
        return size

    def _draw_lack(self) -> None:
        """Say at once what is missing of the size; what is still being typed is judged when it is used."""
        try:
            size = VoxelSize.parse(self.edge.text().replace(' ', ''), self.unit.currentData())
        except InputError:
            size = VoxelSize()
        lacks = not size.is_known and min(size.zyx) != 1
        self.lack.setVisible(lacks)
        self.lack.setText(f'No length unit: {_LACK}.' if lacks else '')

    def _on_run(self) -> None:
        try:
            size = self.voxel_size()
        except InputError as error:
            self.invalid.emit(error)
            return
        names = [name.currentText() for name in self.names]
        self.answered.emit(names, max(0, self.measured.currentIndex()), self.is_pore.isChecked(), size)
