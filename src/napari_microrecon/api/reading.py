"""Reading: slices, volumes, weights; and pictures in memory to phases."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import InputError
from ..engine.files import open_slice, read_image, volume_from
from ..engine.files.images import image_of_array
from ..engine.preparation import Preparation
from ..engine.slices import Slice, SliceSet, Symmetry
from ..engine.volume import Volume
from .inputs import Axes, Length, PhasesWanted, Pictures, Places, log, phases_of, size_of, slices_of, volume_of

if TYPE_CHECKING:
    from ..engine.generator import Weights

_OF_STACKS = {'method', 'order', 'thresholds'}


def read_slices(
    slices: Pictures,
    *,
    phases: PhasesWanted | None = None,
    voxel_size: Length | None = None,
    unit: str = 'um',
    normal: Axes | None = None,
    position: Places | None = None,
    symmetry: Symmetry | None = None,
    **preparation: Any,
) -> SliceSet:
    """Read one slice or several of one material; grey and colour pictures are segmented.

    Parameters
    ----------
    slices : path, array, or a sequence of these
        Images (TIFF, PNG, JPEG, BMP, NPY); a plane of a 3D file is written as ``'ct.tif@z=64'``. Arrays are 2D: labels
        where they hold at most eight whole numbers, else grey values; colour has a third axis of three.
    phases : int or sequence of str, optional
        Number of phases, or their names from the darkest on; one called pore or void is the pore.
    voxel_size : float or (float, float, float), optional
        Edge of a pixel (z, y, x) in `unit`; by default what the file says.
    unit : {'um', 'nm', 'mm', 'm', 'pm', 'voxel'}
        Of `voxel_size`.
    normal : {'z', 'y', 'x'} or a sequence of them, optional
        Axis that each slice is perpendicular to; by default what the file says, else z.
    position : int or a sequence of int, optional
        Voxel along the normal, from 0; needed only for volumes that are to hold the slices at their places.
    symmetry : {'isotropic', 'transverse', 'orthotropic'}, optional
        What is assumed of the material; by default it follows from the planes at hand.
    **preparation
        How a picture becomes a slice: fields of `napari_microrecon.engine.preparation.Preparation` (crop, denoise,
        radius, weight, method, order, thresholds, least_size, quarter_turns, flip, pixel_size).
        A data bar below a micrograph is cut off, and told, unless `crop` is given (``crop='none'`` keeps it).

    Returns
    -------
    SliceSet
        For `reconstruct`, `finetune` and `representativity`.

    Raises
    ------
    InputError
        Names what is wrong, and the way out.

    Examples
    --------
    >>> import numpy as np, napari_microrecon as mr
    >>> picture = np.random.default_rng(0).random((64, 64))
    >>> slices = mr.read_slices(picture, phases=('pore', 'grain'), thresholds=(0.3,), voxel_size=0.5)
    >>> slices.fractions.round(1).tolist(), str(slices.voxel_size)
    ([0.3, 0.7], '0.5 um')
    """
    return slices_of(
        slices, phases=phases, voxel_size=voxel_size, unit=unit, normal=normal, position=position, symmetry=symmetry,
        preparation=Preparation.of(**preparation) if preparation else None,
    )  # fmt: skip


def read_volume(
    path: str | PathLike[str],
    *,
    phases: PhasesWanted | None = None,
    voxel_size: Length | None = None,
    unit: str = 'um',
) -> Volume:
    """Read a volume of phase labels.

    Parameters
    ----------
    path : str or path
        TIFF, NPY or OME-Zarr.
    phases : int or sequence of str, optional
        Number of phases, or their names; a grey volume is segmented by Otsu only where this is given.
    voxel_size, unit
        Edge of a voxel (or three: z, y, x); by default what the file says.

    Returns
    -------
    Volume
        ``numpy.asarray(volume)`` is the label array.

    Raises
    ------
    InputError
        Names what is wrong, and the way out.

    Examples
    --------
    >>> import numpy as np, napari_microrecon as mr
    >>> np.save('labels.npy', np.random.default_rng(0).integers(0, 2, (32, 32, 32)))
    >>> volume = mr.read_volume('labels.npy', phases=('pore', 'grain'), voxel_size=2)
    >>> np.asarray(volume).shape, volume.phases.names, str(volume.voxel_size)
    ((32, 32, 32), ('pore', 'grain'), '2 um')
    """
    return volume_of(path, phases=phases, voxel_size=voxel_size, unit=unit)


def segment(
    image: str | PathLike[str] | np.ndarray,
    phases: PhasesWanted | None = None,
    *,
    voxel_size: Length | None = None,
    unit: str = 'um',
    **preparation: Any,
) -> Slice | Volume:
    """Segment a picture or a stack into phases.

    Parameters
    ----------
    image : path or numpy.ndarray
        2D or 3D, grey, colour (2D) or labels.
    phases : int or sequence of str, optional
        Number of phases, or their names from the darkest on; by default 2, of labels what they hold.
    voxel_size, unit
        Edge of a voxel (or three: z, y, x).
    **preparation
        As of `read_slices`; of a stack `method`, `order` and `thresholds`.

    Returns
    -------
    Slice or Volume
        Of a picture and of a stack.

    Raises
    ------
    InputError
        Names what is wrong, and the way out.

    Examples
    --------
    >>> import numpy as np, napari_microrecon as mr
    >>> stack = np.random.default_rng(0).random((32, 32, 32))
    >>> mr.segment(stack, ('pore', 'grain'), thresholds=(0.25,)).fractions.round(1).tolist()
    [0.2, 0.8]
    """
    if isinstance(image, (str, PathLike)):
        path = Path(image)
        # A zarr folder and a stack are no slice; `volume.tif@z=3` is no file.
        raw = read_image(path) if path.exists() else open_slice(path)
    else:
        raw = image_of_array(image)
    if raw.kind != 'stack':
        return read_slices(image, phases=phases, voxel_size=voxel_size, unit=unit, **preparation).slices[0]
    if unknown := set(preparation) - _OF_STACKS:
        raise InputError(min(unknown), 'is for pictures, not for stacks', f'use {", ".join(sorted(_OF_STACKS))}')
    from ..engine.segmentation import segment as labelled

    asked, wanted = Preparation.of(**preparation), phases_of(phases)
    if asked.thresholds is not None and wanted is None:
        wanted = len(asked.thresholds) + 1
    found = labelled(raw, wanted, asked.method, order=asked.order, thresholds=asked.thresholds, region=asked.region)
    log.info('%s: %s', raw.name, found.note)
    labels = raw.altered(array=found.labels, few=tuple(range(found.phases.count)))
    made = volume_from(labels, found.phases, size_of(voxel_size, unit))
    told = made.provenance.model_copy(update={'description': f'read from {raw.name}; {found.note}'})
    return replace(made, provenance=told)


def load_weights(weights: str | PathLike[str]) -> Weights:
    """Load weights for `reconstruct` or `finetune`: shipped ones by name, or a .safetensors file.

    Raises
    ------
    InputError
        If there are none of this name, or the file is none of ours.

    Examples
    --------
    >>> import napari_microrecon as mr
    >>> mr.load_weights('sandstone').phases.names
    ('grain', 'pore')
    """
    from ..engine.generator import Weights, shipped_weights

    shipped = shipped_weights()
    return Weights.load(shipped.get(str(weights), Path(weights)))
