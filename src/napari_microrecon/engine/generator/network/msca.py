"""MSCA, multi-scale channel aggregation: what every level of the encoder sees, gathered on the coarsest grid.

The paper (arXiv 2402.15815) names the module without its layers; these are our reading.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ScaleAggregation(nn.Module):
    """Features of every encoder level, brought to the coarsest grid by strided convolutions and mixed."""

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        deepest, share = channels[-1], max(channels[-1] // len(channels), 4)
        strides = [2 ** (len(channels) - 1 - level) for level in range(len(channels))]
        self.branches = nn.ModuleList(
            nn.Conv3d(c, share, stride, stride=stride) for c, stride in zip(channels, strides, strict=True)
        )
        self.mix = nn.Conv3d(share * len(channels), deepest, 1)

    def forward(self, finest: Tensor, features: list[Tensor]) -> Tensor:
        """First branch, then features (N, C_l, Z / 2^l, ...), l >= 1 -> (N, C_last, coarsest grid)."""
        rest = [branch(feature) for branch, feature in zip(list(self.branches)[1:], features, strict=True)]
        gathered = [finest, *rest]
        return features[-1] + self.mix(nn.functional.leaky_relu(torch.cat(gathered, 1), 0.1))
