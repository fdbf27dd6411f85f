"""Reading and writing images, slices and volumes with their voxel size, phases and provenance."""

from __future__ import annotations

from ..raw_image import RawImage
from .images import READABLE, read_image
from .slices import open_slice, read_prepared, read_slice, read_slices, write_slice
from .targets import check_target, replacing, write_text
from .volumes import VOLUME_OUTPUTS, read_volume, volume_from, write_volume

__all__ = [
    'READABLE',
    'VOLUME_OUTPUTS',
    'RawImage',
    'check_target',
    'open_slice',
    'read_image',
    'read_prepared',
    'read_slice',
    'read_slices',
    'read_volume',
    'replacing',
    'volume_from',
    'write_slice',
    'write_text',
    'write_volume',
]
