"""Layers of the network: convolutions that wrap around, and normalisation over the channels of a voxel.

A voxel depends on its neighbourhood alone, so that a volume made in tiles is the volume made at once.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

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

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, Z, Y, X) -> the same shape."""
        return self.scaled(x, self.weight, self.bias)

    def scaled(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """As `forward`, with another scale and shift per channel, (C,) each."""
        with torch.autocast(x.device.type, enabled=False):
            last = x.permute(0, 2, 3, 4, 1)
            y = nn.functional.layer_norm(last, weight.shape, weight.to(x.dtype), bias.to(x.dtype), 1e-5)
        return y.permute(0, 4, 1, 2, 3)


class Layer(nn.Module):
    """Convolution, normalisation, leaky ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = Convolve(inputs, outputs)
        self.norm = ChannelNorm(outputs)

    def forward(self, x: Tensor, boundary: Boundary) -> Tensor:
        """(N, inputs, Z, Y, X) -> (N, outputs, Z, Y, X)."""
        return nn.functional.leaky_relu(self.normalised(self.conv(x, boundary)), 0.1, inplace=True)

    def normalised(self, x: Tensor) -> Tensor:
        """(N, outputs, Z, Y, X) -> the same shape."""
        return self.norm(x)
