"""Slices that a grown volume holds: their voxels keep their values while all others grow around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .features import halved_whole, signed_distances, squashed
from .finishing import settle

SEAM = 16  # voxels that are grown beyond the volume: it is periodic, and slices do not continue themselves
UNIT = 8  # of which the grown edges are multiples, so that every level holds the places of the slices

Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Pinned:
    """Slices at their places.

    Attributes
    ----------
    shape : tuple of int
        Of the volume that is wanted (Z, Y, X), in voxels.
    planes : tuple of (int, int, numpy.ndarray)
        Axis, position and labels (rows, columns) of every slice.
    phase_count : int
        K.
    """

    shape: Shape
    planes: tuple[tuple[int, int, np.ndarray], ...]
    phase_count: int

    @property
    def grown_shape(self) -> Shape:
        """Of the periodic volume that is grown; the wanted one begins at its origin."""
        z, y, x = (-(-(n + SEAM) // UNIT) * UNIT for n in self.shape)
        return z, y, x

    def features(self, depth: int) -> list[list[np.ndarray]]:
        """Features (rows, columns, C) of every slice at `depth` levels, finest first."""
        found: list[list[np.ndarray]] = []
        for _, _, labels in self.planes:
            distances = signed_distances(labels, self.phase_count)
            levels: list[np.ndarray] = []
            for level in range(depth):
                levels.append(squashed(distances, level))
                distances = halved_whole(distances)
            found.append(levels)
        return found

    def hold(self, field: np.ndarray, features: Sequence[Sequence[np.ndarray]], level: int, drawn: float = 0.0) -> None:
        """Write the slices into the field (Z, Y, X, C) of a level, in place.

        Patches that a slice contradicts lose their votes instead of giving in, so that what grows would end at the
        slice. Voxels beside it are drawn towards its values by the share `drawn`.
        """
        for (axis, position, _), levels in zip(self.planes, features, strict=True):
            values = levels[level]
            planes = np.moveaxis(field, axis, 0)[:, : values.shape[0], : values.shape[1]]
            for step in (-1, 1):
                beside = planes[((position >> level) + step) % len(planes)]
                beside += np.float32(drawn) * (values - beside)
        for (axis, position, _), levels in zip(self.planes, features, strict=True):
            values = levels[level]
            planes = np.moveaxis(field, axis, 0)[:, : values.shape[0], : values.shape[1]]
            planes[position >> level] = values

    def settled(self, labels: np.ndarray, field: np.ndarray, fractions: np.ndarray) -> np.ndarray:
        """The wanted part of grown labels, with the slices in their places and these phase fractions (K,).

        The fractions are met to a voxel, as long as voxels beside boundaries between the slices suffice.
        """
        block = tuple(slice(n) for n in self.shape)
        own, given = np.ascontiguousarray(labels[block]), np.zeros(self.shape, bool)
        for axis, position, one in self.planes:
            np.moveaxis(own, axis, 0)[position] = one
            np.moveaxis(given, axis, 0)[position] = True
        settle(own, np.ascontiguousarray(field[block]), fractions, given)
        return own
