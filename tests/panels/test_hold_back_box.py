"""Part of the slices held back, through the real widgets."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.panels.hold_back_box import HELD, NAME, SECTIONS, VERDICT
from napari_microrecon.session import SliceDraft
from napari_microrecon.session.jobs import JobState
from napari_microrecon.viewer.layers import role_of


def _slice(shape=(96, 110)) -> Slice:
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(4).standard_normal((24, *shape)), 2, mode='wrap')
    labels = (field[12] < np.quantile(field, 0.4)).astype(np.uint8)
    return Slice(labels, Phases.named('grain', 'pore', pore=1), voxel_size=VoxelSize.cube(2, 'um'), name='sem.tif')


def _volume() -> Volume:
    labels = (np.random.default_rng(0).random((20, 24, 28)) < 0.3).astype(np.uint8)
    return Volume(labels, Phases.named('grain', 'pore', pore=1), VoxelSize.cube(2, 'um'), name='made')


@pytest.fixture
def ready(widget):
    session = widget.workbench.session
    session.set_drafts([SliceDraft(_slice())])
    session.choose_weights('prior')
    widget.reconstruct_panel.form.set_value('shape', (64, 64, 64))
    widget.show_step(3)
    widget.analysis_panel.hold_back.fold.head.click()
    return widget


def _click(qtbot, box) -> None:
    assert box.run_button.isEnabled()
    qtbot.mouseClick(box.run_button, Qt.MouseButton.LeftButton)


def test_a_person_without_a_ct_gets_verdicts(ready, qtbot, until_done):
    session, box = ready.workbench.session, ready.analysis_panel.hold_back
    slices, volume, previews = session.material.slices, _volume(), []
    session.set_volumes([volume])
    session.events.preview.connect(previews.append)
    box.share.setValue(40)
    _click(qtbot, box)
    assert not box.run_button.isEnabled()
    until_done(ready, 'experiment', 120000)
    found = session.findings.held_back
    assert found.share == 0.4
    assert found.volumes == 2
    assert found.rest == ('sem.tif, columns 0 to 65',)
    assert session.material.slices is slices  # nothing else has changed
    assert session.material.volume is volume
    assert previews == []  # the experiment's own volumes are never shown
    (layer,) = ready.workbench.stage.layers_of('volume', 'preview')
    assert role_of(layer) == 'volume'
    assert np.array_equal(np.asarray(layer.data) - 1, volume.labels)
    assert len(box.rows) == len(found.statistics) == 10
    assert [box.table.item(i, NAME).text() for i in (0, 6)] == ['grain', 'pore']
    for i, one in zip(box.rows, found.statistics, strict=True):
        assert one.unit == '1' or 'µm' in box.table.item(i, NAME).text()
        assert box.table.item(i, VERDICT).text() == one.verdict.words
        assert one.verdict.sentence in box.table.item(i, VERDICT).toolTip()
        assert box.table.item(i, HELD).text() != '–'
        assert any(sign in box.table.item(i, SECTIONS).text() for sign in '–≤≥')
    assert found.sentence in box.sentence.text()
    assert 'no section shows' in box.notes.text()
    assert box.answer.isVisibleTo(box)
    session.set_drafts([SliceDraft(_slice((96, 112)))])  # other slices: the answer is no longer about them
    assert not box.answer.isVisibleTo(box)


def test_it_can_train_on_the_rest_first_and_be_stopped(ready, qtbot, until_done):
    session, box = ready.workbench.session, ready.analysis_panel.hold_back
    session.choose_weights('scratch')
    box.minutes.setValue(10)
    _click(qtbot, box)
    qtbot.waitUntil(lambda: session.job.progress.stage.startswith('Training on the rest'), timeout=60000)
    ready.status_line.cancel_button.click()
    qtbot.waitUntil(lambda: not session.job.is_active, timeout=2000)
    assert session.job.state is JobState.CANCELLED
    assert session.findings.held_back is None
    assert session.material.tuned is None


def test_a_slice_that_is_too_small_is_named(ready, qtbot, notices):
    session, box = ready.workbench.session, ready.analysis_panel.hold_back
    session.set_drafts([SliceDraft(_slice((70, 70)))])
    _click(qtbot, box)
    assert not session.job.is_active
    assert 'sem.tif: would have 70 x 47 pixels left, fewer than 64 x 64' in notices[-1].message
    session.set_drafts([SliceDraft(_slice())])
    ready.reconstruct_panel.form.set_value('shape', (24, 64, 64))  # before a training that would be for nothing
    _click(qtbot, box)
    assert not session.job.is_active
    assert 'set Size in step 2 to 32 or more' in notices[-1].message
    session.set_drafts([])
    assert not box.run_button.isEnabled()
    assert 'Add a slice' in box.run_button.toolTip()
