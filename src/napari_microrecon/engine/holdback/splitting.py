"""Cutting slices into a part that may be learned from and a part that is held back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..slices import Slice, SliceSet

SMALLEST_REST = 64  # pixels: edge of a picture below which weights say little of a material
SMALLEST_HELD = 32  # pixels: edge of a window below which its statistics say little
_SHARES = (0.1, 0.5)


@dataclass(frozen=True, eq=False)
class Split:
    """Both parts of a set of slices.

    Attributes
    ----------
    rest : SliceSet
        What is learned from; without positions, because none of its slices fills a plane of the volume any more.
    held : tuple of Slice
        What was held back, one part of every slice.
    share : float
        Wished share of every slice that is held back.
    """

    rest: SliceSet
    held: tuple[Slice, ...]
    share: float


def split(slices: SliceSet, share: float = 1 / 3) -> Split:
    """Hold back the far end of every slice: its last columns, or its last rows where it is higher than wide.

    Slices of one plane are cut along the same image axis, so that neighbouring slices do not show the part held back.

    Parameters
    ----------
    slices : SliceSet
        Whole slices.
    share : float
        Part of each that is held back, 0.1 to 0.5.

    Raises
    ------
    InputError
        If a slice would be too small, naming it; or one phase would be missing from a part.
    """
    low, high = _SHARES
    if not low <= share <= high:
        raise InputError('share', f'{share:g} cannot be held back', f'choose {low:g} to {high:g} of the slice')
    rest, held = [], []
    for plane in dict.fromkeys(s.normal for s in slices):
        alike = [s for s in slices if s.normal == plane]
        axis = 1 if min(s.labels.shape[1] for s in alike) >= min(s.labels.shape[0] for s in alike) else 0
        for one in alike:
            kept, away = _cut(one, axis, share)
            rest.append((one, kept))
            held.append((one, away))
    order = {id(one): i for i, one in enumerate(slices)}
    rest.sort(key=lambda pair: order[id(pair[0])])
    held.sort(key=lambda pair: order[id(pair[0])])
    return Split(replace(slices, slices=tuple(part for _, part in rest)), tuple(part for _, part in held), share)


def _cut(one: Slice, axis: int, share: float) -> tuple[Slice, Slice]:
    edge = one.labels.shape[axis]
    at = edge - round(share * edge)
    kept, away = np.split(one.labels, [at], axis=axis)
    for labels, least, what in ((kept, SMALLEST_REST, 'left'), (away, SMALLEST_HELD, 'held back')):
        if min(labels.shape) < least:
            rows, columns = labels.shape
            needed = max(round(SMALLEST_REST / (1 - share)), round(SMALLEST_HELD / share))
            raise InputError(
                one.name,
                f'would have {rows} x {columns} pixels {what}, fewer than {least} x {least}',
                f'hold back another share, or give a slice of {needed} x {SMALLEST_REST} pixels or more',
            )
        if len(np.unique(labels)) < one.phases.count:
            raise InputError(
                one.name, f'would lack a phase in the part {what}', 'hold back another share, or give a larger slice'
            )
    side = 'columns' if axis else 'rows'
    return (
        replace(one, labels=kept, position=None, name=f'{one.name}, {side} 0 to {at - 1}'),
        replace(one, labels=away, position=None, name=f'{one.name}, {side} {at} to {edge - 1}'),
    )
