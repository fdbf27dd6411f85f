"""What slices tell about the way from one voxel to the next: change rates per axis and the correlation length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..slices import Slice, SliceSet
from ..volume import Volume
from ..voxels import AXES, IMAGE_AXES, Axis

LONGEST = 48  # voxels; longer features are treated as this long


@dataclass(frozen=True)
class SliceStatistics:
    """Statistics of a slice set along the axes of the volume.

    Attributes
    ----------
    change : tuple of float
        Share of neighbouring voxel pairs of different phase along z, y, x.
    length : float
        Lag in voxels at which the phases' autocovariance falls to 1/e, mean over the axes.
    """

    change: tuple[float, float, float]
    length: float

    @classmethod
    def of(cls, slices: SliceSet, volume: Volume | None = None) -> SliceStatistics:
        """Measure every axis on the slices that hold it; an axis that none holds is taken for like the others.

        A volume of the same material tells the correlation length, and how that axis differs from the others.
        """
        far = 1.0 - float((slices.fractions**2).sum())
        change: list[float] = []
        lengths: list[float] = []
        for axis in AXES:
            images = _along(slices, axis)
            reach = min(LONGEST, min(len(image) for image in images) // 2)
            curve = [0.0, *(_change(images, lag) for lag in range(1, reach + 1))]
            change.append(curve[1])
            left = 1.0 - np.asarray(curve) / far
            below = np.flatnonzero(left < np.exp(-1.0))
            lengths.append(float(below[0]) if len(below) else float(reach))
        if volume is None:
            return cls((change[0], change[1], change[2]), max(1.5, float(np.mean(lengths))))
        # The sections of the volume along its three planes, measured as slices are.
        stacks = [np.moveaxis(volume.labels, axis, 0) for axis in range(3)]
        sections = [
            Slice(stack[i], volume.phases, normal)
            for normal, stack in zip(AXES, stacks, strict=True)
            for i in np.linspace(0, len(stack) - 1, 12).round().astype(int)
            if np.ptp(stack[i]) > 0
        ]
        whole = cls.of(SliceSet.of(sections, 'orthotropic'))
        shown = [i for i, axis in enumerate(AXES) if any(s.normal != axis for s in slices)]
        for missing in set(range(3)) - set(shown):
            change[missing] *= whole.change[missing] / float(np.mean([whole.change[i] for i in shown]))
        return cls((change[0], change[1], change[2]), whole.length)


def _along(slices: SliceSet, axis: Axis) -> list[np.ndarray]:
    """Label images whose rows follow one another along `axis`: of slices that hold it, else of those that stand in."""
    own = [s.labels if IMAGE_AXES[s.normal][0] == axis else s.labels.T for s in slices if s.normal != axis]
    if own:
        return own
    if slices.symmetry == 'isotropic':
        return [image for s in slices for image in (s.labels, s.labels.T)]
    return [
        image if IMAGE_AXES[normal][0] == axis else image.T
        for normal in AXES
        if normal != axis
        for image in slices.exemplars(normal)
    ]


def _change(images: list[np.ndarray], lag: int) -> float:
    """Share of pixel pairs `lag` rows apart that differ."""
    pairs = [(image[lag:] != image[:-lag]) for image in images]
    return sum(float(p.sum()) for p in pairs) / sum(p.size for p in pairs)
