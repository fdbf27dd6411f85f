"""MHFA, multi-scale hierarchical feature aggregation: what the given slices look like modulates every layer.

The paper (arXiv 2402.15815) names the module without its layers; these are our reading. Features of the slice at
scales 1, 1/2 and 1/4 are aggregated from coarse to fine, pooled to a descriptor of the texture, and scale and shift
every layer of the generator (FiLM, Perez et al. 2018).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .layers import Layer

Film = list[tuple[Tensor, Tensor]]  # scale and shift of every layer, (1, C) each
PLANES = 3


class ModulatedLayer(Layer):
    """Layer whose normalisation is scaled and shifted by what was read from slices, if anything was.

    Modulation is folded into the normalisation: passes over memory, not multiplications, are what a layer costs.
    """

    film: tuple[Tensor, Tensor] | None = None

    def normalised(self, x: Tensor) -> Tensor:
        """(N, C, Z, Y, X) -> the same shape."""
        if self.film is None:
            return super().normalised(x)
        weight, bias = self.norm.weight, self.norm.bias
        scale, shift = self.film[0][0].float(), self.film[1][0].float()
        return self.norm.scaled(x, weight * (1 + scale), bias * (1 + scale) + shift)


class SliceEncoder(nn.Module):
    """Slices of the three planes -> scale and shift of every generator layer."""

    def __init__(self, phases: int, layer_channels: list[int], width: int = 16) -> None:
        super().__init__()
        self.layer_channels = layer_channels
        self.scales = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(phases, width, 3, padding=1, padding_mode='reflect'),
                nn.LeakyReLU(0.1),
                nn.Conv2d(width, width, 3, padding=1, padding_mode='reflect'),
            )
            for _ in range(3)
        )
        self.descriptor = nn.Sequential(nn.Linear(2 * width * PLANES, 32), nn.Tanh())
        self.film = nn.Linear(32, 2 * sum(layer_channels))
        # Starts as the identity: a slice changes the generator only where training finds it useful.
        nn.init.zeros_(self.film.weight)
        nn.init.zeros_(self.film.bias)

    def forward(self, crops: list[Tensor]) -> Film:
        """Three (N, K, rows, columns) one-hot images, normals z, y, x -> per layer two (1, C)."""
        return self.modulate(self.read(crops))

    def modulate(self, code: Tensor) -> Film:
        """What `read` makes of slices (1, 2 x all channels) -> scale and shift per layer, each (1, C)."""
        # Bounded, so that a slice unlike the training ones cannot drive the generator far off.
        scales, shifts = (0.5 * torch.tanh(code)).chunk(2, 1)
        return list(zip(scales.split(self.layer_channels, 1), shifts.split(self.layer_channels, 1), strict=True))

    @torch.no_grad()
    def carry_over(self, code: Tensor, crops: list[Tensor]) -> None:
        """Let new slices begin with the modulation of the old ones, whose `code` is given."""
        self.film.bias.add_((code - self.read(crops))[0])

    def read(self, crops: list[Tensor]) -> Tensor:
        """Three (N, K, rows, columns) one-hot images, normals z, y, x -> code (1, 2 x all channels)."""
        pooled: list[Tensor] = []
        for image in crops:
            pyramid = [image]
            for _ in range(2):
                pyramid.append(nn.functional.avg_pool2d(pyramid[-1], 2))
            carried: Tensor | None = None
            for scale, level in zip(reversed(self.scales), reversed(pyramid), strict=True):
                features = scale(level)
                if carried is not None:
                    features = features + nn.functional.interpolate(carried, features.shape[2:])
                carried = nn.functional.leaky_relu(features, 0.1)
            assert carried is not None
            pooled.append(torch.cat([carried.mean((0, 2, 3)), carried.std((0, 2, 3))]))
        return self.film(self.descriptor(torch.cat(pooled)[None]))
