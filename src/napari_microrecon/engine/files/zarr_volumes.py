"""OME-Zarr (NGFF 0.5 on zarr 3): a pyramid of chunked resolution levels with scale and unit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..lengths import voxel_size
from ..provenance import hash_array
from ..voxels import VoxelSize
from .metadata import KEY, Metadata
from .zarr_chunks import check_array, missing_chunks

_LONG = {'m': 'meter', 'mm': 'millimeter', 'um': 'micrometer', 'nm': 'nanometer', 'pm': 'picometer'}
_COPY = 'copy it again from where it was made, with all of its files'
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
            str(level), shape=part.shape, chunks=chunks, dtype='uint8', dimension_names=('z', 'y', 'x'), fill_value=0,
            config={'write_empty_chunks': True},  # else a chunk that got lost looks like one without pores
        )  # fmt: skip
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


def read_ome_zarr(path: Path) -> tuple[np.ndarray, str, VoxelSize, Metadata | None, str]:
    """Read the full-resolution array, its axes letters, voxel size, our record and a remark.

    NGFF 0.4 and 0.5 are understood. A chunk that is missing is read as the fill value, as zarr has it, and remarked;
    in a volume of ours it is refused, unless the voxels are still those that were written (we used to
    leave chunks of zeros out).

    Raises
    ------
    InputError
        If the folder is no OME-Zarr image, cannot be read within memory and time, or lacks chunks that we wrote.
    """
    import zarr

    note = ''
    try:
        group: Any = zarr.open_group(path, mode='r')
        attributes: dict[str, Any] = dict(group.attrs)
        ome = attributes.get('ome', attributes)
        image = ome['multiscales'][0]
        dataset = image['datasets'][0]
        array = group[dataset['path']]
        axes, units = _axes_of(image, array.ndim)
        # A scale of all levels, beside the levels, is applied on top of that of the level.
        steps = [a * b for a, b in zip(_scale(dataset, array.ndim), _scale(image, array.ndim), strict=True)]
        scale = dict(zip(axes, steps, strict=True))
        check_array(array, path)
        record = Metadata.find({KEY: attributes.get(KEY)})
        missing, count = missing_chunks(array)
        if missing:
            note = f'{missing} of the {count} chunks of its array {array.path} are missing'
        pixels = np.asarray(array[...])
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(str(path), 'does not fit into memory', 'crop it first') from error
    # No list says what zarr and its codecs raise on a damaged folder; whatever it is, the folder is what is wrong.
    except Exception as error:
        if note:  # zarr takes an empty file for a chunk
            raise InputError(str(path), note, _COPY) from error
        raise InputError(
            str(path),
            f'is not an OME-Zarr image that can be read ({_reason(error)})',
            'give the folder that holds zarr.json or .zattrs, or copy it again',
        ) from error
    if note:
        if record is None:
            note += f' and were read as {array.fill_value}'
        elif hash_array(pixels) == record.labels_sha256:
            note = ''
        else:
            raise InputError(str(path), note, _COPY)
    x = scale.get('X', 1.0)
    edges = (scale.get('Z', x), scale.get('Y', x), x)
    size = voxel_size(edges, [units.get(axis, '') for axis in 'ZYX'], ome=True)
    return pixels, axes, size, record, note


def _axes_of(image: dict[str, Any], count: int) -> tuple[str, dict[str, str]]:
    """Letters of the axes in the order of the array, and the units of those that have one.

    NGFF 0.4 and later describe axes, 0.3 names them, and before that they were always t, c, z, y, x.
    """
    told = image.get('axes', 'tczyx'[-count:])
    described = [axis if isinstance(axis, dict) else {'name': axis} for axis in told]
    names = [str(axis['name']) for axis in described]
    letters = ''.join(name.upper() if len(name) == 1 else 'Q' for name in names)
    return letters, {letters[i]: str(axis.get('unit') or '') for i, axis in enumerate(described)}


def _scale(described: dict[str, Any], count: int) -> list[float]:
    """Factors of the scalings that a level, or all levels, are given; of several the product."""
    found = [1.0] * count
    for transformation in described.get('coordinateTransformations') or ():
        if transformation.get('type') == 'scale':
            found = [a * float(b) for a, b in zip(found, transformation['scale'], strict=True)]
    return found


def _reason(error: Exception) -> str:
    return ' '.join(str(error).split())[:120] or type(error).__name__
