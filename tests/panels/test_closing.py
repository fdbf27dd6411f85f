"""A window that is closed while something runs: one question, and after the answer nothing begins any more."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from napari._qt.dialogs.confirm_close_dialog import ConfirmCloseDialog
from napari.settings import get_settings
from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QApplication, QMessageBox
from scipy.ndimage import gaussian_filter

from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import Progress
from napari_microrecon.engine.run import Run
from napari_microrecon.engine.slices import Slice
from napari_microrecon.session import SliceDraft
from napari_microrecon.session.jobs import Job, JobState
from napari_microrecon.session.runs import recent_runs
from napari_microrecon.session.task import Task


@pytest.fixture
def asked_by_napari(qtbot):
    """Questions of napari's own; each is answered with Close, as by somebody who wants the window to close."""
    questions: list[str] = []

    def answer() -> None:
        for widget in QApplication.topLevelWidgets():
            if isinstance(widget, ConfirmCloseDialog) and widget.isVisible():
                questions.append(widget.windowTitle())
                widget.close_btn.click()  # pyright: ignore[reportAttributeAccessIssue]

    timer = QTimer()
    timer.timeout.connect(answer)
    timer.start(20)
    wanted = get_settings().application.confirm_close_window
    get_settings().application.confirm_close_window = True  # napari's default
    yield questions
    get_settings().application.confirm_close_window = wanted
    timer.stop()


@pytest.fixture
def shown(make_napari_viewer, dock, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)  # the fixture closes it again
    widget = dock(viewer)
    yield widget
    widget.close_for_good()


def _close_with_the_mouse(widget) -> None:
    """What a click on the cross comes to; `QWindow.close` would not be taken for the user's."""
    QApplication.sendEvent(widget.workbench.stage.viewer.window._qt_window.windowHandle(), QCloseEvent())
    QApplication.processEvents()


def _close_when(widget, kind: str) -> None:
    """Close the window as soon as a job of this kind has begun, however short it is."""
    jobs = widget.workbench.session.events.job

    def look(job: Job) -> None:
        if job.kind == kind:
            jobs.disconnect(look)
            _close_with_the_mouse(widget)

    jobs.connect(look)


def _click(box: QMessageBox, text: str) -> None:
    next(one for one in box.buttons() if one.text() == text).click()


def test_it_is_asked_once_and_no_job_follows(shown, qtbot, asked_by_napari):
    """The reconstruction of a demo ends, and its analysis begins, while the question is open."""
    bench, session = shown.workbench, shown.workbench.session
    window = bench.stage.viewer.window._qt_window
    _close_when(shown, 'reconstruct')
    shown.run_demo('sandstone')
    qtbot.waitUntil(lambda: bench.closing.box is not None, timeout=20000)
    box = bench.closing.box
    assert 'Reconstructing is not done yet' in box.text()
    qtbot.waitUntil(lambda: session.job.kind == 'analyse', timeout=60000)
    assert window.isVisible(), 'it waits for the answer'
    last = session.job.id
    begun: list[int] = []
    session.events.job.connect(lambda job: begun.append(job.id))
    _click(box, 'End it and close')
    assert session.job.state is JobState.CANCELLED
    assert not window.isVisible()
    assert asked_by_napari == []
    qtbot.waitUntil(bench.runner._ended.is_set, timeout=20000)
    qtbot.wait(300)
    assert set(begun) <= {last}
    assert asked_by_napari == []
    assert not session.job.is_active


def test_a_job_that_ends_just_before_the_answer_starts_no_next_one(shown, qtbot):
    """Its result is on its way through the event loop when the answer is given."""
    bench, session = shown.workbench, shown.workbench.session
    may_end, followed = threading.Event(), []

    def work():
        yield Progress('working')
        may_end.wait(20)

    def next_work():
        followed.append('begun')
        yield Progress('more')

    bench.runner.start(Task('load', 'First', work, lambda _: Task('analyse', 'Second', next_work, followed.append)))
    qtbot.waitUntil(lambda: session.job.progress.stage == 'working')
    _close_with_the_mouse(shown)
    box = bench.closing.box
    may_end.set()
    assert bench.runner._ended.wait(20)  # the outcome is queued; no event has been handled since
    _click(box, 'End it and close')
    qtbot.wait(300)
    assert followed == []
    assert session.job.title == 'First'


def test_who_keeps_working_loses_nothing(shown, qtbot, until_done, asked_by_napari):
    bench, session = shown.workbench, shown.workbench.session
    window = bench.stage.viewer.window._qt_window
    _close_when(shown, 'reconstruct')
    shown.run_demo('sandstone')
    qtbot.waitUntil(lambda: bench.closing.box is not None, timeout=20000)
    _close_with_the_mouse(shown)  # an impatient second click asks no second question
    boxes = [one for one in window.findChildren(QMessageBox) if one.isVisible()]
    assert boxes == [bench.closing.box]
    _click(boxes[0], 'Keep working')
    until_done(shown, 'analyse', timeout=120000)
    assert window.isVisible()
    assert session.findings.comparison is not None
    assert asked_by_napari == []
    _close_with_the_mouse(shown)  # nothing runs: napari asks as ever
    assert asked_by_napari == ['Close Window?']


def _said(shown) -> str:
    _close_with_the_mouse(shown)
    text = shown.workbench.closing.box.informativeText()
    _click(shown.workbench.closing.box, 'Keep working')
    return text


def test_a_training_is_said_to_be_resumable_once_there_is_something_to_resume(shown, qtbot):
    bench, session = shown.workbench, shown.workbench.session
    grain = np.random.default_rng(7).standard_normal((48, 48))
    labels = (gaussian_filter(grain, 2, mode='wrap') > 0.05).astype(np.uint8)
    session.set_drafts([SliceDraft(Slice(labels, Phases.named('grain', 'pore', pore=1)))])
    session.choose_weights('scratch')
    shown.finetune_panel.form.set_value('minutes', 1.0)
    shown.finetune_panel.run_button.click()
    assert _said(shown) == 'Closing the window ends it.', 'nothing is trained yet'
    qtbot.waitUntil(lambda: bool(session.material.training.curves), timeout=200000)
    (run,) = recent_runs()
    assert Run.open(run).checkpoint.is_file()
    assert 'resumed' in _said(shown)
    window = shown.workbench.closing._window
    assert 'it can be resumed from its run folder' in str(window._task_status_manager.get_status())
    bench.cancel()
    qtbot.waitUntil(lambda: not session.job.is_active and not session.awaiting, timeout=60000)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
