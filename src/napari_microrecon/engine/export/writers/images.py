"""Volumes as images: TIFF, OME-Zarr, VTK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...files import write_volume
from ...progress import Job
from ...volume import Volume
from ..formats import Exported, Format, Order


class _Labels(Format):
    """Formats that the program reads again."""

    def write(self, order: Order) -> Job[Exported]:
        yield from ()
        write_volume(order.volume, order.path)
        return Exported(order.path, f'labels, {_size(order.volume)}')


class _Tiff(_Labels):
    key = 'tiff'
    title = 'TIFF stack'
    endings = ('.tif', '.tiff')
    opens = 'Fiji, napari, Avizo, Dragonfly: labels with voxel size'
    place = 10


class _OmeZarr(_Labels):
    key = 'ome-zarr'
    title = 'OME-Zarr pyramid'
    endings = ('.ome.zarr', '.zarr')
    opens = 'napari, BigDataViewer, OMERO: several resolutions'
    place = 20


class _Vti(Format):
    key = 'vti'
    title = 'VTK image'
    endings = ('.vti',)
    opens = 'ParaView, PyVista: labels as cell data, physical size'
    place = 30

    def write_file(self, part: Path, order: Order) -> Job[tuple[str, dict[str, Any]]]:
        from ..vti import write_vti

        yield from write_vti(part, order.volume)
        return f"cell array 'phase', {_size(order.volume)}", {}


FORMATS = (_Tiff(), _OmeZarr(), _Vti())


def _size(volume: Volume) -> str:
    return f'{" x ".join(map(str, volume.shape))} voxels of {volume.voxel_size}'
