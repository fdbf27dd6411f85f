"""Draw volumes from phase probabilities: a smooth Gaussian field, thresholded voxel by voxel (a Gaussian copula).

A voxel of the field, turned into a uniform number, picks the phase from the cumulated probabilities, so that every
voxel has its probabilities exactly and given voxels are as given. The field's smoothness, one number per axis, is
found so that phases change as often along every axis as they do in the slices.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, special

LAYERS = 16  # that are made together; changes memory and not one voxel
_SMOOTHEST, _ROUGHEST = 6.0, 0.6  # standard deviation of the smoothing, voxels
_REACH = 24  # voxels: four times the smoothest
_WINDOW = 96  # edge of the part of the volume on which the smoothness is found
_ROUNDS = 12


@dataclass(frozen=True)
class SmoothField:
    """Gaussian white noise, smoothed by a Gaussian along every axis, mean 0 and variance 1.

    The noise of every layer is drawn by itself (Philox, counted by seed and layer), so that any part of the field
    can be made alone.

    Attributes
    ----------
    shape : tuple of int
        Voxels along z, y, x.
    widths : tuple of float
        Standard deviation of the smoothing along z, y, x, voxels.
    seed : int
        Of the noise.
    """

    shape: tuple[int, int, int]
    widths: tuple[float, float, float]
    seed: int

    def parts(self, count: int = LAYERS) -> Iterator[tuple[slice, np.ndarray]]:
        """Layers along z, `count` at a time, with their values (layers, Y, X), float32."""
        kernel = _kernel(self.widths[0])
        reach = len(kernel) // 2
        kept: dict[int, np.ndarray] = {}
        for start in range(0, self.shape[0], count):
            stop = min(start + count, self.shape[0])
            kept = {
                place: kept[place] if place in kept else self._layer(place)
                for place in range(start - reach, stop + reach)
            }
            stack = np.stack(list(kept.values()))
            yield slice(start, stop), ndimage.correlate1d(stack, kernel, 0)[reach : reach + stop - start]

    def _layer(self, place: int) -> np.ndarray:
        """Layer smoothed within its plane, float32."""
        bits = np.random.Philox(key=np.array([self.seed, place + _REACH], np.uint64))
        layer = np.random.Generator(bits).standard_normal([n + 2 * _REACH for n in self.shape[1:]], np.float32)
        for axis, width in enumerate(self.widths[1:]):
            layer = ndimage.correlate1d(layer, _kernel(width), axis)
        return layer[_REACH:-_REACH, _REACH:-_REACH]


def _kernel(width: float) -> np.ndarray:
    """Gaussian with unit sum of squares: keeps the variance of white noise."""
    reach = min(_REACH, int(4 * width + 0.5))
    values = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    return values / np.sqrt((values**2).sum())


def phase_order(images: list[np.ndarray], count: int) -> tuple[int, ...]:
    """Phases in the order in which they touch each other most, so that the field passes through the one between."""
    touching = np.zeros((count, count))
    for image in images:
        for a, b in ((image[1:], image[:-1]), (image[:, 1:], image[:, :-1])):
            np.add.at(touching, (a.ravel(), b.ravel()), 1.0)
    touching += touching.T
    orders = (order for order in itertools.permutations(range(count)) if order[0] < order[-1])
    return max(orders, key=lambda order: sum(touching[a, b] for a, b in itertools.pairwise(order)))


def choose(probabilities: np.ndarray, field: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """Labels (Z, Y, X), uint8, that the field picks from probabilities (K, Z, Y, X)."""
    uniform = special.ndtr(field)
    rank = np.zeros(field.shape, np.uint8)
    cumulated = np.zeros(field.shape, np.float32)
    for k in order[:-1]:
        cumulated += probabilities[k]
        rank += uniform > cumulated
    return np.asarray(order, np.uint8)[rank]


def change_rates(labels: np.ndarray) -> np.ndarray:
    """Share of neighbouring voxel pairs of different phase along z, y, x."""
    moved = [np.moveaxis(labels, axis, 0) for axis in range(3)]
    return np.array([(m[1:] != m[:-1]).mean() for m in moved])


def fit_widths(
    probabilities: np.ndarray, wanted: tuple[float, float, float], order: tuple[int, ...]
) -> Iterator[tuple[float, float, float]]:
    """Smoothness with which the phases change as often as wanted; yields better and better widths.

    The noise of the fit is always the same, so that the widths depend on the probabilities alone.
    """
    part = tuple(slice((n - min(n, _WINDOW)) // 2, (n + min(n, _WINDOW)) // 2) for n in probabilities.shape[1:])
    window = np.ascontiguousarray(probabilities[:, *part])
    shape = window.shape[1], window.shape[2], window.shape[3]
    widths = np.array([2.5, 2.5, 2.5])
    for turn in range(_ROUNDS):
        rates = []
        for seed in range(2 if turn > 2 else 1):
            field = SmoothField(shape, (widths[0], widths[1], widths[2]), seed)
            labels = np.concatenate([choose(window[:, where], values, order) for where, values in field.parts()])
            rates.append(change_rates(labels))
        error = np.log(np.maximum(np.mean(rates, 0), 1e-9) / np.maximum(wanted, 1e-9))
        widths = np.clip(widths * np.exp((1.2 if turn < 5 else 0.8) * error), _ROUGHEST, _SMOOTHEST)
        yield float(widths[0]), float(widths[1]), float(widths[2])
        if np.abs(error).max() < 0.005:
            return


def draw(
    probabilities: np.ndarray,
    widths: tuple[float, float, float],
    order: tuple[int, ...],
    seed: int,
    labels: np.ndarray,
) -> Iterator[int]:
    """Write one realisation into `labels` (Z, Y, X); yields the layers done."""
    z, y, x = probabilities.shape[1:]
    for where, values in SmoothField((z, y, x), widths, seed).parts():
        labels[where] = choose(probabilities[:, where], values, order)
        yield where.stop


def tilted(probabilities: np.ndarray, achieved: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Probabilities with the phases' odds moved from the fractions achieved towards those wanted, float16."""
    # Newton: the fractions follow the log odds with slope mean (diag p - p p'); only what is not sure can move.
    flat = probabilities.reshape(len(wanted), -1)[:, :: 1 + probabilities[0].size // 500_000].astype(np.float32)
    slope = np.diag(flat.mean(1)) - flat @ flat.T / flat.shape[1] + 1e-6 * np.eye(len(wanted))
    steps = np.append(0.0, np.linalg.solve(slope[1:, 1:], (wanted - achieved)[1:]))
    factors = np.exp(np.clip(steps, -2, 2)).astype(np.float32)
    moved = np.empty_like(probabilities)
    for place in range(0, probabilities.shape[1], LAYERS):
        part = probabilities[:, place : place + LAYERS] * factors[:, None, None, None]
        moved[:, place : place + LAYERS] = part / part.sum(0)
    return moved
