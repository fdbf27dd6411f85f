"""The analysis panel, driven through its real widgets on volumes small enough for seconds."""

from __future__ import annotations

import csv
import json
import math
import time

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QFileDialog

from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.results import Ensemble
from napari_microrecon.engine.results.bands import Band, band_reach
from napari_microrecon.engine.statistics.catalogue import quantity_of
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.panels.numbers import spread
from napari_microrecon.panels.statistics_table import FACE, REFERENCE, VALUE, VERDICT
from napari_microrecon.session import SliceDraft
from napari_microrecon.session.jobs import JobState
from napari_microrecon.viewer.layers import role_of

PHASES = Phases.named('grain', 'pore', pore=1)
WORDS = ('inside', 'outside', 'volume too small to tell', 'cannot tell')


def sponge(edge: int = 24, seed: int = 0, name: str = 'sponge', shape: tuple[int, int, int] | None = None) -> Volume:
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape or (edge,) * 3), 1.5)
    labels = (field < np.quantile(field, 0.4)).astype(np.uint8)
    return Volume(labels, PHASES, VoxelSize.cube(2, 'um'), name=name)


def _click(qtbot, button) -> None:
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def _click_row(qtbot, table, key: str) -> None:
    """Click into the row of a statistic as a person does."""
    item = table.item(table.keys.index(key), 0)
    place = table.visualItemRect(item).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def _click_row_of(panel, key: str) -> None:
    panel.table.setCurrentCell(panel.table.keys.index(key), 0)
    assert panel.card.key == key


@pytest.fixture
def measured(widget, until_done, qtbot):
    """The widget with two realisations, measured beside a reference."""
    session = widget.workbench.session
    session.set_reference(sponge(shape=(24, 48, 48), seed=9, name='real'))
    session.set_volumes([sponge(seed=1, name='made 0'), sponge(seed=2, name='made 1')])
    widget.show_step(3)
    widget.analysis_panel.subject.tortuosity.setChecked(False)
    _click(qtbot, widget.analysis_panel.run_button)
    until_done(widget, 'analyse')
    return widget


def test_table_curves_and_card_show_both_bands_and_verdicts_in_words(measured, qtbot):
    panel, session = measured.analysis_panel, measured.workbench.session
    table = panel.table
    row = table.keys.index('phase_fraction')
    assert table.item(row, VALUE).text().startswith(f'{session.material.volume.fractions[1]:#.3g}')
    assert '±' in table.item(row, VALUE).text()
    assert '–' in table.item(row, REFERENCE).text()
    for i, key in enumerate(table.keys):
        words = table.item(i, VERDICT).text()
        assert words.startswith(WORDS), key
        assert words == session.findings.comparison.verdicts[key].words
    assert panel.curves.key == 's2_radial'
    assert {'reconstruction', 'reference'} <= set(panel.plot.names)
    assert panel.plot.bands == ['2 realisations, 95 %', '4 blocks of the reference, 95 %']
    _click_row(qtbot, table, 'correlation_length_z')
    assert panel.curves.key == 'autocovariance_z'
    assert [strip.name for strip in panel.card.strips.strips] == ['reference', 'realisations', 'this volume']
    assert 'µm' in panel.card.strips.strip_at(30).tip
    few = table.rowCount()
    panel.all_box.setChecked(True)
    assert table.rowCount() > few
    assert 'euler_density' in table.keys


@pytest.mark.parametrize(
    ('key', 'mean', 'half', 'words'),
    [
        ('specific_surface', 0.229, 0.1, '0.229\n0.129–0.329'),
        ('s2_error', 0.229, 0.1, '0.229\n≤ 0.329'),
        ('percolating_fraction_z', 0.98, 0.03, '0.980\n≥ 0.950'),
        ('isolated_fraction', 0.4, 0.7, '0.400\n0–1.00'),
        ('tortuosity_x', 2.34, 1.5, '2.34\n≤ 3.84'),
        ('euler_density', 0.1, 0.4, '0.100\n−0.300 to 0.500'),
    ],
)
def test_no_band_reaches_what_cannot_be(key, mean, half, words):
    away = half / band_reach(8) * math.sqrt(7 / 8)
    band = Band.over([mean - away, mean + away] * 4, quantity_of(key))
    assert spread(band) == words


def test_the_bars_of_a_statistic_do_not_go_below_zero(measured):
    panel = measured.analysis_panel
    for key in panel.table.keys:
        _click_row_of(panel, key)
        for strip in panel.card.strips.strips:
            assert strip.ends is None or strip.ends[0] >= 0, key


def test_rows_of_the_table_stand_apart(measured, qtbot):
    table = measured.analysis_panel.table
    line = table.fontMetrics().lineSpacing()
    for row, key in enumerate(table.keys):
        lines = max(table.item(row, column).text().count('\n') + 1 for column in (VALUE, REFERENCE))
        assert table.rowHeight(row) >= lines * line + 6, key
    assert table.alternatingRowColors()


def test_every_curve_is_drawn_and_none_goes_beyond_half_the_edge(measured):
    panel = measured.analysis_panel
    keys = [panel.curves.which.itemData(i) for i in range(panel.curves.which.count())]
    assert {'s2_z', 'lineal_path_x', 'thickness_distribution', 'profile_y'} <= set(keys)
    for key in keys:
        panel.curves.choose(key)
        x, y = panel.plot.data('reconstruction')
        assert len(x) > 1, key
        assert np.isfinite(y).all()
        assert x[-1] <= (48 if key.startswith('profile') else 24) + 1e-6, key


def test_the_pointer_shows_the_values(measured, qtbot):
    panel = measured.analysis_panel
    x, y = panel.plot.data('reconstruction')
    text = panel.plot.values_at(x[3] + 0.1)
    assert f'{x[3]:.4g}' in text
    assert f'reconstruction {y[3]:.4g}' in text
    assert ' to ' in text  # the bands
    view = panel.plot._view
    middle = panel.plot._item.vb.sceneBoundingRect().center()
    panel.plot._on_mouse(middle)
    assert panel.plot.readout.text().strip()
    panel.plot._on_mouse(view.scene().sceneRect().topLeft() - middle)
    assert not panel.plot.readout.text().strip()


def test_realisations_without_a_reference_have_their_band(widget, qtbot, until_done):
    session, panel = widget.workbench.session, widget.analysis_panel
    session.set_volumes([sponge(seed=i, name=f'made {i}') for i in range(3)])
    panel.subject.tortuosity.setChecked(False)
    assert 'and 2 more realisations' in panel.subject.which.currentText()
    _click(qtbot, panel.run_button)
    until_done(widget, 'analyse')
    assert isinstance(session.findings.ensemble, Ensemble)
    assert session.findings.ensemble.count == 3
    assert not panel.table.isColumnHidden(REFERENCE)
    assert panel.table.isColumnHidden(VERDICT)
    assert panel.table.horizontalHeaderItem(REFERENCE).text() == 'Realisations'
    assert panel.plot.bands == ['3 realisations, 95 %']


def test_nothing_meaningless_is_shown(widget, qtbot, until_done):
    labels = np.zeros((24, 24, 24), np.uint8)
    labels[6:18, 6:18, :] = 1  # a duct along x, closed along z and y
    session, panel = widget.workbench.session, widget.analysis_panel
    session.set_volumes([Volume(labels, PHASES, name='duct')])
    _click(qtbot, panel.run_button)
    until_done(widget, 'analyse')
    texts = {key: panel.table.item(i, VALUE).text() for i, key in enumerate(panel.table.keys)}
    assert texts['tortuosity_z'] == 'no path along z'
    assert texts['tortuosity_x'] == '1.00'
    assert not panel.table.has_face('tortuosity_z')
    assert not panel.table.has_face('percolating_fraction_y')
    assert panel.table.has_face('tortuosity_x')
    _click_row(qtbot, panel.table, 'tortuosity_z')
    assert 'No path along z' in panel.card.words.text()
    assert panel.card.save_button.isHidden()


def test_cheap_statistics_come_first_and_cancel_keeps_them(widget, qtbot):
    session, panel = widget.workbench.session, widget.analysis_panel
    seen: list[tuple[bool, bool]] = []
    session.events.report.connect(
        lambda report: report and seen.append(('thickness' in report.statistics, 'tortuosity_x' in report.statistics))
    )
    session.set_volumes([sponge(edge=96, name='made')])
    _click(qtbot, panel.run_button)
    qtbot.waitUntil(
        lambda: session.findings.report is not None and 'phase_fraction' in session.findings.report.statistics,
        timeout=90000,
    )
    qtbot.waitUntil(lambda: panel.table.rowCount() > 0, timeout=90000)
    assert not panel.run_button.isEnabled()
    asked = time.monotonic()
    _click(qtbot, widget.status_line.cancel_button)
    qtbot.waitUntil(lambda: not session.job.is_active, timeout=5000)
    assert time.monotonic() - asked < 2
    assert session.job.state in (JobState.CANCELLED, JobState.DONE)
    assert panel.table.rowCount() > 0
    assert seen[0] == (False, False)
    qtbot.waitUntil(widget.workbench.runner._ended.is_set, timeout=20000)


def _answer(monkeypatch, path, kind: str) -> None:
    monkeypatch.setattr(QFileDialog, 'getSaveFileName', lambda *_: (str(path), kind))


def test_exports_hold_what_is_shown(measured, qtbot, until_done, tmp_path, monkeypatch):
    from PIL import Image

    panel, session = measured.analysis_panel, measured.workbench.session

    def export(button, name: str, kind: str):
        former = session.job.id
        _answer(monkeypatch, tmp_path / name, kind)
        _click(qtbot, button)
        qtbot.waitUntil(lambda: session.job.id != former and session.job.state is JobState.DONE, timeout=90000)

    export(panel.csv_button, 'table.csv', 'Comma-separated values (*.csv)')
    rows = {row['key']: row for row in csv.DictReader((tmp_path / 'table.csv').read_text().splitlines())}
    comparison = session.findings.comparison
    for key, statistic in comparison.compared.items():
        assert (float(rows[key]['value']) if rows[key]['value'] else None) == statistic.value
        assert rows[key]['unit'] == statistic.unit
        assert rows[key]['verdict'] == comparison.verdicts[key].words
    assert float(rows['specific_surface']['ensemble_sd']) > 0

    export(panel.csv_button, 'table', 'JSON (*.json)')  # the ending follows the chosen kind
    data = json.loads((tmp_path / 'table.json').read_text())
    assert data['verdicts'].keys() == comparison.verdicts.keys()
    assert data['ensemble']['count'] == 2

    export(panel.save_button, 'report.html', 'Web page (*.html)')
    page = (tmp_path / 'report.html').read_text()
    assert 'Where it came from' in page
    assert '2 realisations' in page
    assert 'src="http' not in page
    assert 'href="http' not in page

    export(panel.curves.save_button, 'plot.png', 'PNG (*.png)')
    with Image.open(tmp_path / 'plot.png') as picture:
        assert min(picture.size) > 800
    panel.table.setCurrentCell(panel.table.keys.index('thickness'), 0)
    export(panel.card.save_button, 'number', 'SVG (*.svg)')
    assert (tmp_path / 'number.svg').read_text().lstrip().startswith('<?xml')


@pytest.fixture
def single(widget, qtbot, until_done):
    """The widget with one volume measured alone, isolated pores included."""
    labels = np.zeros((24, 24, 24), np.uint8)
    labels[2:8, 4:10, :] = 1
    labels[14:18, 14:19, 12:18] = 1
    session = widget.workbench.session
    session.set_volumes([Volume(labels, PHASES, VoxelSize.cube(3, 'um'), name='made')])
    widget.show_step(3)
    _click(qtbot, widget.analysis_panel.run_button)
    until_done(widget, 'analyse')
    return widget


@pytest.mark.parametrize(
    ('key', 'words', 'kind'),
    [
        ('isolated_fraction', 'isolated clusters', 'labels'),
        ('percolating_fraction_x', 'largest cluster that spans the volume along x', 'labels'),
        ('thickness', 'local thickness (µm)', 'image'),
        ('tortuosity_x', 'concentration along x', 'image'),
    ],
)
def test_a_click_on_a_statistic_shows_its_place(single, qtbot, until_done, key, words, kind):
    bench, panel = single.workbench, single.analysis_panel
    viewer = bench.stage.viewer
    former = bench.session.job.id
    assert panel.table.item(panel.table.keys.index(key), FACE).text() == '▣'
    _click_row(qtbot, panel.table, key)
    qtbot.waitUntil(lambda: bench.session.job.id != former)
    until_done(single, 'analyse')
    (layer,) = bench.measuring.faces.layers
    assert layer._type_string == kind
    assert layer.name == f'made: pore: {words}'
    assert tuple(layer.scale) == (3, 3, 3)
    assert [str(unit) for unit in layer.units] == ['micrometer'] * 3
    assert layer.data.shape == (24, 24, 24)
    mask = bench.session.material.volume.mask(1)
    assert np.any(layer.data[mask])
    assert not np.any(layer.data[~mask])
    assert [one for one in viewer.layers if one.visible] == [layer]
    # a second click shows it without computing it again; the button brings the volumes back
    again = bench.session.job.id
    layer.visible = False
    _click_row(qtbot, panel.table, key)
    assert layer.visible
    assert bench.session.job.id == again
    _click(qtbot, panel.volumes_button)
    assert [role_of(one) for one in viewer.layers if one.visible] == ['volume']
    bench.session.set_volumes([sponge(name='other')])
    assert bench.measuring.faces.layers == []


def test_a_voxel_size_without_a_unit_is_not_taken(widget, qtbot, notices):
    """napari layers often have a scale and no unit."""
    session, panel = widget.workbench.session, widget.analysis_panel
    question = panel.question
    data = np.random.default_rng(3).integers(0, 2, (20, 22, 24)).astype(np.uint8)
    widget.workbench.stage.viewer.add_labels(data, name='mine', scale=(0.5, 0.25, 0.25))
    panel.subject.tortuosity.setChecked(False)
    panel.subject.which.setCurrentText('layer: mine')
    panel.subject.which.activated.emit(panel.subject.which.currentIndex())
    qtbot.waitUntil(lambda: session.material.labelling is not None and not session.job.is_active, timeout=20000)
    assert question.edge.text() == '0.5, 0.25, 0.25'
    assert not question.lack.isHidden()
    assert 'No length unit' in question.lack.text()
    former = session.job.id
    _click(qtbot, question.run_button)
    assert session.job.id == former
    assert '0.5,0.25,0.25 has no length unit; choose µm' in notices[-1].message
    question.edge.setText('2, 1, 1')  # the shape of a voxel means something without a unit
    assert question.lack.isHidden()
    question.edge.setText('0.5, 0.25, 0.25')
    question.unit.setCurrentIndex(question.unit.findData('um'))
    assert question.lack.isHidden()
    _click(qtbot, question.run_button)
    qtbot.waitUntil(
        lambda: session.findings.report is not None and session.findings.report.complete,
        timeout=60000,
    )
    assert session.material.subject.voxel_size == VoxelSize(z=0.5, y=0.25, x=0.25, unit='um')


@pytest.mark.parametrize(
    ('values', 'names', 'asked'),
    [
        ((0, 1), ('solid', 'pore'), ['0', '1']),
        ((1, 2), ('solid', 'pore'), ['1', '2']),
        ((0, 255), ('pore', 'solid'), ['0', '255']),
        ((1, 2, 3), ('solid', 'pore', 'solid'), ['1', '2', '3']),
    ],
)
def test_any_labels_layer_is_measured_after_the_question(widget, qtbot, until_done, values, names, asked):
    session, panel = widget.workbench.session, widget.analysis_panel
    viewer = widget.workbench.stage.viewer
    field = np.random.default_rng(3).integers(0, len(values), (20, 22, 24))
    data = np.asarray(values, np.int32)[field]
    layer = viewer.add_labels(data, name='mine', scale=(2, 2, 2), units='um')
    assert session.labels_layers == ('mine',)
    layer.name = 'my labels'
    assert panel.subject.which.findText('layer: my labels') >= 0
    panel.subject.tortuosity.setChecked(False)
    panel.subject.which.setCurrentText('layer: my labels')
    panel.subject.which.activated.emit(panel.subject.which.currentIndex())
    qtbot.waitUntil(lambda: session.material.labelling is not None, timeout=20000)
    assert list(session.material.labelling.words) == asked
    assert not panel.question.isHidden()
    assert panel.run_button.isHidden()
    assert panel.question.edge.text() == '2'
    assert panel.question.unit.currentData() == 'um'
    for box, name in zip(panel.question.names, names, strict=True):
        box.setCurrentText(name)
    assert panel.question.measured.currentText() == 'pore'
    former = session.job.id
    qtbot.waitUntil(lambda: not session.job.is_active)
    _click(qtbot, panel.question.run_button)
    qtbot.waitUntil(lambda: session.job.id > former)
    qtbot.waitUntil(
        lambda: session.findings.report is not None and session.findings.report.complete,
        timeout=60000,
    )
    pores = np.isin(data, [v for v, name in zip(values, names, strict=True) if name == 'pore'])
    assert session.findings.report.value('phase_fraction') == pytest.approx(pores.mean())
    assert session.findings.report.phase_name == 'pore'
    assert session.material.subject.voxel_size == VoxelSize.cube(2, 'um')
    assert session.material.subject.phases.pore == session.findings.report.phase
    assert panel.question.isHidden()
    assert panel.subject.which.currentText() == 'layer: my labels'


@pytest.mark.parametrize(
    ('data', 'words'),
    [
        (np.ones((8, 8, 8), int), 'holds the label 1 only'),
        (np.tile([0, 1], (8, 4)), 'step 1'),
        (np.arange(2 * 8 * 8 * 8).reshape(2, 8, 8, 8) % 2, 'has 4 dimensions'),
        (np.arange(1, 513).reshape(8, 8, 8), 'none of them 0'),
    ],
)
def test_a_layer_that_cannot_be_measured_is_refused_by_name(widget, qtbot, notices, data, words):
    widget.workbench.stage.viewer.add_labels(data, name='odd')
    widget.analysis_panel.layer_requested.emit('odd')
    qtbot.waitUntil(lambda: widget.workbench.session.job.state is JobState.FAILED, timeout=20000)
    (notice,) = notices
    assert notice.message.startswith('odd: ')
    assert words in notice.message
    assert widget.workbench.session.material.labelling is None


def test_many_labels_are_taken_as_nothing_and_something(widget, qtbot):
    from napari_microrecon.session import analysing
    from napari_microrecon.session.task import run_now

    session = widget.workbench.session
    data = np.zeros((20, 20, 20), int)
    data[5:15] = np.arange(1, 11)[:, None, None]
    run_now(session, analysing.look_at_labels(session, 'particles', data, VoxelSize()))
    assert session.material.labelling.words == ('0', 'all others')
    volume = session.material.labelling.volume(['matrix', 'particle'])
    np.testing.assert_array_equal(volume.labels, data > 0)


def test_the_reference_can_be_measured_itself(widget, qtbot, until_done):
    session, panel = widget.workbench.session, widget.analysis_panel
    session.set_reference(sponge(name='real'))
    assert not panel.run_button.isEnabled()
    panel.subject.which.setCurrentText('reference: real')
    panel.subject.which.activated.emit(panel.subject.which.currentIndex())
    panel.subject.tortuosity.setChecked(False)
    panel.subject.phase.setCurrentText('grain')
    assert panel.run_button.text() == 'Measure'
    _click(qtbot, panel.run_button)
    until_done(widget, 'analyse')
    assert session.findings.comparison is None
    assert session.findings.report.phase_name == 'grain'
    assert session.findings.report.value('phase_fraction') == pytest.approx(session.material.reference.fractions[0])


def test_copies_are_looked_for_on_demand(widget, qtbot, until_done):
    from napari_microrecon.engine.slices import Slice

    session, panel = widget.workbench.session, widget.analysis_panel
    plane = sponge(shape=(2, 128, 128), seed=5).labels[0]
    tiled = np.repeat(plane[None, :96, :96], 40, axis=0)
    session.add_drafts([SliceDraft(Slice(plane, PHASES, voxel_size=VoxelSize.cube(2, 'um'), name='slice'))])
    session.set_volumes([Volume(tiled, PHASES, VoxelSize.cube(2, 'um'), name='made')])
    assert panel.novelty.verdict.text() == ''
    former = session.job.id
    session.find(report=None)
    panel.copies_requested.emit()
    qtbot.waitUntil(lambda: session.job.id != former)
    until_done(widget, 'analyse', timeout=120000)
    assert panel.novelty.verdict.text() == 'copied from the slice'
    assert 'normal z' in panel.novelty.reason.text()
    assert 'Repeats within the volume: cannot tell: the phases stay correlated' in panel.novelty.reason.text()
    session.set_volumes([sponge(name='other')])
    assert session.findings.novelty is None
    assert panel.novelty.verdict.text() == ''


def test_a_volume_that_repeats_itself_is_told(widget, until_done, qtbot):
    from scipy.ndimage import gaussian_filter

    from napari_microrecon.engine.slices import Slice
    from napari_microrecon.session.drafts import SliceDraft

    rng = np.random.default_rng(4)
    plane = (gaussian_filter(rng.standard_normal((160, 160)), 2.5) > 0).astype(np.uint8)
    tile = (gaussian_filter(rng.standard_normal((40,) * 3), 2.5, mode='wrap') > 0).astype(np.uint8)
    session, panel = widget.workbench.session, widget.analysis_panel
    session.add_drafts([SliceDraft(Slice(plane, PHASES, voxel_size=VoxelSize.cube(2, 'um'), name='slice'))])
    session.set_volumes([Volume(np.tile(tile, (3, 3, 3))[:96, :96, :96], PHASES, VoxelSize.cube(2, 'um'), name='made')])
    former = session.job.id
    panel.novelty.run_button.click()
    qtbot.waitUntil(lambda: session.job.id != former)
    until_done(widget, 'analyse', timeout=120000)
    assert panel.novelty.verdict.text() == 'repeats itself'
    assert 'further on is alike' in panel.novelty.reason.text()
    assert session.status.text.startswith('repeats: what lies')


def test_lack_of_memory_is_a_notification_with_the_ways_out(widget, qtbot, until_done, notices, monkeypatch):
    from napari_microrecon.engine.analysis import memory

    session = widget.workbench.session
    session.set_volumes([sponge(edge=64, name='large')])
    monkeypatch.setattr(memory, 'free_memory', lambda: 230e6)
    _click(qtbot, widget.analysis_panel.run_button)
    qtbot.waitUntil(lambda: session.job.state is JobState.FAILED, timeout=90000)
    (notice,) = notices
    assert notice.message.startswith('large: needs about')
    words = [text for text, _ in notice.actions]
    assert words == ['Without tortuosity'] or 'Without tortuosity' in words
    former = session.job.id
    dict(notice.actions)['Without tortuosity']()
    qtbot.waitUntil(lambda: session.job.id != former)
    until_done(widget, 'analyse')
    assert 'tortuosity_z' not in session.findings.report.statistics
    assert session.findings.report.value('phase_fraction') == pytest.approx(session.material.volume.fractions[1])


def test_a_smaller_part_is_measured_where_that_is_the_way_out(widget, until_done, qtbot):
    from napari_microrecon.session.analysing import Wish

    session = widget.workbench.session
    session.set_volumes([sponge(edge=32, name='large')])
    widget.workbench.measuring.analyse(Wish(tortuosity=False, crop=(16, 16, 16)))
    qtbot.waitUntil(
        lambda: session.findings.report is not None and session.findings.report.complete,
        timeout=90000,
    )
    assert session.findings.report.volume.shape == (16, 16, 16)
    assert session.material.measured.name == 'large, middle 16 × 16 × 16'
    assert widget.analysis_panel.subject.which.currentText() == 'large, middle 16 × 16 × 16'


def test_curves_and_table_follow_the_theme(measured):
    panel, viewer = measured.analysis_panel, measured.workbench.stage.viewer
    viewer.theme = 'dark'
    dark = panel.plot._view.backgroundBrush().color().name(), panel.table.item(0, VALUE).foreground().color().name()
    viewer.theme = 'light'
    light = panel.plot._view.backgroundBrush().color().name(), panel.table.item(0, VALUE).foreground().color().name()
    assert dark[0] != light[0]
    assert dark[1] != light[1]
    picture = panel.card.strips.grab(panel.card.strips.rect().adjusted(0, 0, 0, 0))
    assert not picture.isNull()
    assert QPoint(0, 0) in panel.plot.rect()
