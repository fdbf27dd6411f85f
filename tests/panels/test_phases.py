"""The phase list of step 2 through its real widgets: which phases the volumes show, and how opaque."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

PHASES = Phases.named('grain', 'pore', pore=1)


def _halves(phases: Phases = PHASES, name: str = 'halves') -> Volume:
    """One phase above the other, so that every pixel of the canvas is known."""
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[:, 10:] = 1
    return Volume(labels, phases, VoxelSize.cube(2, 'um'), name=name)


@pytest.fixture
def shown(make_napari_viewer, dock, qtbot):
    viewer = make_napari_viewer(show=True)
    widget = dock(viewer)
    widget.workbench.session.set_reference(_halves(name='real'))
    widget.workbench.session.set_volumes([_halves(name='made')])
    widget.show_step(1)
    yield widget
    widget.close_for_good()


def _alphas(widget, label: int) -> set[float]:
    layers = widget.workbench.stage.layers_of('volume', 'reference')
    assert len(layers) == 2
    return {round(float(layer.get_color(label + 1)[3]), 2) for layer in layers}


def _brightest(widget) -> tuple[float, float]:
    """Brightest pixel of the colour of each phase on the canvas: red of the sand-coloured, blue of the blue one."""
    picture = widget.workbench.stage.viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(float)
    picture[:40] = 0  # the names of the layers
    picture[-60:] = 0  # the scale bar
    warm, cold = picture[..., 0] > picture[..., 2], picture[..., 2] > picture[..., 0]
    return float(picture[..., 0][warm].max(initial=0)), float(picture[..., 2][cold].max(initial=0))


def _picture(widget, qtbot) -> np.ndarray:
    """The canvas as it is, without the names of the layers and the scale bar."""
    qtbot.wait(150)
    picture = widget.workbench.stage.viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(float)
    picture[:40] = 0
    picture[-60:] = 0
    return picture


def test_a_phase_fades_in_the_planes_of_the_volume_and_of_the_reference(shown, qtbot):
    stage, legend = shown.workbench.stage, shown.reconstruct_panel.legend
    stage.set_3d(False)
    qtbot.wait(100)
    before = _brightest(shown)
    assert min(before) > 100
    slider = legend.sliders[0]
    assert 'grain' in slider.accessibleName()
    assert 'In 3D' in slider.toolTip()
    slider.setFocus()
    for _ in range(3):
        qtbot.keyClick(slider, Qt.Key.Key_PageDown)  # 100, 80, 60, 40: with the keyboard, as well
    qtbot.waitUntil(lambda: _alphas(shown, 0) == {0.4}, timeout=2000)
    assert _alphas(shown, 1) == {1.0}
    qtbot.wait(100)
    after = _brightest(shown)
    assert after[0] == pytest.approx(0.4 * before[0], rel=0.1)  # over the black canvas
    assert after[1] == pytest.approx(before[1], rel=0.02)


@pytest.mark.parametrize('side_by_side', [True, False])
def test_a_faint_phase_is_looked_through_in_3d(shown, qtbot, side_by_side):
    """The pore lies in front, the grain behind; on each pixel the canvas shows what the opacity says."""
    stage, legend = shown.workbench.stage, shown.reconstruct_panel.legend
    stage.set_3d(True)
    stage.compare(side_by_side)
    if not side_by_side:
        stage.layers_of('reference')[0].visible = False
    count = 4 if side_by_side else 3
    angles = stage.viewer.scene.camera.angles
    whole = _picture(shown, qtbot)
    legend.boxes[1].setChecked(False)
    hidden = _picture(shown, qtbot)
    legend.boxes[1].setChecked(True)
    legend.sliders[1].setValue(40)
    qtbot.waitUntil(lambda: len(stage.viewer.layers) == count, timeout=2000)
    faint = _picture(shown, qtbot)
    assert stage.viewer.scene.camera.angles == angles, 'the view stays'
    in_front = whole[..., 2] > whole[..., 0] + 20  # blue, the pore
    behind = in_front & (hidden.max(axis=-1) > 60)
    assert behind.sum() > 2000
    assert np.median(np.abs(faint - (0.4 * whole + 0.6 * hidden))[in_front]) < 3
    warmth = (faint[..., 0] - whole[..., 0])[behind]
    assert np.median(warmth) > 40, 'the grain is seen through the pore'
    rest = whole.max(axis=-1) > 60
    assert np.median(np.abs(faint - whole)[rest & ~in_front]) < 3

    stage.set_3d(False)  # planes need no second layer
    assert _alphas(shown, 1) == {0.4}
    assert len(stage.viewer.layers) == 2
    stage.set_3d(True)
    assert len(stage.viewer.layers) == count
    (made,) = stage.layers_of('volume')
    made.visible = False  # as by the eye in the layer list
    assert [one.visible for one in stage.viewer.layers if one.name == 'made (see-through)'] == [False]
    made.visible = True
    legend.sliders[1].setValue(100)
    qtbot.waitUntil(lambda: len(stage.viewer.layers) == 2, timeout=2000)
    assert np.abs(_picture(shown, qtbot) - whole).mean() < 1


@pytest.mark.parametrize('order', [(0, 1, 2), (1, 0, 2)])
def test_two_faded_phases_are_both_looked_through(shown, qtbot, order):
    """Three phases one behind the other; the canvas shows what the opacities say, as far as napari can."""
    session, stage, legend = shown.workbench.session, shown.workbench.stage, shown.reconstruct_panel.legend
    labels = np.zeros((20, 20, 20), np.uint8)
    for i, label in enumerate(reversed(order)):  # the side of the last y is in front
        labels[:, 7 * i : 7 * (i + 1)] = label
    phases = Phases.named('pore', 'active', 'binder', pore=0)
    three = Volume(labels, phases, VoxelSize.cube(2, 'um'), name='three')
    session.set_reference(Volume(labels, phases, VoxelSize.cube(2, 'um'), name='real'))
    session.set_volumes([three])
    stage.set_3d(True)
    viewer, (made,) = stage.viewer, stage.layers_of('volume')
    stage.frame()  # the window may have grown since
    whole = _picture(shown, qtbot)
    legend.boxes[order[0]].setChecked(False)
    behind = _picture(shown, qtbot)
    legend.boxes[order[1]].setChecked(False)
    last = _picture(shown, qtbot)
    for box in legend.boxes:
        box.setChecked(True)
    viewer.layers.selection.active = made
    legend.sliders[1].setValue(45)
    qtbot.waitUntil(lambda: len(viewer.layers) == 4, timeout=2000)
    assert viewer.layers.selection.active is made, 'the selection stays'
    legend.sliders[0].setValue(16)
    qtbot.waitUntil(lambda: len(viewer.layers) == 6, timeout=2000)
    assert viewer.layers.selection.active is made
    assert viewer.canvas.grid.stride == 3
    assert [one.name for one in viewer.layers][:3] == ['three', 'three (see-through)', 'three (see-through 2)']
    through = _picture(shown, qtbot)
    front = (np.abs(whole - behind).max(axis=-1) > 20) & (last.max(axis=-1) > 60)
    assert front.sum() > 500
    expected = 0.16 * whole + 0.84 * (0.45 * behind + 0.55 * last)
    if order[0] == 1:  # the fainter phase behind the less faint one is missed, the last is not
        expected = 0.45 * whole + 0.55 * last
    assert np.median(np.abs(through - expected)[front]) < 3
    legend.sliders[0].setValue(45)  # equally faint ones share a layer
    qtbot.waitUntil(lambda: len(viewer.layers) == 4, timeout=2000)
    assert viewer.canvas.grid.stride == 2
    legend.sliders[0].setValue(30)
    qtbot.waitUntil(lambda: len(viewer.layers) == 6, timeout=2000)
    stage.compare(False)
    assert [one.name for one in viewer.layers if one.visible] == [
        'three', 'three (see-through)', 'three (see-through 2)',
    ]  # fmt: skip
    stage.compare(True)
    assert viewer.canvas.grid.stride == 3
    legend.sliders[0].setValue(100)
    legend.sliders[1].setValue(100)
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=2000)
    assert viewer.layers.selection.active is made
    assert np.abs(_picture(shown, qtbot) - whole).mean() < 1


def test_what_is_looked_through_follows_the_volumes(shown, qtbot):
    session, stage, legend = shown.workbench.session, shown.workbench.stage, shown.reconstruct_panel.legend
    stage.set_3d(True)
    legend.sliders[0].setValue(30)
    legend.boxes[0].click()
    legend.boxes[0].click()  # at once, not after the pause of a slider
    made = session.need_volume()
    session.set_volumes([_halves(name='next')])
    veils = {one.name: one for one in stage.viewer.layers if one.name.endswith('(see-through)')}
    assert set(veils) == {'next (see-through)', 'reference: real (see-through)'}
    np.testing.assert_array_equal(veils['next (see-through)'].data, stage.layers_of('volume')[0].data)
    session.set_reference(None)
    qtbot.waitUntil(lambda: len(stage.viewer.layers) == 2, timeout=2000)
    assert not stage.viewer.canvas.grid.enabled
    session.set_reference(made)
    assert [one.name for one in stage.viewer.layers] == [
        'next', 'next (see-through)', 'reference: made', 'reference: made (see-through)',
    ]  # fmt: skip
    assert stage.viewer.canvas.grid.stride == 2
    stage.viewer.layers.remove(stage.layers_of('reference')[0])  # by the user
    qtbot.waitUntil(lambda: len(stage.viewer.layers) == 2, timeout=2000)


def test_what_is_hidden_or_faded_stays_so_in_the_next_volume_of_the_same_phases(shown, qtbot):
    session, legend = shown.workbench.session, shown.reconstruct_panel.legend
    legend.sliders[1].setValue(50)
    qtbot.mouseClick(legend.boxes[0], Qt.MouseButton.LeftButton, pos=legend.boxes[0].rect().center())
    assert not legend.boxes[0].isChecked()
    assert not legend.sliders[0].isEnabled()
    assert (_alphas(shown, 0), _alphas(shown, 1)) == ({0.0}, {0.5})
    session.set_volumes([_halves(name='next')])
    assert not legend.boxes[0].isChecked()
    assert (_alphas(shown, 0), _alphas(shown, 1)) == ({0.0}, {0.5})
    legend.boxes[0].setChecked(True)
    assert _alphas(shown, 0) == {1.0}


def test_other_phases_are_shown_whole(shown):
    session, legend = shown.workbench.session, shown.reconstruct_panel.legend
    legend.boxes[0].setChecked(False)
    session.set_volumes([_halves(Phases.named('matrix', 'crack', pore=1))])
    assert all(box.isChecked() for box in legend.boxes)
    assert _alphas(shown, 0) == {1.0}
