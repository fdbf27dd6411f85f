"""Step 3 through its real widgets: pause, resume, close and go on from the run, stop and keep the best."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_microrecon.cli import main
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.run import Run
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.session import SliceDraft
from napari_microrecon.session.jobs import JobState


@pytest.fixture
def ready(widget):
    """The widget with one slice, set to train from scratch in few steps."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(7).standard_normal((48, 48, 48)), 2, mode='wrap')
    labels = (field > np.quantile(field, 0.7)).astype(np.uint8)
    rock = Volume(labels, Phases.named('grain', 'pore', pore=1), VoxelSize.cube(3, 'um'), name='rock')
    session = widget.workbench.session
    session.set_drafts([SliceDraft(Slice.of_volume(rock, 'z', 5))])
    session.choose_weights('scratch')
    return widget


def _click(qtbot, button) -> None:
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def _until(qtbot, widget, check, timeout: int = 200000) -> None:
    def sure() -> bool:
        job = widget.workbench.session.job
        assert job.state is not JobState.FAILED, job.message
        return check()

    qtbot.waitUntil(sure, timeout=timeout)


def _ticked(widget) -> bool:
    return widget.step_bar.buttons[2].text().startswith('✓')


@pytest.mark.timeout(900)
def test_pause_close_resume_in_another_viewer_finish_and_replay(ready, qtbot, make_napari_viewer, dock, capsys):
    panel, session = ready.finetune_panel, ready.workbench.session
    panel.form.set_value('minutes', 0.2)
    panel.advanced.set_value('seed', 3)
    assert panel.pause_button.isHidden()
    _click(qtbot, panel.run_button)
    _until(qtbot, ready, lambda: len(session.material.training.curves.get('loss', ())) >= 2)
    assert panel.pause_button.text() == 'Pause'
    _click(qtbot, panel.pause_button)
    qtbot.waitUntil(lambda: not session.job.is_active, timeout=3000)
    qtbot.waitUntil(lambda: session.material.resumable is not None, timeout=60000)
    run = session.material.resumable
    assert session.job.state is JobState.CANCELLED
    assert 'paused at step' in session.status.text
    assert panel.pause_button.text() == 'Resume'
    assert session.material.weights_spec == 'scratch'  # nothing is replaced by a pause
    assert session.material.tuned is not None  # but what there is can be used
    assert not _ticked(ready)  # it is only paused
    assert Run.open(run.folder).record.status == 'stopped'
    seconds = Run.open(run.folder).record.results['seconds']
    ready.close_for_good()

    # tomorrow
    other = dock(make_napari_viewer())
    again, form = other.workbench.session, other.finetune_panel
    other.runs_button.open_requested.emit(run.folder)
    _until(qtbot, other, lambda: again.material.opened is not None)
    assert other.stack.currentWidget() is form
    assert form.advanced.values()['seed'] == 3
    assert form.form.values()['minutes'] == pytest.approx(0.2)
    assert again.material.training.latest('s2_error') is not None
    assert again.material.tuned is not None
    assert form.plot.isHidden()  # losses are not kept with the run: no empty axes
    assert not form.live.isHidden()
    assert form.pause_button.text() == 'Resume'
    assert not _ticked(other)
    _click(qtbot, form.pause_button)
    assert not _ticked(other)  # it goes on: nor is it done now
    _until(qtbot, other, lambda: again.job.kind == 'finetune' and again.job.state is JobState.DONE)
    assert form.pause_button.isHidden()
    record = Run.open(run.folder).record
    assert record.status == 'done'
    assert record.results['seconds'] > seconds
    assert _ticked(other)
    assert again.material.weights_spec == 'tuned'
    assert (run.folder / 'weights.safetensors').is_file()
    # headless the whole training, uninterrupted, gives the same weights
    capsys.readouterr()
    assert main(['replay', str(run.folder), '--json']) == 0
    assert json.loads(capsys.readouterr().out)['same'] is True
    other.close_for_good()


@pytest.mark.timeout(600)
def test_stop_keeps_the_best_and_the_health_line_is_one_of_words(ready, qtbot):
    panel, session = ready.finetune_panel, ready.workbench.session
    panel.form.set_value('minutes', 5)
    _click(qtbot, panel.run_button)
    _until(qtbot, ready, lambda: len(session.material.training.curves.get('loss', ())) >= 1)
    assert panel.health.text().endswith('.')
    assert panel.start.text() == 'Started from: the untrained structural prior, as asked, fitted to your slices.'
    assert not panel.start.isHidden()
    assert not panel.plot.isHidden()
    assert panel._titles['percolating'].text() == 'Percolating pore'
    assert 'structural prior' in panel.start.toolTip()
    assert not any(character.isdigit() for character in panel.health.text()[:20])
    assert not panel.health.isHidden()
    _click(qtbot, panel.stop_button)
    qtbot.waitUntil(lambda: not session.job.is_active, timeout=3000)
    qtbot.waitUntil(lambda: session.material.tuned is not None, timeout=60000)
    assert session.material.weights_spec == 'tuned'
    assert _ticked(ready)
    assert panel.pause_button.text() == 'Resume'  # a change of mind costs nothing
    assert session.material.run is not None
    assert Run.open(session.material.run.folder).record.status == 'stopped'


@pytest.mark.timeout(600)
def test_the_recipe_of_the_paper_is_chosen_explained_and_drawn(ready, qtbot):
    panel, session = ready.finetune_panel, ready.workbench.session
    session.choose_weights('auto')
    assert 'patches' in panel.recipe.text()
    assert 'shipped weights' in panel.start.text()
    combo = panel.advanced.editors['recipe'].native
    combo.setCurrentIndex(combo.findText('paper', Qt.MatchFlag.MatchContains))
    assert 'WGAN-GP' in panel.recipe.text()
    assert 'untrained structural prior' in panel.start.text()
    _click(qtbot, panel.run_button)
    _until(qtbot, ready, lambda: len(session.material.training.curves.get('critic_gap', ())) >= 2)
    assert panel.start.text().startswith('Started from: the untrained structural prior')
    assert panel.plot.names == ['generator', 'critic']
    assert panel.gap_plot.names == ['gap']
    assert not panel.gap_plot.isHidden()
    assert len(panel.gap_plot.data('gap')[0]) >= 2
    _click(qtbot, panel.stop_button)
    qtbot.waitUntil(lambda: session.material.tuned is not None, timeout=60000)
    parameters = Run.open(session.material.run.folder).record.parameters
    assert (parameters['recipe'], parameters['critic_start'], parameters['loss']['critic']) == ('paper', 0.0, 1.0)
    assert parameters['loss']['patches'] == 0


def test_pausing_before_it_began_keeps_nothing(ready, qtbot):
    session = ready.workbench.session
    _click(qtbot, ready.finetune_panel.run_button)
    ready.records.pause()
    qtbot.waitUntil(lambda: not session.job.is_active, timeout=3000)
    qtbot.waitUntil(ready.workbench.runner._ended.is_set, timeout=60000)
    assert session.material.resumable is None
    assert not session.pausing
    assert ready.finetune_panel.run_button.isEnabled()
