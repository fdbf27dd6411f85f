"""Volumes and slices as napari layers, and layers as raw images, always with scale and unit.

napari never draws label 0, so phase k is stored as label k + 1 and coloured by an explicit colormap;
`labels_of` undoes the shift.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..engine.errors import InputError
from ..engine.lengths import metres, voxel_size
from ..engine.phases import Phases
from ..engine.raw_image import RawImage, few_values
from ..engine.slices import Slice
from ..engine.volume import Volume
from ..engine.voxels import AXES, VoxelSize
from .layer_specs import LayerSpec, SceneRole, slice_spec, volume_spec

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.utils.colormaps import DirectLabelColormap

Role = Literal['slice', 'volume', 'reference', 'preview', 'placeholder', 'face', 'likelihood', 'veil']
LayerData = tuple[np.ndarray, dict[str, Any], str]
KEY = 'microrecon'  # of our entry in a layer's metadata
# napari's units are pint's; a voxel of unknown size is a pixel there.
_TO_PINT = {'voxel': 'pixel'}


def phase_colormap(phases: Phases, opacity: Mapping[int, float] | None = None) -> DirectLabelColormap:
    """Colormap for labels shifted by one; `opacity` by phase label, 1 where not given."""
    from napari.utils.colormaps import DirectLabelColormap

    clear = np.zeros(4, np.float32)
    colors: defaultdict[int | None, np.ndarray] = defaultdict(lambda: np.zeros(4, np.float32))
    colors[None] = colors[0] = clear
    for phase in phases.items:
        rgb = [int(phase.color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        colors[phase.label + 1] = np.array([*rgb, (opacity or {}).get(phase.label, 1.0)], np.float32)
    return DirectLabelColormap(color_dict=colors)


def common_keywords(voxel_size: VoxelSize) -> dict[str, Any]:
    """Scale, units and axis names of a layer of ours."""
    unit = _TO_PINT.get(voxel_size.unit, voxel_size.unit)
    return {'scale': voxel_size.zyx, 'units': (unit,) * 3, 'axis_labels': AXES}


def layer_data(spec: LayerSpec) -> LayerData:
    """What napari makes a layer of: array, keywords and type."""
    keywords = {
        **common_keywords(spec.voxel_size),
        'translate': spec.translate,
        'name': spec.name,
        'opacity': 1.0,  # napari's 0.7 would let the background shine through the colours of the legend
        'colormap': phase_colormap(spec.phases),
        'metadata': {KEY: {'role': spec.role, 'phases': spec.phases.model_dump(), **spec.details}},
    }
    return spec.make(), keywords, 'labels'


def volume_layer(volume: Volume, role: SceneRole = 'volume') -> LayerData:
    """Layer data of a volume: Labels (Z, Y, X), phase k as k + 1."""
    return layer_data(volume_spec(volume, role))


def slice_layer(made: Slice) -> LayerData:
    """Layer data of a slice as a plate one voxel thick, in its plane and at its position (0 if unknown)."""
    return layer_data(slice_spec(made))


def role_of(layer: Layer) -> Role | None:
    """What we use the layer for, None if it is not ours."""
    return layer.metadata.get(KEY, {}).get('role')


def is_placed_layer(layer: Layer) -> bool:
    """Whether a layer of ours shows slices in place."""
    return 'planes' in layer.metadata.get(KEY, {})


def phases_of(layer: Layer) -> Phases | None:
    """Return the phases that a layer of ours shows."""
    stored = layer.metadata.get(KEY, {}).get('phases')
    return Phases.model_validate(stored) if stored else None


def set_visible(layer: Layer, on: bool) -> None:
    """Show or hide a layer; napari slices and draws it anew even where it is shown already (a tenth of a second)."""
    if layer.visible != on:
        layer.visible = on


def voxel_size_of(layer: Layer) -> VoxelSize:
    """Voxel size of a 2D or 3D layer; unknown where it has neither a length unit nor a scale.

    Every axis of a layer has a scale and a unit of its own.
    """
    scale = [abs(float(s)) for s in layer.scale]
    units = [str(unit) for unit in layer.units]
    z, y, x = scale[-3:] if len(scale) > 2 else (scale[-1], *scale[-2:])
    found = voxel_size((z, y, x), units[-3:] if len(units) > 2 else (units[-1], *units[-2:]))
    if found.is_known or any(metres(unit) is not None for unit in units[-3:]):
        return found
    return VoxelSize(z=z, y=y, x=x)  # in pixels; the ratios are known


def raw_image_of(layer: Layer) -> RawImage:
    """Read an Image or Labels layer, as if it were a file.

    A layer that napari read from a file is read anew from there, because napari drops the voxel size that
    TIFF files carry; unless the user has set a scale, or the pixels are no longer those of the file.

    Raises
    ------
    InputError
        If the layer holds no pixels or has more than three dimensions.
    """
    if layer._type_string not in ('image', 'labels'):
        raise InputError(layer.name, f'is a {layer._type_string} layer', 'select an image or labels layer')
    data = layer.data[0] if getattr(layer, 'multiscale', False) else layer.data
    array = np.asarray(data)
    if (phases := phases_of(layer)) is not None:
        array = array.astype(np.uint8) - np.uint8(1)
        name = layer.name
        kind = 'stack' if min(array.shape) > 1 else 'labels'
        stored = layer.metadata[KEY]
        return RawImage(
            np.squeeze(array), voxel_size_of(layer), phases, None, name, kind, stored.get('normal'),
            stored.get('position'),
        )  # fmt: skip
    from_file = _from_file(layer)
    if from_file is not None:
        return from_file
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    rgb = bool(getattr(layer, 'rgb', False))
    if array.ndim - rgb > 3 or array.ndim - rgb < 2:
        raise InputError(layer.name, f'has {array.ndim - rgb} dimensions', 'select a 2D image or a 3D volume')
    if array.dtype.kind == 'f' and not np.isfinite(array).all():
        raise InputError(layer.name, 'holds NaN or infinite values', 'replace them before it is used as a slice')
    if rgb:
        return RawImage(array[..., :3], voxel_size_of(layer), name=layer.name, kind='rgb')
    if array.ndim == 3:
        return RawImage(array, voxel_size_of(layer), name=layer.name, kind='stack')
    return RawImage(array, voxel_size_of(layer), name=layer.name, kind='labels' if few_values(array) else 'grey')


def _from_file(layer: Layer) -> RawImage | None:
    """Return the layer's file as we read it, where it is the same picture and says more than the layer."""
    from ..engine.files import read_image

    path = layer.source.path
    if path is None or np.any(np.asarray(layer.scale) != 1) or not Path(path).is_file():
        return None
    try:
        image = read_image(Path(path))
    except InputError:
        return None
    data = np.squeeze(np.asarray(layer.data))
    return image if image.array.shape[:2] == data.shape[:2] else None
