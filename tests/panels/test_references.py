"""A CT that says little of itself, beside the slices: voxel size, order of the phases, pictures with a data bar."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from napari_microrecon.engine.voxels import VoxelSize


@pytest.fixture
def rock() -> np.ndarray:
    """bool (Z, Y, X), a fifth of it pore."""
    field = gaussian_filter(np.random.default_rng(3).standard_normal((80,) * 3), 2.5)
    return field > np.quantile(field, 0.8)


@pytest.fixture
def grey_file(rock, tmp_path):
    """A section of it as a microscope shows it: pores dark, above a data bar."""
    noise = np.random.default_rng(0).normal(0, 6, (80, 80))
    picture = np.where(rock[40], 60.0, 180.0) + noise
    bar = np.zeros((12, 80))
    bar[5:7, 10:40] = 255
    path = tmp_path / 'sem.tif'
    tifffile.imwrite(path, np.clip(np.vstack([picture, bar]), 0, 255).astype(np.uint8))
    return path


@pytest.fixture
def ct_file(rock, tmp_path):
    """The volume with pores as 1, without a voxel size."""
    path = tmp_path / 'ct.tif'
    tifffile.imwrite(path, rock.astype(np.uint8))
    return path


def opened(widget, until_done, *paths):
    widget.slices_panel.open_requested.emit(list(paths))
    until_done(widget, 'load')


def test_a_data_bar_is_cut_off_on_opening_and_said(widget, until_done, grey_file, rock):
    opened(widget, until_done, grey_file)
    session = widget.workbench.session
    (draft,) = session.material.drafts
    assert draft.slice.labels.shape == (80, 80)
    assert draft.slice.phases.fractions(draft.slice.labels)[0] == pytest.approx(rock[40].mean(), abs=0.01)
    assert 'a data bar at the bottom was cut off' in session.status.text
    assert draft.slice.provenance.parameters['preparation']['crop']['rows'] == [0, 80]


def test_a_size_is_taken_from_the_slices_and_follows_them(widget, until_done, qtbot, grey_file, ct_file):
    opened(widget, until_done, grey_file)
    panel, session = widget.slices_panel, widget.workbench.session
    panel.voxel.setValue(3.0)
    panel.voxel.editingFinished.emit()
    assert session.need_slices().voxel_size == VoxelSize.cube(3, 'um'), 'a number alone means micrometres'
    opened(widget, until_done, ct_file)
    assert session.material.reference.voxel_size == VoxelSize.cube(3, 'um')
    assert '3 µm' in panel.reference_text.text()
    panel.voxel.setValue(2.5)
    panel.voxel.editingFinished.emit()
    assert session.material.reference.voxel_size == VoxelSize.cube(2.5, 'um')
    assert session.material.kept == (session.material.reference,)


def test_a_size_of_its_own_stays(widget, until_done, grey_file, rock, tmp_path):
    from napari_microrecon.engine.files import write_volume
    from napari_microrecon.engine.phases import Phases
    from napari_microrecon.engine.volume import Volume

    path = tmp_path / 'sized.tif'
    write_volume(Volume(rock.astype(np.uint8), Phases.default(2), VoxelSize.cube(4, 'um')), path)
    opened(widget, until_done, grey_file, path)
    panel, session = widget.slices_panel, widget.workbench.session
    panel.voxel.setValue(3.0)
    panel.voxel.editingFinished.emit()
    assert session.material.reference.voxel_size == VoxelSize.cube(4, 'um')


def test_a_size_that_cannot_be_of_the_same_material_is_refused(widget, until_done, notices, rock, tmp_path, grey_file):
    from napari_microrecon.engine.files import write_volume
    from napari_microrecon.engine.phases import Phases
    from napari_microrecon.engine.volume import Volume

    path = tmp_path / 'sized.tif'
    write_volume(Volume(rock.astype(np.uint8), Phases.default(2), VoxelSize.cube(4, 'nm')), path)
    opened(widget, until_done, grey_file, path)
    panel, session = widget.slices_panel, widget.workbench.session
    panel.voxel.setValue(3.0)
    panel.unit.setCurrentIndex(panel.unit.findData('m'))
    panel.unit.activated.emit(panel.unit.currentIndex())
    assert 'times that of' in notices[-1].message
    assert not session.need_slices().voxel_size.is_known
    assert panel.unit.currentData() == 'voxel', 'the field shows what holds'


@pytest.mark.parametrize('first', ['slice', 'volume'])
def test_phases_in_another_order_are_told_and_swapped(widget, until_done, qtbot, grey_file, ct_file, rock, first):
    panel, session = widget.slices_panel, widget.workbench.session
    if first == 'slice':
        opened(widget, until_done, grey_file)
        opened(widget, until_done, ct_file)
    else:
        opened(widget, until_done, grey_file, ct_file)
    assert session.status.level == 'warning'
    assert 'another order' in session.status.text
    assert panel.swap_button.isVisibleTo(panel)
    panel.pore.setCurrentIndex(1)
    panel.pore.activated.emit(1)
    assert panel.swap_button.isVisibleTo(panel), 'naming the pore leaves the doubt'
    former = session.job.id
    panel.swap_button.click()
    qtbot.waitUntil(lambda: session.job.id != former)
    until_done(widget, 'load')
    assert not panel.swap_button.isVisibleTo(panel)
    np.testing.assert_array_equal(session.material.reference.labels == 0, rock)
    assert session.material.reference.phases == session.need_slices().phases


def test_phases_in_the_same_order_are_not_doubted(widget, until_done, grey_file, rock, tmp_path):
    path = tmp_path / 'alike.tif'
    tifffile.imwrite(path, (~rock).astype(np.uint8))
    opened(widget, until_done, grey_file, path)
    assert widget.workbench.session.material.reordering is None
    assert not widget.slices_panel.swap_button.isVisibleTo(widget.slices_panel)
    assert widget.workbench.session.material.reference.phases == widget.workbench.session.need_slices().phases


def test_a_layer_that_a_slice_was_taken_from_gets_its_pixel_size(widget, until_done, grey_file):
    viewer = widget.workbench.stage.viewer
    layer = viewer.add_image(tifffile.imread(grey_file), name='picture')
    viewer.layers.selection = {layer}
    widget.slices_panel.layers_button.click()
    until_done(widget, 'load')
    panel = widget.slices_panel
    panel.voxel.setValue(3.0)
    panel.voxel.editingFinished.emit()
    np.testing.assert_allclose(layer.scale, 3.0)
    assert [str(unit) for unit in layer.units] == ['micrometer', 'micrometer']


def test_volumes_that_keep_their_size_are_told_of(widget, until_done, agree):
    session, panel = widget.workbench.session, widget.slices_panel
    widget.workbench.load_sample('sandstone')
    until_done(widget, 'load')
    widget.reconstruct_panel.form.set_value('shape', (32, 32, 32))
    widget.reconstruct_panel.run_button.click()
    until_done(widget, 'analyse')
    comparison = session.findings.comparison
    panel.voxel.setValue(5.0)
    panel.voxel.editingFinished.emit()
    assert session.material.volume.voxel_size == session.material.reference.voxel_size == VoxelSize.cube(3, 'um')
    assert session.findings.comparison is comparison
    assert session.status.level == 'warning'
    assert session.status.text.startswith(
        'The slices have 5 µm a pixel now; the volume keeps 3 µm a voxel and the reference keeps 3 µm a voxel: '
    )
    panel.voxel.setValue(3.0)
    panel.voxel.editingFinished.emit()
    assert session.status.text == 'The slices have 3 µm a pixel now'
    assert session.status.level == 'success'


@pytest.mark.parametrize('way', ['open', 'type'])
def test_everything_without_a_size_follows_the_first_that_is_known(
    widget, until_done, qtbot, notices, grey_file, ct_file, rock, tmp_path, way
):
    session, viewer, panel = widget.workbench.session, widget.workbench.stage.viewer, widget.slices_panel
    layer = viewer.add_image(tifffile.imread(grey_file), name='picture')
    viewer.layers.selection = {layer}
    panel.layers_button.click()
    until_done(widget, 'load')
    opened(widget, until_done, ct_file)
    session.choose_weights('prior')
    widget.reconstruct_panel.form.set_value('shape', (24, 24, 24))
    widget.reconstruct_panel.run_button.click()
    until_done(widget, 'analyse')
    former = session.material.volume
    size = VoxelSize.cube(0.5, 'um')
    if way == 'open':
        grey = np.where(rock[20], 60, 180).astype(np.uint8)
        tifffile.imwrite(tmp_path / 'sized.tif', grey, resolution=(20000, 20000), resolutionunit='CENTIMETER')
        panel.open_requested.emit([tmp_path / 'sized.tif'])
        until_done(widget, 'load')
        assert 'o pixel size was known of picture, the reference and the volume' in session.status.text
        assert '0.5 µm holds for all now' in session.status.text
    else:
        panel.voxel.setValue(0.5)
        panel.voxel.editingFinished.emit()
        assert session.status.text.startswith('The slices have 0.5 µm a pixel now, and so have the reference and the v')
        assert 'press Measure in step 4 again' in session.status.text
    assert [draft.slice.voxel_size.x for draft in session.material.drafts] == pytest.approx(
        [0.5] * len(session.material.drafts)
    )
    assert session.material.reference.voxel_size.agrees_with(size)
    assert session.material.reference.voxel_size.is_known
    assert session.material.kept == (session.material.reference,)
    assert session.material.volume.voxel_size == session.material.reference.voxel_size
    np.testing.assert_array_equal(session.material.volume.labels, former.labels)
    assert session.findings.report is None, 'its lengths were in voxels'
    assert viewer.layers.extent.units is not None, 'napari would warn of inconsistent units'
    np.testing.assert_allclose(layer.scale, 0.5)
    panel.voxel.setValue(0.6)
    panel.voxel.editingFinished.emit()
    assert session.material.volume.voxel_size == session.material.reference.voxel_size == VoxelSize.cube(0.6, 'um')
    assert not notices


def test_an_unknown_size_and_an_undeclared_pore_are_said_in_words(widget, until_done, qtbot, ct_file):
    session, panel = widget.workbench.session, widget.slices_panel
    opened(widget, until_done, ct_file)
    assert panel.reference_text.text() == 'ct: 80 × 80 × 80 voxels of unknown size'
    session.choose_weights('prior')
    widget.reconstruct_panel.form.set_value('shape', (24, 24, 24))
    widget.reconstruct_panel.run_button.click()
    until_done(widget, 'analyse')
    assert session.status.text.startswith('Compared for phase 1, as no pore phase is declared in step 1: ')
    panel.pore.setCurrentIndex(panel.pore.findData(1))
    panel.pore.activated.emit(panel.pore.currentIndex())
    former = session.job.id
    widget.analysis_panel.run_button.click()
    qtbot.waitUntil(lambda: session.job.id != former)
    until_done(widget, 'analyse')
    assert session.status.text.startswith('Compared: ')


@pytest.fixture
def canvas(make_napari_viewer, dock):
    viewer = make_napari_viewer(show=True)
    widget = dock(viewer)
    yield widget
    widget.close_for_good()


def _seen(widget) -> float:
    """How much of the canvas's height and width is drawn upon."""
    picture = widget.workbench.stage.viewer.screenshot(canvas_only=True, flash=False)[..., :3]
    picture[-70:] = 0  # the scale bar
    drawn = picture.max(axis=-1) > 40
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    box = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return float(box.mean())


@pytest.mark.parametrize('normal', ['z', 'y', 'x'])
def test_a_lone_picture_after_volumes_lies_flat(canvas, until_done, qtbot, tmp_path, normal):
    viewer, session = canvas.workbench.stage.viewer, canvas.workbench.session
    canvas.workbench.load_sample('sandstone')
    until_done(canvas, 'load', timeout=30000)
    assert viewer.dims.ndisplay == 3
    tifffile.imwrite(tmp_path / 'mine.tif', np.random.default_rng(1).integers(0, 255, (60, 90), dtype=np.uint8))
    former = session.job.id
    canvas.slices_panel.open_requested.emit([tmp_path / 'mine.tif'])
    qtbot.waitUntil(lambda: session.job.id != former)
    until_done(canvas, 'load')
    canvas.slices_panel.place_requested.emit(0, normal, None)
    assert viewer.dims.ndisplay == 2
    assert _seen(canvas) > 0.97, 'a tilted rectangle fills half of the box around it, one seen from its edge is a line'
    viewer.dims.ndisplay = 3  # the user's wish
    canvas.slices_panel.voxel.setValue(2.0)
    canvas.slices_panel.voxel.editingFinished.emit()
    assert viewer.dims.ndisplay == 3
    canvas.slices_panel.shelf.button.click()
    assert viewer.dims.ndisplay == 3
    assert viewer.dims.order == (0, 1, 2)


def test_forgetting_the_reference_leaves_its_slice_flat(canvas, until_done, rock, tmp_path):
    viewer = canvas.workbench.stage.viewer
    tifffile.imwrite(tmp_path / 'ct.tif', rock.astype(np.uint8))
    opened(canvas, until_done, tmp_path / 'ct.tif')
    assert viewer.dims.ndisplay == 3
    canvas.slices_panel.clear_button.click()
    assert viewer.dims.ndisplay == 2
    assert _seen(canvas) > 0.97


@pytest.mark.parametrize('source', ['layer', 'swapped'])
def test_what_no_file_holds_comes_back_with_its_run(widget, until_done, qtbot, agree, grey_file, ct_file, rock, source):
    """A CT that was a layer of napari; and one whose phases were put into another order than in its file."""
    session, viewer = widget.workbench.session, widget.workbench.stage.viewer
    if source == 'layer':
        opened(widget, until_done, grey_file)
        viewer.layers.selection = {viewer.add_labels((~rock).astype(np.uint8), name='my CT')}
        former = session.job.id
        widget.slices_panel.layers_button.click()
    else:
        opened(widget, until_done, grey_file, ct_file)
        former = session.job.id
        widget.slices_panel.swap_button.click()
    qtbot.waitUntil(lambda: session.job.id != former)
    until_done(widget, 'load')
    reference = session.material.reference
    session.choose_weights('prior')
    widget.reconstruct_panel.form.set_value('shape', (24, 24, 24))
    widget.reconstruct_panel.run_button.click()
    until_done(widget, 'analyse')
    folder = session.material.run.folder
    assert (folder / 'reference.tif').is_file()
    session.set_reference(None)
    former = session.job.id
    widget.runs_button.open_requested.emit(folder)
    agree(widget)
    qtbot.waitUntil(lambda: session.job.id != former)
    until_done(widget, 'load')
    assert session.material.reference is not reference
    np.testing.assert_array_equal(session.material.reference.labels, reference.labels)
    assert (session.material.reference.name, session.material.reference.phases) == (reference.name, reference.phases)
    assert session.status.level == 'success'
    assert f'beside its reference {reference.name}' in session.status.text
    assert f'weights ({session.material.run.record.weights.name})' in session.status.text
