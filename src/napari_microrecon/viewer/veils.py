"""Second layers that let a faded phase be looked through in 3D.

napari draws, along each line of sight through a labels layer, the first voxel that is not clear, and nothing behind it:
a faded phase only darkens. But it blends layers. So where a phase is fainter than the others, the volume's own layer
leaves it out, and a veil in front, of the same labels, shows that phase only, at its opacity.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from .layers import KEY, phase_colormap, phases_of, role_of, set_visible
from .refilling import new_layer

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from ..engine.phases import Phases

_WORD = 'see-through'


def faintest(phases: Phases, opacity: Mapping[int, float]) -> set[int]:
    """Labels of the phases that a veil shows: the faintest ones that are shown, where others are less faint."""
    shown = {phase.label: opacity.get(phase.label, 1.0) for phase in phases.items}
    shown = {label: value for label, value in shown.items() if value > 0}
    least = min(shown.values(), default=1.0)
    return (
        {label for label, value in shown.items() if value == least}
        if least < max(shown.values(), default=1.0)
        else set()
    )


class Veils:
    """The veils of a viewer's volumes.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = weakref.ref(viewer)
        self._of: weakref.WeakKeyDictionary[Layer, Layer] = weakref.WeakKeyDictionary()
        self._opacity: Mapping[int, float] = {}
        self._coloured: weakref.WeakKeyDictionary[Layer, tuple[Phases, dict[int, float]]] = weakref.WeakKeyDictionary()
        viewer.dims.events.ndisplay.connect(self.settle)
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def layers(self) -> list[Layer]:
        """The veils that there are."""
        viewer = self._viewer()
        return [] if viewer is None else [one for one in self._of.values() if one in viewer.layers]

    def of(self, layer: Layer) -> Layer | None:
        """The veil in front of a volume's layer, None where there is none."""
        veil, viewer = self._of.get(layer), self._viewer()
        return veil if viewer is not None and veil in viewer.layers else None

    def fade(self, opacity: Mapping[int, float]) -> None:
        """Take another opacity of the phases."""
        self._opacity = opacity
        self.settle()

    def settle(self, _: Any = None) -> None:
        """Bring the veils in step with the volumes that are shown, and the volumes' colours with their veils."""
        viewer = self._viewer()
        if viewer is None:
            return
        volumes = [one for one in viewer.layers if role_of(one) in ('volume', 'reference', 'preview')]
        shown = [one for one in volumes if one.visible and viewer.dims.ndisplay == 3]
        veiled = [one for one in shown if (phases := phases_of(one)) is not None and faintest(phases, self._opacity)]
        if veiled and viewer.canvas.grid.enabled:  # every cell of the grid holds as many layers
            veiled = [one for one in viewer.layers if one.visible and role_of(one) not in (None, 'veil')]
        for layer in [one for one in self._of if one not in veiled]:
            self._drop(layer)
        for layer in volumes:
            self._colour(layer, layer in veiled)
        for layer in veiled:
            self._veil(viewer, layer)
        if viewer.canvas.grid.enabled:
            viewer.canvas.grid.stride = 2 if veiled else 1

    def _colour(self, layer: Layer, is_veiled: bool) -> None:
        """Give a volume the opacity of its phases, without those that its veil shows."""
        phases = phases_of(layer)
        if phases is None or not (self._opacity or is_veiled):
            return
        apart = faintest(phases, self._opacity) if is_veiled else set()
        self._show(
            layer, phases, {p.label: 0.0 if p.label in apart else self._opacity.get(p.label, 1.0) for p in phases.items}
        )

    def _show(self, layer: Layer, phases: Phases, opacity: dict[int, float]) -> None:
        """Colour a layer where it has other colours so far: napari draws it anew each time."""
        if self._coloured.get(layer) != (phases, opacity):
            self._coloured[layer] = phases, opacity
            layer.colormap = phase_colormap(phases, opacity)  # pyright: ignore[reportAttributeAccessIssue]

    def _veil(self, viewer: ViewerModel, layer: Layer) -> None:
        phases = phases_of(layer)
        if phases is None:
            return
        # Nothing, where the volume has none of the faint phases: but its cell of the grid needs two layers.
        apart = faintest(phases, self._opacity) if role_of(layer) != 'slice' else set()
        opacity = {p.label: self._opacity[p.label] if p.label in apart else 0.0 for p in phases.items}
        veil = self.of(layer)
        if veil is None:
            place = {name: getattr(layer, name) for name in ('scale', 'units', 'translate', 'axis_labels')}
            look = {'name': f'{layer.name} ({_WORD})', 'opacity': 1.0, 'colormap': phase_colormap(phases, opacity)}
            veil = new_layer(layer.data, {**place, **look, 'metadata': {KEY: {'role': 'veil'}}})
            self._of[layer] = veil
            layer.events.visible.connect(self._follow)
            viewer.layers.insert(viewer.layers.index(layer) + 1, veil)
            viewer.layers.selection.active = layer
            return
        if veil.data is not layer.data:
            veil.data = layer.data
        for name in ('scale', 'translate', 'units'):
            if tuple(getattr(veil, name)) != tuple(getattr(layer, name)):
                setattr(veil, name, getattr(layer, name))
        veil.name = f'{layer.name} ({_WORD})'
        self._show(veil, phases, opacity)
        set_visible(veil, True)
        source, target = viewer.layers.index(veil), viewer.layers.index(layer)
        if source != target + 1:
            viewer.layers.move(source, target + 1)

    def _drop(self, layer: Layer) -> None:
        veil = self._of.pop(layer, None)
        layer.events.visible.disconnect(self._follow)
        if veil is not None:
            self._forget(veil)

    def _follow(self, event: Any) -> None:
        veil = self.of(event.source)
        if veil is not None:
            set_visible(veil, event.source.visible)

    def _on_removed(self, event: Any) -> None:
        """Let the veil go after its volume; not at once, because napari may be removing several layers by number."""
        veil = self._of.pop(event.value, None)
        if veil is not None:
            veil.visible = False
            QTimer.singleShot(0, partial(self._forget, veil))  # pyright: ignore[reportCallIssue, reportArgumentType]

    def _forget(self, veil: Layer) -> None:
        viewer = self._viewer()
        if viewer is not None and veil in viewer.layers:
            viewer.layers.remove(veil)
