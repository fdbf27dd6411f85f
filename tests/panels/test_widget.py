"""The widget as a whole: one-click demo, menus, samples, themes, two viewers, closing while it works."""

from __future__ import annotations

import numpy as np
import pytest
from npe2 import PluginManifest
from npe2.manifest.utils import import_python_name
from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QApplication

from napari_microrecon.engine.samples import bundled_samples, get_sample
from napari_microrecon.panels.microrecon_widget import MicroreconWidget
from napari_microrecon.session.jobs import JobState
from napari_microrecon.viewer.layers import role_of
from napari_microrecon.viewer.workbench import Workbench

PLUGIN = 'napari-microrecon'


@pytest.fixture(scope='module')
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution(PLUGIN)


def test_the_demo_button_leaves_the_widget_filled_in(widget, until_done):
    widget.demo_bar.choose('sandstone')
    widget.demo_bar.run_button.click()
    until_done(widget, 'analyse', timeout=120000)
    session = widget.workbench.session
    assert session.material.sample is not None
    assert session.material.sample.name == 'sandstone'
    assert session.need_volume().shape == (32, 32, 32)
    assert session.findings.comparison is not None
    assert session.findings.comparison.complete
    assert [b.text()[0] for b in widget.step_bar.buttons] == ['✓', '✓', '3', '✓']
    assert widget.slices_panel.table.rowCount() == len(session.material.drafts) > 0
    assert widget.analysis_panel.table.rowCount() > 8
    assert widget.status_line.text.property('level') == 'success'
    roles = [role_of(layer) for layer in widget.workbench.stage.viewer.layers if layer.visible]
    assert roles == ['volume', 'reference']


def test_every_sample_is_offered(widget):
    combo = widget.demo_bar.samples
    offered = {combo.itemData(i) for i in range(combo.count())} - {None}
    assert {s.name for s in bundled_samples()} | {'berea', 'ketton'} == offered


def test_a_material_has_one_name_in_the_menu_and_in_the_list(widget, manifest):
    combo = widget.demo_bar.samples
    by_key = {sample.key: sample.display_name for sample in manifest.contributions.sample_data}
    for i in range(combo.count()):
        if (key := combo.itemData(i)) is not None:
            material = combo.itemText(i).split(' (')[0]
            assert by_key[key].split(' (')[0] == material
            assert material in combo.itemData(i, Qt.ItemDataRole.ToolTipRole)  # with all that is to be said of it


def test_every_command_and_menu_of_the_manifest_works(manifest):
    from napari._app_model.constants._menus import is_menu_contributable

    contributions = manifest.contributions
    for command in contributions.commands or ():
        assert callable(import_python_name(command.python_name)), command.id
    assert set(contributions.menus) == {
        'napari/file/io_utilities', 'napari/layers/segment', 'napari/file/new_layer', 'napari/layers/measure',
    }  # fmt: skip
    assert all(is_menu_contributable(menu) for menu in contributions.menus)
    offered = {sample.key for sample in contributions.sample_data or ()}
    assert {s.name for s in bundled_samples()} | {'berea', 'ketton'} <= offered


def test_menu_items_open_the_widget_at_their_step(make_napari_viewer, manifest):
    from napari_microrecon.panels import commands

    viewer = make_napari_viewer()
    steps = (commands.show_slices, commands.show_reconstruct, commands.show_finetune, commands.show_analyse)
    widgets = []
    for i, show in enumerate(steps):
        show()
        _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, 'Microrecon')
        assert isinstance(widget, MicroreconWidget)
        assert widget.stack.currentIndex() == i
        widgets.append(widget)
    assert len(viewer.window.dock_widgets) == 1
    widgets[-1].close_for_good()


def test_a_sample_from_the_menu_fills_the_session(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    added = viewer.open_sample(PLUGIN, 'sandstone')
    assert [role_of(layer) for layer in added][-1] == 'reference'
    session = Workbench.of(viewer).session
    qtbot.waitUntil(lambda: session.material.sample is not None)
    assert list(viewer.layers) == added  # taken over, not added again
    assert session.material.reference is not None
    np.testing.assert_array_equal(session.material.reference.labels + 1, added[-1].data)
    assert len(session.material.drafts) == len(get_sample('sandstone').load_slices())
    Workbench.of(viewer).shut_down()


def test_a_published_sample_that_cannot_be_fetched_says_so_and_leaves_no_layer(
    make_napari_viewer, qtbot, monkeypatch, tmp_path, notices
):
    from napari_microrecon.engine.samples import CACHE_VARIABLE, URL_VARIABLE

    monkeypatch.setenv(URL_VARIABLE, 'http://127.0.0.1:9/nothing')
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    viewer = make_napari_viewer()
    (placeholder,) = viewer.open_sample(PLUGIN, 'ketton')
    assert 'downloading' in placeholder.name
    session = Workbench.of(viewer).session
    qtbot.waitUntil(lambda: session.job.state is JobState.FAILED, timeout=30000)
    assert list(viewer.layers) == []
    assert len(notices) == 1
    assert 'limestone' in notices[0].message  # the synthetic one is offered instead
    Workbench.of(viewer).shut_down()


def test_the_widget_follows_the_theme(widget):
    viewer = widget.workbench.stage.viewer
    dark = widget.styleSheet()
    viewer.theme = 'light'
    assert widget.styleSheet() != dark
    viewer.theme = 'dark'
    assert widget.styleSheet() == dark


def test_two_viewers_have_two_sessions(make_napari_viewer, dock):
    first, second = (dock(make_napari_viewer()) for _ in range(2))
    first.workbench.session.say('only here')
    assert first.status_line.text.text() == 'only here'
    assert second.status_line.text.text() == ''
    for one in (first, second):
        one.close_for_good()


def test_closing_while_it_works_ends_the_job(make_napari_viewer, dock, qtbot):
    widget = dock(make_napari_viewer())
    session, runner = widget.workbench.session, widget.workbench.runner
    widget.run_demo('sandstone')
    qtbot.waitUntil(lambda: session.job.kind == 'reconstruct', timeout=20000)
    widget.close_for_good()
    assert session.job.state is JobState.CANCELLED
    qtbot.waitUntil(runner._ended.is_set, timeout=20000)
    qtbot.wait(100)
    assert session.material.volume is None


def test_closing_the_window_ends_the_job_and_lets_the_widget_go(make_napari_viewer, dock, qtbot):
    viewer = make_napari_viewer()
    widget = dock(viewer)
    session, runner = widget.workbench.session, widget.workbench.runner
    widget.run_demo('sandstone')
    qtbot.waitUntil(lambda: session.job.kind == 'reconstruct', timeout=20000)
    viewer.close()
    assert session.job.state is JobState.CANCELLED
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # the event loop of a real window does this
    qtbot.waitUntil(runner._ended.is_set, timeout=20000)
    session.say('nobody draws this any more')  # an exception here if a deleted label still listened
    session.begin_job('load', 'nor this')
    assert widget._viewer is None


def test_a_widget_that_is_closed_and_opened_again_finds_its_session(make_napari_viewer, dock):
    viewer = make_napari_viewer()
    widget = dock(viewer)
    widget.workbench.session.say('still here')
    viewer.window.remove_dock_widget(widget)
    widget.close_for_good()
    again = dock(viewer)
    assert again.workbench is widget.workbench
    assert again.status_line.text.text() == 'still here'
    again.workbench.session.say('and alive')
    assert again.status_line.text.text() == 'and alive'
    again.close_for_good()


def test_it_fits_a_small_screen(make_napari_viewer, dock):
    widget = dock(make_napari_viewer())
    widget.workbench.session.set_reference(get_sample('sandstone').load_volume())
    widget.slices_panel.section_button.click()
    assert widget.minimumSizeHint().width() <= 420
    for panel in widget.panels:  # nothing is cut off at the right
        assert panel.widget().minimumSizeHint().width() <= 400
    widget.close_for_good()
