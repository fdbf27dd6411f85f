"""Adjusting a grey slice in its window: thresholds that are dragged, filters, crop; and what becomes of the slices."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication
from scipy.ndimage import gaussian_filter

from napari_microrecon.engine.crop import Crop
from napari_microrecon.engine.preparation import Preparation
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.raw_image import RawImage
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.panels.microrecon_widget import MicroreconWidget
from napari_microrecon.panels.prepare_dialog import PrepareDialog
from napari_microrecon.panels.slice_table import ADJUST
from napari_microrecon.session.inputs import draft_of
from napari_microrecon.session.jobs import JobState
from napari_microrecon.viewer.heartbeat import Heartbeat

Opened = Callable[..., PrepareDialog]


def _grey(edge: int = 96, seed: int = 0, bar: int = 0, noise: float = 20) -> np.ndarray:
    """Bright blobs (0.4 of the area) on dark ground with noise, and a black data bar below."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=(edge, edge)), 3, mode='wrap')
    grey = np.where(field > np.quantile(field, 0.6), 160, 80) + rng.normal(0, noise, field.shape)
    strip = np.zeros((bar, edge))
    strip[bar // 3 : 2 * bar // 3, 10:40:3] = 255
    return np.clip(np.vstack([grey, strip]), 0, 255).astype(np.uint8)


def _image(array: np.ndarray, name: str = 'sem.tif') -> RawImage:
    return RawImage(array, VoxelSize.cube(0.5, 'um'), name=name, kind='grey')


@pytest.fixture
def adjust(widget: MicroreconWidget, qtbot) -> Opened:
    """Take pictures as slices, press Adjust… of one of them, and wait for its first preview."""

    def start(*arrays: np.ndarray, row: int = 0) -> PrepareDialog:
        images = [_image(array, f'sem-{i}.tif') for i, array in enumerate(arrays)]
        widget.workbench.session.set_drafts([drain(draft_of(image)) for image in images])
        dialog = _open(widget, row)
        settle(dialog, qtbot)
        return dialog

    return start


def _open(widget: MicroreconWidget, row: int = 0) -> PrepareDialog:
    adjust: Any = widget.slices_panel.table.cellWidget(row, ADJUST)
    adjust.click()
    dialog = widget.slices_panel.adjuster
    assert isinstance(dialog, PrepareDialog)
    return dialog


def settle(dialog: PrepareDialog, qtbot) -> None:
    qtbot.waitUntil(lambda: dialog.is_settled, timeout=30000)


def _fraction(dialog: PrepareDialog) -> float:
    assert dialog._look is not None
    return dialog._look.fractions[1]


def _press(dialog: PrepareDialog, widget: MicroreconWidget, qtbot) -> None:
    """Press Apply, and wait until the slices are made and the window is gone."""
    assert dialog.apply_button.isEnabled(), dialog.note.text()
    dialog.apply_button.click()
    qtbot.waitUntil(lambda: widget.workbench.session.job.state is JobState.DONE, timeout=30000)
    qtbot.waitUntil(lambda: widget.slices_panel.adjuster is None, timeout=5000)


def test_a_dragged_threshold_is_seen_at_once_and_applied(widget, adjust, until_done, qtbot):
    dialog = adjust(_grey())
    session = widget.workbench.session
    before = session.material.slices.fractions[1]
    (line,) = dialog.histogram.lines
    assert line.value() == dialog._look.automatic[0]
    assert dialog.form.automatic.isChecked()
    shown = dialog.phases.image.copy()
    line.setValue(150)  # what a drag does, with every pixel of the mouse
    assert dialog.phases.image != shown  # at once, before the event loop has turned
    assert not dialog.form.automatic.isChecked()
    assert dialog.form.levels[0].value() == 150
    settle(dialog, qtbot)
    assert _fraction(dialog) < before
    assert 'threshold 150 of the grey value (set by the user)' in dialog.note.text()
    _press(dialog, widget, qtbot)
    draft = session.material.drafts[0]
    assert draft.preparation.thresholds == (150,)
    np.testing.assert_array_equal(draft.slice.labels, _grey() > 150)
    assert draft.note in widget.status_line.text.text().replace('\u200b', '')
    widget.step_bar.buttons[1].click()
    widget.reconstruct_panel.run_button.click()
    until_done(widget, 'reconstruct')
    volume = session.need_volume()
    assert volume.shape == (32, 32, 32)
    assert abs(volume.fractions[1] - draft.slice.fractions[1]) < 0.1
    assert session.material.run.record.results['segmentation'] == [draft.note]
    # Opened again, it shows what was set.
    again = _open(widget)
    assert again.form.preparation().thresholds == (150,)
    settle(again, qtbot)
    assert again.histogram.thresholds == (150,)


def test_the_mouse_can_drag_a_line(widget, adjust, qtbot):
    dialog = adjust(_grey())
    plot = dialog.histogram
    qtbot.waitExposed(dialog)
    view = plot._view
    (line,) = plot.lines
    box = plot._item.vb

    def place(value: float) -> QPoint:
        return view.mapFromScene(box.mapViewToScene(QPointF(value, box.viewRect().center().y())))

    start, end = place(line.value()), place(140)
    viewport = view.viewport()
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start)
    for i in range(1, 9):
        at = start + (end - start) * (i / 8)
        _move(viewport, at)
        qtbot.wait(20)  # pyqtgraph looks at the mouse 40 times a second
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=end)
    assert plot.thresholds[0] == pytest.approx(140, abs=3)
    assert dialog.form.preparation().thresholds == pytest.approx((140,), abs=3)


def _move(viewport, at: QPoint) -> None:
    """Move the mouse with its left button held, which qtbot cannot say."""
    there, button = QPointF(at), Qt.MouseButton.LeftButton
    event = QMouseEvent(
        QEvent.Type.MouseMove, there, QPointF(viewport.mapToGlobal(at)), Qt.MouseButton.NoButton, button,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(viewport, event)


def test_filters_crop_and_turn_reach_the_slice(widget, adjust, qtbot):
    array = _grey(bar=20, noise=35)
    dialog = adjust(array)
    raw = _fraction(dialog)
    dialog.form.bar_button.click()
    assert dialog.form.sides['bottom'].value() == 20
    dialog.form.denoise.setCurrentIndex(dialog.form.denoise.findData('median'))
    dialog.form.radius.setValue(2)
    dialog.form.least_size.setValue(12)
    dialog.form.turn.setCurrentIndex(1)
    dialog.form.flip.setCurrentIndex(dialog.form.flip.findData('left-right'))
    settle(dialog, qtbot)
    assert _fraction(dialog) == pytest.approx(0.4, abs=0.02)
    assert abs(raw - 0.4) > 0.03  # noise and the bar had their part in it
    _press(dialog, widget, qtbot)
    draft = widget.workbench.session.material.drafts[0]
    truth = np.fliplr(np.rot90(_grey(noise=0) > 120))
    assert draft.slice.labels.shape == (96, 96)
    assert np.mean(draft.slice.labels != truth) < 0.06
    assert draft.preparation.crop == Crop(rows=(0, -20))
    steps = ['rows 0 to 95', 'turned by 90', 'flipped left-right', 'median', 'Otsu threshold', 'smaller than 12']
    places = [draft.slice.provenance.description.index(step) for step in steps]
    assert places == sorted(places)
    # What the panel says of the slices is about the prepared picture, its threshold included.
    session = widget.workbench.session
    qtbot.waitUntil(lambda: session.findings.representativity is not None, timeout=30000)
    assert session.findings.representativity[1][1].threshold is not None


def test_total_variation_and_another_pixel_size(widget, adjust, qtbot):
    dialog = adjust(_grey(noise=35))
    dialog.form.denoise.setCurrentIndex(dialog.form.denoise.findData('total-variation'))
    dialog.form.weight.setValue(0.3)
    dialog.form.pixel_size.setValue(1.0)
    settle(dialog, qtbot)
    _press(dialog, widget, qtbot)
    slices = widget.workbench.session.material.slices
    assert slices.slices[0].labels.shape == (48, 48)
    assert slices.voxel_size == VoxelSize.cube(1, 'um')
    assert slices.fractions[1] == pytest.approx(0.4, abs=0.03)
    # Another size of the pixels as they are now is one of the pixels of the file as well.
    widget.workbench.set_voxel_size(VoxelSize.cube(4, 'nm'))
    draft = widget.workbench.session.material.drafts[0]
    assert draft.image.voxel_size == VoxelSize.cube(2, 'nm')
    assert draft.preparation.pixel_size == 4


@pytest.mark.parametrize('scale', [1e-4, 200])
def test_other_kinds_of_pictures(widget, adjust, qtbot, scale):
    array = _grey().astype(np.float32) * scale if scale < 1 else _grey().astype(np.uint16) * np.uint16(scale)
    dialog = adjust(array)
    assert dialog.form.levels[0].value() == pytest.approx(dialog._look.automatic[0], rel=1e-2)
    dialog.histogram.lines[0].setValue(140 * scale)
    settle(dialog, qtbot)
    assert _fraction(dialog) == pytest.approx(np.mean(_grey() > 140), abs=0.01)


def test_a_colour_picture_is_adjusted_by_its_brightness(widget, qtbot):
    colour = np.stack([_grey(), _grey() // 2, _grey() // 3], axis=-1)
    session = widget.workbench.session
    session.set_drafts([drain(draft_of(RawImage(colour, name='light.png', kind='rgb')))])
    dialog = _open(widget)
    settle(dialog, qtbot)
    dialog.form.order.setCurrentIndex(1)  # phase 0 is the brightest
    dialog.histogram.lines[0].setValue(60)
    settle(dialog, qtbot)
    _press(dialog, widget, qtbot)
    labels = session.material.drafts[0].slice.labels
    assert labels.shape == (96, 96)
    assert labels[_grey() > 130].mean() < 0.05 < 0.95 < labels[_grey() < 70].mean()


def test_all_grey_slices_at_once_with_more_phases(widget, adjust, qtbot):
    dialog = adjust(_grey(), _grey(80, 1), row=1)
    assert not dialog.all_box.isHidden()
    dialog.form.phase_count.setValue(3)
    settle(dialog, qtbot)
    assert len(dialog.histogram.lines) == len(dialog.form.levels) == 3 - 1
    low, high = dialog.histogram.lines
    low.setValue(1000)  # cannot pass its neighbour
    assert low.value() < high.value()
    low.setValue(60)
    high.setValue(120)
    settle(dialog, qtbot)
    dialog.all_box.setChecked(True)
    _press(dialog, widget, qtbot)
    session = widget.workbench.session
    assert session.material.slices.phases.count == 3
    for draft, array in zip(session.material.drafts, (_grey(), _grey(80, 1)), strict=True):
        np.testing.assert_array_equal(draft.slice.labels, (array > 60) + (array > 120).astype(int))
    assert widget.slices_panel.phase_count.value() == 3


def test_one_slice_is_changed_and_keeps_its_plane(widget, adjust, qtbot):
    dialog = adjust(_grey(), _grey(80, 1))
    session = widget.workbench.session
    session.edit_draft(0, session.material.drafts[0].placed('x', 7))
    other = session.material.drafts[1].slice
    dialog.form.least_size.setValue(30)
    settle(dialog, qtbot)
    _press(dialog, widget, qtbot)
    made = session.material.drafts[0].slice
    assert (made.normal, made.position) == ('x', 7)
    assert session.material.drafts[1].slice is other


def test_reset_cancel_and_values_that_do_not_fit(widget, adjust, qtbot):
    dialog = adjust(_grey())
    session = widget.workbench.session
    before = session.material.drafts
    automatic = dialog._look.fractions
    dialog.form.sides['top'].setValue(90)  # six rows would be left
    settle(dialog, qtbot)
    assert 'crop: rows 90:' in dialog.note.text()
    assert dialog.note.property('level') == 'error'
    assert not dialog.apply_button.isEnabled()
    dialog.form.sides['top'].setValue(0)
    dialog.histogram.lines[0].setValue(100)
    settle(dialog, qtbot)
    dialog.form.levels[0].setValue(254.5)
    settle(dialog, qtbot)
    assert 'single phase' in dialog.note.text()
    assert not dialog.apply_button.isEnabled()
    dialog.reset_button.click()
    settle(dialog, qtbot)
    assert dialog._look.fractions == automatic
    assert dialog.form.preparation() == Preparation()
    dialog.cancel_button.click()
    qtbot.waitUntil(lambda: widget.slices_panel.adjuster is None, timeout=5000)
    assert session.material.drafts == before


def test_escape_closes_it_while_it_still_works(widget, adjust, qtbot):
    dialog = adjust(_grey(800))
    dialog.form.denoise.setCurrentIndex(dialog.form.denoise.findData('total-variation'))
    dialog._timer.timeout.emit()  # the whole is being segmented now
    assert dialog._aside.is_busy
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: widget.slices_panel.adjuster is None, timeout=5000)
    widget.workbench.session.set_drafts(())  # nobody listens any more


def test_no_data_bar_is_told(widget, adjust, qtbot):
    dialog = adjust(_grey())
    dialog.form.bar_button.click()
    assert 'none was found' in dialog.note.text()
    assert dialog.form.sides['bottom'].value() == 0


def test_segment_again_keeps_the_crop_and_finds_thresholds_anew(widget, adjust, until_done, qtbot):
    dialog = adjust(_grey(bar=20))
    dialog.form.bar_button.click()
    settle(dialog, qtbot)
    dialog.histogram.lines[0].setValue(150)
    settle(dialog, qtbot)
    _press(dialog, widget, qtbot)
    widget.slices_panel.segment_button.click()
    until_done(widget, 'load')
    draft = widget.workbench.session.material.drafts[0]
    assert draft.slice.labels.shape == (96, 96)
    assert 'Otsu' in draft.note
    assert draft.preparation.thresholds is None


def test_labels_offer_nothing_to_adjust_and_the_window_goes_with_its_slice(widget, adjust, qtbot):
    adjust(_grey())
    session = widget.workbench.session
    labels = RawImage((_grey() > 120).astype(np.uint8), VoxelSize.cube(0.5, 'um'), name='labels', kind='labels')
    session.add_drafts([drain(draft_of(labels))])
    table = widget.slices_panel.table
    assert [table.cellWidget(i, ADJUST).isEnabled() for i in range(2)] == [True, False]
    assert not table.isColumnHidden(ADJUST)
    assert widget.slices_panel.adjuster.all_box.isHidden()
    session.remove_draft(0)
    qtbot.waitUntil(lambda: widget.slices_panel.adjuster is None, timeout=5000)
    assert not table.cellWidget(0, ADJUST).isEnabled()
    assert table.isColumnHidden(ADJUST)


def test_the_window_does_not_wait_for_a_large_picture(widget, adjust, qtbot):
    dialog = adjust(_grey(1400))
    qtbot.wait(300)
    beat = Heartbeat()
    beat.start()
    dialog.form.denoise.setCurrentIndex(dialog.form.denoise.findData('total-variation'))
    for value in np.linspace(dialog.histogram.lines[0].value(), 140, 15):
        dialog.histogram.lines[0].setValue(value)
        qtbot.wait(20)
    settle(dialog, qtbot)
    assert beat.stop() < 1.0  # loose, for a machine that does other things; the whole picture takes longer
    assert dialog._look.thresholds == (140,)


def test_it_says_how_far_a_slow_filter_is_and_what_is_cancelled(widget, adjust, qtbot, monkeypatch):
    dialog, session = adjust(_grey(900)), widget.workbench.session
    before, said = session.material.drafts, list[str]()
    show = dialog.note.setText
    # every text is kept as it is set: on a busy machine nobody looks often enough to see two of them
    monkeypatch.setattr(dialog.note, 'setText', lambda text: (said.append(text), show(text)))
    dialog.form.pixel_size.setValue(0.4)
    dialog.form.denoise.setCurrentIndex(dialog.form.denoise.findData('total-variation'))
    qtbot.waitUntil(lambda: dialog.is_settled, timeout=60000)
    steps = [text for text in said if re.fullmatch(r'Denoising sem-0\.tif: \d+ %', text)]
    assert steps, said
    assert 'total-variation filter' in dialog.note.text(), 'the last word is what was done'
    assert 'esampled from 0.5 to 0.4 µm a pixel' in dialog.note.text()
    dialog.apply_button.click()
    widget.workbench.cancel()
    qtbot.waitUntil(lambda: not session.job.is_active, timeout=10000)
    assert session.status.text == 'Adjusting sem-0.tif: cancelled'
    assert session.material.drafts is before


def test_it_fits_a_small_screen_in_both_themes(widget, adjust, qtbot):
    dialog = adjust(_grey())
    viewer = widget.workbench.stage.viewer
    assert dialog.minimumSizeHint().width() < 1000
    assert dialog.height() < 700
    for theme in ('light', 'dark'):
        viewer.theme = theme
        pen = dialog.histogram.lines[0].pen.color()
        back = dialog.histogram._view.backgroundBrush().color()
        assert abs(pen.lightness() - back.lightness()) > 100
    for editor in (*dialog.form.sides.values(), dialog.form.denoise, dialog.form.phase_count, dialog.apply_button):
        assert editor.toolTip()
