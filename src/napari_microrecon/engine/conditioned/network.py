"""The 2D U-Net that fills sections between known lines."""

from __future__ import annotations

import torch
from torch import Tensor, nn

STRIDE = 4
HALO = 24  # pixels that influence travels, and alignment: 4 + 2 * 4 + 4 * 2 convolutions of reach one, on a grid of 4


class SectionNet(nn.Module):
    """Three levels of two convolutions each; adds a correction to the logits that it is given.

    Parameters
    ----------
    inputs : int
        Channels of the features.
    phases : int
        K.
    channels : int
        Channels of the finest level.
    """

    def __init__(self, inputs: int, phases: int, channels: int = 16) -> None:
        super().__init__()
        wide = 2 * channels
        self.enter = _pair(inputs, channels)
        self.down = nn.ModuleList([nn.Conv2d(channels, wide, 2, stride=2), nn.Conv2d(wide, wide, 2, stride=2)])
        self.middle = _pair(wide, wide)
        self.bottom = _pair(wide, wide)
        self.up = nn.ModuleList([nn.Conv2d(wide, wide, 1), nn.Conv2d(wide, channels, 1)])
        self.join = _pair(wide, wide)
        self.leave = _pair(channels, channels)
        self.head = nn.Conv2d(channels, phases, 1)
        # The untrained network is the interpolation.
        nn.init.zeros_(self.head.weight)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)
        self.trust = nn.Parameter(torch.tensor(1.0))

    def forward(self, features: Tensor, interpolated: Tensor) -> Tensor:
        """Logits (N, K, rows, columns), float32; rows and columns are multiples of STRIDE."""
        fine = self.enter(features)
        half = self.middle(self.down[0](fine))
        low = self.bottom(self.down[1](half))
        half = self.join(half + nn.functional.interpolate(self.up[0](low), scale_factor=2.0))
        fine = self.leave(fine + nn.functional.interpolate(self.up[1](half), scale_factor=2.0))
        return self.head(fine).float() + self.trust * interpolated


def _pair(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(),
    )  # fmt: skip
