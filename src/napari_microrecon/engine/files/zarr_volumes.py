"""OME-Zarr (NGFF 0.5 on zarr 3): one chunked resolution level with its scale and unit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..voxels import UNITS, VoxelSize, parse_unit
from .metadata import KEY, Metadata

_LONG = {'m': 'meter', 'mm': 'millimeter', 'um': 'micrometer', 'nm': 'nanometer', 'pm': 'picometer'}
_CHUNK = 128


def write_ome_zarr(path: Path, labels: np.ndarray, metadata: Metadata) -> None:
    """Write labels (Z, Y, X) as a zarr 3 group with NGFF 0.5 metadata and our record."""
    import zarr

    size = metadata.voxel_size
    group: Any = zarr.open_group(path, mode='w', zarr_format=3)
    chunks = (min(_CHUNK, labels.shape[0]), min(_CHUNK, labels.shape[1]), min(_CHUNK, labels.shape[2]))
    array = group.create_array(
        '0', shape=labels.shape, chunks=chunks, dtype='uint8', dimension_names=('z', 'y', 'x'), fill_value=0
    )
    array[...] = labels
    unit = {'unit': _LONG[size.unit]} if size.is_known else {}
    group.attrs['ome'] = {
        'version': '0.5',
        'multiscales': [
            {
                'name': metadata.name,
                'axes': [{'name': axis, 'type': 'space', **unit} for axis in 'zyx'],
                'datasets': [{'path': '0', 'coordinateTransformations': [{'type': 'scale', 'scale': [*size.zyx]}]}],
            }
        ],
    }
    group.attrs[KEY] = metadata.as_dict()[KEY]


def read_ome_zarr(path: Path) -> tuple[np.ndarray, str, VoxelSize, Metadata | None]:
    """Read the full-resolution array, its axes letters, voxel size and our record.

    NGFF 0.4 and 0.5 are understood.

    Raises
    ------
    InputError
        If the folder is no OME-Zarr image.
    """
    import zarr

    try:
        group: Any = zarr.open_group(path, mode='r')
        attributes: dict[str, Any] = dict(group.attrs)
        ome = attributes.get('ome', attributes)
        image = ome['multiscales'][0]
        dataset = image['datasets'][0]
        array = group[dataset['path']]
        axes = [axis['name'] for axis in image['axes']]
        units = {axis['name']: axis.get('unit', '') for axis in image['axes']}
        scale = dict(zip(axes, _scale(dataset, len(axes)), strict=True))
        pixels = np.asarray(array[...])
    except InputError:
        raise
    except (OSError, KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            str(path), 'is not an OME-Zarr image that can be read', 'give the folder that holds zarr.json or .zattrs'
        ) from error
    x = scale.get('x', 1.0)
    try:
        unit = parse_unit(units.get('x', ''))
        size = VoxelSize(z=scale.get('z', x), y=scale.get('y', x), x=x, unit=unit) if unit in UNITS else VoxelSize()
    except ValueError:
        size = VoxelSize()
    if not size.is_known:
        size = VoxelSize()
    return pixels, ''.join(axes).upper(), size, Metadata.find({KEY: attributes.get(KEY)})


def _scale(dataset: dict, count: int) -> list[float]:
    for transformation in dataset.get('coordinateTransformations', ()):
        if transformation.get('type') == 'scale':
            return [float(s) for s in transformation['scale']]
    return [1.0] * count
