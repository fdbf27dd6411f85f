"""Each step of the widget, driven through its real buttons with the real engine on small shapes."""

from __future__ import annotations

import time

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.panels.slice_table import REMOVE
from napari_microrecon.session.jobs import JobState
from napari_microrecon.viewer.layers import role_of


@pytest.fixture
def grey_slice(tmp_path):
    """Blobs of three grey levels in a TIFF that knows its pixel size."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(5).standard_normal((64, 64)), 3)
    levels = np.digitize(field, np.quantile(field, [0.3, 0.7]))
    grey = (60 + 70 * levels + np.random.default_rng(6).normal(0, 4, levels.shape)).astype(np.uint8)
    path = tmp_path / 'blobs.tif'
    tifffile.imwrite(path, grey, imagej=True, resolution=(1 / 0.5, 1 / 0.5), metadata={'unit': 'um'})
    return path


@pytest.fixture
def rock() -> Volume:
    """Thresholded noise, 32^3."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(7).standard_normal((32, 32, 32)), 1.5, mode='wrap')
    labels = (field > np.quantile(field, 0.7)).astype(np.uint8)
    return Volume(labels, Phases.named('grain', 'pore', pore=1), VoxelSize.cube(3, 'um'), name='rock')


@pytest.fixture
def ready(widget, rock):
    """The widget with a reference and one slice of it."""
    widget.workbench.session.set_reference(rock)
    widget.slices_panel.section_button.click()
    return widget


def _click(qtbot, button) -> None:
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_an_empty_widget_says_what_to_do_first(widget):
    assert not widget.slices_panel.empty.isHidden()
    assert 'Open a 2D image' in widget.slices_panel.empty.text()
    for panel in (widget.reconstruct_panel, widget.finetune_panel, widget.analysis_panel):
        assert not panel.run_button.isEnabled()
        assert not panel.blocked.isHidden()
        assert 'step' in panel.blocked.text()
    assert widget.status_line.cancel_button.isHidden()


def test_step_buttons_show_their_panels(widget, qtbot):
    for i, panel in enumerate(widget.panels):
        _click(qtbot, widget.step_bar.buttons[i])
        assert widget.stack.currentWidget() is panel


def test_open_a_grey_file_and_segment_it_again(widget, qtbot, until_done, grey_slice):
    panel, session = widget.slices_panel, widget.workbench.session
    panel.open_requested.emit([grey_slice])
    until_done(widget, 'load')
    assert panel.table.rowCount() == 1
    assert panel.table.item(0, 0).text() == 'blobs.tif'
    assert panel.voxel.value() == pytest.approx(0.5)
    assert panel.unit.currentData() == 'um'
    assert panel.phase_count.value() == 2
    former = session.job.id
    panel.phase_count.setValue(3)
    _click(qtbot, panel.segment_button)
    qtbot.waitUntil(lambda: session.job.id != former and not session.job.is_active)
    assert session.need_slices().phases.count == 3
    assert widget.step_bar.buttons[0].text().startswith('✓')
    viewer = widget.workbench.stage.viewer
    assert [role_of(layer) for layer in viewer.layers] == ['slice']


def test_edit_place_scale_and_pore_of_a_slice(ready):
    panel, session = ready.slices_panel, ready.workbench.session
    panel.table.cellWidget(0, 3).setValue(9)
    assert session.material.drafts[0].slice.position == 9
    panel.table.cellWidget(0, 2).setCurrentText('x')
    panel.table.cellWidget(0, 2).activated.emit(2)
    assert session.material.drafts[0].slice.normal == 'x'
    panel.table.cellWidget(0, 3).setValue(-1)
    assert session.material.drafts[0].slice.position is None
    panel.voxel.setValue(1.5)
    panel.voxel.editingFinished.emit()
    assert session.need_slices().voxel_size == VoxelSize.cube(1.5, 'um')
    panel.pore.setCurrentIndex(1)
    panel.pore.activated.emit(1)
    assert session.need_slices().phases.pore == 0
    panel.table.cellWidget(0, REMOVE).click()
    assert session.material.slices is None
    assert not panel.empty.isHidden()


def test_leaving_a_field_changes_nothing(ready):
    before = ready.workbench.session.material.slices
    ready.slices_panel.voxel.editingFinished.emit()
    assert ready.workbench.session.material.slices is before


def test_selected_layers_become_slices_and_reference(widget, qtbot, until_done, rock):
    viewer = widget.workbench.stage.viewer
    plane = viewer.add_labels(rock.labels[3].astype(np.uint8), name='plane')
    viewer.layers.selection = {plane}
    _click(qtbot, widget.slices_panel.layers_button)
    until_done(widget, 'load')
    session = widget.workbench.session
    np.testing.assert_array_equal(session.material.drafts[0].slice.labels, rock.labels[3])
    former = session.job.id
    viewer.layers.selection = {viewer.add_image(rock.labels * 255, name='ct')}
    _click(qtbot, widget.slices_panel.layers_button)
    qtbot.waitUntil(lambda: session.job.id != former and not session.job.is_active)
    assert session.material.reference is not None
    np.testing.assert_array_equal(session.material.reference.labels, rock.labels)


@pytest.mark.parametrize('bad', ['missing', 'text', 'one phase', 'thin'])
def test_bad_files_become_one_line_and_change_nothing(widget, qtbot, notices, tmp_path, bad):
    path = tmp_path / 'bad.tif'
    if bad == 'text':
        path.write_text('this is no image')
    elif bad == 'one phase':
        tifffile.imwrite(path, np.full((40, 40), 7, np.uint8))
    elif bad == 'thin':
        tifffile.imwrite(path, np.arange(40, dtype=np.uint8)[:, None])
    widget.slices_panel.open_requested.emit([path])
    qtbot.waitUntil(lambda: widget.workbench.session.job.state is JobState.FAILED)
    assert widget.workbench.session.material.slices is None
    assert len(notices) == 1
    assert '\n' not in notices[0].message
    assert 'bad.tif' in notices[0].message
    assert bad != 'text' or 'it begins with the text "this is no image"' in notices[0].message
    assert widget.status_line.text.text() == notices[0].message


def test_nothing_selected_is_said(widget, qtbot, notices):
    _click(qtbot, widget.slices_panel.layers_button)
    (notice,) = notices
    assert notice.message == 'layers: none is selected; select an image or labels layer in the layer list'


def test_reconstruct_then_compare(ready, qtbot, until_done):
    panel, session = ready.reconstruct_panel, ready.workbench.session
    assert panel.form.values()['shape'] == (32, 32, 32)
    assert '96 × 96 × 96 µm' in panel.extent.text()
    _click(qtbot, panel.run_button)
    assert not panel.run_button.isEnabled()
    until_done(ready, 'analyse')
    volume = session.need_volume()
    assert volume.shape == (32, 32, 32)
    assert str(volume.voxel_size) == '3 um'
    viewer = ready.workbench.stage.viewer
    (layer,) = [one for one in viewer.layers if role_of(one) == 'volume']
    assert layer.metadata['microrecon']['provenance']['seed'] == 0
    assert tuple(layer.scale) == (3, 3, 3)
    assert viewer.canvas.grid.enabled

    analysis = ready.analysis_panel
    assert ready.stack.currentWidget() is analysis
    rows = {analysis.table.item(i, 0).text(): i for i in range(analysis.table.rowCount())}
    assert {'Phase fraction', 'Tortuosity z', 'Percolating x', 'Corr. length y (µm)'} <= set(rows)
    assert analysis.table.item(rows['Phase fraction'], 1).text().split()[0] == f'{volume.fractions[1]:#.3g}'
    assert '–' in analysis.table.item(rows['Phase fraction'], 2).text()
    words = analysis.table.item(rows['Phase fraction'], 3).text()
    assert words.startswith(('inside', 'outside by', 'volume too small to tell'))
    assert {'reconstruction', 'reference'} <= set(analysis.plot.names)
    lag, s2 = analysis.plot.data('reconstruction')
    assert lag[0] == 0
    assert s2[0] == pytest.approx(volume.fractions[1], abs=1e-6)


def test_phases_can_be_hidden_and_the_view_flattened(ready, rock):
    session, panel = ready.workbench.session, ready.reconstruct_panel
    session.set_volumes([rock])
    panel.legend.boxes[0].setChecked(False)
    volumes = ready.workbench.stage.layers_of('volume', 'reference')
    assert len(volumes) == 2
    for layer in volumes:
        assert layer.get_color(1)[3] == 0
        assert layer.get_color(2)[3] == 1
    panel.compare.view.setCurrentIndex(1)
    panel.compare.view.activated.emit(1)
    assert ready.workbench.stage.viewer.dims.ndisplay == 2


def test_conditioning_on_a_slice_that_does_not_fit_is_refused_with_advice(ready, qtbot, notices):
    panel = ready.reconstruct_panel
    panel.form.set_value('mode', 'conditioned')
    panel.form.set_value('shape', (32, 48, 32))
    assert not panel.run_button.isEnabled()
    assert not panel.blocked.isHidden()
    told = panel.blocked.text()
    assert '48' in told
    assert '--' not in told
    # A slice without a position says where to type it.
    session = ready.workbench.session
    session.edit_draft(0, session.material.drafts[0].placed('z', None))
    assert not panel.run_button.isEnabled()
    assert 'type the position of' in panel.blocked.text()
    assert 'in step 1' in panel.blocked.text()
    assert '--' not in panel.blocked.text()
    panel.form.set_value('mode', 'unconditional')
    assert panel.run_button.isEnabled()
    assert panel.blocked.isHidden()


def test_cancel_a_reconstruction_within_a_second(ready, qtbot):
    session = ready.workbench.session
    ready.reconstruct_panel.form.set_value('shape', (160, 160, 160))
    _click(qtbot, ready.reconstruct_panel.run_button)
    qtbot.waitUntil(lambda: not ready.status_line.cancel_button.isHidden())
    qtbot.wait(300)
    asked = time.monotonic()
    _click(qtbot, ready.status_line.cancel_button)
    qtbot.waitUntil(lambda: not session.job.is_active, timeout=3000)
    assert time.monotonic() - asked < 1.2
    assert session.job.state is JobState.CANCELLED
    assert session.material.volume is None
    assert ready.reconstruct_panel.run_button.isEnabled()
    qtbot.waitUntil(ready.workbench.runner._ended.is_set, timeout=20000)


def test_finetune_shows_curves_and_stop_keeps_the_best(ready, qtbot):
    panel, session = ready.finetune_panel, ready.workbench.session
    panel.form.set_value('minutes', 0.5)
    _click(qtbot, panel.run_button)
    # what it begins with is measured first; then come the steps
    qtbot.waitUntil(lambda: session.material.training.latest('s2_error') is not None, timeout=120000)
    assert panel.health.text()
    qtbot.waitUntil(lambda: len(session.material.training.curves.get('loss', ())) >= 2, timeout=120000)
    of_slice, of_volume = panel.pictures.views[0]
    assert not of_volume.image.isNull()
    assert of_slice.image.size() == of_volume.image.size()  # at equal scale
    steps, loss = panel.plot.data('loss')
    assert len(steps) >= 2
    assert np.isfinite(loss).all()
    assert not panel.live.isHidden()
    _click(qtbot, panel.stop_button)
    qtbot.waitUntil(lambda: not session.job.is_active, timeout=3000)
    qtbot.waitUntil(lambda: session.material.tuned is not None, timeout=20000)
    assert session.material.weights_spec == 'tuned'
    assert ready.reconstruct_panel.weights.currentData() == 'tuned'
    qtbot.waitUntil(ready.workbench.runner._ended.is_set, timeout=20000)


def test_saving_writes_what_is_shown(ready, qtbot, until_done, rock, tmp_path):
    from napari_microrecon.engine.files import read_volume

    session = ready.workbench.session
    session.set_volumes([rock])
    ready.reconstruct_panel.save_requested.emit(tmp_path / 'out.tif')
    until_done(ready, 'save')
    again = read_volume(tmp_path / 'out.tif')
    np.testing.assert_array_equal(again.labels, rock.labels)
    assert again.voxel_size == rock.voxel_size
    ready.analysis_panel.save_requested.emit(tmp_path / 'out.json')
    assert session.status.level == 'error'
    assert 'nothing has been measured' in session.status.text
