"""Work that was stopped before its end, as the panels tell of it."""

from __future__ import annotations

import time

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import Progress
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.session import SliceDraft, reporting
from napari_microrecon.session.jobs import JobState
from napari_microrecon.session.task import Task


def _sponge(shape: tuple[int, int, int], seed: int, name: str) -> Volume:
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 1.5)
    labels = (field < np.quantile(field, 0.4)).astype(np.uint8)
    return Volume(labels, Phases.named('grain', 'pore', pore=1), VoxelSize.cube(2, 'um'), name=name)


def _ticked(widget, step: int) -> bool:
    return widget.step_bar.buttons[step].text().startswith('✓')


def test_a_cancelled_comparison_is_called_incomplete_and_cannot_be_exported(widget, qtbot, until_done, tmp_path):
    session, panel = widget.workbench.session, widget.analysis_panel
    session.set_reference(_sponge((48, 96, 96), 9, 'real'))
    session.set_volumes([_sponge((48, 48, 48), 1, 'made')])
    widget.show_step(3)
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.findings.comparison is not None, timeout=90000)
    assert panel.unfinished.isHidden()  # it runs: more comes
    assert not _ticked(widget, 3)
    widget.status_line.cancel_button.click()
    qtbot.waitUntil(lambda: not session.job.is_active, timeout=5000)
    qtbot.waitUntil(widget.workbench.runner._ended.is_set, timeout=30000)
    assert session.job.state is JobState.CANCELLED
    assert not _ticked(widget, 3)
    assert not panel.unfinished.isHidden()
    told = panel.unfinished.text()
    assert told.startswith('Stopped before the end, not complete. Missing: ')
    assert 'tortuosity' in told
    assert 'blocks of the reference' in told
    assert panel.summary.text() == 'Phase: pore.'  # no tally of verdicts that may still change
    assert panel.table.rowCount() > 0  # what is there can be read
    for export in (panel.save_button, panel.csv_button, panel.curves.save_button, panel.card.save_button):
        assert not export.isEnabled()
        assert 'not complete' in export.toolTip()
    with pytest.raises(InputError, match='is not complete'):
        reporting.save_report(session, tmp_path / 'report.html')
    qtbot.waitUntil(lambda: 'not complete' in session.status.text, timeout=30000)
    panel.subject.tortuosity.setChecked(False)
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
    until_done(widget, 'analyse')
    assert panel.unfinished.isHidden()
    assert _ticked(widget, 3)
    assert 'statistics that can be judged' in panel.summary.text()
    assert panel.save_button.isEnabled()
    assert 'not complete' not in panel.save_button.toolTip()


def _slow(seconds: float):
    def work():
        yield Progress('training')
        time.sleep(seconds)
        yield Progress('training')

    return work


def test_while_the_last_step_of_a_training_ends_the_panel_says_so(widget, qtbot):
    session, panel = widget.workbench.session, widget.finetune_panel
    rock = _sponge((48, 48, 48), 3, 'rock')
    session.set_drafts([SliceDraft(Slice.of_volume(rock, 'z', 5))])
    kept = []
    task = Task('finetune', 'Fine-tuning', _slow(2.5), kept.append, stopped=kept.append, leaves='the best is kept')
    widget.workbench.runner.start(task)
    qtbot.waitUntil(lambda: session.job.progress.stage == 'training')
    qtbot.mouseClick(panel.stop_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not session.job.is_active, timeout=1500)
    assert kept == []
    assert 'cancelled' not in session.status.text
    assert 'the best is kept' in session.status.text
    assert 'Stopping' in panel.blocked.text()
    assert not panel.blocked.isHidden()
    assert not panel.pause_button.isHidden()  # Resume does not go away and come back
    assert panel.pause_button.text() == 'Resume'
    assert not panel.pause_button.isEnabled()
    assert not panel.run_button.isEnabled()
    qtbot.waitUntil(lambda: kept == [None])
    assert panel.blocked.isHidden()
    assert panel.run_button.isEnabled()
