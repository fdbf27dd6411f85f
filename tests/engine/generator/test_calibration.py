"""Calibrated fractions: exact on the sample, proportions kept, ensembles represented."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microrecon.engine.generator.calibration import calibrate, wanted_fractions
from napari_microrecon.engine.generator.sampling import representative


@pytest.mark.parametrize('target', [(0.2, 0.8), (0.45, 0.4, 0.15), (0.1, 0.1, 0.2, 0.25, 0.35)])
def test_argmax_frequencies_are_the_target(target: tuple[float, ...]) -> None:
    logits = np.random.default_rng(0).normal(size=(20000, len(target))) * np.arange(1, len(target) + 1)
    offsets = calibrate(logits, np.array(target))
    found = np.bincount((logits + offsets).argmax(1), minlength=len(target)) / len(logits)
    assert found == pytest.approx(target, abs=1e-3)


def test_targets_replace_some_fractions_and_keep_the_proportion_of_the_rest() -> None:
    wanted = wanted_fractions(np.array([0.5, 0.3, 0.2]), {0: 0.25})
    assert wanted == pytest.approx([0.25, 0.45, 0.30])


def test_representative_rows_undo_a_biased_sample() -> None:
    rng = np.random.default_rng(1)
    field = rng.normal(0.4, 1.0, (50000, 1))  # volumes that happened to lie high
    logits = np.concatenate([np.zeros_like(field), field + rng.normal(0, 0.1, field.shape)], 1)
    kept = representative(logits, field, rng)
    assert (logits[:, 1] > 0).mean() > 0.63
    assert (kept[:, 1] > 0).mean() == pytest.approx(0.5, abs=0.01)
