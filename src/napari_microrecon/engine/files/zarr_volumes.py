"""OME-Zarr (NGFF 0.5 on zarr 3): a pyramid of chunked resolution levels with scale and unit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..voxels import UNITS, VoxelSize, parse_unit
from .metadata import KEY, Metadata

_LONG = {'m': 'meter', 'mm': 'millimeter', 'um': 'micrometer', 'nm': 'nanometer', 'pm': 'picometer'}
_CHUNK = 128
_COARSEST = 64  # voxels: no further level once every edge is this short


def write_ome_zarr(path: Path, labels: np.ndarray, metadata: Metadata) -> None:
    """Write labels (Z, Y, X) as a zarr 3 group with NGFF 0.5 metadata and our record.

    Each further level holds every second voxel of the one before, along axes that are longer than one chunk needs:
    labels cannot be averaged, and a majority vote would eat thin phases. Level 0 holds all voxels.
    """
    import zarr

    size = metadata.voxel_size
    group: Any = zarr.open_group(path, mode='w', zarr_format=3)
    steps = _steps(labels.shape)
    for level, step in enumerate(steps):
        z, y, x = step
        part = labels[::z, ::y, ::x]
        chunks = tuple(min(_CHUNK, n) for n in part.shape)
        array = group.create_array(
            str(level), shape=part.shape, chunks=chunks, dtype='uint8', dimension_names=('z', 'y', 'x'), fill_value=0
        )
        array[...] = part
    unit = {'unit': _LONG[size.unit]} if size.is_known else {}
    datasets = [
        {
            'path': str(level),
            'coordinateTransformations': [
                {'type': 'scale', 'scale': [edge * n for edge, n in zip(size.zyx, step, strict=True)]}
            ],
        }
        for level, step in enumerate(steps)
    ]
    group.attrs['ome'] = {
        'version': '0.5',
        'multiscales': [
            {
                'name': metadata.name,
                'axes': [{'name': axis, 'type': 'space', **unit} for axis in 'zyx'],
                'datasets': datasets,
                'type': 'nearest',
            }
        ],
    }
    group.attrs[KEY] = metadata.as_dict()[KEY]


def _steps(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Voxels from one sample to the next, per level and axis."""
    steps: list[tuple[int, ...]] = [(1,) * len(shape)]
    while any(-(-n // step) > _COARSEST for n, step in zip(shape, steps[-1], strict=True)):
        steps.append(
            tuple(2 * step if -(-n // step) > _COARSEST else step for n, step in zip(shape, steps[-1], strict=True))
        )
    return steps


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
