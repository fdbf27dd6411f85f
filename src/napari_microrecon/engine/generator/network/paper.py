"""The U-Net with the modules of the paper (arXiv 2402.15815): MHFA, MSCA and CBAM, each where its switch says so.

slices      MHFA: scale and shift every layer
contract    CBAM after each level from 1; MSCA adds all levels, the finest included, to the coarsest
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ..params import Architecture
from .cbam import ConvolutionalAttention
from .layers import Boundary
from .mhfa import Film, ModulatedLayer, SliceEncoder
from .msca import ScaleAggregation
from .unet import UNet


def build_network(architecture: Architecture) -> UNet:
    """Make the network of an architecture: the plain one, or the one with the modules that it asks for."""
    return UNet(architecture) if architecture.is_plain else PaperUNet(architecture)


class PaperUNet(UNet):
    """U-Net with attention on its coarse levels, aggregation at the bottom, and modulation by the slices."""

    layer = ModulatedLayer

    def build_ascent(self, widths: list[int]) -> None:
        """Make the modules in the order in which weights have always been drawn."""
        switches = self.architecture
        self.aggregate = ScaleAggregation(widths) if switches.scale_aggregation else None
        self.attend = nn.ModuleList(ConvolutionalAttention(width, switches.attention) for width in widths[1:])
        super().build_ascent(widths)
        # In the order that forward runs the layers: down to the coarsest level and up again, two each.
        order = [width for width in [*widths, *reversed(widths[:-1])] for _ in range(2)]
        self.encoder = SliceEncoder(switches.phase_count, order) if switches.slice_encoder else None

    def descend(self, fine: Tensor) -> list[Tensor]:
        """As the plain network, and MSCA's branch of the finest level: (N, share, coarsest grid)."""
        parts = super().descend(fine)
        return parts if self.aggregate is None else [*parts, self.aggregate.branches[0](fine)]

    def encode(self, level: int, x: Tensor, noise: Tensor, boundary: Boundary) -> Tensor:
        """As the plain network, then attention."""
        return self.attend[level - 1](super().encode(level, x, noise, boundary), boundary)

    def contract(self, parts: list[Tensor], noise: list[Tensor], boundary: Boundary) -> list[Tensor]:
        """As the plain network, with all levels added to the coarsest."""
        features = super().contract(parts[:1], noise, boundary)
        if self.aggregate is not None:
            features[-1] = self.aggregate(parts[1], features)
        return features

    def cells_seen(self, level: int) -> int:
        """As the plain network, and the convolution of spatial attention."""
        spatial = self.architecture.attention in ('spatial', 'cbam') and level > 0
        return super().cells_seen(level) + (1 if spatial else 0)

    def modulate(self, film: Film | None) -> None:
        """Scale and shift every layer from now on; None for as it is."""
        pairs = [*self.enter, *reversed(self.leave)]
        layers = [layer for pair in pairs for layer in pair]  # pyright: ignore[reportGeneralTypeIssues]
        for layer, own in zip(layers, film or [None] * len(layers), strict=True):
            layer.film = own


def encoder_of(network: UNet) -> SliceEncoder | None:
    """MHFA's encoder of a network that has one."""
    return network.encoder if isinstance(network, PaperUNet) else None


@contextmanager
def reading_slices(network: UNet, crops: Callable[[], list[Tensor]]) -> Iterator[None]:
    """Let a network with an encoder read one-hot crops of the three planes while it runs; others run as they are."""
    encoder = encoder_of(network)
    if encoder is None or not isinstance(network, PaperUNet):
        yield
        return
    network.modulate(encoder(crops()))
    try:
        yield
    finally:
        network.modulate(None)


def keep_slices(network: UNet, code: Tensor | None, device: torch.device) -> None:
    """Let a network run as it did on the slices that its encoder read this `code` from."""
    encoder = encoder_of(network)
    if encoder is not None and code is not None and isinstance(network, PaperUNet):
        network.modulate([(scale.to(device), shift.to(device)) for scale, shift in encoder.modulate(code)])
