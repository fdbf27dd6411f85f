"""Label volumes on disk, with voxel size, phases and provenance inside."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError
from ..looks import blurred_labels
from ..phases import Phases
from ..provenance import Provenance, Source, hash_array
from ..raw_image import RawImage
from ..segmentation import Method, refuse_regions, segment
from ..volume import Volume
from ..voxels import VoxelSize
from .images import TIFF, ZARR, read_image
from .metadata import Metadata
from .targets import check_suffix, replacing

VOLUME_OUTPUTS = ('.tif', '.tiff', '.ome.zarr', '.zarr')


_log = logging.getLogger(__name__)


def read_volume(
    path: Path | str,
    phases: Phases | int | None = None,
    voxel_size: VoxelSize | None = None,
    *,
    method: Method = 'auto',
    region: int | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Volume:
    """Read a label volume.

    Parameters
    ----------
    path : Path or str
        TIFF, NPY or OME-Zarr with 3D labels.
    phases : Phases or int, optional
        The phases or their number; by default what the file says, else one per distinct value. A grey volume is
        segmented by Otsu only where this is given.
    voxel_size : VoxelSize, optional
        Takes the place of what the file says.
    method, region
        See `engine.segmentation.segment`.
    on_note : callable, optional
        Told in words what is odd about the file (edited or missing voxels; the volume's `note`). Where nobody listens
        it goes to the log, as a warning: Python prints that on stderr.

    Raises
    ------
    InputError
        If the file cannot be read, is not 3D, or is grey and `phases` is not given.
    """
    volume = volume_from(read_image(path), phases, voxel_size, method=method, region=region)
    if volume.note:
        (on_note or _log.warning)(f'{Path(path).name}: {volume.note}')
    return volume


def volume_from(
    image: RawImage,
    phases: Phases | int | None = None,
    voxel_size: VoxelSize | None = None,
    *,
    method: Method = 'auto',
    region: int | None = None,
) -> Volume:
    """Make a label volume of a 3D stack (see `read_volume`)."""
    if image.kind != 'stack':
        raise InputError(image.name, 'is a 2D image', 'give a 3D volume (a TIFF stack, NPY or OME-Zarr)')
    if phases is None and image.phases is None and not image.values and method == 'auto':
        refuse_regions(image)
        levels = blurred_labels(image.array)
        said = (
            f'; it looks like {len(levels)} labels blurred by a resize: --phases {len(levels)} snaps them'
            if levels
            else ''
        )
        raise InputError(
            image.name,
            'holds grey values, not phase labels',
            'say how many phases it has (--phases 2) to have it segmented by Otsu, or segment it first' + said,
        )
    segmentation = segment(image, phases, method, region=region)
    name = image.name
    for suffix in (*TIFF, *ZARR, '.npy'):
        name = name.removesuffix(suffix)
    provenance = image.provenance or Provenance(
        description=f'read from {image.name}; {segmentation.note}',
        inputs=(Source(name=image.name, sha256=hash_array(image.array)),),
    )
    note = '; '.join(filter(None, (image.note, segmentation.warning)))
    return Volume(segmentation.labels, segmentation.phases, voxel_size or image.voxel_size, provenance, name, note)


def write_volume(volume: Volume, path: Path | str) -> Path:
    """Write a volume as TIFF (.tif) or OME-Zarr (.ome.zarr), completely or not at all; return its path.

    Raises
    ------
    InputError
        If the ending is not one of `VOLUME_OUTPUTS` or the place cannot be written.
    """
    path = check_suffix(Path(path), VOLUME_OUTPUTS)
    metadata = Metadata(
        name=volume.name,
        phases=volume.phases.as_stored(),
        voxel_size=volume.voxel_size,
        provenance=volume.provenance,
        labels_sha256=hash_array(volume.labels),
    )
    with replacing(path) as temporary:
        if path.name.lower().endswith(ZARR):
            from .zarr_volumes import write_ome_zarr

            write_ome_zarr(temporary, volume.labels, metadata)
        else:
            from .tiff import write_tiff

            write_tiff(temporary, volume.labels, metadata, volume.voxel_size.zyx)
    return path
