"""Reconstruction and reference side by side in napari's linked grid, in 2D and in 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .layers import role_of, set_visible

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from .veils import Veils


def arrange(viewer: ViewerModel, veils: Veils, left: Layer | None, right: Layer | None) -> None:
    """Put one layer into the left cell and its reference into the right one.

    All cells of napari's grid share one camera and one slice position. Every other layer is hidden, not removed: a
    hidden layer takes no cell. Where one of the two is missing, the grid is left. A veil shares the cell of its volume.
    """
    grid = viewer.canvas.grid
    if left is None or right is None:
        grid.enabled = False
        if left is not None:
            set_visible(left, True)
        return
    for layer in viewer.layers:
        if role_of(layer) != 'veil':  # follows its volume
            set_visible(layer, layer is left or layer is right)
            layer.name_overlay.visible = layer.visible
    in_cells = [one for layer in (left, right) for one in (layer, *veils.of(layer))]
    for target, layer in enumerate(in_cells):
        _move(viewer, layer, target)
    grid.stride = len(in_cells) // 2
    grid.shape = (1, 2)
    grid.spacing = 0.02
    grid.enabled = True


def single(viewer: ViewerModel) -> None:
    """Leave the grid: all layers in one view."""
    viewer.canvas.grid.enabled = False
    for layer in viewer.layers:
        layer.name_overlay.visible = False


def is_pair(viewer: ViewerModel) -> bool:
    """Whether there are a reconstruction and a reference, which hide each other in one view."""
    roles = {role_of(layer) for layer in viewer.layers}
    return 'reference' in roles and not roles.isdisjoint({'volume', 'preview'})


def put_on_top(viewer: ViewerModel) -> None:
    """Bring the reconstruction before its reference in one view, and name what is shown.

    napari draws the last layer of its list on top.
    """
    references = [layer for layer in viewer.layers if role_of(layer) == 'reference']
    for target, layer in enumerate(references):
        _move(viewer, layer, target)
    named = is_pair(viewer)
    for layer in viewer.layers:
        if role_of(layer) in ('volume', 'preview', 'reference'):
            layer.name_overlay.visible = named


def _move(viewer: ViewerModel, layer: Layer, target: int) -> None:
    source = viewer.layers.index(layer)
    if source != target:
        viewer.layers.move(source, target)
