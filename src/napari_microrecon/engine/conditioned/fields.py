"""A smooth Gaussian field that any part of can be made alone, and that knows which layers are given.

Given the values of a field in some layers, what is left to chance is the field minus its expectation from them
(simple kriging). It vanishes at a given layer and turns its sign there: a border that leans one way above a slice
leans the other way below it. A field that ignored this would repeat above a slice what it did below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

LAYERS = 16  # that are made together; changes memory and not one voxel
SMOOTHEST, ROUGHEST = 6.0, 0.6  # standard deviation of the smoothing, voxels
_REACH = 24  # voxels: four times the smoothest
# Variance that is added to the given layers: probabilities beside a slice hold some of what the slice told already.
# Realisations differ little between .001 and .5; it keeps slices that follow one another closely well-posed.
_DOUBT = 0.1
_LEAST = 1e-4  # weights below are left out

Held = tuple[Sequence[int], Sequence[int], Sequence[int]]
NOTHING_HELD: Held = ((), (), ())


@dataclass(frozen=True)
class SmoothField:
    """Gaussian white noise, smoothed by a Gaussian along every axis, mean 0 and variance 1 in every voxel.

    Along an axis with given layers the part that these explain is taken away. As the covariance is a product over
    the axes, this can be done axis by axis, crossing layers included. At given voxels the field means nothing. The
    noise of every layer is drawn by itself (Philox, counted by seed and layer).

    Attributes
    ----------
    shape : tuple of int
        Voxels along z, y, x.
    widths : tuple of float
        Standard deviation of the smoothing along z, y, x, voxels.
    seed : int
        Of the noise.
    held : tuple of sequences of int
        Given layers along z, y, x.
    """

    shape: tuple[int, int, int]
    widths: tuple[float, float, float]
    seed: int
    held: Held = NOTHING_HELD

    def parts(self, count: int = LAYERS) -> Iterator[tuple[slice, np.ndarray]]:
        """Layers along z, `count` at a time, with their values (layers, Y, X), float32."""
        deep, *within = (
            sparse.csr_matrix(axis_weights(n, width, held), dtype=np.float32)
            for n, width, held in zip(self.shape, self.widths, self.held, strict=True)
        )
        kept: dict[int, np.ndarray] = {}
        for start in range(0, self.shape[0], count):
            stop = min(start + count, self.shape[0])
            values = np.zeros((stop - start, *self.shape[1:]), np.float32)
            for place in range(start, stop):
                some = slice(deep.indptr[place], deep.indptr[place + 1])
                needed = deep.indices[some]
                kept = {i: layer for i, layer in kept.items() if i >= needed.min()}
                for i, weight in zip(needed, deep.data[some], strict=True):
                    if i not in kept:
                        kept[i] = self._layer(int(i), within)
                    values[place - start] += weight * kept[i]
            yield slice(start, stop), values

    def _layer(self, index: int, within: Sequence[sparse.csr_matrix]) -> np.ndarray:
        """Layer of the noise, smoothed within its plane, (Y, X), float32."""
        bits = np.random.Philox(key=np.array([self.seed, index], np.uint64))
        noise = np.random.Generator(bits).standard_normal([n + 2 * _REACH for n in self.shape[1:]], np.float32)
        rows, columns = within
        return np.ascontiguousarray((columns @ (rows @ noise).T).T)


def axis_weights(extent: int, width: float, held: Sequence[int]) -> np.ndarray:
    """Weights (extent, extent + 2 * _REACH) that turn white noise into the field along one axis, rows of norm 1.

    Parameters
    ----------
    extent : int
        Voxels along the axis.
    width : float
        Standard deviation of the smoothing, voxels.
    held : sequence of int
        Given layers.
    """
    reach = min(_REACH, int(4 * width + 0.5))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    kernel /= np.linalg.norm(kernel)
    weights = np.zeros((extent, extent + 2 * _REACH))
    places = np.arange(extent)
    for offset, value in zip(range(-reach, reach + 1), kernel, strict=True):
        weights[places, places + _REACH + offset] = value
    given = np.asarray(held, int)
    if not len(given):
        return weights
    products = np.correlate(kernel, kernel, 'full')[2 * reach :]
    covariance = np.zeros(max(extent, len(products)))
    covariance[: len(products)] = products
    among = covariance[np.abs(given[:, None] - given)] + _DOUBT * np.eye(len(given))
    explained = linalg.solve(among, covariance[np.abs(given[:, None] - places)], assume_a='pos')
    left = weights - explained.T @ weights[given]
    left[np.abs(left) < _LEAST] = 0
    left[given] = weights[given]
    return left / np.linalg.norm(left, axis=1, keepdims=True)
