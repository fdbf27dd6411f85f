"""Reconstruction and reference side by side in napari's linked grid, in 2D and in 3D."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .layers import Role, role_of, set_visible
from .placed_slices import is_placed_layer

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from ..engine.volume import Volume
    from .veils import Veils


def as_large_as(reference: Volume, volume: Volume) -> Volume:
    """Middle of the reference, as large as the volume: in its unit where both sizes are known, else in voxels.

    Where the reference is the smaller one along an axis, it keeps its whole length there.
    """
    own, other = reference.voxel_size, volume.voxel_size
    factors = (1.0, 1.0, 1.0)
    if own.is_known and other.is_known:
        factors = tuple(a / b for a, b in zip(other.zyx, own.to(other.unit).zyx, strict=True))
    z, y, x = (
        min(most, max(1, round(n * factor)))
        for most, n, factor in zip(reference.shape, volume.shape, factors, strict=True)
    )
    if (z, y, x) == reference.shape:
        return reference
    from ..engine.analysis import crop_middle

    return replace(crop_middle(reference, (z, y, x)), name=f'middle of {reference.name}')


def arrange(viewer: ViewerModel, veils: Veils) -> None:
    """Put what was reconstructed into the left cell and its reference into the right one.

    Before there is a reconstruction, the slices in place stand for it. All cells of napari's grid share one camera
    and one slice position. Every other layer is hidden, not removed: a hidden layer takes no cell. A preview stands
    in for the volume as long as there is one. With a single volume the grid is left. A veil shares the cell of its
    volume.
    """
    left = _first(viewer, 'preview') or _first(viewer, 'volume') or _placed(viewer)
    right = _first(viewer, 'reference')
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


def _first(viewer: ViewerModel, role: Role) -> Layer | None:
    """Return the first visible layer of a role, else the first."""
    found = [layer for layer in viewer.layers if role_of(layer) == role]
    return next((layer for layer in found if layer.visible), found[0] if found else None)


def _placed(viewer: ViewerModel) -> Layer | None:
    """Return the layer of the slices in place, if there is one."""
    return next((layer for layer in viewer.layers if is_placed_layer(layer.metadata)), None)


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
