"""The dock widget: demo bar, four steps, status line. It wires wishes to the workbench and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QSize, QTimer
from qtpy.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from ..engine.errors import InputError
from ..session.words import lacking
from ..viewer import collecting
from ..viewer.appearance import palette_of
from ..viewer.records import Records
from ..viewer.warmup import warm_up
from ..viewer.workbench import Workbench
from .analysis_panel import AnalysisPanel
from .demo_bar import DemoBar
from .finetune_panel import FinetunePanel
from .parts import Listener, quiet_wheel
from .reconstruct_panel import ReconstructPanel
from .runs_button import RunsButton
from .slices_panel import SlicesPanel
from .status_line import StatusLine
from .step_bar import StepBar
from .style import GAP, MARGIN, style_sheet

if TYPE_CHECKING:
    import napari.viewer

    from ..engine.generator.params import ReconstructParams
    from ..engine.run import Run
    from ..session.jobs import Job

_WARM_UP_MS = 300  # first the window is drawn
STEPS = ('Slices', 'Reconstruct', 'Fine-tune', 'Analyse')
_TIPS = (
    'Open slices, name phases, set the pixel size',
    'Generate a volume from the slices',
    'Adapt the network to your slices',
    'Measure the volume and compare it with a reference',
)


class MicroreconWidget(QWidget, Listener):
    """Everything from slices to a judged volume, step by step.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        Viewer to work in; napari passes it by this parameter's name.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName('microrecon')
        self.workbench = Workbench.of(napari_viewer)
        session, wishes = self.workbench.session, self.workbench.preferences
        self.records = Records(self.workbench, self)
        self.demo_bar = DemoBar(session)
        self.runs_button = RunsButton()
        self.step_bar = StepBar(STEPS, _TIPS)
        self.slices_panel = SlicesPanel(session)
        self.reconstruct_panel = ReconstructPanel(session, wishes)
        self.finetune_panel = FinetunePanel(session, wishes)
        self.analysis_panel = AnalysisPanel(session)
        self.panels = (self.slices_panel, self.reconstruct_panel, self.finetune_panel, self.analysis_panel)
        self.status_line = StatusLine(session)
        self.stack = QStackedWidget()
        for panel in self.panels:
            self.stack.addWidget(panel)
            quiet_wheel(panel)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        top = QHBoxLayout()
        top.setContentsMargins(MARGIN, MARGIN, MARGIN, GAP)
        top.addWidget(self.demo_bar, 1)
        top.addWidget(self.runs_button)
        top.setSpacing(GAP)
        column.addLayout(top)
        column.addWidget(self.step_bar)
        column.addWidget(self.stack, 1)
        column.addWidget(self.status_line)
        self.setMinimumWidth(380)
        self._viewer: Any = napari_viewer
        self._variant = -1  # number of the last job whose comparison, next, leaves the page as it is
        napari_viewer.events.theme.connect(self._on_theme)
        self.workbench.closing.window_gone.connect(self.close_for_good)
        self._wire()
        self._on_theme()
        self._on_state()
        collecting.widget_opened()
        QTimer.singleShot(_WARM_UP_MS, warm_up)

    def sizeHint(self) -> QSize:
        """Width that leaves the canvas the greater part of 1366 pixels."""
        return QSize(400, 640)

    def show_step(self, index: int) -> None:
        """Show one of the four steps."""
        self.step_bar.choose(index)
        self.stack.setCurrentIndex(index)

    def run_demo(self, name: str) -> None:
        """Do what the demo button does."""
        self.demo_bar.choose(name)
        self.workbench.run_demo(name)

    def _wire(self) -> None:
        bench, slices, generate = self.workbench, self.slices_panel, self.reconstruct_panel
        train, judge = self.finetune_panel, self.analysis_panel
        self.demo_bar.demo_requested.connect(bench.run_demo)
        self.step_bar.chosen.connect(self.stack.setCurrentIndex)
        self.status_line.cancel_requested.connect(bench.cancel)
        for panel in self.panels:
            panel.invalid.connect(bench.runner.report)

        slices.open_requested.connect(bench.open_files)
        slices.layers_requested.connect(bench.use_layers)
        slices.shelf.requested.connect(bench.bring_back)
        slices.place_requested.connect(bench.place_slice)
        slices.remove_requested.connect(bench.remove_slice)
        slices.segment_requested.connect(bench.resegment)
        slices.prepare_requested.connect(bench.prepare_slices)
        slices.phases_requested.connect(bench.describe_phases)
        slices.voxel_size_requested.connect(bench.set_voxel_size)
        slices.section_requested.connect(bench.take_section)
        slices.reference_clear_requested.connect(bench.clear_reference)
        slices.swap_requested.connect(bench.swap_phases)
        slices.slice_counts.requested.connect(bench.try_slice_counts)

        generate.reconstruct_requested.connect(bench.reconstruct)
        generate.variant_requested.connect(self._on_variant)
        generate.weights_requested.connect(bench.choose_weights)
        generate.opacity_requested.connect(bench.stage.set_opacity)
        generate.save_requested.connect(self.records.save_volume)
        generate.forecast_requested.connect(self.records.forecast)
        generate.export_requested.connect(self.records.export)
        generate.methods_requested.connect(self.records.copy_methods)
        compare = generate.compare
        compare.volume_3d_requested.connect(bench.stage.set_3d)
        compare.side_by_side_requested.connect(bench.stage.compare)
        compare.partner_requested.connect(bench.compare_with)
        compare.keep_requested.connect(bench.keep_volume)
        compare.cut_requested.connect(bench.stage.cut)
        compare.same_size_requested.connect(bench.stage.show_same_size)
        self.runs_button.open_requested.connect(self.records.open_run)

        train.finetune_requested.connect(bench.finetune)
        train.stop_requested.connect(bench.cancel)
        train.pause_requested.connect(self.records.pause)
        train.resume_requested.connect(self.records.resume)
        train.weights_requested.connect(bench.choose_weights)
        train.save_requested.connect(self.records.save_weights)
        train.preview_requested.connect(bench.stage.set_training_shown)

        judge.analyse_requested.connect(bench.measuring.analyse)
        judge.subject_requested.connect(bench.measuring.measure_instead)
        judge.layer_requested.connect(bench.measuring.look_at_layer)
        judge.phase_requested.connect(bench.measuring.choose_phase)
        judge.labels_answered.connect(bench.measuring.take_labels)
        judge.face_requested.connect(bench.measuring.show_face)
        judge.volumes_requested.connect(bench.measuring.put_faces_away)
        judge.copies_requested.connect(bench.measuring.look_for_copies)
        judge.hold_back.requested.connect(self._on_hold_back)
        judge.save_requested.connect(self.records.save_report)
        judge.plot_requested.connect(self.records.save_plot)

        events = bench.session.events
        self.listen(events.job, self._on_job)
        self.listen(events.opened, self._on_opened)
        for event in (
            events.slices, events.volume, events.tuned, events.resumable, events.awaiting, events.weights_spec,
            events.report, events.comparison, events.ensemble,
        ):  # fmt: skip
            self.listen(event, self._on_state)

    def _on_hold_back(self, share: float, minutes: float) -> None:
        """Take size, seed and device from the form of step 2."""
        try:
            params = self.reconstruct_panel.parameters()
        except InputError as error:
            self.workbench.runner.report(error)
            return
        self.workbench.hold_back(params, share, minutes)

    def _on_variant(self, params: ReconstructParams) -> None:
        """Reconstruct, and stay where the user reads what became of the wish."""
        self.workbench.reconstruct(params)
        self._variant = self.workbench.session.job.id

    # -- session --------------------------------------------------------------------------------

    def _on_job(self, job: Job, former: Job) -> None:
        """Follow the work: the step that a new job belongs to comes to the front."""
        if job.id != former.id:
            step = {'load': 0, 'reconstruct': 1, 'finetune': 2, 'analyse': 3}.get(job.kind)
            follows = job.kind == 'analyse' and former.id == self._variant
            if step is not None and not follows:
                self.show_step(step)
        if job.state is not former.state:
            self._on_state()

    def _on_opened(self, run: Run | None) -> None:
        """Show the step that a run belongs to once it is open."""
        if run is not None:
            self.show_step(1 if run.record.command == 'reconstruct' else 2)

    def _on_state(self) -> None:
        session = self.workbench.session
        # Weights of a training that is only paused are no result yet, unless the user works with them.
        is_training = session.awaiting or (session.job.is_active and session.job.kind == 'finetune')
        is_over = session.material.resumable is None and not is_training
        is_tuned = session.material.tuned is not None and (is_over or session.material.weights_spec == 'tuned')
        is_measured = session.findings.report is not None and not lacking(session.material)
        for i, done in enumerate(
            (session.material.slices is not None, session.material.volume is not None, is_tuned, is_measured)
        ):
            self.step_bar.set_done(i, done)

    def _on_theme(self) -> None:
        palette = palette_of(self._viewer)
        self.setStyleSheet(style_sheet(palette))
        self.slices_panel.apply_palette(palette)
        self.slices_panel.slice_counts.apply_palette(palette)
        self.finetune_panel.apply_palette(palette)
        self.analysis_panel.apply_palette(palette)

    def event(self, event: QEvent) -> bool:
        """End the work when Qt is about to delete the widget."""
        if event.type() == QEvent.Type.DeferredDelete:
            self.close_for_good()
        return super().event(event)

    def close_for_good(self) -> None:
        """Stop what runs and let go of the session and the viewer; a second call does nothing."""
        if self._viewer is None:
            return
        self._viewer.events.theme.disconnect(self._on_theme)
        self.workbench.closing.window_gone.disconnect(self.close_for_good)
        self._viewer = None
        collecting.widget_closed()
        for listener in (self, *self.findChildren(QWidget)):
            if isinstance(listener, Listener):
                listener.release()
        self.records.shut_down()
        self.workbench.shut_down()
