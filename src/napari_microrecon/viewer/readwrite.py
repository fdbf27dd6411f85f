"""Reader and writers for napari's Open and Save dialogs; the work is done by the engine's files module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.errors import InputError
from ..engine.lengths import voxel_size
from ..engine.phases import Phases
from ..engine.volume import Volume
from ..engine.voxels import VoxelSize
from .layers import KEY, LayerData, volume_layer

PathOrPaths = str | Sequence[str]


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """Return the reader for one volume in a file of ours, None for several paths."""
    return read if isinstance(path, str) else None


def read(path: PathOrPaths) -> list[LayerData]:
    """Read a volume as a Labels layer with scale, unit, phases and provenance."""
    from ..engine.files import read_volume
    from . import notices

    if not isinstance(path, str):
        raise InputError('path', 'several files were given', 'open volumes one by one')
    return [volume_layer(read_volume(Path(path), on_note=notices.warning))]


def write_labels(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a Labels layer as TIFF or OME-Zarr with its voxel size; return the path written.

    Raises
    ------
    InputError
        If the layer is no 3D volume or has an ending that is not supported.
    """
    from ..engine.files import write_volume

    return [str(write_volume(volume_of(data, attributes), Path(path)))]


def volume_of(data: Any, attributes: dict[str, Any]) -> Volume:
    """Make a volume of a Labels layer's data and attributes; a layer of ours gets its labels shifted back."""
    labels = np.asarray(data)
    name = str(attributes.get('name', 'volume'))
    stored = attributes.get('metadata', {}).get(KEY, {})
    if stored.get('phases'):
        phases = Phases.model_validate(stored['phases'])
        labels = labels.astype(np.int16) - 1
    else:
        phases = Phases.default(max(2, int(labels.max(initial=0)) + 1))
    scale = [abs(float(s)) for s in attributes.get('scale', (1.0,) * 3)]
    if labels.ndim != 3:
        raise InputError(name, f'has {labels.ndim} dimensions', 'select a 3D volume')
    z, y, x = scale[-3:]
    units = [str(unit) for unit in attributes.get('units', ())][-3:]
    size = voxel_size((z, y, x), units) if len(units) == 3 else VoxelSize()
    if not size.is_known:
        size = VoxelSize(z=z, y=y, x=x)
    volume = Volume(labels, phases, size, name=name)
    if stored.get('provenance'):
        from dataclasses import replace

        from ..engine.provenance import Provenance

        volume = replace(volume, provenance=Provenance.model_validate(stored['provenance']))
    return volume
