"""Calibrated fractions: exact on the sample, proportions kept, ensembles represented."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import ndtri

from napari_microrecon.engine.generator.calibration import balance, calibrate, wanted_fractions
from napari_microrecon.engine.generator.priors import PriorModel, noise_prior
from napari_microrecon.engine.generator.priors.fields import NoiseField


def fractions_of(prior: PriorModel, sample: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """Fractions (K,) that the prior, calibrated to `fractions`, has on a sample of its fields (n, F)."""
    labels = (prior.logits(sample.T).T + prior.offsets(fractions)).argmax(1)
    return np.bincount(labels, minlength=prior.phase_count) / len(labels)


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
    share = fractions_of(prior, field, np.array([0.7, 0.3]))[1]
    assert share == pytest.approx((field > ndtri(0.7)).mean())
    logits = np.concatenate([np.zeros_like(field), 2 * field + 5], 1)
    offsets = calibrate(logits, np.array([1 - share, share]))
    ensemble = 2 * rng.normal(0.0, 1.0, 200000) + 5 + offsets[1] > 0
    assert ensemble.mean() == pytest.approx(0.3, abs=0.01)


def test_three_nested_fields_have_exact_ensemble_fractions() -> None:
    prior = noise_prior(3)
    values = prior.sample((60, 60, 60), 0, periodic=False).reshape(3, -1).T
    assert np.bincount(values.argmax(1)) / len(values) == pytest.approx([1 / 3] * 3, abs=0.005)
    assert fractions_of(prior, values, np.array([0.5, 0.3, 0.2])) == pytest.approx([0.5, 0.3, 0.2], abs=0.01)


TARGETS = {2: (0.2, 0.8), 3: (0.5, 0.35, 0.15), 5: (0.1, 0.1, 0.2, 0.25, 0.35)}


@pytest.mark.parametrize('count', TARGETS)
def test_balanced_softmax_has_the_target_as_its_mean(count: int) -> None:
    rng = torch.Generator().manual_seed(count)
    logits = 6 * torch.randn((1, count, 8, 9, 10), generator=rng) + 3 * torch.arange(count).view(1, -1, 1, 1, 1)
    target = torch.tensor(TARGETS[count])
    balanced = balance(logits, target)
    assert torch.softmax(balanced, 1).mean((0, 2, 3, 4)).numpy() == pytest.approx(target.numpy(), abs=2e-4)
    shift = (balanced - logits)[0].flatten(1)
    assert float((shift - shift[:, :1]).abs().max()) < 1e-4  # one number per phase: the structure is kept


@pytest.mark.parametrize('count', TARGETS)
def test_balance_has_the_gradient_of_the_implicit_function(count: int) -> None:
    rng = torch.Generator().manual_seed(count)
    logits = 2 * torch.randn((1, count, 3, 4, 5), generator=rng, dtype=torch.float64)
    weights = torch.randn((1, count, 3, 4, 5), generator=rng, dtype=torch.float64)
    target = torch.tensor(TARGETS[count], dtype=torch.float64)

    def loss(values: torch.Tensor) -> torch.Tensor:
        return (torch.softmax(balance(values, target, rounds=20), 1) * weights).sum()

    values = logits.clone().requires_grad_()
    loss(values).backward()
    assert values.grad is not None
    for voxel in [(0, 0, 0), (2, 3, 4), (1, 2, 0)]:
        for k in range(count):
            step = torch.zeros_like(logits)
            step[0, k, *voxel] = 1e-5
            numeric = float(loss(logits + step) - loss(logits - step)) / 2e-5
            assert float(values.grad[0, k, *voxel]) == pytest.approx(numeric, rel=1e-3, abs=1e-6)
    # No change of the logits can change the mean: its gradient is zero.
    values = logits.clone().requires_grad_()
    torch.softmax(balance(values, target, rounds=20), 1).mean((0, 2, 3, 4))[0].backward()
    assert values.grad is not None
    assert float(values.grad.abs().max()) < 1e-5
