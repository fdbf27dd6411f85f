"""Smooth fields: standard normal, alike in parts, turning at given layers, and as smooth as is wanted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from napari_microrecon.engine.conditioned.fields import SmoothField, axis_weights
from napari_microrecon.engine.conditioned.realisations import change_rates, choose
from napari_microrecon.engine.conditioned.smoothness import fit_width

HELD = ((0, 9, 18, 19, 39), (), (20,))


def test_fields_are_standard_normal_and_alike_in_parts() -> None:
    field = SmoothField((40, 64, 48), (1.5, 3.0, 2.0), 5)
    whole = np.concatenate([values for _, values in field.parts(40)])
    assert np.array_equal(whole, np.concatenate([values for _, values in field.parts(7)]))
    many = [np.concatenate([v for _, v in SmoothField((40, 64, 48), (1.5, 3.0, 2.0), s).parts()]) for s in range(6)]
    assert np.mean(many) == pytest.approx(0, abs=0.03)
    assert np.var(many) == pytest.approx(1, abs=0.05)
    steps = [np.mean([np.mean(np.diff(one, axis=axis) ** 2) for one in many]) for axis in range(3)]
    # Unit variance and a Gaussian kernel of width s: the mean squared step is 2 (1 - exp(-1 / (4 s^2))).
    assert steps == pytest.approx([2 * (1 - np.exp(-1 / (4 * s**2))) for s in (1.5, 3.0, 2.0)], rel=0.08)


def test_fields_between_given_layers_are_standard_normal_and_alike_in_parts() -> None:
    field = SmoothField((40, 32, 48), (2.0, 3.0, 2.0), 5, HELD)
    whole = np.concatenate([values for _, values in field.parts(40)])
    assert np.array_equal(whole, np.concatenate([values for _, values in field.parts(7)]))
    for n, width, held in zip(field.shape, field.widths, HELD, strict=True):
        assert np.linalg.norm(axis_weights(n, width, held), axis=1) == pytest.approx(np.ones(n))


def test_fields_turn_at_a_given_layer() -> None:
    def correlation(a: int, b: int, held: tuple[int, ...]) -> float:
        weights = axis_weights(41, 2.0, held)
        return float(weights[a] @ weights[b])

    # Kriging residual of a Gaussian covariance c(d) = exp(-d^2 / 16) with .1 added at the given layer 20.
    c = lambda d: np.exp(-(d**2) / 16)  # noqa: E731
    for n, m in ((1, 1), (2, 3)):
        # The residual keeps the layer's own value in part, as the value was taken to be uncertain.
        k = 1 / 1.1
        left = c(n + m) - 2 * k * c(n) * c(m) + k * k * c(n) * c(m)
        own = [1 - 2 * k * c(d) ** 2 + k * k * c(d) ** 2 for d in (n, m)]
        assert correlation(20 - n, 20 + m, (20,)) == pytest.approx(left / np.sqrt(own[0] * own[1]), abs=0.02)
        assert correlation(20 - n, 20 + m, (20,)) < -0.1 < 0.5 * c(n + m) < correlation(20 - n, 20 + m, ())
    assert correlation(3, 4, (20,)) == pytest.approx(c(1), abs=0.01), 'far away nothing changes'


@pytest.mark.parametrize('width', [0.8, 2.0, 5.0])
def test_smoothness_of_even_odds_is_that_of_sheppard(width: float) -> None:
    # Signs of normal numbers of correlation r differ with probability arccos(r) / pi (Sheppard 1899).
    odds = np.full((2, 20, 24, 28), 0.5, np.float16)
    weights = axis_weights(24, width, ())
    rate = float(np.arccos(weights[5] @ weights[6]) / np.pi)
    assert fit_width(odds, 1, rate, (0, 1), ()) == pytest.approx(width, rel=0.005)


def test_drawn_volumes_change_as_often_as_wanted(blobs: Callable[..., np.ndarray]) -> None:
    shares = np.stack([blobs((40, 36, 44), seed, (0.5, 0.2, 0.3)) for seed in range(4)])
    p = np.stack([(shares == k).mean(0) for k in range(3)]) * 0.9 + 0.1 / 3
    wanted, held = (0.25, 0.2, 0.3), ((0, 10, 20, 30), (), ())
    widths = [fit_width(p, axis, rate, (0, 1, 2), held[axis]) for axis, rate in enumerate(wanted)]
    rates = []
    for seed in range(6):
        parts = SmoothField((40, 36, 44), (widths[0], widths[1], widths[2]), seed, held).parts()
        rates.append(change_rates(np.concatenate([choose(p[:, where], values, (0, 1, 2)) for where, values in parts])))
    assert np.mean(rates, 0) == pytest.approx(wanted, rel=0.02)
