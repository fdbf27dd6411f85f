"""Which labels layers of the viewer can be measured although they are not ours."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ..engine.errors import InputError
from .layers import role_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from ..session.session import Session


class LabelsWatch:
    """Keeps the session's `labels_layers` in step with the viewer's layer list.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly.
    session : Session
        Told the names, the topmost layer first.
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._viewer = weakref.ref(viewer)
        self._session = session
        for layer in viewer.layers:
            layer.events.name.connect(self._look)
        events = viewer.layers.events
        events.inserted.connect(self._on_inserted)
        events.removed.connect(self._on_removed)
        events.reordered.connect(self._look)
        self._look()

    def layer(self, name: str) -> Layer:
        """Return the labels layer of that name.

        Raises
        ------
        InputError
            If it is not there any more.
        """
        found = next((one for one in self._measurable() if one.name == name), None)
        if found is None:
            raise InputError(name, 'is no labels layer of the viewer', 'choose another layer')
        return found

    def _measurable(self) -> list[Layer]:
        viewer = self._viewer()
        layers = [] if viewer is None else list(reversed(viewer.layers))
        return [one for one in layers if one._type_string == 'labels' and role_of(one) is None]

    def _look(self) -> None:
        self._session.labels_layers = tuple(layer.name for layer in self._measurable())

    def _on_inserted(self, event: Any) -> None:
        event.value.events.name.connect(self._look)
        self._look()

    def _on_removed(self, event: Any) -> None:
        event.value.events.name.disconnect(self._look)
        self._look()
