"""Placed slices in a volume: checked against its shape and against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..slices import Slice, SliceSet
from ..voxels import AXES, IMAGE_AXES, Axis

MOST_DISAGREEMENT = 0.2  # of the line where two slices cross; more than a registration a voxel off explains
UNKNOWN = 255  # label of a voxel that no slice shows


@dataclass(frozen=True, eq=False)
class Planes:
    """Slices at their places in a volume.

    Attributes
    ----------
    slices : tuple of Slice
        Each with a position, no two of the same plane; sorted by normal and position.
    shape : tuple of int
        Of the volume, in voxels.
    notes : tuple of str
        What was settled where slices disagree, in sentences for the user.
    """

    slices: tuple[Slice, ...]
    shape: tuple[int, int, int]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, slices: SliceSet, shape: tuple[int, int, int]) -> Planes:
        """Put slices in their places; their order does not matter.

        A slice that is given twice counts once. Where two slices cross and disagree in a few voxels, the line is
        that of the slice that was given first.

        Raises
        ------
        InputError
            If a slice has no position, lies outside the shape, has another in-plane size, or contradicts another
            at the same position or in more than a fifth of the line where they cross.
        """
        placed: dict[tuple[Axis, int], Slice] = {}
        for s in slices:
            key = (s.normal, checked_position(s, shape))
            if key not in placed:
                placed[key] = s
            elif not np.array_equal(placed[key].labels, s.labels):
                raise InputError(s.name, f'contradicts {placed[key].name} at {s.normal}={s.position}', 'keep one')
        given = tuple(placed.values())
        notes = _check_crossings(given)
        # Written in reverse, the slice that was given first has the last word; afterwards all agree.
        known = np.full(shape, UNKNOWN, np.uint8)
        for (normal, position), s in reversed(placed.items()):
            _layer(known, normal, position)[...] = s.labels
        settled = [
            Slice(_layer(known, normal, position).copy(), s.phases, normal, position, s.voxel_size, s.name)
            for (normal, position), s in placed.items()
        ]
        settled.sort(key=lambda s: (AXES.index(s.normal), s.position))
        return cls(tuple(settled), shape, notes)

    @property
    def phase_count(self) -> int:
        """Number of phases K."""
        return self.slices[0].phases.count

    @property
    def normals(self) -> tuple[Axis, ...]:
        """Axes that some slice is perpendicular to."""
        return tuple(axis for axis in AXES if self.positions(axis))

    def along(self, normal: Axis) -> tuple[Slice, ...]:
        """Slices with this normal by position."""
        return tuple(s for s in self.slices if s.normal == normal)

    def positions(self, normal: Axis) -> list[int]:
        """Positions of the slices with this normal, ascending."""
        return [s.position for s in self.along(normal) if s.position is not None]

    def known(self) -> np.ndarray:
        """Labels of the given voxels (Z, Y, X), UNKNOWN elsewhere."""
        labels = np.full(self.shape, UNKNOWN, np.uint8)
        self.hold(labels)
        return labels

    def hold(self, labels: np.ndarray) -> None:
        """Write every given voxel into `labels` (Z, Y, X)."""
        for s in self.slices:
            _layer(labels, s.normal, s.position)[...] = s.labels

    def layer_distances(self, normal: Axis) -> np.ndarray:
        """Distance of every layer along `normal` to the nearest slice with that normal, in voxels, inf if none."""
        layers = np.arange(self.shape[AXES.index(normal)], dtype=np.float32)
        positions = self.positions(normal)
        if not positions:
            return np.full(len(layers), np.inf, np.float32)
        return np.abs(layers[:, None] - np.asarray(positions, np.float32)).min(1)

    def distances(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Distance (layers, Y, X) to the nearest slice for the layers start..stop along z, float32."""
        z, y, x = (self.layer_distances(axis) for axis in AXES)
        return np.minimum(z[start:stop, None, None], np.minimum(y[:, None], x))


def _layer(labels: np.ndarray, normal: Axis, position: int | None) -> np.ndarray:
    return np.moveaxis(labels, AXES.index(normal), 0)[position]


def checked_position(s: Slice, shape: tuple[int, int, int]) -> int:
    """Position of a slice in a volume of this shape.

    Raises
    ------
    InputError
        If it has none, lies outside the shape, or has another in-plane size.
    """
    if s.position is None:
        raise InputError(s.name, 'has no position', 'give the position of every slice, or the mode unconditional')
    extent = shape[AXES.index(s.normal)]
    if s.position >= extent:
        raise InputError(
            s.name, f'position {s.position} lies outside the shape', f'use 0..{extent - 1} along {s.normal}'
        )
    rows, columns = (shape[AXES.index(axis)] for axis in IMAGE_AXES[s.normal])
    if s.labels.shape != (rows, columns):
        have, named = s.labels.shape, IMAGE_AXES[s.normal]
        if have[0] >= rows and have[1] >= columns:
            remedy = f'crop it to {rows} x {columns}'
        else:
            remedy = f'use a shape with {have[0]} along {named[0]} and {have[1]} along {named[1]}'
        raise InputError(s.name, f'is {have[0]} x {have[1]} while the shape asks for {rows} x {columns}', remedy)
    return s.position


def _check_crossings(slices: Sequence[Slice]) -> tuple[str, ...]:
    """Refuse slices that disagree too much where they cross; sentences about those that disagree a little."""
    notes: list[str] = []
    for index, a in enumerate(slices):
        for b in slices[index + 1 :]:
            if a.normal == b.normal or a.position is None or b.position is None:
                continue
            line_a = np.take(a.labels, b.position, IMAGE_AXES[a.normal].index(b.normal))
            line_b = np.take(b.labels, a.position, IMAGE_AXES[b.normal].index(a.normal))
            share = float((line_a != line_b).mean())
            if share > MOST_DISAGREEMENT:
                raise InputError(
                    b.name,
                    f'disagrees with {a.name} in {share:.0%} of the line where they cross',
                    'check planes and positions',
                )
            if share > 0:
                notes.append(f'{b.name} disagrees with {a.name} in {share:.1%} of their line: {a.name} holds there')
    return tuple(notes)
