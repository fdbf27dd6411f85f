"""The 3D U-Net generator: structural prior and noise in, phase logits out.

Shapes for a grid of n^3 and C base channels; level l has 2^l C channels on (n / 2^l)^3.
The logits are the network's correction of the prior's own logits, so that the connectivity of
the prior is the starting point and not something to be learned from sections.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .blocks import Boundary, ConvolutionalAttention, Layer, ScaleAggregation
from .encoder import SliceEncoder
from .params import Architecture

Film = list[tuple[Tensor, Tensor]]
SHARPNESS = 6.0  # of the untrained network: phases change over a voxel or two, as in a labelled image
HALO = 4  # voxels that the finest level's four convolutions reach


class Generator(nn.Module):
    """U-Net with additive skips, CBAM on the coarse levels, MSCA at the bottom, FiLM from the slices."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = a = architecture
        channels = [a.channels * 2**level for level in range(a.levels)]
        self.enter = nn.ModuleList()
        for level, width in enumerate(channels):
            inputs = a.field_count + 1 if level == 0 else width
            self.enter.append(nn.ModuleList([Layer(inputs, width), Layer(width, width)]))
        self.noise_scale = nn.ParameterList(torch.full((c,), 0.1) for c in channels[1:])
        self.down = nn.ModuleList(nn.Conv3d(c, 2 * c, 2, stride=2) for c in channels[:-1])
        self.aggregate = ScaleAggregation(channels) if a.scale_aggregation else None
        self.attend = nn.ModuleList(ConvolutionalAttention(c, a.attention) for c in channels[1:])
        self.up = nn.ModuleList(nn.Conv3d(2 * c, c, 1) for c in channels[:-1])
        self.leave = nn.ModuleList(nn.ModuleList([Layer(c, c), Layer(c, c)]) for c in channels[:-1])
        self.head = nn.Conv3d(channels[0], a.phase_count, 1)
        self.sharpness = nn.Parameter(torch.tensor(SHARPNESS))
        # In the order that forward runs them: down to the coarsest level and up again.
        order = [c for c in [*channels, *reversed(channels[:-1])] for _ in range(2)]
        self.encoder = SliceEncoder(a.phase_count, order) if a.slice_encoder else None

    @property
    def stride(self) -> int:
        """Voxels per cell of the coarsest level; grids must be a multiple of it."""
        return 2 ** (self.architecture.levels - 1)

    @property
    def reach(self) -> int:
        """Voxels that influence travels, rounded up to a multiple of the stride."""
        reach = 0
        for level in range(self.architecture.levels):
            layers = 4 if level < self.architecture.levels - 1 else 2
            spatial = self.architecture.attention in ('spatial', 'cbam') and level > 0
            # The second 1 is the trilinear interpolation from this level to the finer one.
            reach += (layers + (1 if spatial else 0) + (1 if level > 0 else 0)) * 2**level
        return -(-reach // self.stride) * self.stride

    def modulation(self, crops: list[Tensor]) -> Film | None:
        """FiLM scales and shifts from one-hot crops of the three planes."""
        return None if self.encoder is None else self.encoder(crops)

    def forward(self, fields: Tensor, noise: list[Tensor], film: Film | None, boundary: Boundary = 'wrap') -> Tensor:
        """Logits of every phase.

        Parameters
        ----------
        fields : Tensor
            Structural prior (N, F, Z, Y, X).
        noise : list of Tensor
            White noise per level, (N, 1, Z / 2^l, Y / 2^l, X / 2^l).
        film : list or None
            Scale and shift per layer.
        boundary : {'wrap', 'zero'}
            How convolutions are padded.

        Returns
        -------
        Tensor
            (N, K, Z, Y, X), float32.
        """
        fine = self.enter_fine(fields, noise[0], film, boundary)
        coarse = self.coarse(*self.descend(fine), noise, film, boundary)
        upward = nn.functional.interpolate(coarse, scale_factor=2, mode='trilinear', align_corners=False)
        return self.leave_fine(upward, fine, fields, film, boundary)

    # The finest level costs most of the memory and almost none of the reach: sampling runs it in
    # tiles with a halo of HALO voxels, and the coarser levels once for the whole volume.

    def enter_fine(self, fields: Tensor, noise: Tensor, film: Film | None, boundary: Boundary) -> Tensor:
        """Finest encoder features (N, C, Z, Y, X)."""
        x = torch.cat([fields, noise], 1).contiguous(memory_format=torch.channels_last_3d)
        return self._pair(self.enter[0], x, film, 0, boundary)

    def descend(self, fine: Tensor) -> tuple[Tensor, Tensor | None]:
        """What the coarser levels need of the finest: (N, 2C, Z/2, ...) and MSCA's branch of it."""
        return self.down[0](fine), None if self.aggregate is None else self.aggregate.branches[0](fine)

    def coarse(
        self, x: Tensor, branch: Tensor | None, noise: list[Tensor], film: Film | None, boundary: Boundary
    ) -> Tensor:
        """All levels but the finest: (N, 2C, Z/2, ...) -> (N, C, Z/2, ...)."""
        features: list[Tensor] = []
        levels = self.architecture.levels
        for level in range(1, levels):
            if level > 1:
                x = self.down[level - 1](x)
            x = x + self.noise_scale[level - 1].to(x.dtype).view(1, -1, 1, 1, 1) * noise[level].to(x.dtype)
            x = self._pair(self.enter[level], x, film, 2 * level, boundary)
            attend = self.attend[level - 1]
            x = attend(x, boundary) if isinstance(attend, ConvolutionalAttention) else x
            features.append(x)
        if self.aggregate is not None and branch is not None:
            x = self.aggregate(branch, features)
        for level in reversed(range(1, levels - 1)):
            x = nn.functional.interpolate(self.up[level](x), scale_factor=2, mode='trilinear', align_corners=False)
            first = 2 * levels + 2 * (levels - 2 - level)
            x = self._pair(self.leave[level], x + features[level - 1], film, first, boundary)
        return self.up[0](x)

    def leave_fine(self, upward: Tensor, fine: Tensor, fields: Tensor, film: Film | None, boundary: Boundary) -> Tensor:
        """Coarse features on the finest grid, finest features and prior -> logits (N, K, Z, Y, X)."""
        first = 2 * self.architecture.levels + 2 * (self.architecture.levels - 2)
        x = self._pair(self.leave[0], upward + fine, film, first, boundary)
        return self.sharpness * (self.head(x).float() + self.prior_logits(fields.float()))

    def _pair(self, pair: nn.Module, x: Tensor, film: Film | None, first: int, boundary: Boundary) -> Tensor:
        assert isinstance(pair, nn.ModuleList)
        for index, layer in enumerate(pair):
            x = layer(x, None if film is None else film[first + index], boundary)
        return x

    def prior_logits(self, fields: Tensor) -> Tensor:
        """(N, F, Z, Y, X) fields -> (N, K, Z, Y, X) logits of the untrained prior."""
        if self.architecture.phase_count == 2:
            return torch.cat([torch.zeros_like(fields[:, :1]), fields[:, :1]], 1)
        return fields
