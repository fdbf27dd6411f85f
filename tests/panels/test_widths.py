"""Every page fits the dock at 1366 x 768, whatever is in it; the wheel scrolls it and changes nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLabel, QSlider, QStyle, QStyleOptionComboBox

from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import Progress
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.panels.legend import PhaseSwitches
from napari_microrecon.panels.numbers import unit_text, with_um
from napari_microrecon.panels.parts import Fold, Words, shortened
from napari_microrecon.session import SliceDraft, analysing
from napari_microrecon.session.task import run_now
from napari_microrecon.session.training import Training

UM = VoxelSize.cube(0.123456, 'um')
LONG = tuple(f'a rather long name of phase number {i} as few would type' for i in range(3))
STATES = {
    'no pixel size': (('grain', 'pore'), VoxelSize()),
    'long names': (LONG, UM),
    'one long word': (('a_very_long_name_without_any_spaces_in_it_0123456789', 'pore'), UM),
    'many phases': (tuple(f'phase {i}' for i in range(8)), UM),
}


def _volume(names: tuple[str, ...], size: VoxelSize, seed: int) -> Volume:
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(seed).standard_normal((24, 24, 24)), 1.5)
    limits = np.quantile(field, np.linspace(0, 1, len(names) + 1)[1:-1])
    labels = np.digitize(field, limits).astype(np.uint8)
    return Volume(labels, Phases.named(*names), size, name=f'{names[0]}_{seed}_20261122-004532-reconstruct.tif')


@pytest.fixture
def small_window(make_napari_viewer, dock):
    """The widget in a window of 1366 x 768 pixels."""
    viewer = make_napari_viewer(show=True)
    widget = dock(viewer)
    viewer.window.resize(1366, 768)
    yield widget
    widget.close_for_good()


@pytest.mark.parametrize('state', STATES)
def test_no_page_is_wider_than_the_dock(small_window, qtbot, state):
    widget = small_window
    names, size = STATES[state]
    session = widget.workbench.session
    reference = _volume(names, size, 0)
    session.set_reference(reference)
    session.set_drafts([SliceDraft(Slice.of_volume(reference, 'z', 4), note='segmented by an automatic threshold')])
    session.set_volumes([_volume(names, size, 1), _volume(names, size, 2)])
    values = {'loss': 1.2, 's2': 0.5, 's2_error': 0.4, 'surface_error': 0.3, 'fraction_error': 0.1, 'percolating': 0.9}
    told = Training().extended(Progress('training', 10, 100, values, note='too early to tell'))
    session.material = replace(session.material, training=told)
    run_now(session, analysing.analyse(session, analysing.Wish(tortuosity=False)))
    qtbot.waitUntil(lambda: session.findings.representativity is not None, timeout=60000)
    for step, panel in enumerate(widget.panels):
        widget.show_step(step)
        for fold in panel.findChildren(Fold):
            fold.head.setChecked(True)
        qtbot.wait(50)
        page = panel.widget()
        assert page.minimumSizeHint().width() <= panel.viewport().width(), (step, _widest(page))
        assert page.width() == panel.viewport().width()
        assert not panel.horizontalScrollBar().isVisible()
    assert widget.width() <= 420


def _widest(page) -> list[tuple[int, str]]:
    labels = [one for one in page.findChildren(QLabel) if one.isVisibleTo(page)]
    return sorted(((one.minimumSizeHint().width(), one.text()) for one in labels), reverse=True)[:3]


def test_choices_of_materials_and_curves_are_not_cut_off(small_window, qtbot):
    widget = small_window
    names, size = STATES['no pixel size']
    session = widget.workbench.session
    session.set_volumes([_volume(names, size, 1)])
    run_now(session, analysing.analyse(session, analysing.Wish(tortuosity=False)))
    widget.show_step(3)
    qtbot.wait(50)
    for combo in (widget.demo_bar.samples, widget.analysis_panel.curves.which):
        assert combo.count() > 5
        option = QStyleOptionComboBox()
        combo.initStyleOption(option)
        style = QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, combo
        room = combo.style().subControlRect(*style).width()
        for i in range(combo.count()):
            assert combo.fontMetrics().horizontalAdvance(combo.itemText(i)) <= room, combo.itemText(i)


def test_the_wheel_changes_no_slider_number_or_choice(small_window, qtbot):
    widget = small_window
    names, size = STATES['many phases']
    session = widget.workbench.session
    reference = _volume(names, size, 0)
    session.set_reference(reference)
    session.set_drafts([SliceDraft(Slice.of_volume(reference, 'z', 4))])
    session.set_volumes([_volume(names, size, 1)])  # the sliders of its phases are made now
    seen = set()
    for step, panel in enumerate(widget.panels):
        widget.show_step(step)
        for kind in (QSlider, QAbstractSpinBox, QComboBox):
            for editor in panel.findChildren(kind):
                if not editor.isVisibleTo(panel.widget()) or not editor.isEnabled():
                    continue
                if kind is QSlider:
                    editor.setFocus()  # as after it was dragged
                else:
                    editor.clearFocus()
                before = _value(editor)
                for turn in (120, -120):
                    _wheel(editor, turn)
                    assert _value(editor) == before, (step, editor.accessibleName() or editor.toolTip())
                seen.add((kind, type(editor.parent())))
    assert (QSlider, PhaseSwitches) in seen
    assert {kind for kind, _ in seen} == {QSlider, QAbstractSpinBox, QComboBox}


def _value(editor) -> object:
    return editor.currentIndex() if isinstance(editor, QComboBox) else editor.value()


def _wheel(editor, turn: int) -> None:
    middle = QPointF(editor.rect().center())
    event = QWheelEvent(
        middle,
        QPointF(editor.mapToGlobal(editor.rect().center())),
        QPoint(0, 0),
        QPoint(0, turn),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(editor, event)


def test_long_words_break_and_are_read_back_whole(qtbot):
    name = '20261122-004532-reconstruct-sandstone_middle_section.ome.tif'
    label = Words(f'<b>{name}</b> is open')
    qtbot.addWidget(label)
    assert label.text() == f'<b>{name}</b> is open'
    assert label.minimumSizeHint().width() < label.fontMetrics().horizontalAdvance(name) / 2
    assert shortened('pore', 10) == 'pore'
    assert shortened(name, 10) == '20261….tif'
    assert len(shortened(name, 18)) <= 18


def test_micrometres_are_written_as_such():
    assert with_um('an area of 3 um², 2.5 um^3 and 4 um, but not an album') == (
        'an area of 3 µm², 2.5 µm^3 and 4 µm, but not an album'
    )
    assert unit_text('um^2') == 'µm²'
    assert unit_text('1/um') == '1/µm'
