"""The question before the user's own work gives way to something else."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Qt
from qtpy.QtWidgets import QMessageBox

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..session import Session


class Asking(QObject):
    """Asks, where there is something to ask about and a window to ask in, and goes on when the answer is yes.

    The question does not wait in a loop of its own: what comes from a job meanwhile is taken as ever.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly.
    session : Session
        Whose work it is.
    """

    def __init__(self, viewer: ViewerModel, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = weakref.ref(viewer)
        self._session = session
        self.box: QMessageBox | None = None

    def before(self, act: Callable[[], object]) -> None:
        """Do something that puts the work at hand away: at once, or for own work when the user has agreed."""
        self.drop()
        session, work = self._session, self._session.material
        window: Any = getattr(getattr(self._viewer(), 'window', None), '_qt_window', None)
        if not work.is_own or window is None:
            act()
            return
        former = session.put_away
        dropped = (
            f' {former.name} ({former.holds}), which was put away before, is dropped then.'
            if former is not None and former.is_own
            else ''
        )
        box = QMessageBox(
            QMessageBox.Icon.Question,
            'Put your work away?',
            f'{work.name} is open: {work.holds}.',
            parent=window,
        )
        box.setInformativeText(f'It is put away; “Bring back” in step 1 returns to it.{dropped}')
        yes = box.addButton('Put it away', QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.box = box

        def answered() -> None:
            agreed, self.box = box.clickedButton() is yes, None
            if agreed:
                act()

        box.finished.connect(lambda _: answered())
        box.open()

    def drop(self) -> None:
        """Take an open question back."""
        box, self.box = self.box, None
        if box is not None:
            box.finished.disconnect()
            box.close()
