"""Spatial faces of statistics as layers: they take the place of the volumes until these are wished back."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from . import comparison
from .layers import KEY, common_keywords, role_of, set_visible

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from ..engine.volume import Volume
    from ..session.findings import ShownFace
    from ..session.session import Session
    from .stage import Stage

_TINY = 1e-6  # what an image holds outside the phase, 0, lies below its contrast limits and is not drawn


class Faces:
    """The layers that show spatial faces.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly.
    session : Session
        Its `face` is shown; faces of volumes that are gone are removed.
    stage : Stage
        Arranges the volumes again.
    """

    def __init__(self, viewer: ViewerModel, session: Session, stage: Stage) -> None:
        self._viewer = weakref.ref(viewer)
        self._session = session
        self._stage = stage
        self._of: weakref.WeakKeyDictionary[Layer, Volume] = weakref.WeakKeyDictionary()
        self._flattened = False
        session.events.face.connect(self._on_face)
        for event in (session.events.volumes, session.events.reference, session.events.subject):
            event.connect(self._drop_stale)
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def layers(self) -> list[Layer]:
        """Layers that show faces, in the viewer's order."""
        viewer = self._viewer()
        return [] if viewer is None else [one for one in viewer.layers if role_of(one) == 'face']

    def shown_again(self, key: str, phase: int | None) -> bool:
        """Show the face of a statistic anew if its layer is there still; False if it has to be computed."""
        volume = self._session.material.measured
        for layer in self.layers:
            known = layer.metadata[KEY]
            if (known['key'], known['phase']) == (key, phase) and self._of.get(layer) is volume:
                self._alone(layer)
                return True
        return False

    def put_away(self) -> None:
        """Hide the faces and show the volumes again."""
        viewer = self._viewer()
        if viewer is None:
            return
        for layer in self.layers:
            set_visible(layer, False)
        for layer in self._stage.layers_of('volume', 'reference'):
            set_visible(layer, True)
        if self._flattened:
            self._flattened = False
            viewer.dims.ndisplay = 3
        self._stage.compare(self._stage.side_by_side)

    # -- slots ----------------------------------------------------------------------------------

    def _on_face(self, shown: ShownFace | None) -> None:
        viewer = self._viewer()
        if viewer is None or shown is None:
            return
        report = self._session.findings.report
        data, keywords, kind = face_layer(shown, None if report is None else report.phase)
        # A face is computed once for each statistic and phase; another one of the same replaces it.
        for layer in self.layers:
            if layer.name == keywords['name']:
                viewer.layers.remove(layer)
        layer = _new(data, keywords, kind)
        viewer.layers.append(layer)
        self._of[layer] = shown.volume
        self._alone(layer)

    def _alone(self, layer: Layer) -> None:
        """Show one face and nothing else; values are read in planes, things are seen in 3D."""
        viewer = self._viewer()
        if viewer is None:
            return
        comparison.single(viewer)
        for other in viewer.layers:
            set_visible(other, other is layer)
        layer.name_overlay.visible = True
        if layer._type_string == 'image' and viewer.dims.ndisplay == 3:
            self._flattened = True
            viewer.dims.ndisplay = 2
        viewer.layers.selection.active = layer
        self._stage.frame()

    def _on_removed(self, event: Any) -> None:
        if role_of(event.value) == 'face' and not any(layer.visible for layer in self.layers):
            self.put_away()

    def _drop_stale(self) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        session = self._session
        current = (*session.material.volumes, session.material.reference, session.material.subject)
        for layer in self.layers:
            if not any(self._of.get(layer) is volume for volume in current):
                viewer.layers.remove(layer)


def face_layer(shown: ShownFace, phase: int | None) -> tuple[np.ndarray, dict[str, Any], str]:
    """Layer data of a face; what lies outside the phase is not drawn."""
    face = shown.face
    unit = '' if face.unit == '1' else f' ({face.unit.replace("um", "µm")})'
    keywords: dict[str, Any] = {
        **common_keywords(face.voxel_size),
        'name': f'{shown.volume.name}: {face.title}{unit}',
        'metadata': {
            KEY: {'role': 'face', 'key': face.key, 'phase': phase, 'unit': face.unit, 'note': face.note},
        },
    }
    if face.kind == 'labels':
        return face.data, {**keywords, 'opacity': 1.0}, 'labels'
    low, high = face.limits
    keywords['contrast_limits'] = (max(low, _TINY * max(high, 1.0)), max(high, low + _TINY))
    keywords['rendering'] = 'attenuated_mip'
    return face.data, keywords, 'image'


def _new(data: np.ndarray, keywords: dict[str, Any], kind: str) -> Layer:
    from napari.layers import Image, Labels
    from napari.utils.colormaps import Colormap, ensure_colormap

    if kind == 'labels':
        layer = Labels(data, **keywords)
        layer.editable = False
        layer.bounding_box.visible = True
        return layer
    viridis = ensure_colormap('viridis')
    colormap = Colormap(viridis.colors, name='viridis in the phase', controls=viridis.controls, low_color='transparent')
    image = Image(data, colormap=colormap, **keywords)
    image.colorbar.visible = True
    return image
