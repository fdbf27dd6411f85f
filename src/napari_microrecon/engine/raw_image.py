"""An image as it lies in a file, before anybody has decided what its values mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from .errors import InputError
from .phases import Phases
from .provenance import Provenance
from .voxels import AXES, Axis, VoxelSize

Kind = Literal['labels', 'grey', 'rgb', 'stack']
MOST_SAMPLES = 2_000_000  # pixels
MOST_LABELS = 8  # more distinct values than this are grey levels, not phase labels


@dataclass(frozen=True, eq=False)
class RawImage:
    """Pixels of a file with what the file says about them.

    Attributes
    ----------
    array : numpy.ndarray
        2D (rows, columns), 2D colour (rows, columns, 3) or 3D stack (Z, Y, X); leading axes of length 1 are
        dropped, an alpha channel too; always finite numbers.
    voxel_size : VoxelSize
        From the file, else unknown. Of a 2D image, y is the row spacing and x the column spacing.
    phases : Phases or None
        What the labels mean, where the file says so (files that we wrote ourselves).
    provenance : Provenance or None
        Where it came from, where the file says so.
    name : str
        File name without its folder.
    kind : {'labels', 'grey', 'rgb', 'stack'}
        Two to eight distinct integer values are labels, more are grey levels; 3D is a stack.
    normal, position
        Plane that the image shows, where the file says so.
    note : str
        Remark on the reading for the user ('' where there is none).
    stack_greys : numpy.ndarray or None
        Of a plane of a grey stack: grey values of the whole stack (a sample), from which thresholds are taken.
    """

    array: np.ndarray
    voxel_size: VoxelSize = VoxelSize()
    phases: Phases | None = None
    provenance: Provenance | None = None
    name: str = 'image'
    kind: Kind = 'grey'
    normal: Axis | None = None
    position: int | None = None
    note: str = ''
    stack_greys: np.ndarray | None = None

    @cached_property
    def values(self) -> tuple[int, ...]:
        """The distinct values in rising order where they are few whole numbers, else ()."""
        return () if self.kind == 'rgb' else few_values(self.array)

    def altered(self, few: tuple[int, ...] | None = None, **changes: Any) -> RawImage:
        """Return a copy with other fields that keeps what the distinct values are.

        Parameters
        ----------
        few : tuple of int, optional
            The distinct values; by default those of this image, so that a part of it is read as the whole is.
        **changes
            Fields to replace.
        """
        made = replace(self, **changes)
        made.__dict__['values'] = self.values if few is None else few  # the cached property
        return made

    def plane(self, normal: Axis, position: int) -> RawImage:
        """One plane of a stack as a 2D image that knows its normal and position.

        Raises
        ------
        InputError
            If this is no stack or the position lies outside it.
        """
        if self.kind != 'stack':
            raise InputError(self.name, 'is a single image', f'leave out @{normal}={position}')
        axis = AXES.index(normal)
        count = self.array.shape[axis]
        if not 0 <= position < count:
            raise InputError(
                self.name, f'has no plane {normal}={position}', f'choose 0..{count - 1} along {normal} (counted from 0)'
            )
        plane = np.take(self.array, position, axis=axis)
        # The values of the whole stack decide: a plane may lack a phase that its neighbours show.
        kind: Kind = 'labels' if self.values else 'grey'
        changes = {'array': plane, 'kind': kind, 'normal': normal, 'position': position}
        name = f'{self.name}@{normal}={position}'
        if self.values:
            return self.altered(**changes, name=name)
        return replace(self, **changes, name=name, stack_greys=sampled(self.array))


def sampled(greys: np.ndarray) -> np.ndarray:
    """Pixels that a threshold or a colour centre is taken from: all, or every n-th of many."""
    return greys.ravel()[:: max(1, greys.size // MOST_SAMPLES)]


def few_values(array: np.ndarray) -> tuple[int, ...]:
    """Return the distinct values of an array where they are at most `MOST_LABELS` whole numbers, else ()."""
    if array.dtype.kind == 'b':
        return tuple(int(v) for v in np.unique(array))
    if array.dtype == np.uint8:
        found = np.flatnonzero(np.bincount(array.ravel(), minlength=256))
    else:
        # A thin sample settles most grey images without sorting all of them.
        sample = array.ravel()[:: max(1, array.size // 4096)]
        if len(np.unique(sample)) > MOST_LABELS:
            return ()
        found = np.unique(array)
    if len(found) > MOST_LABELS or np.any(found != np.round(found)):
        return ()
    return tuple(int(v) for v in found)
