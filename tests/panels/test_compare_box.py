"""Two volumes side by side through the real widgets: cut, same size, partner, and what is offered when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.provenance import Provenance
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.session.jobs import JobState
from napari_microrecon.session.material import MOST_KEPT
from napari_microrecon.viewer.layers import role_of

PHASES = Phases.named('grain', 'pore', pore=1)


def _sponge(shape=(20, 20, 20), edge: float = 2, seed: int = 0, name: str = 'made', unit: str = 'um') -> Volume:
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 3 / edge)
    return Volume((field > 0).astype(np.uint8), PHASES, VoxelSize.cube(edge, unit), name=name)


@pytest.fixture
def beside(widget):
    """A reconstruction of 40 µm beside a reference of 60 µm with voxels half as large."""
    session = widget.workbench.session
    session.set_reference(_sponge((60, 60, 60), 1, 1, 'ct'))
    session.set_volumes([_sponge()])
    widget.show_step(1)
    return widget


def _layers(widget):
    stage = widget.workbench.stage
    return stage.layers_of('volume')[0], stage.layers_of('reference')[0]


def _choose(combo, text: str) -> None:
    index = next(i for i in range(combo.count()) if combo.itemText(i).startswith(text))
    combo.setCurrentIndex(index)
    combo.activated.emit(index)


def test_one_plane_cuts_both_volumes_at_the_same_place(beside, qtbot):
    box, (made, ct) = beside.reconstruct_panel.compare, _layers(beside)
    assert not box.slider.isEnabled()
    box.cut.click()
    _choose(box.axis, 'y')
    assert box.slider.maximum() == 30  # 59 µm of the reference, in voxels of 2 µm
    box.slider.setFocus()
    box.slider.setValue(9)
    qtbot.keyClick(box.slider, Qt.Key.Key_Right)
    assert box.place.text() == '20 µm'
    qtbot.waitUntil(lambda: made.experimental_clipping_planes[0].position[1] == 20, timeout=2000)
    planes = [layer.experimental_clipping_planes[0] for layer in (made, ct)]
    assert all(len(layer.experimental_clipping_planes) == 1 for layer in (made, ct))
    assert [plane.position for plane in planes] == [(0, 20, 0)] * 2  # in µm, whatever the voxels
    assert planes[0].normal == planes[1].normal == (0, -1, 0)  # what is towards the viewer goes
    assert all(plane.enabled for plane in planes)
    assert all(layer.bounding_box.visible for layer in (made, ct))  # what was cut away

    beside.workbench.session.set_volumes([_sponge((10, 10, 10), 4, 3, 'coarse')])
    made, ct = _layers(beside)
    assert made.experimental_clipping_planes[0].position == (0, 20, 0)
    assert ct.experimental_clipping_planes[0].position == (0, 20, 0)
    beside.workbench.stage.viewer.dims.order = (1, 0, 2)  # planes count the axes as they are displayed
    assert ct.experimental_clipping_planes[0].position == (20, 0, 0)
    assert ct.experimental_clipping_planes[0].normal == (-1, 0, 0)
    box.cut.click()
    assert [len(layer.experimental_clipping_planes) for layer in (made, ct)] == [0, 0]
    assert not any(layer.bounding_box.visible for layer in (made, ct))


def test_the_cut_is_seen_at_the_same_length_in_both(make_napari_viewer, dock, qtbot):
    """Layers of 10 µm in phases of their own, of voxels of 2 and of 1 µm: the picture says where the cut lies."""
    viewer = make_napari_viewer(show=True)
    widget = dock(viewer)
    session, box, stage = widget.workbench.session, widget.reconstruct_panel.compare, widget.workbench.stage
    phases = Phases.default(4)

    def layered(edge: int, name: str) -> Volume:
        n = 40 // edge
        labels = np.broadcast_to((np.arange(n) * edge // 10).astype(np.uint8)[:, None, None], (n, n, n))
        return Volume(labels, phases, VoxelSize.cube(edge, 'um'), name=name)

    session.set_reference(layered(1, 'ct'))
    session.set_volumes([layered(2, 'made')])
    widget.show_step(1)
    colours = {tuple(int(p.color[i : i + 2], 16) for i in (1, 3, 5)): p.label for p in phases.items}

    def seen() -> list[set[int | None]]:
        """Phases in the left and in the right cell, looked at along z."""
        viewer.scene.camera.set_view_direction((1, 0, 0), (0, -1, 0))
        viewer.fit_to_view()
        picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3]
        half = picture.shape[1] // 2
        found = []
        for part in (picture[:, :half], picture[:, half:]):
            values, counts = np.unique(part.reshape(-1, 3), axis=0, return_counts=True)
            common = [tuple(int(x) for x in v) for v, n in zip(values, counts, strict=True) if n > 500]
            found.append({colours.get(value) for value in common} - {None})
        return found

    box.cut.click()
    _choose(box.axis, 'z')
    for at, phase in ((2, 0), (7, 1), (12, 2), (17, 3)):
        box.slider.setValue(at)
        qtbot.waitUntil(
            lambda at=at: stage.layers_of('volume')[0].experimental_clipping_planes[0].position[0] == 2 * at
        )
        assert seen() == [{phase}, {phase}], at
    layers = _layers(widget)
    assert {str(layer.rendering) for layer in layers} == {'translucent'}  # a section in plain colours
    widget.reconstruct_panel.legend.boxes[0].click()
    assert {str(layer.rendering) for layer in layers} == {'iso_categorical'}  # the shape of what is left
    widget.reconstruct_panel.legend.boxes[0].click()
    box.cut.click()
    assert {str(layer.rendering) for layer in layers} == {'iso_categorical'}
    widget.close_for_good()


def test_in_2d_the_plane_is_shown_in_both_cells(beside):
    box, viewer = beside.reconstruct_panel.compare, beside.workbench.stage.viewer
    _choose(box.view, '2D')
    box.cut.click()
    _choose(box.axis, 'x')
    box.slider.setValue(7)
    box._tell_cut()
    assert viewer.dims.ndisplay == 2
    assert viewer.dims.order == (2, 0, 1)
    assert viewer.dims.point[2] == 14
    assert viewer.canvas.grid.enabled
    assert viewer.scene.camera.center[1:] == pytest.approx((29.5, 29.5), abs=1)  # of the larger one


def test_as_much_of_the_reference_as_there_is_of_the_reconstruction(beside):
    box, session = beside.reconstruct_panel.compare, beside.workbench.session
    box.same_size.click()
    made, ct = _layers(beside)
    assert ct.data.shape == (40, 40, 40)  # 40 µm, as the reconstruction has
    assert ct.name == 'reference: middle of ct'
    np.testing.assert_array_equal(ct.data, session.material.reference.labels[10:50, 10:50, 10:50] + 1)
    assert session.material.reference.shape == (60, 60, 60)  # what is measured
    np.testing.assert_allclose(np.ptp(made.extent.world, axis=0), np.ptp(ct.extent.world, axis=0), atol=1.1)
    session.set_volumes([_sponge((10, 10, 10))])
    assert _layers(beside)[1].data.shape == (20, 20, 20)
    box.same_size.click()
    assert _layers(beside)[1].data.shape == (60, 60, 60)


@pytest.mark.parametrize(
    ('reference', 'expected'),
    [
        (_sponge((30, 30, 16), 2, unit='voxel'), (20, 20, 16)),  # of unknown size: voxel by voxel
        (_sponge((20, 20, 20), 2), (20, 20, 20)),
        (_sponge((60, 60, 60), 1000, unit='nm'), (40, 40, 40)),
    ],
)
def test_the_same_size_in_other_units(reference, expected):
    from napari_microrecon.viewer.layer_specs import volume_spec
    from napari_microrecon.viewer.scene import extent_as_large_as

    extent = extent_as_large_as(reference, _sponge())
    assert volume_spec(reference, 'reference', extent).make().shape == expected


def test_a_reconstruction_is_kept_and_the_next_is_compared_with_it(widget, qtbot, until_done):
    session, box = widget.workbench.session, widget.reconstruct_panel.compare
    first = replace(_sponge((32, 32, 32), seed=5, name='first'), provenance=Provenance(kind='reconstruction'))
    session.set_volumes([first])
    widget.show_step(1)
    assert not box.partner.isEnabled()
    assert 'one volume only' in box.partner.toolTip()
    qtbot.mouseClick(box.keep_button, Qt.MouseButton.LeftButton)
    assert session.material.reference is first
    assert not box.keep_button.isEnabled()
    second = _sponge((16, 16, 16), seed=6, name='second')
    session.set_volumes([second])
    assert [layer.name for layer in _layers(widget)] == ['second', 'reference: first']
    assert widget.workbench.stage.viewer.canvas.grid.enabled
    assert box.partner.currentData() is first
    widget.show_step(3)
    widget.analysis_panel.subject.tortuosity.setChecked(False)
    qtbot.mouseClick(widget.analysis_panel.run_button, Qt.MouseButton.LeftButton)
    until_done(widget, 'analyse')
    assert session.findings.comparison.real.volume.name == 'first'
    assert 'itself a reconstruction' in widget.analysis_panel.footnote.text()


def test_another_realisation_is_chosen_as_the_partner(beside):
    session, box = beside.workbench.session, beside.reconstruct_panel.compare
    ct = session.material.reference
    session.set_volumes([_sponge(seed=i, name=f'seed {i}') for i in range(3)])
    texts = [box.partner.itemText(i) for i in range(box.partner.count())]
    assert texts == ['ct (60 × 60 × 60)', 'volume 2 of 3: seed 1', 'volume 3 of 3: seed 2']
    _choose(box.partner, 'volume 3')
    assert session.material.reference is session.material.volumes[2]
    assert _layers(beside)[1].name == 'reference: seed 2'
    _choose(box.partner, 'ct')
    assert session.material.reference is ct
    for i in range(10):
        session.set_reference(_sponge(seed=i))
    assert len(session.material.kept) == MOST_KEPT


def test_forgotten_references_and_those_of_another_material_are_not_offered(beside, until_done, agree):
    session, box = beside.workbench.session, beside.reconstruct_panel.compare
    beside.slices_panel.clear_button.click()
    assert session.material.reference is None
    assert session.material.kept == ()
    session.set_reference(_sponge(seed=9, name='other'))
    beside.workbench.load_sample('sandstone')
    agree(beside)
    until_done(beside, 'load')
    assert [one.name for one in session.material.kept] == [session.material.reference.name]
    assert box.partner.findText('other', Qt.MatchFlag.MatchStartsWith) < 0


def test_beside_the_reference_is_offered_only_where_there_is_one(widget):
    session, box = widget.workbench.session, widget.reconstruct_panel.compare
    session.set_volumes([_sponge()])
    assert box.layout_choice.currentText() == 'In one view'
    assert not box.layout_choice.model().item(0).isEnabled()
    assert 'open a real volume' in box.layout_choice.toolTip()
    assert 'open a real volume' in box.layout_choice.model().item(0).toolTip()
    assert not box.same_size.isEnabled()
    session.set_reference(_sponge(seed=2, name='ct'))
    assert box.layout_choice.currentText() == 'Beside the reference'
    assert widget.workbench.stage.viewer.canvas.grid.enabled
    _choose(box.layout_choice, 'In one view')
    session.set_reference(_sponge(seed=3, name='ct 2'))
    assert box.layout_choice.currentText() == 'In one view'
    assert not widget.workbench.stage.viewer.canvas.grid.enabled


@pytest.mark.parametrize('mode', ['conditioned', 'most-likely'])
def test_weights_are_neither_asked_for_nor_told_of_between_slices(beside, qtbot, mode):
    from napari_microrecon.engine.slices import Slice
    from napari_microrecon.session import SliceDraft

    panel, session = beside.reconstruct_panel, beside.workbench.session
    session.set_drafts([SliceDraft(Slice.of_volume(session.material.reference, 'z', at)) for at in (0, 30, 59)])
    session.choose_weights('prior')
    assert panel.weights.isEnabled()
    assert 'nearest to your slices' in panel.weights.toolTip()
    panel.form.set_value('mode', mode)
    assert not panel.weights.isEnabled()
    assert 'play no part' in panel.weights.toolTip()
    panel.form.set_value('shape', (60, 60, 60))
    session.set_reference(None)
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not session.job.is_active and session.job.kind == 'reconstruct', timeout=180000)
    assert session.job.state is JobState.DONE, session.job.message
    assert session.material.choice is not None
    assert not panel.choice_text.isVisibleTo(panel)
    assert session.material.volume.provenance.weights is None
    panel.form.set_value('mode', 'unconditional')
    assert panel.weights.isEnabled()
    assert panel.choice_text.isVisibleTo(panel)


def _mean_colours(viewer) -> np.ndarray:
    """Red, green and blue of the middle of the canvas."""
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(float)
    height, width = picture.shape[:2]
    return picture[height // 2 - 15 : height // 2 + 15, width // 2 - 15 : width // 2 + 15].mean(axis=(0, 1))


@pytest.mark.parametrize('in_3d', [False, True])
def test_in_one_view_the_reconstruction_is_seen_and_named(make_napari_viewer, dock, qtbot, in_3d):
    """A reconstruction of one phase, a larger reference of the other one: the colour says which is seen."""
    viewer = make_napari_viewer(show=True)
    widget = dock(viewer)
    session, box, stage = widget.workbench.session, widget.reconstruct_panel.compare, widget.workbench.stage
    whole = [Volume(np.full((n,) * 3, k, np.uint8), PHASES, VoxelSize.cube(1, 'um')) for n, k in ((30, 1), (60, 0))]
    session.set_reference(replace(whole[1], name='ct'))
    session.set_volumes([replace(whole[0], name='made')])
    widget.show_step(1)
    assert not box.one_view.isVisibleTo(box)
    stage.set_3d(in_3d)
    _choose(box.layout_choice, 'In one view')
    made, ct = _layers(widget)
    assert box.one_view.isVisibleTo(box)
    assert 'the reference is hidden' in box.one_view.text()
    assert (made.visible, ct.visible) == (True, False)
    assert made.name_overlay.visible, 'its name stands on the canvas'
    viewer.dims.set_point(0, 15)  # planes: one through both
    stage.frame()
    qtbot.wait(100)
    red, _, blue = _mean_colours(viewer)
    assert blue > red + 30, 'the reconstruction'
    session.set_volumes([replace(whole[0], name='next')])  # the next one, too
    assert [one.visible for one in _layers(widget)] == [True, False]
    ct.visible = True  # by its eye
    session.set_volumes([replace(whole[0], name='third')])
    assert ct.visible, "the eye is the user's"
    assert viewer.layers.index(ct) < viewer.layers.index(_layers(widget)[0]), 'behind'
    if not in_3d:
        viewer.scene.camera.center = (0, 15, 15)
        qtbot.wait(100)
        red, _, blue = _mean_colours(viewer)
        assert blue > red + 30, 'on top'
    session.set_volumes([])
    assert ct.visible
    session.set_volumes([replace(whole[0], name='fourth')])
    _choose(box.layout_choice, 'Beside')
    assert [one.visible for one in _layers(widget)] == [True, True]
    assert viewer.canvas.grid.enabled
    assert [role_of(one) for one in viewer.layers] == ['volume', 'reference']
    widget.close_for_good()


def test_turning_to_planes_shows_the_plane_of_the_cut(beside):
    box, viewer = beside.reconstruct_panel.compare, beside.workbench.stage.viewer
    assert viewer.dims.ndisplay == 3
    box.cut.click()
    box.slider.setValue(4)
    box._tell_cut()
    _choose(box.view, '2D')
    assert box.place.text() == '8 µm'
    assert (viewer.dims.ndisplay, viewer.dims.point[0]) == (2, 8)
    _choose(box.view, '3D')
    _choose(box.axis, 'y')
    box.slider.setValue(7)
    box._tell_cut()
    viewer.dims.ndisplay = 2  # by napari's own button
    assert viewer.dims.order == (1, 0, 2)
    assert viewer.dims.point[1] == 14


def test_a_plane_beyond_a_volume_is_told_on_the_canvas(beside):
    box, viewer, session = beside.reconstruct_panel.compare, beside.workbench.stage.viewer, beside.workbench.session
    text = viewer.canvas.overlays.text
    _choose(box.view, '2D')
    assert not text.visible
    box.cut.click()
    box.slider.setValue(19)
    box._tell_cut()
    assert not text.visible
    box.slider.setValue(25)
    box._tell_cut()
    assert text.visible
    assert text.text == 'made ends at plane 19 of z'
    _choose(box.axis, 'y')
    assert text.text == 'made ends at plane 19 of y'
    _choose(box.view, '3D')
    assert not text.visible
    _choose(box.view, '2D')
    assert text.visible
    session.set_volumes([_sponge((32, 32, 32), name='longer')])
    assert not text.visible
    text.text, text.visible = 'of the user', True
    viewer.dims.set_point(1, 75)
    assert (text.text, text.visible) == ('of the user', True)
