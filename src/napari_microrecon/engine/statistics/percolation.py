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
        """Share of the phase that lies in clusters spanning `axis`; 0 without any."""
        return float(self.sizes[self.spanning(axis) - 1].sum() / self.sizes.sum()) if self.count else 0.0

    def percolating_fractions(self) -> tuple[float, float, float]:
        """Shares of the phase that lie in clusters spanning z, y and x."""
        z, y, x = (self.percolating_fraction(axis) for axis in range(3))
        return z, y, x

    def percolating_mask(self, axis: int) -> np.ndarray:
        """Mask of the clusters spanning `axis`."""
        keep = np.zeros(self.count + 1, dtype=bool)
        keep[self.spanning(axis)] = True
        return keep[self.labels]

    def inner(self) -> np.ndarray:
        """Which clusters touch no face of the volume, bool, shape (count,)."""
        faces = [np.take(self.labels, end, axis) for axis in range(3) for end in (0, -1)]
        touching = np.zeros(self.count + 1, dtype=bool)
        touching[np.unique(np.concatenate([face.ravel() for face in faces]))] = True
        return ~touching[1:]

    def isolated(self) -> np.ndarray:
        """Labels of the clusters that touch no face of the volume, int32, 0 elsewhere."""
        keep = np.concatenate([[False], self.inner()])
        return np.where(keep[self.labels], self.labels, 0)

    def largest(self, among: np.ndarray) -> np.ndarray:
        """Mask of the largest of the clusters with these numbers; empty without any."""
        if len(among) == 0:
            return np.zeros(self.labels.shape, dtype=bool)
        return self.labels == among[np.argmax(self.sizes[among - 1])]


def largest_cluster(mask: np.ndarray) -> np.ndarray:
    """The largest 6-connected cluster of a mask, bool; empty where the mask is."""
    found = Clusters.of(mask)
    return found.largest(np.arange(1, found.count + 1))


def spans(mask: np.ndarray) -> tuple[bool, bool, bool]:
    """Whether some 6-connected cluster of a mask touches both faces perpendicular to z, to y and to x."""
    found = Clusters.of(mask)
    z, y, x = (len(found.spanning(axis)) > 0 for axis in range(3))
    return z, y, x
