"""Particles of a phase that touch each other, told apart by a watershed of the distance transform.

Every local maximum of the smoothed distance is a basin; neighbouring basins are merged where the neck between them is
nearly as wide as the smaller one, so that one particle is not cut up because its surface is rough. That is
the idea of SNOW (Gostick 2017, https://doi.org/10.1103/PhysRevE.96.023307) with one scale-free criterion for its two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .correlation import Steps
from .thickness import distances

NECK = 0.85  # neck over the smaller particle's radius above which both are one particle
_SMOOTHING = 0.6  # voxels, against stair-steps
# Share of the particles' faces that are cuts, above which the phase is a network and no particles: 0.10 in a computed
# electrode's active material, up to 0.1 in touching spheres, 0.27 in a bicontinuous sponge, 0.42 in cemented grains.
MOST_CUT = 0.2
FEWEST = 10  # whole particles below which no distribution is given


@dataclass(frozen=True, eq=False)
class Particles:
    """Particles of one phase.

    Attributes
    ----------
    labels : numpy.ndarray
        int32, shape (Z, Y, X): 0 outside the phase, 1..count inside.
    volumes : numpy.ndarray
        Volume of every particle that touches no face of the volume, in the unit of the voxel size cubed.
    weights : numpy.ndarray
        How many particles each of those stands for: large ones are cut by the faces more often (Miles 1974,
        Lantuejoul 1980: one over the chance that the bounding box lies within the volume).
    count : int
        Particles in all, those that the faces cut included.
    cut : float
        Share of the particles' faces that the watershed cut, 0 for particles that do not touch.
    """

    labels: np.ndarray
    volumes: np.ndarray
    weights: np.ndarray
    count: int
    cut: float

    @property
    def diameters(self) -> np.ndarray:
        """Diameters of the spheres of the particles' volumes."""
        return np.cbrt(6.0 * self.volumes / np.pi)


def find_particles(
    mask: np.ndarray, spacing: Sequence[float], distance: np.ndarray | None = None, neck: float = NECK
) -> Steps[Particles]:
    """Tell the particles of a mask (Z, Y, X) apart."""
    from scipy import ndimage
    from skimage.segmentation import watershed

    distance = distances(mask, spacing) if distance is None else distance
    yield 0.1
    smooth = ndimage.gaussian_filter(distance, _SMOOTHING)
    smooth *= mask
    peaks = (smooth == ndimage.maximum_filter(smooth, size=3)) & mask
    markers = np.empty(mask.shape, dtype=np.int32)
    ndimage.label(peaks, structure=np.ones((3, 3, 3)), output=markers)
    yield 0.3
    basins = watershed(-smooth, markers, mask=mask).astype(np.int32)
    # Parts of the phase without a marker are not reached; there are none, for every part has a maximum.
    yield 0.7
    labels = _merged(basins, smooth, neck)
    yield 0.9
    return _described(labels, spacing)


def _merged(basins: np.ndarray, height: np.ndarray, neck: float) -> np.ndarray:
    """Merge neighbouring basins over high saddles, the highest first."""
    count = int(basins.max())
    peak = np.zeros(count + 1)
    np.maximum.at(peak, basins.ravel(), height.ravel())
    codes: list[np.ndarray] = []
    saddles: list[np.ndarray] = []
    for axis in range(3):
        a, b, low = _touching(basins, axis, height)
        codes.append(np.minimum(a, b).astype(np.int64) * (count + 1) + np.maximum(a, b))
        saddles.append(low)
    code, saddle = np.concatenate(codes), np.concatenate(saddles)
    order = np.lexsort((-saddle, code))
    code, saddle = code[order], saddle[order]
    first = np.flatnonzero(np.diff(code, prepend=-1))
    code, saddle = code[first], saddle[first]
    parent = np.arange(count + 1)

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = int(parent[i])
        return i

    for i in np.argsort(-saddle, kind='stable'):
        a, b = root(int(code[i] // (count + 1))), root(int(code[i] % (count + 1)))
        if a != b and saddle[i] >= neck * min(peak[a], peak[b]):
            winner, loser = (a, b) if peak[a] >= peak[b] else (b, a)
            parent[loser] = winner
    roots = np.array([root(i) for i in range(count + 1)])
    kept, renumbered = np.unique(roots, return_inverse=True)
    assert kept[0] == 0
    return renumbered.astype(np.int32)[basins]


def _touching(labels: np.ndarray, axis: int, height: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels on both sides of every face between two different particles, and the lower height of the two voxels."""
    low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
    high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
    one, other = labels[low], labels[high]
    touch = (one != other) & (one > 0) & (other > 0)
    return one[touch], other[touch], np.minimum(height[low][touch], height[high][touch])


def _described(labels: np.ndarray, spacing: Sequence[float]) -> Particles:
    from scipy import ndimage

    count = int(labels.max())
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:].astype(np.float64)
    whole: list[int] = []
    weights: list[float] = []
    for number, box in enumerate(ndimage.find_objects(labels)):
        if box is None or any(s.start == 0 or s.stop == n for s, n in zip(box, labels.shape, strict=True)):
            continue
        whole.append(number)
        # A box of b voxels lies off the faces at n - 1 - b of about n + b places; per particle centre in the volume:
        chance = [(n - 1 - (s.stop - s.start)) / n for s, n in zip(box, labels.shape, strict=True)]
        weights.append(1.0 / max(float(np.prod(chance)), 1e-3))
    cuts = faces = 0
    for axis in range(3):
        low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        differ = labels[low] != labels[high]
        faces += int(np.count_nonzero(differ))
        cuts += int(np.count_nonzero(differ & (labels[low] > 0) & (labels[high] > 0)))
    # A cut belongs to two particles, a face towards the other phases to one.
    share = 2 * cuts / (faces + cuts) if faces else 0.0
    return Particles(labels, sizes[whole] * float(np.prod(spacing)), np.asarray(weights), count, share)
