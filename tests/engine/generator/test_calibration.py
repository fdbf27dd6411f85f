"""Calibrated fractions: exact on the sample, proportions kept, ensembles represented."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from napari_microrecon.engine.generator.calibration import calibrate, wanted_fractions
from napari_microrecon.engine.generator.priors import PriorModel, noise_prior
from napari_microrecon.engine.generator.priors.fields import NoiseField


@pytest.mark.parametrize('target', [(0.2, 0.8), (0.45, 0.4, 0.15), (0.1, 0.1, 0.2, 0.25, 0.35)])
def test_argmax_frequencies_are_the_target(target: tuple[float, ...]) -> None:
    logits = np.random.default_rng(0).normal(size=(20000, len(target))) * np.arange(1, len(target) + 1)
    offsets = calibrate(logits, np.array(target))
    found = np.bincount((logits + offsets).argmax(1), minlength=len(target)) / len(logits)
    assert found == pytest.approx(target, abs=1e-3)


def test_targets_replace_some_fractions_and_keep_the_proportion_of_the_rest() -> None:
    wanted = wanted_fractions(np.array([0.5, 0.3, 0.2]), {0: 0.25})
    assert wanted == pytest.approx([0.25, 0.45, 0.30])


def test_a_sample_that_lies_high_is_not_taken_for_the_ensemble() -> None:
    rng = np.random.default_rng(1)
    field = rng.normal(0.4, 1.0, (50000, 1))  # volumes that happened to lie high
    prior = PriorModel(phase_count=2, fields=(NoiseField(),))
    share = prior.fractions_of(field, np.array([0.7, 0.3]))[1]
    assert share == pytest.approx((field > ndtri(0.7)).mean())
    logits = np.concatenate([np.zeros_like(field), 2 * field + 5], 1)
    offsets = calibrate(logits, np.array([1 - share, share]))
    ensemble = 2 * rng.normal(0.0, 1.0, 200000) + 5 + offsets[1] > 0
    assert ensemble.mean() == pytest.approx(0.3, abs=0.01)


def test_three_nested_fields_have_exact_ensemble_fractions() -> None:
    prior = noise_prior(3)
    values = prior.sample((60, 60, 60), 0, periodic=False).reshape(3, -1).T
    assert np.bincount(values.argmax(1)) / len(values) == pytest.approx([1 / 3] * 3, abs=0.005)
    assert prior.fractions_of(values, np.array([0.5, 0.3, 0.2])) == pytest.approx([0.5, 0.3, 0.2], abs=0.01)
