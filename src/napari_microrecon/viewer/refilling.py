"""Labels layers that are made once and filled anew: napari takes half a second to add or to remove one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import layers

if TYPE_CHECKING:
    from napari.layers import Labels, Layer


def new_layer(array: np.ndarray, keywords: dict[str, Any]) -> Labels:
    """Labels layer that cannot be painted over."""
    from napari.layers import Labels

    layer = Labels(array, **keywords)
    layer.editable = False  # painting over a measured volume by accident would go unnoticed
    return layer


def refill(layer: Layer, array: np.ndarray, keywords: dict[str, Any]) -> None:
    """Give a layer another content; what is the same already is left alone."""
    if layer.metadata.get(layers.KEY, {}).get('phases') != keywords['metadata'][layers.KEY]['phases']:
        layer.colormap = keywords['colormap']  # pyright: ignore[reportAttributeAccessIssue]
    layer.data = array
    layer.metadata = keywords['metadata']
    layer.name = keywords['name']
    if tuple(layer.scale) != tuple(keywords['scale']):
        layer.scale = keywords['scale']
    translate = keywords.get('translate', (0.0, 0.0, 0.0))
    if tuple(layer.translate) != tuple(translate):
        layer.translate = translate
    if tuple(str(unit) for unit in layer.units) != keywords['units']:
        layer.units = keywords['units']
