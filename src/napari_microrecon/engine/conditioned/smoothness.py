"""Find the smoothness of a field with which phases change as often as wanted.

How often two neighbours of given probabilities differ follows from their correlation alone, so no volume has to be
drawn: widths depend on the probabilities and on nothing else, and single realisations scatter around what is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from .fields import ROUGHEST, SMOOTHEST, axis_weights

_PAIRS = 400_000  # neighbours that are looked at
_ANGLES = np.linspace(0, 1.47, 50)  # arc sine of the correlation; the smoothest field has 1.453
_ROUNDS = 12  # halvings of the range of widths: to .05 %


def fit_width(
    probabilities: np.ndarray, axis: int, wanted: float, order: tuple[int, ...], held: Sequence[int]
) -> float:
    """Width of the smoothing along one axis with which phases change at a wanted rate.

    Parameters
    ----------
    probabilities : numpy.ndarray
        (K, Z, Y, X).
    axis : int
        0, 1, 2 for z, y, x.
    wanted : float
        Share of neighbours along the axis that differ.
    order : tuple of int
        Phases as the field passes through them.
    held : sequence of int
        Given layers along the axis.

    Returns
    -------
    float
        Voxels; the nearest possible one if the rate cannot be had.
    """
    curves = expected_changes(probabilities, axis, order)
    extent = probabilities.shape[axis + 1]
    low, high = np.log(ROUGHEST), np.log(SMOOTHEST)
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        weights = axis_weights(extent, float(np.exp(middle)), held)
        angles = np.arcsin(np.clip((weights[1:] * weights[:-1]).sum(1), 0, 1))
        rate = np.mean([np.interp(angle, _ANGLES, curve) for angle, curve in zip(angles, curves, strict=True)])
        low, high = (middle, high) if rate > wanted else (low, middle)
    return float(np.exp((low + high) / 2))


def expected_changes(probabilities: np.ndarray, axis: int, order: tuple[int, ...]) -> np.ndarray:
    """Share of neighbours that differ, for every pair of layers (rows) and every angle of _ANGLES (columns).

    Both neighbours lie in phase k if their correlated normal numbers lie between the phase's bounds. The bivariate
    normal distribution grows with the correlation sin t by its density (Plackett 1954, Biometrika 41, 351), hence
    with t by exp(-(a^2 + b^2 - 2 a b sin t) / (2 cos^2 t)) / (2 pi), which is summed up from independence on.
    """
    layers = np.moveaxis(probabilities, axis + 1, 1)
    rows, columns = layers.shape[2:]
    lines = np.arange(rows * columns)
    if len(lines) * layers.shape[1] > _PAIRS:
        lines = np.sort(np.random.default_rng(0).permutation(len(lines))[: max(1, _PAIRS // layers.shape[1])])
    some = layers[list(order)][:, :, lines // columns, lines % columns].astype(np.float32)
    alike = (some[:, 1:] * some[:, :-1]).sum(0).mean(1)
    bounds = special.ndtri(np.clip(np.cumsum(some[:-1], 0), 1e-7, 1 - 1e-7))
    slopes = np.zeros((len(alike), len(_ANGLES)))
    where = np.broadcast_to(np.arange(len(alike))[:, None], (len(alike), len(lines)))
    for i, above in enumerate(bounds[:, :-1]):
        for j, below in enumerate(bounds[:, 1:]):
            if abs(i - j) > 1:
                continue  # a phase lies between two bounds: others do not meet in any sum
            unsure = (np.abs(above) < 5) & (np.abs(below) < 5)
            a, b, layer = above[unsure], below[unsure], where[unsure]
            squares, product = -(a * a + b * b), 2 * a * b
            for column, angle in enumerate(_ANGLES):
                density = np.exp((squares + np.float32(np.sin(angle)) * product) / np.float32(2 * np.cos(angle) ** 2))
                total = np.bincount(layer, density, len(alike))
                slopes[:, column] += (2 if i == j else -1) * total / (2 * np.pi * len(lines))
    steps = np.diff(_ANGLES) * (slopes[:, 1:] + slopes[:, :-1]) / 2
    return 1 - alike[:, None] - np.concatenate([np.zeros((len(alike), 1)), np.cumsum(steps, 1)], 1)
