"""Calibrate logit offsets so that the expected phase fractions are the wanted ones.

The offsets b maximise b . t - E[max_k(l_k + b_k)], which is concave; at the maximum
P(argmax = k) = t_k (a discrete optimal-transport dual, Peyre and Cuturi 2019, section 5.3).
They are found for the whole ensemble of volumes, never for one volume: forcing every small volume
to the same fraction would destroy its natural variability. Ten volumes that stand for the ensemble
scatter themselves, but a generator's fractions follow those of its structural prior, whose ensemble
is known in closed form: so the ten are drawn with the prior levelled to the wanted fractions.
"""

from __future__ import annotations

import numpy as np
import torch


def calibrate(logits: np.ndarray, target: np.ndarray, rounds: int = 400) -> np.ndarray:
    """Offsets (K,) for logits (n, K) so that argmax frequencies are `target` (K,)."""
    count = logits.shape[1]
    target = np.asarray(target, float) / np.sum(target)
    if count == 2:
        # The margin's quantile is the exact answer.
        margin = logits[:, 1] - logits[:, 0]
        return np.array([0.0, -float(np.quantile(margin, 1 - target[1]))])
    offsets = np.zeros(count)
    step = np.full(count, 0.5)
    before = np.zeros(count)
    for _ in range(rounds):
        winners = (logits + offsets).argmax(1)
        slope = target - np.bincount(winners, minlength=count) / len(logits)
        if np.abs(slope).max() < 5e-5:
            break
        # Rprop: the slope is a step function of the offsets, so that only its sign can be trusted.
        agree = np.sign(slope) * np.sign(before)
        step = np.clip(np.where(agree > 0, step * 1.2, np.where(agree < 0, step * 0.5, step)), 1e-6, 2.0)
        offsets += np.sign(slope) * step
        before = slope
    return offsets - offsets[0]


def wanted_fractions(fractions: np.ndarray, targets: dict[int, float]) -> np.ndarray:
    """Fractions with some of them replaced; the rest keep their proportion to each other."""
    wanted = np.array(fractions, float)
    if not targets:
        return wanted
    rest = [k for k in range(len(wanted)) if k not in targets]
    left = 1.0 - sum(targets.values())
    if rest:
        old = wanted[rest].sum()
        wanted[rest] = wanted[rest] / old * left if old > 0 else left / len(rest)
    for label, fraction in targets.items():
        wanted[label] = fraction
    return wanted / wanted.sum()


def balance(logits: torch.Tensor, target: torch.Tensor, rounds: int = 8) -> torch.Tensor:
    """Logits (1, K, ...) shifted per phase so that the mean of their softmax is `target` (K,), differentiably.

    Newton steps on the concave dual; the last one carries the gradient, which makes it that of the implicit
    function. A loss then speaks of shape alone: its pull on the phase fractions is gone.
    """
    flat = logits[0].flatten(1)  # (K, n)
    count = len(target)
    offsets = torch.zeros_like(target)
    for index in range(rounds):
        last = index == rounds - 1
        with torch.set_grad_enabled(last and torch.is_grad_enabled()):
            p = torch.softmax(flat + offsets[:, None], 0)
            mean = p.mean(1)
            with torch.no_grad():
                slope = torch.diag(mean) - p @ p.T / p.shape[1]
                # Offsets have a free constant: the first phase keeps its own.
                inverse = torch.linalg.inv(slope[1:, 1:] + 1e-6 * torch.eye(count - 1, device=slope.device))
            step = torch.cat([torch.zeros_like(mean[:1]), inverse @ (target - mean)[1:]])
            offsets = offsets + (step if last else step.clamp(-2, 2))
    return logits + offsets.view(1, count, *(1,) * (logits.dim() - 2))
