"""Work that gives way to other work: a demo with a notice, own work after a question; all of it comes back."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtWidgets import QMessageBox

from napari_microrecon.session.jobs import JobState
from napari_microrecon.viewer.layers import role_of


@pytest.fixture
def grey_file(tmp_path):
    path = tmp_path / 'mine.tif'
    tifffile.imwrite(path, np.random.default_rng(1).integers(0, 255, (40, 50), dtype=np.uint8))
    return path


@pytest.fixture
def demo(widget, until_done):
    """The widget after a demo."""
    widget.demo_bar.choose('sandstone')
    widget.demo_bar.run_button.click()
    until_done(widget, 'analyse', timeout=120000)
    return widget


def _open(widget, path):
    widget.slices_panel.open_requested.emit([path])


def _question(widget) -> QMessageBox:
    box = widget.workbench.asking.box
    assert box is not None, 'nothing was asked'
    return box


def _answer(widget, text: str) -> None:
    next(one for one in _question(widget).buttons() if one.text() == text).click()


def _shown(widget) -> list[str]:
    layers = widget.workbench.stage.viewer.layers
    return sorted(f'{role_of(layer)} {layer.name}' for layer in layers)


def test_a_demo_gives_way_with_a_notice_and_comes_back_with_one_click(demo, until_done, grey_file, notices):
    session, line, viewer = demo.workbench.session, demo.slices_panel.shelf, demo.workbench.stage.viewer
    assert not line.isVisibleTo(demo.slices_panel)
    before = (
        session.material.volume,
        session.material.reference,
        session.material.drafts,
        session.findings.report,
        session.findings.comparison,
        session.material.run,
    )
    layers = _shown(demo)
    _open(demo, grey_file)
    assert demo.workbench.asking.box is None, 'a demo can be had again at any time'
    until_done(demo, 'load')
    assert [draft.slice.name for draft in session.material.drafts] == ['mine.tif']
    assert session.material.volume is None
    assert 'was put away' in session.status.text
    assert 'Bring back' in session.status.text
    assert line.isVisibleTo(demo.slices_panel)
    line.button.click()
    after = (
        session.material.volume,
        session.material.reference,
        session.material.drafts,
        session.findings.report,
        session.findings.comparison,
        session.material.run,
    )
    assert all(one is former for one, former in zip(after, before, strict=True))
    assert session.material.sample is not None
    assert role_of(viewer.layers.selection.active) == 'volume'
    assert _shown(demo) == layers
    assert demo.analysis_panel.table.rowCount() > 8
    line.button.click()  # and there again
    assert [draft.slice.name for draft in session.material.drafts] == ['mine.tif']
    assert session.material.drafts[0].is_adjustable, 'with the picture behind it'
    assert not notices, 'napari has nothing to warn of, such as layers in different units'


def test_a_demo_that_was_continued_is_asked_for(demo, until_done, qtbot, grey_file):
    session = demo.workbench.session
    demo.reconstruct_panel.again_button.click()
    qtbot.waitUntil(lambda: session.job.kind == 'reconstruct', timeout=5000)
    until_done(demo, 'analyse', timeout=120000)
    made = session.material.volume
    _open(demo, grey_file)
    assert 'Sandstone' in _question(demo).text()
    assert 'a reconstruction' in _question(demo).text()
    job = session.job.id
    _answer(demo, 'Cancel')
    assert demo.workbench.asking.box is None
    assert session.job.id == job
    assert session.material.volume is made
    _open(demo, grey_file)
    _answer(demo, 'Put it away')
    until_done(demo, 'load')
    assert session.material.volume is None
    demo.slices_panel.shelf.button.click()
    assert session.material.volume is made
    seed = made.provenance.seed
    assert demo.reconstruct_panel.form.values()['seed'] == seed, 'the form shows what made it'


@pytest.mark.parametrize('by', ['demo', 'menu'])
def test_own_slices_do_not_give_way_to_a_demo_unasked(widget, until_done, qtbot, grey_file, by):
    session, viewer = widget.workbench.session, widget.workbench.stage.viewer
    _open(widget, grey_file)
    until_done(widget, 'load')
    own = session.material.drafts

    def wish() -> None:
        if by == 'demo':
            widget.demo_bar.run_button.click()
        else:
            viewer.open_sample('napari-microrecon', 'sandstone')
            qtbot.waitUntil(lambda: widget.workbench.asking.box is not None)

    wish()
    _answer(widget, 'Cancel')
    assert session.material.drafts is own
    assert not session.job.is_active
    assert 'placeholder' not in {role_of(layer) for layer in viewer.layers}
    wish()
    _answer(widget, 'Put it away')
    until_done(widget, 'analyse' if by == 'demo' else 'load', timeout=120000)
    assert session.material.sample is not None
    assert sum(role_of(layer) == 'reference' for layer in viewer.layers) == 1
    if by == 'demo':
        widget.demo_bar.choose('limestone')
        widget.demo_bar.run_button.click()  # another demo: nothing to ask, and own work stays where it is
        assert widget.workbench.asking.box is None
        until_done(widget, 'analyse', timeout=120000)
    widget.slices_panel.shelf.button.click()
    assert session.material.drafts == own
    assert session.material.sample is None


def test_a_sample_that_gives_way_is_closed_where_own_work_waits(widget, until_done, qtbot, agree, grey_file):
    session, viewer = widget.workbench.session, widget.workbench.stage.viewer
    _open(widget, grey_file)
    until_done(widget, 'load')
    own = session.material.drafts
    former = session.job.id
    widget.workbench.load_sample('sandstone')
    agree(widget)
    qtbot.waitUntil(lambda: session.job.id != former)
    until_done(widget, 'load')
    other = grey_file.with_name('other.tif')
    other.write_bytes(grey_file.read_bytes())
    former = session.job.id
    _open(widget, other)
    qtbot.waitUntil(lambda: session.job.id != former)
    until_done(widget, 'load')
    assert 'Sandstone (sample) was closed; mine.tif can still be brought back' in session.status.text
    assert 'put away' not in session.status.text
    viewer.layers.selection.clear()
    widget.slices_panel.shelf.button.click()
    assert session.material.drafts == own
    assert role_of(viewer.layers.selection.active) == 'slice'


def test_changed_slices_of_a_demo_are_own_work_and_the_former_ones_are_named(demo, until_done, grey_file):
    session = demo.workbench.session
    demo.slices_panel.section_button.click()
    count = len(session.material.drafts)
    _open(demo, grey_file)
    _answer(demo, 'Put it away')
    until_done(demo, 'load')
    demo.demo_bar.run_button.click()
    assert 'Sandstone' in _question(demo).informativeText(), 'what would be dropped is named'
    _answer(demo, 'Cancel')
    demo.slices_panel.shelf.button.click()
    assert len(session.material.drafts) == count


def test_a_run_that_was_opened_gives_way_and_own_slices_do_not_give_way_to_it(demo, until_done, qtbot, grey_file):
    session = demo.workbench.session
    folder = session.material.run.folder
    demo.runs_button.open_requested.emit(folder)
    assert demo.workbench.asking.box is None
    qtbot.waitUntil(lambda: session.material.opened is not None, timeout=20000)
    assert session.material.sample is None
    _open(demo, grey_file)  # joins the slices of the run, or is refused; either way nothing is lost
    qtbot.waitUntil(lambda: not session.job.is_active, timeout=20000)
    assert session.material.volume is not None
    demo.slices_panel.section_button.click()
    demo.runs_button.open_requested.emit(folder)
    _answer(demo, 'Cancel')
    assert len(session.material.drafts) >= 2


def test_nothing_is_brought_back_under_a_job(demo, until_done, qtbot, grey_file):
    session, line = demo.workbench.session, demo.slices_panel.shelf
    _open(demo, grey_file)
    until_done(demo, 'load')
    demo.reconstruct_panel.run_button.click()
    qtbot.waitUntil(lambda: session.job.kind == 'reconstruct', timeout=5000)
    assert not line.button.isEnabled()
    demo.workbench.cancel()
    qtbot.waitUntil(lambda: not session.job.is_active, timeout=5000)
    assert session.job.state in (JobState.CANCELLED, JobState.DONE)
    assert line.button.isEnabled()


def test_a_question_ends_with_the_window(widget, until_done, grey_file):
    _open(widget, grey_file)
    until_done(widget, 'load')
    widget.demo_bar.run_button.click()
    assert _question(widget).isVisible()
    widget.close_for_good()
    assert widget.workbench.asking.box is None
