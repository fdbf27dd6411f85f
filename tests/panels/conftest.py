"""Fixtures of tests with a window: the docked widget, and napari's notifications as a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from napari.utils.notifications import Notification, notification_manager

from napari_microrecon.panels.microrecon_widget import MicroreconWidget
from napari_microrecon.session.jobs import JobState
from napari_microrecon.viewer.settings import Preferences
from napari_microrecon.viewer.workbench import Workbench


@pytest.fixture
def notices() -> Iterator[list[Notification]]:
    """Notifications since the start of the test."""
    before = len(notification_manager.records)
    heard: list[Notification] = []

    def listen(notification: Notification) -> None:
        heard.append(notification)

    notification_manager.notification_ready.connect(listen)
    yield heard
    notification_manager.notification_ready.disconnect(listen)
    del notification_manager.records[before:]


@pytest.fixture
def widget(make_napari_viewer, qtbot) -> Iterator[MicroreconWidget]:
    """The widget docked in a viewer that is not shown, with small volumes as its default."""
    viewer = make_napari_viewer()
    docked = _dock(viewer)
    yield docked
    docked.close_for_good()


def _dock(viewer) -> MicroreconWidget:
    bench = Workbench.of(viewer)
    bench.preferences = Preferences(edge=32, minutes=0.1)
    docked = MicroreconWidget(viewer)
    viewer.window.add_dock_widget(docked, name='Microrecon', area='right')
    return docked


@pytest.fixture
def dock() -> Callable[..., MicroreconWidget]:
    """Docks the widget into a viewer, with preferences for quick tests."""
    return _dock


@pytest.fixture
def until_done(qtbot) -> Callable[..., None]:
    """Waits until the last job of a kind has ended well; a failure ends the wait at once."""

    def wait(widget: MicroreconWidget, kind: str, timeout: int = 60000) -> None:
        def check() -> bool:
            job = widget.workbench.session.job
            assert job.state is not JobState.FAILED, job.message
            return job.kind == kind and job.state is JobState.DONE

        qtbot.waitUntil(check, timeout=timeout)

    return wait


@pytest.fixture
def agree(qtbot) -> Callable[[MicroreconWidget], None]:
    """Answers the question before own work is put away with yes."""

    def answer(widget: MicroreconWidget) -> None:
        asking = widget.workbench.asking
        qtbot.waitUntil(lambda: asking.box is not None)
        next(one for one in asking.box.buttons() if one.text() == 'Put it away').click()

    return answer


@pytest.fixture(scope='module', autouse=True)
def _quick_priors(quick_priors: None) -> None:
    """Nothing here is about the choice of a prior."""
