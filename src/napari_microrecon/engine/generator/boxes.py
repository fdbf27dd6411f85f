"""Training volumes: how large, and which structural priors they start from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import InputError
from ..statistics.percolation import largest_cluster
from ..voxels import AXES
from .calibration import calibrate
from .exemplar import Exemplars
from .losses import face_densities, skeletons_of
from .measures import CONNECTED
from .priors import PriorModel
from .random_streams import Stream, random_stream

WIDENINGS = 6  # tenths that are added to the pores' logit at most until they hang together
LARGEST = 64**3  # voxels of a training volume
EVALUATED = 3  # large volumes of an evaluation; one where cells need a larger one
MOST_VOXELS = 10**9  # of a periodic volume that training volumes are windows of
RIM = 8  # voxels at the faces of a window that is no periodic volume: its losses leave them out


def box_shape(exemplars: Exemplars, edge: int | None = None) -> tuple[int, int, int]:
    """Training volume of about seven correlation lengths along each axis, a multiple of 8 voxels."""
    if edge is not None:
        n = max(32, edge // 8 * 8)
        return n, n, n
    lengths = [exemplars.correlation_length(label) for label in range(exemplars.phase_count)]
    wanted = [min(max(7 * max(length[axis] for length in lengths), 48), 112) for axis in AXES]
    shrink = min(1.0, (LARGEST / math.prod(wanted)) ** (1 / 3))
    z, y, x = (max(32, round(n * shrink / 8) * 8) for n in wanted)
    return z, y, x


def domain_shape(prior: PriorModel, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Periodic volume that training volumes are windows of: their own `shape` unless the prior needs more room."""
    if all(n >= needed for n, needed in zip(shape, prior.period, strict=True)):
        return shape
    z, y, x = (max(n, needed) for n, needed in zip(shape, prior.period, strict=True))
    if z * y * x > MOST_VOXELS:
        raise InputError(
            'the structural prior',
            f'needs a volume of {z} x {y} x {x} voxels to train in',
            'train on slices with fewer pixels to a cell',
        )
    return z, y, x


@dataclass(frozen=True, eq=False)
class Box:
    """A prior draw with what the untrained prior has in it; of an open window, what it has within RIM of the faces.

    Attributes
    ----------
    fields : numpy.ndarray
        (F, Z, Y, X) float32.
    skeletons : numpy.ndarray
        Centre lines of the phases, (K, Z, Y, X) bool.
    fractions : numpy.ndarray
        Of the phases, (K,).
    faces : numpy.ndarray
        Per phase along z, y, x, (K, 3), over those of the prior in large volumes.
    """

    fields: np.ndarray
    skeletons: np.ndarray
    fractions: np.ndarray
    faces: np.ndarray


def level(prior: PriorModel, fields: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """Shift fields (F, Z, Y, X) so that the untrained prior has these phase fractions (K,) in this very box.

    A small box has fractions of its own, and their scatter from box to box would drown what the losses have
    to say about shape. Sampling leaves the fields as they are: volumes scatter as the material does.
    """
    logits = prior.logits(fields)
    own = calibrate(logits.reshape(len(logits), -1).T.astype(float), fractions)
    shift = (own - prior.offsets(fractions)).astype(np.float32)
    shift -= shift[0]
    return fields + (shift[1:] if len(fields) == 1 else shift)[:, None, None, None]


class BoxPool:
    """Prior draws that are reused under the symmetries of the material, since drawing costs as much as a step.

    Where the structure is larger than a training volume (cells of a foam), the draws are larger, too, and a step
    sees a window of one, open at its faces.
    """

    def __init__(
        self, prior: PriorModel, exemplars: Exemplars, shape: tuple[int, int, int], seed: int, size: int = 48
    ) -> None:
        self._prior, self._shape, self._seed = prior, shape, seed
        self.domain = domain_shape(prior, shape)
        self.open = self.domain != shape
        z, y, x = self.domain if self.open else [2 * n for n in shape]
        self.judged = z, y, x
        self._size = max(6, size * math.prod(shape) // math.prod(self.domain)) if self.open else size
        self._isotropic = exemplars.isotropic
        self._pore = exemplars.pore
        self._boxes: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._fractions = exemplars.fractions
        self._offsets = prior.offsets(exemplars.fractions)
        # Large enough that percolation is not luck: an axis of a box of 48^3 more or less is 6 %.
        self.large = [self.whole(index) for index in range(1 if self.open else EVALUATED)]
        faces = [face_densities(self.labels(fields), prior.phase_count, is_open=False) for fields in self.large]
        self._faces = np.maximum(np.mean(faces, axis=0), 1e-6)

    def labels(self, fields: np.ndarray) -> np.ndarray:
        """Labels of the untrained prior (Z, Y, X)."""
        return (self._prior.logits(fields) + self._offsets[:, None, None, None]).argmax(0)

    def whole(self, index: int) -> np.ndarray:
        """Fields (F, Z, Y, X) of a large periodic draw that no step has seen, to evaluate on."""
        fields = self._prior.sample(self.judged, self._seed * 1000 + 500 + index, periodic=True)
        return level(self._prior, fields, self._fractions)

    def _draw(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if index not in self._boxes:
            fields = self._prior.sample(self.domain, self._seed * 1000 + index, periodic=True)
            fields = level(self._prior, fields, self._fractions)
            self._boxes[index] = fields, self._skeletons(fields)
        return self._boxes[index]

    def _skeletons(self, fields: np.ndarray) -> np.ndarray:
        """Centre lines (K, Z, Y, X) of every phase; of the pores, those that would connect what should be connected."""
        from skimage.morphology import skeletonize

        labels = self.labels(fields)
        found = skeletons_of(labels, self._prior.phase_count)
        if self._pore is not None and found[self._pore].any():
            pores = labels == self._pore
            logits = self._prior.logits(fields) + self._offsets[:, None, None, None]
            throats = largest_cluster(pores)
            if throats[pores].mean() >= CONNECTED:
                return found
            for _ in range(WIDENINGS):
                logits[self._pore] += 0.1
                throats = largest_cluster(logits.argmax(0) == self._pore)
                if throats[pores].mean() >= CONNECTED:
                    break
            found[self._pore] = skeletonize(throats)
        return found

    def at(self, step: int) -> Box:
        """Box of this training step: rolled and flipped (and turned, where isotropic) at random."""
        rng = random_stream(self._seed, Stream.TRAINING_VOLUMES, step)
        fields, skeletons = self._draw(step if step < self._size else int(rng.integers(self._size)))
        order = [0, 1, 2]
        if self._isotropic and len(set(self.domain)) == 1:
            order = rng.permutation(3).tolist()
        shift = [int(rng.integers(n)) for n in self.domain]
        flips = tuple(axis for axis in (1, 2, 3) if rng.random() < 0.5)

        def move(array: np.ndarray) -> np.ndarray:
            turned = np.transpose(array, [0, *(1 + axis for axis in order)])
            if self.open:
                # Only the window is moved about: the whole is ten times as large.
                for axis, (start, length) in enumerate(zip(shift, self._shape, strict=True)):
                    turned = np.take(turned, np.arange(start, start + length), axis + 1, mode='wrap')
            else:
                turned = np.roll(turned, shift, axis=(1, 2, 3))
            return np.ascontiguousarray(np.flip(turned, flips))

        fields = move(fields)
        labels = self.labels(fields)
        if not self.open:
            return Box(fields, move(skeletons), self._fractions, self._relative(labels))
        inner = labels[RIM:-RIM, RIM:-RIM, RIM:-RIM]
        counts = np.bincount(inner.ravel(), minlength=len(self._fractions)) / inner.size
        # A phase that is hardly there cannot be balanced to nothing.
        counts = np.clip(counts, 0.1 * self._fractions, None)
        return Box(fields, move(skeletons), counts / counts.sum(), self._relative(inner))

    def _relative(self, labels: np.ndarray) -> np.ndarray:
        """Faces of the untrained prior here over those in large volumes, (K, 3), within reason."""
        here = face_densities(labels, self._prior.phase_count, is_open=self.open)
        return np.clip(here / self._faces, 0.5, 2.0)


def white_noise(shape: tuple[int, int, int], levels: int, seed: int, *key: int) -> list[torch.Tensor]:
    """Independent normal noise per level, each (1, 1, Z / 2^l, Y / 2^l, X / 2^l)."""
    found: list[torch.Tensor] = []
    for level in range(levels):
        size = tuple(n >> level for n in shape)
        values = random_stream(seed, Stream.NETWORK_NOISE, level, *key).standard_normal((1, 1, *size), dtype=np.float32)
        found.append(torch.from_numpy(values))
    return found
