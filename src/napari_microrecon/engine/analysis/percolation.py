"""Clusters of a phase (6-connected, through faces) and the part of it that spans the volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Clusters:
    """Connected clusters of one phase.

    Attributes
    ----------
    labels : numpy.ndarray
        int32, shape (Z, Y, X): 0 outside the phase, 1..count inside.
    sizes : numpy.ndarray
        Voxels of clusters 1..count.
    """

    labels: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, mask: np.ndarray) -> Clusters:
        """Label the clusters of a mask."""
        from scipy import ndimage

        labels = np.empty(mask.shape, dtype=np.int32)
        count = ndimage.label(mask, output=labels)
        return cls(labels, np.bincount(labels.ravel(), minlength=int(count) + 1)[1:])

    @property
    def count(self) -> int:
        """Number of clusters."""
        return len(self.sizes)

    def spanning(self, axis: int) -> np.ndarray:
        """Numbers of the clusters that touch both faces perpendicular to `axis`."""
        first, last = np.take(self.labels, 0, axis), np.take(self.labels, -1, axis)
        both = np.intersect1d(first, last)
        return both[both > 0]

    def percolating_fraction(self, axis: int) -> float:
        """Share of the phase that lies in clusters spanning `axis`."""
        return float(self.sizes[self.spanning(axis) - 1].sum() / self.sizes.sum())

    def percolating_mask(self, axis: int) -> np.ndarray:
        """Mask of the clusters spanning `axis`."""
        keep = np.zeros(self.count + 1, dtype=bool)
        keep[self.spanning(axis)] = True
        return keep[self.labels]
