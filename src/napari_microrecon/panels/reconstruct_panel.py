"""Step 2: size, mode and seed of the volume; generate it; show or hide its phases; save it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QFileDialog, QLabel, QSizePolicy, QWidget

from ..engine.errors import InputError
from ..engine.generator.params import ReconstructParams
from ..session.words import weights_in_words
from .compare_box import CompareBox
from .export_button import ExportButton
from .forms import ModelForm
from .fraction_slider import FractionSlider
from .legend import PhaseSwitches
from .numbers import with_um
from .parts import Fold, Panel, button, form, heading, hint, row, shortened
from .shape_box import ShapeBox
from .status_line import duration
from .weights_combo import WeightsCombo

if TYPE_CHECKING:
    from ..engine.run import Run
    from ..session import Session
    from ..viewer.settings import Preferences

_FRACTIONS = {'volume': 'as in the slices', 'ensemble': 'scatter as in nature'}
_MODES = {
    'unconditional': 'New sample, same material',
    'conditioned': 'Hold the slices in place',
    'most-likely': 'Most likely between the slices',
}
_NO_WEIGHTS = (
    'Weights play no part between slices: this mode learns from the given slices alone. Choose the mode '
    f'“{_MODES["unconditional"]}” to use them.'
)
_GROWN = ('exemplar', 'combined')  # volumes grown from patches, between slices around these
_SETTLE_MS = 400  # after the last change of the form, before time and memory are asked for
_DEVICES = {'auto': 'Automatic', 'cpu': 'CPU', 'cuda': 'NVIDIA GPU (CUDA)', 'mps': 'Apple GPU (MPS)'}


class ReconstructPanel(Panel):
    """Form of `ReconstructParams`, and what became of it."""

    reconstruct_requested = Signal(object)  # ReconstructParams
    variant_requested = Signal(object)  # the same: of the volume at hand, whose numbers here the user watches
    weights_requested = Signal(str)
    opacity_requested = Signal(object)  # opacity by phase label
    save_requested = Signal(object)  # Path
    forecast_requested = Signal(object)  # ReconstructParams
    export_requested = Signal(str, object, object)  # format, Path, phase label or None
    methods_requested = Signal()

    def __init__(self, session: Session, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._told = ''  # why the volume does not fit
        self._misplaced = ''  # why the slices cannot be held in place
        self._was_idle = True
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._ask_forecast)
        self._build_form(preferences)
        self._build_result()
        self.column.addStretch(1)
        events = session.events
        for event in (events.slices, events.reference):
            self.listen(event, self._on_slices)
        self.listen(events.volume, self._on_volume)
        self.listen(events.choice, self._on_choice)
        self.listen(events.job, self._on_job)
        self.listen(events.weights_spec, self._on_changed)
        self.listen(events.forecast, self._on_forecast)
        self.listen(events.opened, self._on_opened)
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
        # One line that never makes the page wider; what does not fit is in the tooltip.
        self.extent.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.form.rows.insertRow(1, '', self.extent)
        self.form.rows.insertRow(0, 'Weights', self.weights)
        self.advanced = ModelForm(
            ReconstructParams,
            {'fractions': 'Phase fractions', 'periodic': 'Periodic', 'tile': 'Tile edge', 'device': 'Device'},
            choices={'device': _DEVICES, 'fractions': _FRACTIONS},
            defaults={'device': preferences.device},
        )
        self.fold = Fold('More options', self.advanced)
        self.run_button = button('Reconstruct', 'Generate the volume in the background', primary=True)
        self.forecast_text = hint()
        self.blocked = hint()
        self.choice_text = hint()
        self.column.addWidget(heading('Reconstruction'))
        self.column.addWidget(self.form)
        self.column.addWidget(self.fold)
        self.column.addWidget(self.run_button)
        self.column.addWidget(self.forecast_text)
        self.column.addWidget(self.blocked)
        self.column.addWidget(self.choice_text)
        self.weights.chosen.connect(self.weights_requested)
        self.form.changed.connect(self._on_slices)
        self.form.changed.connect(self._on_choice)
        self.advanced.changed.connect(self._on_changed)
        self.run_button.clicked.connect(self._on_run)

    def _build_result(self) -> None:
        self.gap()
        self.result_heading = heading('Volume')
        self.result_text = hint()
        self.shape = ShapeBox(self._session)
        self.legend = PhaseSwitches()
        self.compare = CompareBox(self._session)
        self.again_button = button(
            'Again, another seed', 'Another volume of the same material: the seed goes up by one'
        )
        self.save_button = button('Save volume…', 'TIFF or OME-Zarr with voxel size, phases and provenance')
        self.export_button = ExportButton()
        self.methods_button = button(
            'Copy methods text', 'Copies the paragraph for a paper: inputs, model, training, seeds, versions, citation'
        )
        self.target = FractionSlider(self._session)
        self.result = QWidget()
        rows = form()
        self.result.setLayout(rows)
        rows.addRow(self.result_text)
        rows.addRow('Show', self.legend)
        rows.addRow('Target', self.target)
        rows.addRow(row(self.again_button, self.save_button, 1))
        rows.addRow(row(self.export_button, self.methods_button, 1))
        self.column.addWidget(self.result_heading)
        self.column.addWidget(self.shape)
        self.column.addWidget(self.result)
        self.compare_heading = heading('Look and compare')
        self.column.addWidget(self.compare_heading)
        self.column.addWidget(self.compare)
        self.legend.opacity_requested.connect(self.opacity_requested)
        self.again_button.clicked.connect(self._on_again)
        self.save_button.clicked.connect(self._on_save)
        self.export_button.export_requested.connect(self.export_requested)
        self.methods_button.clicked.connect(self.methods_requested)
        self.target.apply_requested.connect(self._on_target)

    # -- drawing --------------------------------------------------------------------------------

    def _on_slices(self) -> None:
        slices = self._session.material.slices
        edges = self.form.values()['shape']
        if slices is not None and slices.voxel_size.is_known:
            size = slices.voxel_size
            lengths = ' × '.join(f'{n * edge:.4g}' for n, edge in zip(edges, size.zyx, strict=True))
            self.extent.setText(f'{lengths} {"µm" if size.unit == "um" else size.unit}')
        else:
            self.extent.setText('pixel size unknown: set it in step 1')
        self.extent.setToolTip(self.extent.text())
        self._misplaced = self._why_misplaced()
        self._on_changed()

    def _why_misplaced(self) -> str:
        """Why a mode between the slices cannot be had of these slices at this size; empty where it can."""
        from ..engine.conditioned.planes import checked_position

        slices, values = self._session.material.slices, self.form.values()
        if slices is None or values['mode'] == 'unconditional':
            return ''
        lost = [one.name for one in slices if one.position is None]
        if lost:
            whose = 'of the slice' if len(slices) == 1 else f'of every slice ({shortened(lost[0], 30)} has none)'
            return f'This mode needs to know where the slices lie: type the position {whose} in step 1.'
        try:
            for one in slices:
                checked_position(one, values['shape'])
        except InputError as error:
            return with_um(f'{error.subject} {error.problem}: {error.remedy}.')
        return ''

    def _on_changed(self) -> None:
        """Something changed that time and memory depend on: what was told no longer holds."""
        self._settle.start()
        self._told = ''
        self._on_job()

    def _ask_forecast(self) -> None:
        try:
            self.forecast_requested.emit(self.parameters())
        except InputError:  # said when the button is pressed
            return

    def _on_forecast(self) -> None:
        found = self._session.forecast
        if self._settle.isActive():  # of values that are not those of the form any more
            return
        self._told = '' if found is None else found.refusal
        text = ''
        if found is not None:
            basis = 'from earlier runs' if found.is_past else 'from a trial'
            text = f'About {duration(max(1.0, found.seconds))} ({basis}) and {_size(found.bytes)} of '
            text += f'{_size(found.free)} free memory on {found.device}.'
        self.forecast_text.setText(text)
        self._on_job()

    def _on_job(self) -> None:
        idle = not self._session.job.is_active
        ready = self._session.material.slices is not None
        fits = not (self._told or self._misplaced)
        self.run_button.setEnabled(idle and ready and fits)
        self.again_button.setEnabled(idle and ready and fits)
        self.save_button.setEnabled(idle)
        self.export_button.setEnabled(idle)
        self.methods_button.setEnabled(idle)
        self.target.set_idle(idle and ready)
        self.blocked.setVisible(not (ready and fits))
        said = self._misplaced or ('' if fits else f'Does not fit: {self._told}.')
        self.blocked.setText(said if ready else 'Add a slice in step 1 first.')
        self.forecast_text.setVisible(ready and bool(self.forecast_text.text()))
        if idle and not self._was_idle:
            self._settle.start()  # nothing is timed while a job runs
        self._was_idle = idle

    def _on_opened(self, run: Run | None) -> None:
        """Show the parameters of a run that was opened again."""
        if run is None or run.record.command != 'reconstruct':
            return
        values = run.record.parameters
        for part in (self.form, self.advanced):
            for name in part.editors:
                if name in values:
                    part.set_value(name, values[name])
        self._on_volume()

    def _on_choice(self) -> None:
        """Tell of the weights, where they play a part."""
        choice = self._session.material.choice
        mode = self.form.values()['mode']
        grown = mode == 'conditioned' and self._session.material.weights_spec in _GROWN
        between = mode != 'unconditional' and not grown
        self.weights.set_idle_because(_NO_WEIGHTS if between else '')
        self.choice_text.setVisible(choice is not None and not between)
        if choice is not None:
            advised = '; fine-tuning is recommended' if choice.finetune_recommended else ''
            self.choice_text.setText(f'Weights: {weights_in_words(choice)}{advised}.')
            self.choice_text.setToolTip(f'<qt>{choice.reason}</qt>')

    def _on_volume(self) -> None:
        volume = self._session.material.volume
        for widget in (self.result_heading, self.result, self.compare_heading, self.compare):
            widget.setVisible(volume is not None)
        if volume is None:
            return
        size = ' × '.join(str(n) for n in volume.shape)
        count = len(self._session.material.volumes)
        more = f', the first of {count}' if count > 1 else ''
        self.result_text.setText(f'{volume.name}: {size} voxels{more}')
        self.legend.show_phases(volume.phases, volume.fractions)
        self.export_button.show_phases(volume.phases)

    # -- wishes ---------------------------------------------------------------------------------

    def parameters(self) -> ReconstructParams:
        """Return what the form says.

        Raises
        ------
        InputError
            If a value is not valid.
        """
        return self._parameters(self.target.targets)

    def _parameters(self, targets: Mapping[int, float]) -> ReconstructParams:
        return self.form.model(**self.advanced.values(), target_fractions=dict(targets))

    def _on_run(self) -> None:
        self._request(self.reconstruct_requested, self.target.targets)

    def _request(self, signal: Any, targets: Mapping[int, float]) -> None:
        try:
            params = self._parameters(targets)
        except InputError as error:
            self.invalid.emit(error)
            return
        signal.emit(params)

    def _on_again(self) -> None:
        self.form.set_value('seed', self.form.values()['seed'] + 1)
        self._request(self.variant_requested, self.target.targets)

    def _on_target(self, targets: dict[int, float]) -> None:
        """Make the volume at hand again with another fraction; its seed decides which one."""
        volume = self._session.material.volume
        if volume is not None and volume.provenance.seed is not None and not self._session.material.volumes[1:]:
            self.form.set_value('seed', volume.provenance.seed)
        self._request(self.variant_requested, targets)

    def _on_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, 'Save volume', 'reconstruction.tif', 'TIFF (*.tif);;OME-Zarr (*.ome.zarr)'
        )
        if name:
            self.save_requested.emit(Path(name))


def _size(count: int) -> str:
    return f'{count / 2**30:.1f} GiB' if count >= 2**29 else f'{count / 2**20:.0f} MiB'
