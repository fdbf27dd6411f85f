"""Step 3: adapt the weights to the slices; watch the losses and the statistics; stop and keep the best."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QFileDialog, QGridLayout, QLabel, QVBoxLayout, QWidget

from ..engine.errors import InputError
from ..engine.generator.params import FinetuneParams
from ..session.jobs import JobState
from .forms import ModelForm
from .parts import Fold, Panel, button, heading, hint, row, shortened
from .picture_pairs import PicturePairs
from .plots import CurvePlot
from .weights_combo import WeightsCombo

if TYPE_CHECKING:
    from ..engine.run import Run
    from ..session import Session
    from ..viewer.appearance import Palette
    from ..viewer.settings import Preferences

_DEVICES = {'auto': 'Automatic', 'cpu': 'CPU', 'cuda': 'NVIDIA GPU (CUDA)', 'mps': 'Apple GPU (MPS)'}
_RECIPES = {'sections': 'Statistics of sections', 'paper': 'The paper: critics (WGAN-GP)'}
_RECIPE_TIPS = {
    'sections': 'Volumes are compared with your slices by patches, two-point probability and surface.',
    'paper': 'Critics learn to tell sections of the volumes from your slices, from the first step on, and the network '
    'learns to pass for a slice (WGAN-GP with image regularisation, arXiv 2402.15815). Automatic then starts from the '
    'untrained structural prior. A step takes longer; the best weights are chosen by the same statistics.',
}
# Metric: name in the key, role. Both recipes tell the loss; of critics there is more to see.
_CURVES = {'loss': ('loss', 'text'), 'patches': ('patches', 'generated'), 's2': ('s2', 'reference')}
_ADVERSARIAL = {'critic': ('generator', 'generated'), 'critic_loss': ('critic', 'reference')}
_GAP = {'critic_gap': ('gap', 'text')}
# Metric, words, unit or target: what decides whether the volume looks like the slice.
_NUMBERS = {
    's2_error': ('S₂ error', 'Distance between the two-point curves of volume and slice; 0 is equal'),
    'surface_error': ('Surface error', 'Relative difference of interface per area; 0 is equal'),
    'fraction_error': ('Fraction error', 'Difference of the phase fraction from the slice'),
    'percolating': ('Percolating', ''),
}


_AUTOMATIC = (
    'Automatic starts from the shipped weights whose material is nearest to your slices; where none is near enough, '
    'from the untrained structural prior. Which it was is said here.'
)
_FROM_THE_SLICES = 'Automatic starts from the untrained structural prior, as in the paper: your slices alone train it.'


class FinetunePanel(Panel):
    """Form of `FinetuneParams`, live curves, numbers and pictures."""

    finetune_requested = Signal(object)  # FinetuneParams
    stop_requested = Signal()
    pause_requested = Signal()
    resume_requested = Signal()
    weights_requested = Signal(str)
    save_requested = Signal(object)  # Path
    preview_requested = Signal(bool)

    def __init__(self, session: Session, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._build_form(preferences)
        self._build_curves()
        self.column.addStretch(1)
        events = session.events
        self.listen(events.training, self._on_training)
        self.listen(events.preview, self._on_preview)
        for event in (events.job, events.slices, events.tuned, events.resumable, events.awaiting):
            self.listen(event, self._on_job)
        self.listen(events.opened, self._on_opened)
        self.listen(events.weights_spec, self._draw_start)
        self.listen(events.slices, self._name_phase)
        self._name_phase()
        self._on_recipe()
        self._on_training()
        self._on_job()

    def _build_form(self, preferences: Preferences) -> None:
        self.weights = WeightsCombo(self._session, training=True)
        self.form = ModelForm(
            FinetuneParams, {'minutes': 'Time'}, suffixes={'minutes': ' min'}, defaults={'minutes': preferences.minutes}
        )
        self.form.rows.insertRow(0, 'Start from', self.weights)
        self.advanced = ModelForm(
            FinetuneParams,
            {'recipe': 'Recipe', 'seed': 'Seed', 'device': 'Device'},
            choices={'recipe': _RECIPES, 'device': _DEVICES},
            defaults={'device': preferences.device},
        )
        self.recipe = hint()
        self.run_button = button('Fine-tune', 'Train on your slices in the background', primary=True)
        self.pause_button = button('Pause', 'Stop for now; go on later from the same step, even tomorrow')
        self.stop_button = button('Stop and keep the best', 'End now; the best weights so far are kept')
        self.save_button = button('Save weights…', 'Keep the fine-tuned weights in a file for other sessions')
        self.blocked = hint()
        self.start = hint()
        self.column.addWidget(heading('Fine-tuning (optional)'))
        self.column.addWidget(hint('Adapts the network to your slices. Needed where they differ from the samples.'))
        self.column.addWidget(self.form)
        more = QWidget()
        options = QVBoxLayout(more)
        options.setContentsMargins(0, 0, 0, 0)
        options.addWidget(self.advanced)
        options.addWidget(self.recipe)
        self.column.addWidget(Fold('More options', more))
        self.column.addWidget(self.run_button)
        self.column.addLayout(row(self.pause_button, self.stop_button, 1))
        self.column.addLayout(row(self.save_button, 1))
        self.column.addWidget(self.blocked)
        self.column.addWidget(self.start)
        self.weights.chosen.connect(self.weights_requested)
        self.advanced.changed.connect(self._on_recipe)
        self.run_button.clicked.connect(self._on_run)
        self.stop_button.clicked.connect(self.stop_requested)
        self.pause_button.clicked.connect(self._on_pause)
        self.save_button.clicked.connect(self._on_save)

    def _build_curves(self) -> None:
        self.gap()
        self.live = QWidget()
        column = QGridLayout(self.live)
        column.setContentsMargins(0, 0, 0, 0)
        self.plot = CurvePlot('step', 'loss', 190)
        # Of its own: the two scores wander by a constant that says nothing, the gap between them should fall to rest.
        self.gap_plot = CurvePlot('step', 'gap', 150)
        self.gap_plot.setToolTip(
            '<qt>How well the critic tells sections of the volumes from your slices. It rises while the critic learns '
            'and falls as the volumes become alike; a gap that keeps growing or swings is told below.</qt>'
        )
        self.numbers: dict[str, QLabel] = {}
        self._titles: dict[str, QLabel] = {}
        self.losses = heading('Losses')
        column.addWidget(self.losses, 0, 0, 1, 2)
        column.addWidget(self.plot, 1, 0, 1, 2)
        column.addWidget(self.gap_plot, 2, 0, 1, 2)
        column.addWidget(heading('Against the slices'), 3, 0, 1, 2)
        for i, (name, (words, tip)) in enumerate(_NUMBERS.items()):
            value = QLabel('–')
            value.setToolTip(tip)
            title = QLabel(words)
            title.setToolTip(tip)
            self.numbers[name], self._titles[name] = value, title
            column.addLayout(row(title, value, 1), 4 + i // 2, i % 2)
        self.health = hint()
        self.health.setToolTip('What the volumes of the last evaluation show beside these numbers')
        column.addWidget(self.health, 6, 0, 1, 2)
        column.addWidget(heading('Preview: slices above, volume below'), 7, 0, 1, 2)
        self.pictures = PicturePairs(height=76, told=False)  # both rows in sight on a screen of 1000 lines
        self.in_viewer = QCheckBox('Show it in the viewer, too')
        self.in_viewer.setToolTip('Volume in 3D every few seconds; slow without a graphics card')
        column.addWidget(self.pictures, 8, 0, 1, 2)
        column.addWidget(self.in_viewer, 9, 0, 1, 2)
        self.in_viewer.toggled.connect(self.preview_requested)
        self.column.addWidget(self.live)

    # -- drawing --------------------------------------------------------------------------------

    def apply_palette(self, palette: Palette) -> None:
        """Take the theme's colours."""
        self.plot.apply_palette(palette)
        self.gap_plot.apply_palette(palette)

    def _on_training(self) -> None:
        training = self._session.material.training
        self.live.setVisible(bool(training.steps))
        if not training.steps:
            self.plot.clear()
            self.gap_plot.clear()
            self.pictures.clear()
        # The losses between evaluations are not kept with a run: of one that is opened again there are none to plot.
        has_losses = any(name in training.curves for name in _CURVES)
        with_critics = 'critic_gap' in training.curves
        self.losses.setText('Losses of generator and critic' if with_critics else 'Losses')
        self.losses.setVisible(has_losses)
        self.plot.setVisible(has_losses)
        self.gap_plot.setVisible(with_critics)
        self._draw_curves(self.plot, _ADVERSARIAL if with_critics else _CURVES)
        self._draw_curves(self.gap_plot, _GAP)
        for name, label in self.numbers.items():
            value = training.latest(name)
            label.setText('–' if value is None else f'<b>{value:.3f}</b>')
        self._draw_start()
        note = training.note
        self.health.setText(f'{note[:1].upper()}{note[1:]}.' if note else '')
        self.health.setVisible(bool(note))

    def _draw_curves(self, plot: CurvePlot, shown: dict[str, tuple[str, str]]) -> None:
        for metric, (name, role) in shown.items():
            if points := self._session.material.training.curves.get(metric):
                steps, values = zip(*points, strict=True)
                plot.curve(name, steps, values, role, width=2 if role == 'text' else 1)

    def _on_recipe(self) -> None:
        """Say what the chosen recipe does."""
        self.recipe.setText(_RECIPE_TIPS[self.advanced.values()['recipe']])
        self._draw_start()

    def _name_phase(self) -> None:
        """Say which phase is meant to span the volume."""
        slices = self._session.material.slices
        phases = None if slices is None else slices.phases
        if phases is None or phases.pore is None:
            words, tip = 'Percolating', 'Share of the pore phase that spans the volume; name the pore phase in step 1'
        else:
            name = phases.names[phases.pore]
            words = f'Percolating {shortened(name, 12)}'
            tip = f'Share of {name} that spans the volume; in most real rocks nearly all pores do'
        self._titles['percolating'].setText(words)
        for label in (self._titles['percolating'], self.numbers['percolating']):
            label.setToolTip(tip)

    def _draw_start(self) -> None:
        """Say what the training begins, or began, with."""
        start = self._session.material.training.start
        if start is not None:
            self.start.setText(f'Started from: {start.words}.')
            self.start.setToolTip(f'<qt>{start.reason}</qt>')
        else:
            alone = self.advanced.values()['recipe'] == 'paper'
            self.start.setText(_FROM_THE_SLICES if alone else _AUTOMATIC)
            self.start.setToolTip('')
        self.start.setVisible(start is not None or self._session.material.weights_spec == 'auto')

    def _on_preview(self) -> None:
        preview, slices = self._session.preview, self._session.material.slices
        if preview is not None and slices is not None and self._session.job.kind == 'finetune':
            self.pictures.show_pairs(slices, preview)

    def _on_job(self) -> None:
        job = self._session.job
        ready = self._session.material.slices is not None
        training = job.is_active and job.kind == 'finetune'
        # Freed before its last step has ended: what it leaves is not there yet, and must not be overtaken.
        awaiting = self._session.awaiting and not job.is_active
        self.run_button.setEnabled(ready and not job.is_active and not awaiting)
        can_go_on = self._session.material.resumable is not None and not job.is_active and not awaiting
        running = training and job.state is JobState.RUNNING
        self.pause_button.setVisible(training or can_go_on or awaiting)
        self.pause_button.setEnabled(running or can_go_on)
        self.pause_button.setText('Resume' if can_go_on or awaiting else 'Pause')
        self.stop_button.setVisible(training or awaiting)
        self.stop_button.setEnabled(running)
        self.save_button.setVisible(self._session.material.tuned is not None and not training and not awaiting)
        self.blocked.setVisible(not ready or awaiting)
        said = 'Stopping: the step at hand ends first; then the best weights so far are kept.' if awaiting else ''
        self.blocked.setText(said if ready else 'Add a slice in step 1 first.')

    def _on_opened(self, run: Run | None) -> None:
        """Show the parameters of a run that was opened again."""
        if run is None or run.record.command != 'finetune':
            return
        known = {'recipe': 'sections', **run.record.parameters}  # what a run from before there was a choice did
        for part in (self.form, self.advanced):
            for name in part.editors:
                if known.get(name) is not None:
                    part.set_value(name, known[name])

    # -- wishes ---------------------------------------------------------------------------------

    def parameters(self) -> FinetuneParams:
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
        self.finetune_requested.emit(params)

    def _on_pause(self) -> None:
        (self.pause_requested if self._session.job.is_active else self.resume_requested).emit()

    def _on_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, 'Save weights', 'weights.safetensors', 'Weights (*.safetensors)')
        if name:
            self.save_requested.emit(Path(name))
