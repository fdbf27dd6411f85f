"""Draw volumes from phase probabilities: a smooth Gaussian field, thresholded voxel by voxel (a Gaussian copula).

A voxel of the field, turned into a uniform number, picks the phase from the cumulated probabilities, so that every
voxel has its probabilities exactly and given voxels are as given.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from scipy import special

from ..statistics.interface_density import interface_density
from .fields import LAYERS, Held, SmoothField


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
    return np.array([interface_density(labels, axis) for axis in range(3)])


def draw(
    probabilities: np.ndarray,
    widths: tuple[float, float, float],
    order: tuple[int, ...],
    seed: int,
    labels: np.ndarray,
    held: Held,
) -> Iterator[int]:
    """Write one realisation into `labels` (Z, Y, X); yields the layers done."""
    z, y, x = probabilities.shape[1:]
    for where, values in SmoothField((z, y, x), widths, seed, held).parts():
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
