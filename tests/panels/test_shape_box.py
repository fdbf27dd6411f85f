"""Step 2 says whether the volume has the shapes of the slices, and shows both; it stays only while it is true."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from scipy import ndimage

from napari_microrecon.engine.generator.selection import judging_shape
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.run import Run
from napari_microrecon.engine.shape import ShapeVerdict
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume
from napari_microrecon.panels.weights_combo import UNTRAINED
from napari_microrecon.session import SliceDraft
from napari_microrecon.session.runs import open_run


def _picture(seed: int) -> np.ndarray:
    field = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((96, 96)), 2, mode='wrap')
    return (field > np.quantile(field, 0.6)).astype(np.uint8)


@pytest.fixture
def ready(widget):
    """The widget with one picture."""
    picture = Slice(_picture(3), Phases.named('solid', 'pore'), name='picture')
    widget.workbench.session.set_drafts([SliceDraft(picture)])
    return widget


def _choose(qtbot, combo, spec: str) -> None:
    combo.setCurrentIndex(combo.findData(spec))
    combo.activated.emit(combo.currentIndex())


def test_a_grown_volume_comes_with_its_verdict_and_pictures(ready, qtbot, until_done):
    panel, session = ready.reconstruct_panel, ready.workbench.session
    assert not panel.shape.isVisibleTo(panel)
    assert [panel.weights.findData(spec) >= 0 for spec in UNTRAINED] == [True] * len(UNTRAINED)
    _choose(qtbot, panel.weights, 'exemplar')
    panel.form.set_value('shape', (32, 32, 32))
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
    until_done(ready, 'reconstruct', 240000)
    verdict = session.findings.shape
    assert verdict is not None
    assert panel.shape.isVisibleTo(panel)
    assert verdict.words in panel.shape.words.text()
    assert panel.shape.words.property('level') == verdict.level
    assert 'patches of your slices' in panel.choice_text.text()
    for of_slice, of_volume in panel.shape.pictures.views:
        assert not of_slice.image.isNull()
        assert of_slice.image.size() == of_volume.image.size()  # at equal scale
    # It is in the run, and comes back with it.
    run = session.material.run
    assert run is not None
    assert ShapeVerdict.model_validate(Run.open(run.folder).record.results['shape']) == verdict
    # Other slices: it was not told of these.
    session.set_drafts([SliceDraft(Slice(_picture(4), Phases.named('solid', 'pore'), name='other'))])
    assert session.findings.shape is None
    assert not panel.shape.isVisibleTo(panel)
    task = open_run(session, run.folder)
    task.accept(drain(task.run()))
    assert session.findings.shape == verdict
    assert panel.shape.isVisibleTo(panel)


def test_a_volume_that_does_not_fit_is_red_and_said_in_the_status(ready, qtbot):
    panel, session = ready.reconstruct_panel, ready.workbench.session
    rods = np.zeros((40, 40, 40), np.uint8)
    rods[:, ::4, ::4] = 1
    volume = Volume(rods, session.need_slices().phases, name='rods')
    shape = drain(judging_shape(session.need_slices(), [volume]))
    session.material = session.material.with_volumes((volume,), shape=shape)
    assert session.findings.shape is not None
    assert session.findings.shape.level == 'does not fit'
    assert panel.shape.words.property('level') == 'does not fit'
    assert 'Look at both' in panel.shape.detail.text()
    qtbot.mouseClick(panel.shape.fold.head, Qt.MouseButton.LeftButton)
    assert panel.shape.pictures.views[0][0].isVisibleTo(panel.shape)
