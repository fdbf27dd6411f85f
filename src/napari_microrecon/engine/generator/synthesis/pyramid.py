"""What a synthesis takes from the slices: their features, patches and statistics at every level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...progress import Job, Progress, aside
from ...voxels import AXES, Axis
from .features import channel_count, halved, signed_distances, squashed
from .patches import PatchIndex
from .spectra import Spectra

MOST_LEVELS = 3  # coarser than the slices
SMALLEST_PICTURE, SMALLEST_VOLUME = 20, 8  # edges at the coarsest level
LOOKED_AT = 1_000_000  # pixels of a plane's slices whose patches are matched
QUANTILES = np.linspace(0, 1, 1025)


@dataclass(frozen=True, eq=False)
class Level:
    """The slices at one resolution; what a tuple of three holds is in order of the normals z, y, x.

    Attributes
    ----------
    indices : tuple of PatchIndex
        Patches per normal; the same object where planes are alike.
    images : tuple of list of numpy.ndarray
        Features (rows, columns, C) per normal.
    quantiles : numpy.ndarray
        Of every channel over all slices, (C, 1025).
    boundaries : numpy.ndarray
        Value of every channel above which its phase has its fraction, (C,).
    faces : numpy.ndarray
        Changes across that value per pixel step, mean over directions, (C,).
    """

    indices: tuple[PatchIndex, PatchIndex, PatchIndex]
    images: tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]
    quantiles: np.ndarray
    boundaries: np.ndarray
    faces: np.ndarray

    @property
    def channels(self) -> int:
        """C."""
        return len(self.quantiles)

    def spectra(self, shape: tuple[int, int, int], *, isotropic: bool) -> list[Spectra]:
        """Targets of every channel for a volume of this shape."""
        return [
            Spectra([[image[..., k] for image in images] for images in self.images], shape, isotropic=isotropic)
            for k in range(self.channels)
        ]


@dataclass(frozen=True, eq=False)
class Pyramid:
    """All levels, finest first.

    Attributes
    ----------
    levels : tuple of Level
        Each of half the resolution of the one before.
    phase_count : int
        K.
    fractions : numpy.ndarray
        Of the phases, (K,).
    isotropic : bool
        Whether all planes are alike in all directions.
    """

    levels: tuple[Level, ...]
    phase_count: int
    fractions: np.ndarray
    isotropic: bool

    def top(self, shape: tuple[int, int, int]) -> int:
        """Coarsest level for a volume of this shape."""
        top = len(self.levels) - 1
        while top and min(shape) / 2**top < SMALLEST_VOLUME:
            top -= 1
        return top


def build_pyramid(
    pictures: Mapping[Axis, Sequence[np.ndarray]],
    fractions: np.ndarray,
    *,
    isotropic: bool,
    most_levels: int = MOST_LEVELS,
) -> Job[Pyramid]:
    """Features and patches of the slices at every level; a few seconds.

    Parameters
    ----------
    pictures : mapping
        Label images per normal.
    fractions : numpy.ndarray
        Of the phases, (K,).
    isotropic : bool
        Whether planes are alike in all directions; those of the first normal then stand for all.
    most_levels : int
        Levels coarser than the slices.
    """
    count = len(fractions)
    planes = AXES[:1] if isotropic else AXES
    yield Progress('reading the slices')
    distances = []
    for normal in planes:
        windows = []
        for image in windows_of(pictures[normal], LOOKED_AT // channel_count(count)):
            windows.append(signed_distances(image, count))
            yield Progress('reading the slices')
        distances.append(windows)
    depth = 0
    smallest = min(min(d.shape[:2]) for windows in distances for d in windows)
    while depth < most_levels and smallest // 2 ** (depth + 1) >= SMALLEST_PICTURE:
        depth += 1
    levels: list[Level] = []
    for level in range(depth + 1):
        features = [[squashed(d, level) for d in windows] for windows in distances]
        indices: list[PatchIndex] = []
        for images in features:
            sign = Progress('reading the slices', level, depth + 1)
            indices.append((yield from aside(lambda own=images: PatchIndex.of(own, isotropic=isotropic), sign)))
        if isotropic:
            features, indices = features * 3, indices * 3
        levels.append(_level(features, indices, fractions))
        distances = [[halved(d) for d in windows] for windows in distances]
    return Pyramid(tuple(levels), count, np.asarray(fractions, float), isotropic)


def windows_of(images: Sequence[np.ndarray], most: int) -> list[np.ndarray]:
    """The pictures, or where they hold more than `most` pixels windows spread over them, as large as that allows."""
    if sum(image.size for image in images) <= most:
        return list(images)
    share = most // len(images)
    found = []
    for image in images:
        rows, columns = image.shape
        if image.size <= share:
            found.append(image)
            continue
        # Four windows see more of a picture than one, and are large enough for the coarse levels.
        edge = int((share / 4) ** 0.5)
        high, wide = min(rows, max(edge, share // 4 // columns)), min(columns, max(edge, share // 4 // rows))
        down = [0, rows - high] if rows > high else [0]
        right = [0, columns - wide] if columns > wide else [0]
        found += [image[y : y + high, x : x + wide] for y in down for x in right]
    return found


def _level(features: list[list[np.ndarray]], indices: list[PatchIndex], fractions: np.ndarray) -> Level:
    channels = features[0][0].shape[-1]
    shares = fractions[1:] if channels == 1 else fractions
    together = np.concatenate([image.reshape(-1, channels) for images in features for image in images])
    quantiles = np.stack([np.quantile(together[:, k], QUANTILES) for k in range(channels)])
    boundaries = np.array([np.quantile(together[:, k], 1 - shares[k]) for k in range(channels)])
    pictures = [image for images in features for image in images]
    faces = np.array([
        np.mean([change for image in pictures for change in _changes(image[..., k] > boundaries[k])])
        for k in range(channels)
    ])  # fmt: skip
    return Level(
        (indices[0], indices[1], indices[2]), (features[0], features[1], features[2]), quantiles, boundaries, faces
    )


def _changes(mask: np.ndarray) -> tuple[float, float]:
    return float((mask[1:] != mask[:-1]).mean()), float((mask[:, 1:] != mask[:, :-1]).mean())
