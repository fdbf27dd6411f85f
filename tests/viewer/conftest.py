"""Fixtures of tests with a window: napari's notifications as a list."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from napari.utils.notifications import Notification, notification_manager


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
