"""Step 2 through its real widgets: runs that come back, exports, the methods text, forecasts, target fraction."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QFileDialog

from napari_microrecon.cli import main
from napari_microrecon.engine.files import write_volume
from napari_microrecon.engine.generator.forecast import Forecast
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.provenance import hash_array
from napari_microrecon.engine.run import Run
from napari_microrecon.engine.run.reference import describe_reference, find_reference
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.panels.slice_table import ADJUST
from napari_microrecon.session import SliceDraft
from napari_microrecon.session.analysing import Wish
from napari_microrecon.session.jobs import JobState
from napari_microrecon.session.runs import recent_runs
from napari_microrecon.viewer.layers import role_of


@pytest.fixture
def rock() -> Volume:
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(7).standard_normal((40, 40, 40)), 2, mode='wrap')
    labels = (field > np.quantile(field, 0.7)).astype(np.uint8)
    return Volume(labels, Phases.named('grain', 'pore', pore=1), VoxelSize.cube(3, 'um'), name='rock')


@pytest.fixture
def ready(widget, rock):
    """The widget with one slice and no reference, set to the structural prior: a volume takes a moment."""
    session = widget.workbench.session
    session.set_drafts([SliceDraft(Slice.of_volume(rock, 'z', 5), note='Otsu threshold 117')])
    session.choose_weights('prior')
    return widget


def _click(qtbot, button) -> None:
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def _wait(qtbot, widget, former: int, timeout: int = 120000) -> None:
    def ended() -> bool:
        job = widget.workbench.session.job
        assert job.state is not JobState.FAILED, job.message
        return job.id != former and job.state is JobState.DONE

    qtbot.waitUntil(ended, timeout=timeout)


def _run(qtbot, widget, button) -> None:
    former = widget.workbench.session.job.id
    _click(qtbot, button)
    _wait(qtbot, widget, former)


def test_a_run_is_recorded_replayed_headless_and_opened_again(ready, qtbot, capsys, make_napari_viewer, dock):
    panel, session = ready.reconstruct_panel, ready.workbench.session
    panel.form.set_value('shape', (24, 32, 40))
    panel.form.set_value('seed', 11)
    panel.advanced.set_value('tile', 64)
    _run(qtbot, ready, panel.run_button)
    made = session.need_volume()
    run = session.material.run
    assert run is not None
    assert recent_runs() == [run.folder]
    assert run.record.status == 'done'
    assert run.record.parameters['seed'] == 11
    assert run.record.results['segmentation'] == ['Otsu threshold 117']

    # headless, from the folder alone
    capsys.readouterr()
    assert main(['replay', str(run.folder), '--json']) == 0
    replayed = json.loads(capsys.readouterr().out)
    assert replayed['same'] is True
    assert replayed['differences'] == []

    # another viewer, another day
    other = dock(make_napari_viewer())
    other.runs_button.fill()
    (action,) = [a for a in other.runs_button.runs.actions() if a.toolTip() == run.folder.name]
    assert re.fullmatch(
        r'rock-z-5, reconstructed \d{4}-\d\d-\d\d \d\d:\d\d:\d\d', action.text()
    )  # not after the weights
    former = other.workbench.session.job.id
    action.trigger()
    _wait(qtbot, other, former)
    again, form = other.workbench.session, other.reconstruct_panel
    np.testing.assert_array_equal(again.need_volume().labels, made.labels)
    assert other.stack.currentWidget() is form
    assert form.form.values()['shape'] == (24, 32, 40)
    assert form.form.values()['seed'] == 11
    assert form.advanced.values()['tile'] == 64
    assert form.parameters() == panel.parameters()
    assert again.material.drafts[0].note == 'Otsu threshold 117'
    assert again.material.drafts[0].slice.name == session.material.drafts[0].slice.name, 'not the name of the copy'
    assert again.need_volume().name == made.name
    assert 'volume' in [role_of(layer) for layer in other.workbench.stage.viewer.layers]
    # the button makes the very same volume, from the weights of the run
    again.set_volumes(())
    _run(qtbot, other, form.run_button)
    np.testing.assert_array_equal(again.need_volume().labels, made.labels)
    assert again.material.run is not None
    assert again.material.run.folder != run.folder
    other.close_for_good()


def _reopen(qtbot, make_napari_viewer, dock, folder):
    other = dock(make_napari_viewer())
    former = other.workbench.session.job.id
    other.records.open_run(folder)
    _wait(qtbot, other, former)
    return other


def test_the_reference_comes_back_with_the_run_as_long_as_its_file_is_the_same(
    ready, rock, qtbot, make_napari_viewer, dock, tmp_path, until_done
):
    session = ready.workbench.session
    path = tmp_path / 'ct.tif'
    write_volume(rock, path)
    ready.workbench.open_files([path])
    until_done(ready, 'load')
    ready.reconstruct_panel.form.set_value('shape', (24, 24, 24))
    qtbot.mouseClick(ready.reconstruct_panel.run_button, Qt.MouseButton.LeftButton)
    until_done(ready, 'analyse', 120000)
    folder = session.material.run.folder
    known = Run.open(folder).record.reference
    assert (known.origin, known.where, known.name) == ('file', str(path), 'ct')
    assert known.content_sha256 == hash_array(rock.labels)
    assert known.phases == rock.phases

    other = _reopen(qtbot, make_napari_viewer, dock, folder)
    again = other.workbench.session
    np.testing.assert_array_equal(again.material.reference.labels, rock.labels)
    assert (again.material.reference.name, again.material.reference.voxel_size) == ('ct', rock.voxel_size)
    assert 'beside its reference ct' in again.status.text
    assert other.workbench.stage.viewer.canvas.grid.enabled
    other.close_for_good()

    write_volume(replace(rock, labels=rock.labels[::-1]), path)
    other = _reopen(qtbot, make_napari_viewer, dock, folder)
    assert other.workbench.session.material.reference is None
    assert (
        f'The reference ct is not the same any more at {path}: open it in step 1' in other.workbench.session.status.text
    )
    other.close_for_good()

    path.unlink()
    other = _reopen(qtbot, make_napari_viewer, dock, folder)
    assert other.workbench.session.material.reference is None
    assert other.workbench.session.material.volume is not None
    assert f'The reference ct is no longer at {path}: open it in step 1' in other.workbench.session.status.text
    other.close_for_good()


def test_a_sample_a_kept_reconstruction_and_a_layer_come_back(
    ready, rock, qtbot, make_napari_viewer, dock, until_done, agree, monkeypatch
):
    session, bench = ready.workbench.session, ready.workbench
    panel = ready.reconstruct_panel
    panel.form.set_value('shape', (24, 24, 24))
    ready.analysis_panel.subject.tortuosity.setChecked(False)
    _run(qtbot, ready, panel.run_button)
    first = session.need_volume()
    panel.compare.keep_button.click()
    former = session.job.id
    panel.again_button.click()
    qtbot.waitUntil(lambda: session.job.id > former + 1 and not session.job.is_active, timeout=120000)  # compared, too
    folder = session.material.run.folder
    assert Run.open(folder).record.reference.origin == 'run'
    other = _reopen(qtbot, make_napari_viewer, dock, folder)
    np.testing.assert_array_equal(other.workbench.session.material.reference.labels, first.labels)
    other.close_for_good()

    session.set_reference(rock)  # from nowhere, as a layer is
    bench.measuring.analyse(Wish(tortuosity=False))
    until_done(ready, 'analyse', 60000)
    assert Run.open(folder).record.reference.name == 'rock'
    other = _reopen(qtbot, make_napari_viewer, dock, folder)
    found = other.workbench.session.material.reference
    np.testing.assert_array_equal(found.labels, rock.labels)
    assert (found.name, found.phases, found.voxel_size) == (rock.name, rock.phases, rock.voxel_size)
    other.close_for_good()
    former = session.job.id
    monkeypatch.setattr('napari_microrecon.engine.run.reference.LARGEST_COPY', 1000)
    _click(qtbot, panel.run_button)
    qtbot.waitUntil(lambda: session.job.id > former + 1 and not session.job.is_active, timeout=120000)
    assert 'rock came from a layer and is too large' in session.status.text
    folder = session.material.run.folder
    assert not (folder / 'reference.tif').exists()
    other = _reopen(qtbot, make_napari_viewer, dock, folder)
    assert other.workbench.session.material.reference is None
    assert 'The reference rock came from a layer and is not kept in the run' in other.workbench.session.status.text
    other.close_for_good()

    bench.load_sample('sandstone')
    agree(ready)
    until_done(ready, 'load')
    assert session.material.origin_of(session.material.reference).where == 'sandstone'
    found = find_reference(
        describe_reference(session.material.reference, session.material.origin_of(session.material.reference))
    )
    np.testing.assert_array_equal(found.labels, session.material.reference.labels)


def test_why_slices_of_a_reopened_run_cannot_be_adjusted(widget, qtbot, make_napari_viewer, dock, until_done, tmp_path):
    from skimage.io import imsave

    rng = np.random.default_rng(0)
    grey = (rng.random((64, 64)) * 60 + 90 * (rng.random((64, 64)) > 0.5)).astype(np.uint8)
    imsave(tmp_path / 'sem.png', grey, check_contrast=False)
    widget.workbench.open_files([tmp_path / 'sem.png'])
    until_done(widget, 'load')
    assert 'Thresholds' in widget.slices_panel.table.cellWidget(0, ADJUST).toolTip()
    session = widget.workbench.session
    session.choose_weights('prior')
    widget.reconstruct_panel.form.set_value('shape', (24, 24, 24))
    widget.show_step(1)
    _run(qtbot, widget, widget.reconstruct_panel.run_button)
    other = _reopen(qtbot, make_napari_viewer, dock, session.material.run.folder)
    table = other.slices_panel.table
    assert not table.isColumnHidden(ADJUST)
    assert not table.cellWidget(0, ADJUST).isEnabled()
    assert 'open the picture again' in table.cellWidget(0, ADJUST).toolTip()
    other.close_for_good()


def test_a_run_that_was_tampered_with_is_refused_and_nothing_changes(ready, qtbot, notices, agree):
    session = ready.workbench.session
    _run(qtbot, ready, ready.reconstruct_panel.run_button)
    folder, slices = session.material.run.folder, session.material.slices
    (folder / 'inputs' / 'slice_000.tif').write_bytes(b'something else')
    former = session.job.id
    ready.runs_button.open_requested.emit(folder)
    agree(ready)
    qtbot.waitUntil(lambda: session.job.id != former and session.job.state is JobState.FAILED, timeout=20000)
    assert 'is not the file that the run recorded' in notices[-1].message
    assert session.material.slices is slices
    assert session.material.opened is None


def test_another_seed_and_a_target_fraction(ready, qtbot):
    panel, session = ready.reconstruct_panel, ready.workbench.session
    _run(qtbot, ready, panel.run_button)
    first = session.need_volume()
    _run(qtbot, ready, panel.again_button)
    second = session.need_volume()
    assert (first.provenance.seed, second.provenance.seed) == (0, 1)
    assert (first.labels != second.labels).mean() > 0.05

    panel.target.slider.setValue(400)
    assert panel.target.number.text() == '0.400'
    _run(qtbot, ready, panel.target.apply_button)
    wide = session.need_volume()
    assert wide.fractions[1] == pytest.approx(0.4, abs=0.002)
    assert wide.provenance.seed == 1
    # the same arrangement: what was pore stays pore, only the boundary moved
    assert wide.mask(1)[second.mask(1)].all()
    said = ready.status_line.text.text()
    assert 'pore set to 0.400 (slices: 0.3' in said
    assert 'same seed' in said
    assert session.material.run.record.parameters['target_fractions'] == {'1': 0.4}
    _run(qtbot, ready, panel.target.reset_button)
    np.testing.assert_array_equal(session.need_volume().labels, second.labels)


@pytest.mark.parametrize(
    ('title', 'phase', 'ending'), [('VTK image…', None, '.vti'), ('STL mesh of a phase', 'pore', '.stl')]
)
def test_export_from_the_menu(ready, qtbot, rock, tmp_path, monkeypatch, title, phase, ending):
    panel, session = ready.reconstruct_panel, ready.workbench.session
    session.set_volumes([rock])
    # the ending is added where the dialog did not
    monkeypatch.setattr(QFileDialog, 'getSaveFileName', lambda *_: (str(tmp_path / 'out'), f'x (*{ending})'))
    (action,) = [a for a in panel.export_button.formats.actions() if a.text() == title]
    if phase is not None:
        (action,) = [a for a in action.menu().actions() if a.text() == f'{phase}…']
    former = session.job.id
    action.trigger()
    _wait(qtbot, ready, former)
    assert (tmp_path / f'out{ending}').stat().st_size > 1000
    assert session.status.text.startswith(f'Wrote out{ending}: ')


def test_an_export_is_cancelled_and_bad_ones_are_said(ready, qtbot, rock, tmp_path, notices):
    session, records = ready.workbench.session, ready.records
    session.set_volumes([rock])
    records.export('network', tmp_path / 'n.csv', 1)
    qtbot.waitUntil(lambda: session.job.progress.stage == 'Extracting the pore network', timeout=20000)
    _click(qtbot, ready.status_line.cancel_button)
    qtbot.waitUntil(lambda: not session.job.is_active, timeout=3000)
    assert session.job.state is JobState.CANCELLED
    qtbot.waitUntil(ready.workbench.runner._ended.is_set, timeout=20000)
    assert list(tmp_path.iterdir()) == []
    records.export('stl', tmp_path / 'n.obj', 1)
    assert 'end the output in .stl' in notices[-1].message


def test_the_methods_text_is_in_the_clipboard(ready, qtbot):
    panel, session = ready.reconstruct_panel, ready.workbench.session
    _run(qtbot, ready, panel.run_button)
    _run(qtbot, ready, panel.methods_button)
    text = QGuiApplication.clipboard().text()
    for words in ('32 × 32 × 32 voxels', 'Segmentation: Otsu threshold 117.', 'seed 0', 'arXiv:2402.15815', 'pore 0.3'):
        assert words in text
    assert session.need_volume().provenance.weights.sha256[:12] in text


def test_time_and_memory_are_told_before_and_learn_from_runs(ready, qtbot):
    panel, session = ready.reconstruct_panel, ready.workbench.session
    qtbot.waitUntil(lambda: session.forecast is not None, timeout=60000)
    assert isinstance(session.forecast, Forecast)
    assert not session.forecast.is_past
    assert 'from a trial' in panel.forecast_text.text()
    assert 'free memory on cpu' in panel.forecast_text.text()
    small = session.forecast.bytes
    _run(qtbot, ready, panel.run_button)
    seconds = Run.open(session.material.run.folder).record.results['seconds']
    panel.form.set_value('shape', (64, 64, 64))
    qtbot.waitUntil(lambda: session.forecast is not None and session.forecast.bytes > small, timeout=60000)
    assert session.forecast.is_past
    assert session.forecast.seconds == pytest.approx(8 * seconds, rel=0.01, abs=0.1)


def test_what_cannot_fit_is_refused_with_the_size_that_would(ready, qtbot):
    panel, session = ready.reconstruct_panel, ready.workbench.session
    panel.form.set_value('shape', (4096, 4096, 4096))
    qtbot.waitUntil(lambda: 'Does not fit' in panel.blocked.text(), timeout=60000)
    assert not panel.run_button.isEnabled()
    assert 'use an edge of at most' in panel.blocked.text()
    edge = int(panel.blocked.text().split('at most ')[1].split()[0])
    assert 100 < edge < 4096
    # until it is smaller
    panel.form.set_value('shape', (32, 32, 32))
    qtbot.waitUntil(lambda: session.forecast.refusal == '', timeout=60000)
    assert panel.run_button.isEnabled()
    assert math.isfinite(session.forecast.seconds)


def test_a_full_disk_costs_the_record_and_not_the_volume(ready, qtbot, monkeypatch, tmp_path: Path):
    (tmp_path / 'file').write_text('no folder')
    monkeypatch.setenv('NAPARI_MICRORECON_RUNS', str(tmp_path / 'file' / 'runs'))
    session = ready.workbench.session
    _run(qtbot, ready, ready.reconstruct_panel.run_button)
    assert session.need_volume().shape == (32, 32, 32)
    assert session.material.run is None
    assert session.status.level == 'warning'
    assert 'NAPARI_MICRORECON_RUNS' in session.status.text


def _declare(widget, pore: int) -> None:
    combo = widget.slices_panel.pore
    combo.setCurrentIndex(combo.findData(pore))
    combo.activated.emit(combo.currentIndex())


def test_the_target_follows_the_pore_that_is_declared_and_says_what_was_reached(ready, qtbot, notices):
    panel, session = ready.reconstruct_panel, ready.workbench.session
    target = panel.target
    _run(qtbot, ready, panel.run_button)
    grain, pore = session.need_volume().fractions
    in_slices = session.need_slices().fractions
    assert target.phase.currentText() == 'pore'
    assert target.value == pytest.approx(pore, abs=0.001)
    assert f'pore is {pore:.3f} now ({in_slices[1]:.3f} in the slices)' in target.told.text()
    assert not target.reset_button.isEnabled(), 'there is nothing to go back from'
    _declare(ready, 0)
    assert target.phase.currentText() == 'grain'
    assert target.value == pytest.approx(grain, abs=0.001)
    assert 'grain' in target.slider.toolTip()
    target.slider.setValue(600)
    _run(qtbot, ready, target.apply_button)
    reached = session.need_volume().fractions[0]
    assert reached == pytest.approx(0.6, abs=0.002)
    assert f'grain was set to 0.600 and is {reached:.3f} now ({in_slices[0]:.3f} in the slices)' in target.told.text()
    assert 'grain set to 0.600' in ready.status_line.text.text()
    assert target.reset_button.isEnabled()
    target.phase.setCurrentIndex(1)  # any other phase can be wished for instead
    assert f'pore is {1 - reached:.3f} now' in target.told.text()
    assert 'grain to 0.600 was set' in target.told.text()
    target.slider.setValue(999)
    assert target.value == 0.999
    target.slider.setValue(250)
    _run(qtbot, ready, target.apply_button)
    assert session.need_volume().fractions[1] == pytest.approx(0.25, abs=0.002)
    assert panel.parameters().target_fractions == {1: 0.25}
    _run(qtbot, ready, target.reset_button)
    assert panel.parameters().target_fractions == {}


def test_a_target_is_typed_and_what_it_reached_stays_in_view(ready, rock, qtbot, until_done):
    """With a reference the comparison follows: the page stays on step 2, unless the big button was pressed."""
    panel, session, target = ready.reconstruct_panel, ready.workbench.session, ready.reconstruct_panel.target
    session.set_reference(rock)
    ready.analysis_panel.subject.tortuosity.setChecked(False)
    panel.form.set_value('shape', (20, 20, 20))

    def compared(button) -> int:
        _click(qtbot, button)
        assert session.job.kind == 'reconstruct'
        assert ready.stack.currentIndex() == 1
        until_done(ready, 'analyse')
        return ready.stack.currentIndex()

    ready.show_step(1)
    assert compared(panel.run_button) == 3
    ready.show_step(1)
    target.number.setFocus()
    target.number.selectAll()
    qtbot.keyClicks(target.number, '0.437')
    qtbot.keyClick(target.number, Qt.Key.Key_Return)
    assert target.slider.value() == 437
    target.slider.setValue(452)
    assert target.number.value() == 0.452
    assert compared(target.apply_button) == 1
    assert 'pore was set to 0.452 and is 0.45' in target.told.text()
    assert session.findings.comparison is not None
    assert compared(panel.again_button) == 1
    _click(qtbot, ready.step_bar.buttons[3])
    _click(qtbot, ready.analysis_panel.run_button)
    until_done(ready, 'analyse')
    assert ready.stack.currentIndex() == 3


def test_a_target_ends_with_its_material_and_with_a_run_that_was_cancelled(ready, qtbot, agree):
    panel, session = ready.reconstruct_panel, ready.workbench.session
    _run(qtbot, ready, panel.run_button)
    former = session.job.id
    panel.target.slider.setValue(500)
    _click(qtbot, panel.target.apply_button)
    ready.workbench.cancel()
    qtbot.waitUntil(lambda: session.job.id != former and not session.job.is_active, timeout=20000)
    if session.job.state is JobState.CANCELLED:
        assert panel.parameters().target_fractions == {}, 'the volume that is shown has none'
    _run(qtbot, ready, panel.target.apply_button)
    assert panel.parameters().target_fractions == {1: 0.5}
    ready.workbench.load_sample('sandstone')
    agree(ready)
    qtbot.waitUntil(lambda: session.material.sample is not None, timeout=20000)
    assert panel.parameters().target_fractions == {}, 'they were those of another material'
    ready.slices_panel.shelf.button.click()
    assert panel.parameters().target_fractions == {1: 0.5}
