"""Second layers that let a faded phase be looked through in 3D.

napari draws, along each line of sight through a labels layer, the first voxel that is not clear, and nothing behind it:
a faded phase only darkens. But it blends layers. So where phases are fainter than the others, the volume's own layer
leaves them out, and veils in front, of the same labels, show one of them each, at its opacity.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from .layers import KEY, phase_colormap, phases_of, role_of, set_visible
from .reconciler import new_layer

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from ..engine.phases import Phases

_WORD = 'see-through'


def faded(phases: Phases, opacity: Mapping[int, float]) -> list[set[int]]:
    """Labels of the phases that veils show, one set for each veil, the faintest last.

    These are the phases that are shown and fainter than the least faint one; equally faint ones share a veil. A veil
    hides what later ones have behind it (depth is tested), so the faintest, which would be missed least, comes last.
    """
    shown = {phase.label: opacity.get(phase.label, 1.0) for phase in phases.items}
    levels = sorted({value for value in shown.values() if value > 0}, reverse=True)
    return [{label for label, value in shown.items() if value == level} for level in levels[1:]]


@contextmanager
def _selection_kept(viewer: ViewerModel) -> Iterator[None]:
    """Leave the selection as it is: napari selects what is added, and a neighbour of what is removed."""
    selection = viewer.layers.selection
    former, active = set(selection), selection.active
    yield
    left = {one for one in former if one in viewer.layers}
    if left and set(selection) != left:
        selection.clear()
        selection.update(left)
    if active in left:
        selection.active = active


class Veils:
    """The veils of a viewer's volumes.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = weakref.ref(viewer)
        self._of: weakref.WeakKeyDictionary[Layer, list[Layer]] = weakref.WeakKeyDictionary()
        self._opacity: Mapping[int, float] = {}
        self._coloured: weakref.WeakKeyDictionary[Layer, tuple[Phases, dict[int, float]]] = weakref.WeakKeyDictionary()
        viewer.dims.events.ndisplay.connect(self.settle)
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def layers(self) -> list[Layer]:
        """The veils that there are."""
        return [one for layer in list(self._of) for one in self.of(layer)]

    def of(self, layer: Layer) -> list[Layer]:
        """The veils in front of a volume's layer."""
        viewer = self._viewer()
        return [] if viewer is None else [one for one in self._of.get(layer, ()) if one in viewer.layers]

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
        counts = {one: len(faded(phases, self._opacity)) for one in shown if (phases := phases_of(one)) is not None}
        veiled = [one for one, count in counts.items() if count]
        most = max(counts.values(), default=0)
        if veiled and viewer.canvas.grid.enabled:  # every cell of the grid holds as many layers
            veiled = [one for one in viewer.layers if one.visible and role_of(one) not in (None, 'veil')]
            counts = dict.fromkeys(veiled, most)
        with _selection_kept(viewer):
            for layer in list(self._of):
                self._drop(layer, counts.get(layer, 0))
            for layer in volumes:
                self._colour(layer, layer in veiled)
            for layer in veiled:
                for i in range(counts[layer]):
                    self._veil(viewer, layer, i)
        if viewer.canvas.grid.enabled:
            viewer.canvas.grid.stride = 1 + most

    def _colour(self, layer: Layer, is_veiled: bool) -> None:
        """Give a volume the opacity of its phases, without those that its veil shows."""
        phases = phases_of(layer)
        if phases is None or not (self._opacity or is_veiled):
            return
        apart = {label for one in faded(phases, self._opacity) for label in one} if is_veiled else set()
        self._show(
            layer, phases, {p.label: 0.0 if p.label in apart else self._opacity.get(p.label, 1.0) for p in phases.items}
        )

    def _show(self, layer: Layer, phases: Phases, opacity: dict[int, float]) -> None:
        """Colour a layer where it has other colours so far: napari draws it anew each time."""
        if self._coloured.get(layer) != (phases, opacity):
            self._coloured[layer] = phases, opacity
            layer.colormap = phase_colormap(phases, opacity)  # pyright: ignore[reportAttributeAccessIssue]

    def _veil(self, viewer: ViewerModel, layer: Layer, i: int) -> None:
        """Make the veil of this number, counted from the volume's own layer on, show what it is to show."""
        phases = phases_of(layer)
        if phases is None:
            return
        # Nothing, where the volume has none of the faint phases: but its cell of the grid needs two layers.
        sets = faded(phases, self._opacity) if role_of(layer) != 'slice' else []
        apart = sets[i] if i < len(sets) else set()
        opacity = {p.label: self._opacity[p.label] if p.label in apart else 0.0 for p in phases.items}
        veils = self.of(layer)
        name = f'{layer.name} ({_WORD}{f" {i + 1}" if i else ""})'
        if i >= len(veils):
            place = {each: getattr(layer, each) for each in ('scale', 'units', 'translate', 'axis_labels')}
            look = {'name': name, 'opacity': 1.0, 'colormap': phase_colormap(phases, opacity)}
            veil = new_layer(layer.data, {**place, **look, 'metadata': {KEY: {'role': 'veil'}}})
            if layer not in self._of:
                layer.events.visible.connect(self._follow)
            self._of[layer] = [*veils, veil]
            viewer.layers.insert(viewer.layers.index(layer) + 1 + i, veil)
            return
        veil = veils[i]
        if veil.data is not layer.data:
            veil.data = layer.data
        for each in ('scale', 'translate', 'units'):
            if tuple(getattr(veil, each)) != tuple(getattr(layer, each)):
                setattr(veil, each, getattr(layer, each))
        veil.name = name
        self._show(veil, phases, opacity)
        set_visible(veil, True)
        source, target = viewer.layers.index(veil), viewer.layers.index(layer) + 1 + i
        if source != target:
            viewer.layers.move(source, target)

    def _drop(self, layer: Layer, keep: int) -> None:
        """Remove the veils of a volume but for so many."""
        veils = self.of(layer)
        for veil in veils[keep:]:
            self._forget(veil)
        self._of[layer] = veils[:keep]
        if not keep:
            del self._of[layer]
            layer.events.visible.disconnect(self._follow)

    def _follow(self, event: Any) -> None:
        for veil in self.of(event.source):
            set_visible(veil, event.source.visible)

    def _on_removed(self, event: Any) -> None:
        """Let the veils go after their volume; not at once, because napari may be removing several layers by number."""
        for veil in self._of.pop(event.value, ()):
            veil.visible = False
            QTimer.singleShot(0, partial(self._forget, veil))  # pyright: ignore[reportCallIssue, reportArgumentType]

    def _forget(self, veil: Layer) -> None:
        viewer = self._viewer()
        if viewer is not None and veil in viewer.layers:
            viewer.layers.remove(veil)
