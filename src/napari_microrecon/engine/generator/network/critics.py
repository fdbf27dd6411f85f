"""Wasserstein critics of 2D sections, one per plane (shared by all planes of an isotropic material)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

LEAST = 22  # pixels that the three convolutions need


class Critic(nn.Module):
    """Convolutional score of sections; no normalisation, as the gradient penalty asks."""

    def __init__(self, phases: int, channels: int = 32) -> None:
        super().__init__()
        c = channels
        self.body = nn.Sequential(
            nn.Conv2d(phases, c, 4, stride=2),  # (N, K, m, m) -> (N, c, m/2 - 1, ...)
            nn.LeakyReLU(0.2),
            nn.Conv2d(c, 2 * c, 4, stride=2),  # -> (N, 2c, m/4 - 2, ...)
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * c, 2 * c, 4, stride=2),  # -> (N, 2c, m/8 - 2, ...)
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * c, 1, 1),
        )

    def forward(self, sections: Tensor) -> Tensor:
        """(N, K, rows, columns) -> mean score per section (N,); small sections are mirrored at their edges."""
        rows, columns = (max(0, LEAST - n) for n in sections.shape[2:])
        if rows or columns:
            sections = functional.pad(sections, (0, columns, 0, rows), mode='reflect')
        return self.body(sections).mean((1, 2, 3))


def critic_loss(
    critic: nn.Module, real: Tensor, fake: Tensor, generator: torch.Generator, penalty: float
) -> tuple[Tensor, Mapping[str, float]]:
    """Wasserstein critic loss with gradient penalty (Gulrajani et al. 2017, arXiv 1704.00028, eq. 3)."""
    blend = torch.rand((len(real), 1, 1, 1), generator=generator).to(real.device)
    between = (blend * real + (1 - blend) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    excess = ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
    gap = critic(real).mean() - critic(fake).mean()
    loss = penalty * excess - gap
    return loss, {
        'critic_loss': float(loss.detach()),
        'critic_gap': float(gap.detach()),
        'critic_slope': float(excess.detach()),
    }
