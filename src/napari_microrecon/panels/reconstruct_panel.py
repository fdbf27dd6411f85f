"""Step 2: size, mode and seed of the volume; generate it; show or hide its phases; save it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QLabel, QWidget

from ..engine.errors import InputError
from ..engine.generator.params import ReconstructParams
from .forms import ModelForm
from .parts import Fold, Legend, Panel, button, form, heading, hint, narrow, row
from .weights_combo import WeightsCombo

if TYPE_CHECKING:
    from ..session import Session
    from ..viewer.settings import Preferences

# A single volume is what most people look at first: it should have the porosity that they measured.
_FRACTIONS = {'volume': 'as in the slices', 'ensemble': 'scatter as in nature'}
_MODES = {
    'unconditional': 'New sample of the same material',
    'conditioned': 'Hold the slices in place',
    'most-likely': 'Most likely between the slices',
}
_DEVICES = {'auto': 'Automatic', 'cpu': 'CPU', 'cuda': 'NVIDIA GPU (CUDA)', 'mps': 'Apple GPU (MPS)'}


class ReconstructPanel(Panel):
    """Form of `ReconstructParams`, and what became of it."""

    reconstruct_requested = Signal(object)  # ReconstructParams
    weights_requested = Signal(str)
    opacity_requested = Signal(object)  # opacity by phase label
    volume_3d_requested = Signal(bool)
    side_by_side_requested = Signal(bool)
    save_requested = Signal(object)  # Path

    def __init__(self, session: Session, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._build_form(preferences)
        self._build_result()
        self.column.addStretch(1)
        events = session.events
        for event in (events.slices, events.reference):
            self.listen(event, self._on_slices)
        self.listen(events.volume, self._on_volume)
        self.listen(events.choice, self._on_choice)
        self.listen(events.job, self._on_job)
        self._on_slices()
        self._on_volume()
        self._on_choice()

    def _build_form(self, preferences: Preferences) -> None:
        self.weights = WeightsCombo(self._session)
        self.form = ModelForm(
            ReconstructParams,
            {'shape': 'Size (voxels)', 'mode': 'Mode', 'realisations': 'Volumes', 'seed': 'Seed'},
            choices={'mode': _MODES},
            defaults={'shape': (preferences.edge,) * 3},
        )
        self.extent = QLabel()
        self.extent.setObjectName('hint')
        self.form.rows.insertRow(1, '', self.extent)
        self.form.rows.insertRow(0, 'Weights', self.weights)
        self.advanced = ModelForm(
            ReconstructParams,
            {'fractions': 'Phase fractions', 'periodic': 'Periodic', 'tile': 'Tile edge', 'device': 'Device'},
            choices={'device': _DEVICES, 'fractions': _FRACTIONS},
            defaults={'device': preferences.device, 'fractions': 'volume'},
        )
        self.fold = Fold('More options', self.advanced)
        self.run_button = button('Reconstruct', 'Generate the volume in the background', primary=True)
        self.blocked = hint()
        self.choice_text = hint()
        self.column.addWidget(heading('Reconstruction'))
        self.column.addWidget(self.form)
        self.column.addWidget(self.fold)
        self.column.addWidget(self.run_button)
        self.column.addWidget(self.blocked)
        self.column.addWidget(self.choice_text)
        self.weights.chosen.connect(self.weights_requested)
        self.form.changed.connect(self._on_slices)
        self.run_button.clicked.connect(self._on_run)

    def _build_result(self) -> None:
        self.gap()
        self.result_heading = heading('Volume')
        self.result_text = hint()
        self.legend = Legend(checkable=True)
        self.view = narrow(QComboBox())
        self.view.addItem('3D volume', True)
        self.view.addItem('2D planes', False)
        self.view.setToolTip('Show volumes in 3D, or plane by plane with the slider below the canvas')
        self.layout_choice = narrow(QComboBox())
        self.layout_choice.addItem('Beside the reference', True)
        self.layout_choice.addItem('In one view', False)
        self.layout_choice.setToolTip('Side by side the two views share one camera')
        self.again_button = button('Again, next seed', 'Another volume of the same material')
        self.save_button = button('Save volume…', 'TIFF or OME-Zarr with voxel size, phases and provenance')
        self.result = QWidget()
        rows = form()
        self.result.setLayout(rows)
        rows.addRow(self.result_text)
        rows.addRow('Show', self.legend)
        rows.addRow('View', self.view)
        rows.addRow('Layout', self.layout_choice)
        rows.addRow(row(self.again_button, self.save_button, 1))
        self.column.addWidget(self.result_heading)
        self.column.addWidget(self.result)
        self.legend.opacity_requested.connect(self.opacity_requested)
        self.view.activated.connect(lambda _: self.volume_3d_requested.emit(self.view.currentData()))
        self.layout_choice.activated.connect(
            lambda _: self.side_by_side_requested.emit(self.layout_choice.currentData())
        )
        self.again_button.clicked.connect(self._on_again)
        self.save_button.clicked.connect(self._on_save)

    # -- drawing --------------------------------------------------------------------------------

    def _on_slices(self) -> None:
        slices = self._session.slices
        edges = self.form.values()['shape']
        if slices is not None and slices.voxel_size.is_known:
            size = slices.voxel_size
            lengths = ' × '.join(f'{n * edge:.4g}' for n, edge in zip(edges, size.zyx, strict=True))
            self.extent.setText(f'{lengths} {"µm" if size.unit == "um" else size.unit}')
        else:
            self.extent.setText('Physical size unknown: set the pixel size in step 1')
        self._on_job()

    def _on_job(self) -> None:
        idle = not self._session.job.is_active
        ready = self._session.slices is not None
        self.run_button.setEnabled(idle and ready)
        self.again_button.setEnabled(idle and ready)
        self.save_button.setEnabled(idle)
        self.blocked.setVisible(not ready)
        self.blocked.setText('' if ready else 'Add a slice in step 1 first.')

    def _on_choice(self) -> None:
        choice = self._session.choice
        self.choice_text.setVisible(choice is not None)
        if choice is not None:
            reason = f'{choice.reason[:1].upper()}{choice.reason[1:]}'
            advised = choice.finetune_recommended and 'fine-tun' not in reason
            self.choice_text.setText(f'Weights: {reason}{"; fine-tuning is recommended" if advised else ""}.')

    def _on_volume(self) -> None:
        volume = self._session.volume
        for widget in (self.result_heading, self.result):
            widget.setVisible(volume is not None)
        if volume is None:
            return
        size = ' × '.join(str(n) for n in volume.shape)
        count = len(self._session.volumes)
        more = f', the first of {count}' if count > 1 else ''
        self.result_text.setText(f'{volume.name}: {size} voxels{more}')
        self.legend.show_phases(volume.phases, volume.fractions)

    # -- wishes ---------------------------------------------------------------------------------

    def parameters(self) -> ReconstructParams:
        """Return what the form says.

        Raises
        ------
        InputError
            If a value is not valid.
        """
        return self.form.model(**self.advanced.values())

    def _on_run(self) -> None:
        try:
            params = self.parameters()
        except InputError as error:
            self.invalid.emit(error)
            return
        self.reconstruct_requested.emit(params)

    def _on_again(self) -> None:
        self.form.set_value('seed', self.form.values()['seed'] + 1)
        self._on_run()

    def _on_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, 'Save volume', 'reconstruction.tif', 'TIFF (*.tif);;OME-Zarr (*.ome.zarr)'
        )
        if name:
            self.save_requested.emit(Path(name))
