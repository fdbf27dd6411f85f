"""Hold a volume to slices at known positions, and interpolate between them.

Signed distances of every phase are interpolated linearly between neighbouring parallel slices
(Herman, Zheng and Bucholtz 1992); planes of several orientations are combined by inverse squared
distance. Near a slice the interpolation rules, far from every slice the generator does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..slices import Slice, SliceSet
from ..voxels import AXES, IMAGE_AXES
from .calibration import calibrate, wanted_fractions
from .exemplar import Exemplars
from .sampling import Window

SHARPNESS = 1.5  # logits per voxel of signed distance


def _signed_distances(labels: np.ndarray, count: int) -> np.ndarray:
    """(K, rows, columns): distance to the phase's border, positive inside, in voxels."""
    found = np.empty((count, *labels.shape), np.float32)
    far = float(sum(labels.shape))
    for k in range(count):
        mask = labels == k
        if mask.all() or not mask.any():
            found[k] = far if mask.any() else -far
            continue
        found[k] = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
        found[k] -= np.sign(found[k]) * 0.5
    return np.clip(found, -12, 12)


@dataclass(frozen=True, eq=False)
class Anchors:
    """Placed slices in a volume.

    Attributes
    ----------
    slices : tuple of Slice
        Each with a position.
    shape : tuple of int
        Of the volume, in voxels.
    length : float
        Correlation length in voxels: how far a slice tells about its neighbourhood.
    distances : numpy.ndarray
        Distance (Z, Y, X) to the nearest slice, float32.
    evidence : numpy.ndarray
        Interpolated signed distances (K, Z, Y, X), float16.
    """

    slices: tuple[Slice, ...]
    shape: tuple[int, int, int]
    length: float
    distances: np.ndarray
    evidence: np.ndarray

    @classmethod
    def of(cls, slices: SliceSet, shape: tuple[int, int, int]) -> Anchors:
        """Check the slices against the shape and interpolate between them.

        Raises
        ------
        InputError
            If a slice has no position, lies outside, has another in-plane size, or contradicts another.
        """
        placed: dict[tuple[str, int], Slice] = {}
        for s in slices:
            _check_fit(s, shape)
            assert s.position is not None
            key = (s.normal, s.position)
            if key in placed and not np.array_equal(placed[key].labels, s.labels):
                raise InputError(s.name, f'contradicts {placed[key].name} at {s.normal}={s.position}', 'keep one')
            placed[key] = s
        kept = tuple(placed.values())
        _check_crossings(kept)
        exemplars = Exemplars.of(slices)
        lengths = [exemplars.correlation_length(k) for k in range(slices.phases.count)]
        length = float(np.mean([np.mean(list(one.values())) for one in lengths]))
        distances, evidence = _interpolate(kept, shape, slices.phases.count)
        return cls(kept, shape, length, distances, evidence)

    def blend(self, window: Window, logits: np.ndarray) -> np.ndarray:
        """Mix generator logits (K, z, y, x) of a window with the evidence of the slices."""
        near = np.exp(-((self.distances[window] / self.length) ** 2))
        return near * SHARPNESS * self.evidence[:, *window].astype(np.float32) + (1 - near) * logits

    def most_likely(self, fractions: np.ndarray, targets: dict[int, float]) -> np.ndarray:
        """Calibrated phase probabilities (K, Z, Y, X), float16; less certain far from the slices."""
        softness = 1 + self.distances / self.length
        logits = SHARPNESS * self.evidence.astype(np.float32) / softness
        flat = logits.reshape(len(logits), -1)[:, :: max(1, logits[0].size // 400_000)].T
        offsets = calibrate(flat.astype(float), wanted_fractions(fractions, targets))
        logits += offsets[:, None, None, None].astype(np.float32)
        logits -= logits.max(0)
        probabilities = np.exp(logits)
        return (probabilities / probabilities.sum(0)).astype(np.float16)

    def hold(self, labels: np.ndarray) -> np.ndarray:
        """Labels with every given voxel exactly as given."""
        held = labels.copy()
        for s in self.slices:
            assert s.position is not None
            np.moveaxis(held, AXES.index(s.normal), 0)[s.position] = s.labels
        return held


def _check_fit(s: Slice, shape: tuple[int, int, int]) -> None:
    if s.position is None:
        raise InputError(s.name, 'has no position', 'give --position for every slice or use mode unconditional')
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


def _check_crossings(slices: tuple[Slice, ...]) -> None:
    """Refuse slices that disagree in more than a fifth of the line where they cross."""
    for index, a in enumerate(slices):
        for b in slices[index + 1 :]:
            if a.normal == b.normal or a.position is None or b.position is None:
                continue
            line_a = np.take(a.labels, b.position, IMAGE_AXES[a.normal].index(b.normal))
            line_b = np.take(b.labels, a.position, IMAGE_AXES[b.normal].index(a.normal))
            share = float((line_a != line_b).mean())
            if share > 0.2:
                raise InputError(
                    b.name,
                    f'disagrees with {a.name} in {share:.0%} of the line where they cross',
                    'check planes and positions',
                )


def _interpolate(slices: tuple[Slice, ...], shape: tuple[int, int, int], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the nearest slice and interpolated signed distances."""
    nearest = np.full(shape, np.inf, np.float32)
    total = np.zeros((count, *shape), np.float32)
    weights = np.zeros(shape, np.float32)
    for axis, normal in enumerate(AXES):
        group = sorted((s for s in slices if s.normal == normal), key=lambda s: s.position or 0)
        if not group:
            continue
        positions = np.array([s.position for s in group], float)
        tables = [_signed_distances(s.labels, count) for s in group]
        for place in range(shape[axis]):
            after = int(np.searchsorted(positions, place))
            below, above = max(after - 1, 0), min(after, len(group) - 1)
            gap = positions[above] - positions[below]
            t = 0.0 if gap == 0 else (place - positions[below]) / gap
            plane = tables[below] if gap == 0 else (1 - t) * tables[below] + t * tables[above]
            distance = float(np.abs(positions - place).min())
            weight = 1.0 / (0.25 + distance**2)
            np.moveaxis(total, axis + 1, 1)[:, place] += weight * plane
            np.moveaxis(weights, axis, 0)[place] += weight
            layer = np.moveaxis(nearest, axis, 0)
            layer[place] = np.minimum(layer[place], distance)
    return nearest, (total / weights).astype(np.float16)
