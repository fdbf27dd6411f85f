"""CBAM, convolutional block attention: Woo et al. 2018, arXiv 1807.06521.

What pools over space keeps running statistics and uses them, in training too, so that tiles of a volume agree.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from .layers import Boundary, Convolve

Attention = Literal['none', 'channel', 'spatial', 'cbam']


class RunningPool(nn.Module):
    """Mean and maximum over space; running values when sampling."""

    mean: Tensor
    peak: Tensor
    count: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer('mean', torch.zeros(channels))
        self.register_buffer('peak', torch.zeros(channels))
        self.register_buffer('count', torch.zeros((), dtype=torch.long))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, Z, Y, X) -> mean and maximum, each (N, C)."""
        if not self.training:
            return self.mean.expand(len(x), -1), self.peak.expand(len(x), -1)
        mean, peak = x.float().mean((2, 3, 4)), x.float().amax((2, 3, 4))
        with torch.no_grad():
            self.count += 1
            rate = max(1 / float(self.count), 0.02)
            self.mean += rate * (mean.mean(0) - self.mean)
            self.peak += rate * (peak.mean(0) - self.peak)
        # The running values rule in training too; the gradient is that of this volume.
        return mean + (self.mean - mean).detach(), peak + (self.peak - peak).detach()


class ConvolutionalAttention(nn.Module):
    """CBAM, Woo et al. 2018 (arXiv 1807.06521): channel attention, then spatial attention."""

    def __init__(self, channels: int, kind: Attention) -> None:
        super().__init__()
        self.pool = RunningPool(channels) if kind in ('channel', 'cbam') else None
        hidden = max(channels // 4, 4)
        self.gate = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))
        self.spatial = Convolve(2, 1) if kind in ('spatial', 'cbam') else None

    def forward(self, x: Tensor, boundary: Boundary) -> Tensor:
        """(N, C, Z, Y, X) -> the same shape, weighted."""
        if self.pool is not None:
            mean, peak = self.pool(x)
            weight = torch.sigmoid(self.gate(mean) + self.gate(peak))
            x = x * (2 * weight).to(x.dtype)[:, :, None, None, None]
        if self.spatial is not None:
            summary = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)  # (N, 2, Z, Y, X)
            x = x * (2 * torch.sigmoid(self.spatial(summary, boundary)))
        return x
