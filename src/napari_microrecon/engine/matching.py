"""Match a volume from elsewhere to the slices: voxel size, phases, and the order of its labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from .errors import InputError
from .phases import Phases
from .slices import SliceSet
from .volume import Volume
from .voxels import VoxelSize

_OTHER = 0.15  # how far fractions are apart, summed over the phases, before another order is thought of
_CLEARLY = 0.5  # and how much nearer that order has to be
_MOST_TIMES = 1e5  # what voxels of one material differ by
_MOST_PHASES = 4  # orders are tried out up to so many


@dataclass(frozen=True)
class Reordering:
    """Another order of a volume's labels, in which its phase fractions are those of the slices.

    Attributes
    ----------
    order : tuple of int
        The label in the volume that is to become 0, 1, ...
    there, here : tuple of float
        Fractions of the volume as it is, and of the slices.
    """

    order: tuple[int, ...]
    there: tuple[float, ...]
    here: tuple[float, ...]


def seeming_order(volume: Volume, slices: SliceSet | Volume | None) -> Reordering | None:
    """Order of the volume's labels in which its fractions are those of slices or of another volume; None for its own.

    Labels do not say which phase they mean: a CT that was segmented elsewhere may have its pores as 1 where the picture
    of the slice has them as 0. Another order is returned only where its fractions fit clearly better.
    """
    if slices is None or slices.phases.count != volume.phases.count or volume.phases.count > _MOST_PHASES:
        return None
    ours, theirs = np.asarray(slices.fractions), volume.fractions

    def apart(order: Sequence[int]) -> float:
        return float(np.abs(theirs[list(order)] - ours).sum())

    present = tuple(range(volume.phases.count))
    best = min(permutations(present), key=apart)
    if apart(present) <= _OTHER or apart(best) >= _CLEARLY * apart(present):
        return None
    return Reordering(best, tuple(map(float, theirs)), tuple(map(float, ours)))


def reordered(volume: Volume, order: Sequence[int]) -> Volume:
    """Volume whose label `order[k]` has become k; names and colours stay with the numbers.

    Raises
    ------
    InputError
        If `order` does not name every phase once.
    """
    if sorted(order) != list(range(volume.phases.count)):
        raise InputError('order', f'{tuple(order)} does not name every phase once', 'name each of them')
    table = np.empty(volume.phases.count, dtype=np.uint8)
    table[list(order)] = np.arange(volume.phases.count, dtype=np.uint8)
    return replace(volume, labels=table[volume.labels])


def adapted(volume: Volume, slices: SliceSet | None) -> tuple[Volume, list[str]]:
    """Volume with the voxel size and the phases of the slices where its own file names none, and what to say of it.

    Raises
    ------
    InputError
        As `check_scale`.
    """
    if slices is None:
        return volume, []
    check_scale(volume, slices.voxel_size)
    words = []
    if not volume.voxel_size.is_known and slices.voxel_size.is_known:
        volume = replace(volume, voxel_size=slices.voxel_size)
        words.append(f'its file names no voxel size: that of the slices, {slices.voxel_size}, is taken')
    count = volume.phases.count
    if count == slices.phases.count and volume.phases.as_stored() == Phases.default(count):
        volume = replace(volume, phases=slices.phases)
    return volume, words


def check_scale(volume: Volume, size: VoxelSize) -> None:
    """Refuse a voxel size that cannot belong to the material of a volume.

    Raises
    ------
    InputError
        If one is more than 100 000 times the other: a unit is wrong, and a viewer cannot show both.
    """
    own = volume.voxel_size
    if not (own.is_known and size.is_known):
        return
    ratio = size.to(own.unit).x / own.x
    if not 1 / _MOST_TIMES <= ratio <= _MOST_TIMES:
        raise InputError(
            'pixel size', f'{size} is {ratio:.0e} times that of {volume.name} ({own})', 'check both numbers and units'
        )
