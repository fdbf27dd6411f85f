"""What every structural prior is: a random 3D field with a standard normal value per voxel."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.ndimage import gaussian_filter
from scipy.special import ndtri

CUT = 3.0  # standard deviations at which the filter of smooth noise ends


def random_stream(seed: int, *key: int) -> np.random.Generator:
    """Counter-based generator for this seed and key; the same on every machine and device."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=key)))


def gaussianise(probability: np.ndarray) -> np.ndarray:
    """Standard normal value of a cumulative probability, float32, clipped to +-4."""
    return np.clip(ndtri(np.clip(probability, 4e-5, 1 - 4e-5)), -4, 4).astype(np.float32)


def levelled(values: np.ndarray) -> np.ndarray:
    """Field whose own values are standard normal, not only those of the ensemble: one draw stands for many."""
    share = np.linspace(0.002, 0.998, 250)
    return np.interp(values, np.quantile(values.ravel()[::5], share), ndtri(share)).astype(np.float32)


def smooth_noise(
    shape: Sequence[int], lengths: Sequence[float], rng: np.random.Generator, *, periodic: bool
) -> np.ndarray:
    """Gaussian field, standard normal, filtered by Gaussians of these lengths along its axes; float32 of this shape."""
    reach = [0 if periodic else math.ceil(CUT * length) for length in lengths]
    white = rng.standard_normal([n + 2 * r for n, r in zip(shape, reach, strict=True)], dtype=np.float32)
    smooth = gaussian_filter(white, lengths, mode='wrap', truncate=CUT)
    inner = smooth[tuple(slice(r, r + n) for n, r in zip(shape, reach, strict=True))]
    # The filter's own weights tell the variance: a draw keeps its scatter.
    power = 1.0
    for length in lengths:
        at = np.arange(-int(CUT * length + 0.5), int(CUT * length + 0.5) + 1)
        weight = np.exp(-(at**2) / (2 * length**2))
        power *= float((weight**2).sum() / weight.sum() ** 2)
    return (inner / np.float32(math.sqrt(power))).astype(np.float32)


class Field(BaseModel):
    """A family of random fields with parameters that fit in a JSON header.

    A high value favours the phase that the field stands for; thresholding it at the normal
    quantile of that phase's fraction gives the untrained reconstruction.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    support: float
    """Distance in voxels beyond which two values are independent."""

    @property
    def period(self) -> tuple[int, int, int]:
        """Smallest periodic volume (z, y, x) in voxels whose statistics are those of a large one; 0: any will do."""
        return 0, 0, 0

    @abstractmethod
    def sample(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """Draw the field on a grid, float32 (Z, Y, X), mean 0 and variance 1."""

    def around(self, shape: tuple[int, int, int], rng: np.random.Generator, share: float) -> np.ndarray:
        """Draw what has the level set of a fraction `share` of high values, for as little work as it takes.

        Values far from that level may be cut, and values rise with those of `sample`, but are not them.
        """
        return self.sample(shape, rng, periodic=False)

    def combine(self, own: np.ndarray, earlier: Sequence[np.ndarray]) -> np.ndarray:
        """Final values from what `sample` drew and the fields of the phases placed before; the same shape."""
        return own


class NoiseField(Field):
    """White noise: no structure at all, the input of SliceGAN-like generators; a baseline."""

    kind: Literal['noise'] = 'noise'
    support: float = 0.0

    def sample(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """Draw independent standard normal values."""
        return rng.standard_normal(shape, dtype=np.float32)
