"""Building blocks of the generator: wrapped convolutions, CBAM and multi-scale channel aggregation.

What pools over space keeps running statistics and uses them, in training too; normalisation is over
the channels of a voxel. A voxel then depends on its neighbourhood alone, so that a volume made in
tiles is the volume made at once.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

Attention = Literal['none', 'channel', 'spatial', 'cbam']
Boundary = Literal['wrap', 'zero']


class _Wrap(torch.autograd.Function):
    """Periodic padding by one voxel that keeps the channels-last layout (F.pad loses it, 5x slower)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        n, c, *size = x.shape
        y = x.new_empty((n, c, *(s + 2 for s in size))).contiguous(memory_format=torch.channels_last_3d)
        y[:, :, 1:-1, 1:-1, 1:-1] = x
        for axis in (2, 3, 4):
            y.select(axis, 0).copy_(y.select(axis, -2))
            y.select(axis, y.shape[axis] - 1).copy_(y.select(axis, 1))
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        grad = grads[0].clone(memory_format=torch.channels_last_3d)
        for axis in (4, 3, 2):
            last = grad.shape[axis] - 1
            grad.select(axis, last - 1).add_(grad.select(axis, 0))
            grad.select(axis, 1).add_(grad.select(axis, last))
        return grad[:, :, 1:-1, 1:-1, 1:-1]


def wrap_pad(x: Tensor) -> Tensor:
    """(N, C, Z, Y, X) -> (N, C, Z + 2, Y + 2, X + 2), periodic."""
    padded = _Wrap.apply(x)
    assert isinstance(padded, Tensor)
    return padded


class Convolve(nn.Conv3d):
    """3^3 convolution, periodic in training, zero-padded on tiles whose halo is cut off afterwards."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, bias=False)

    def forward(self, input: Tensor, boundary: Boundary = 'wrap') -> Tensor:
        """(N, inputs, Z, Y, X) -> (N, outputs, Z, Y, X)."""
        if boundary == 'wrap':
            return nn.functional.conv3d(wrap_pad(input), self.weight)
        return nn.functional.conv3d(input, self.weight, padding=1)


class ChannelNorm(nn.Module):
    """Normalisation over the channels of each voxel, scaled and shifted per channel.

    It needs no statistics over space: a training volume cannot lean on its own average, which sampling could not
    know (batch normalisation loses a tenth of the surface that way), and tiles agree to the last bit.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """(N, C, Z, Y, X) -> the same shape; weight and bias (C,) after modulation."""
        with torch.autocast(x.device.type, enabled=False):
            last = x.permute(0, 2, 3, 4, 1)
            y = nn.functional.layer_norm(last, weight.shape, weight.to(x.dtype), bias.to(x.dtype), 1e-5)
        return y.permute(0, 4, 1, 2, 3)


class Layer(nn.Module):
    """Convolution, normalisation modulated by the slices (FiLM), leaky ReLU.

    Modulation is folded into the normalisation: passes over memory, not multiplications, are what a
    layer costs.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = Convolve(inputs, outputs)
        self.norm = ChannelNorm(outputs)

    def forward(self, x: Tensor, film: tuple[Tensor, Tensor] | None, boundary: Boundary) -> Tensor:
        """(N, inputs, Z, Y, X) -> (N, outputs, Z, Y, X); film: scale and shift, each (1, outputs)."""
        weight, bias = self.norm.weight, self.norm.bias
        if film is not None:
            scale, shift = film[0][0].float(), film[1][0].float()
            weight, bias = weight * (1 + scale), bias * (1 + scale) + shift
        return nn.functional.leaky_relu(self.norm(self.conv(x, boundary), weight, bias), 0.1, inplace=True)


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


class ScaleAggregation(nn.Module):
    """MSCA, our reading: features of every encoder level, brought to the coarsest grid and mixed.

    The paper (arXiv 2402.15815) names a multi-scale channel aggregation module without its layers.
    """

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
