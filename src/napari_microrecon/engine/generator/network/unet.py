"""The network: a 3D U-Net that corrects the structural prior. Random fields and noise in, phase logits out.

Its logits are the prior's own plus what the network adds, so that the connectivity of the prior is where it starts from
and not something to be learned from sections. Skips are sums; convolutions are 3 x 3 x 3 and periodic.

Shapes for F fields, K phases, C channels (16) and 3 levels; level l has 2^l C channels on a grid of size / 2^l:

    input                                  F + 1 channels on Z, Y, X    prior and noise
    enter_fine     F + 1 -> C -> C         Z, Y, X                      kept as skip 0
    descend        C -> 2C                 Z, Y, X -> Z/2, ...
    contract       2C -> 2C -> 2C          Z/2, ...                     kept as skip 1; noise is added to it before
                   2C -> 4C                Z/2, ... -> Z/4, ...
                   4C -> 4C -> 4C          Z/4, ...                     noise is added before
    expand         4C -> 2C                Z/4, ... -> Z/2, ...         plus skip 1
                   2C -> 2C -> 2C -> C     Z/2, ...
    leave_fine     C -> C -> C             Z/2, ... -> Z, Y, X          plus skip 0
                   C -> K                  Z, Y, X                      sharpness * (network + prior)

The finest level costs most of the memory and almost none of the reach: sampling runs it in tiles with a halo of HALO
voxels, and the coarser levels once for the whole volume.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..params import Architecture
from .layers import Boundary, Layer

SHARPNESS = 6.0  # of the untrained network: phases change over a voxel or two, as in a labelled image
HALO = 4  # voxels that the finest level's four convolutions reach


class UNet(nn.Module):
    """U-Net with two convolutions before and two after each change of the grid."""

    layer: type[Layer] = Layer

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        widths = [architecture.channels * 2**level for level in range(architecture.levels)]  # C, 2C, 4C
        self.build_descent(widths)
        self.build_ascent(widths)

    def build_descent(self, widths: list[int]) -> None:
        """Make the layers from the finest level to the coarsest."""
        inputs = [self.architecture.field_count + 1, *widths[1:]]
        self.enter = nn.ModuleList(self.pair(i, width) for i, width in zip(inputs, widths, strict=True))
        self.noise_scale = nn.ParameterList(torch.full((width,), 0.1) for width in widths[1:])
        self.down = nn.ModuleList(nn.Conv3d(width, 2 * width, 2, stride=2) for width in widths[:-1])

    def build_ascent(self, widths: list[int]) -> None:
        """Make the layers from the coarsest level to the logits."""
        self.up = nn.ModuleList(nn.Conv3d(2 * width, width, 1) for width in widths[:-1])
        self.leave = nn.ModuleList(self.pair(width, width) for width in widths[:-1])
        self.head = nn.Conv3d(widths[0], self.architecture.phase_count, 1)
        self.sharpness = nn.Parameter(torch.tensor(SHARPNESS))

    def pair(self, inputs: int, outputs: int) -> nn.ModuleList:
        """Two layers, one after the other."""
        return nn.ModuleList([self.layer(inputs, outputs), self.layer(outputs, outputs)])

    # --- all at once, as in training ----------------------------------------------------------

    def forward(self, fields: Tensor, noise: list[Tensor], boundary: Boundary = 'wrap') -> Tensor:
        """Logits of every phase.

        Parameters
        ----------
        fields : Tensor
            Structural prior (N, F, Z, Y, X).
        noise : list of Tensor
            White noise per level, (N, 1, Z / 2^l, Y / 2^l, X / 2^l).
        boundary : {'wrap', 'zero'}
            How convolutions are padded.

        Returns
        -------
        Tensor
            (N, K, Z, Y, X), float32.
        """
        fine = self.enter_fine(fields, noise[0], boundary)  # (N, C, Z, Y, X)
        coarse = self.coarse(self.descend(fine), noise, boundary)  # (N, C, Z/2, Y/2, X/2)
        return self.leave_fine(doubled(coarse), fine, fields, boundary)  # (N, K, Z, Y, X)

    # --- finest level -------------------------------------------------------------------------

    def enter_fine(self, fields: Tensor, noise: Tensor, boundary: Boundary) -> Tensor:
        """Prior (N, F, Z, Y, X) and noise (N, 1, Z, Y, X) -> features (N, C, Z, Y, X)."""
        x = torch.cat([fields, noise], 1).contiguous(memory_format=torch.channels_last_3d)  # (N, F + 1, Z, Y, X)
        return run(self.enter[0], x, boundary)

    def descend(self, fine: Tensor) -> list[Tensor]:
        """What the coarser levels need of the finest: (N, C, Z, Y, X) -> [(N, 2C, Z/2, Y/2, X/2)]."""
        return [self.down[0](fine)]

    def leave_fine(self, upward: Tensor, fine: Tensor, fields: Tensor, boundary: Boundary) -> Tensor:
        """Coarse features on the finest grid, finest ones (N, C, Z, Y, X), and prior -> logits (N, K, Z, Y, X)."""
        x = run(self.leave[0], upward + fine, boundary)  # (N, C, Z, Y, X)
        return self.sharpness * (self.head(x).float() + self.prior_logits(fields.float()))

    def prior_logits(self, fields: Tensor) -> Tensor:
        """(N, F, Z, Y, X) fields -> (N, K, Z, Y, X) logits of the untrained prior."""
        if self.architecture.phase_count == 2:
            return torch.cat([torch.zeros_like(fields[:, :1]), fields[:, :1]], 1)
        return fields

    # --- coarser levels -----------------------------------------------------------------------

    def coarse(self, parts: list[Tensor], noise: list[Tensor], boundary: Boundary) -> Tensor:
        """All levels but the finest: what `descend` gives -> (N, C, Z/2, Y/2, X/2)."""
        return self.expand(self.contract(parts, noise, boundary), boundary)

    def contract(self, parts: list[Tensor], noise: list[Tensor], boundary: Boundary) -> list[Tensor]:
        """[(N, 2C, Z/2, ...)] -> features of the levels from 1: (N, 2C, Z/2, ...), (N, 4C, Z/4, ...)."""
        features = [self.encode(1, parts[0], noise[1], boundary)]
        for level in range(2, self.architecture.levels):
            x = self.down[level - 1](features[-1])  # (N, 2^l C, Z / 2^l, ...)
            features.append(self.encode(level, x, noise[level], boundary))
        return features

    def encode(self, level: int, x: Tensor, noise: Tensor, boundary: Boundary) -> Tensor:
        """One level: (N, 2^l C, Z / 2^l, ...) and noise (N, 1, Z / 2^l, ...) -> the same shape."""
        x = x + self.noise_scale[level - 1].to(x.dtype).view(1, -1, 1, 1, 1) * noise.to(x.dtype)
        return run(self.enter[level], x, boundary)

    def expand(self, features: list[Tensor], boundary: Boundary) -> Tensor:
        """Features of the levels from 1, the coarsest last -> (N, C, Z/2, Y/2, X/2)."""
        x = features[-1]  # (N, 4C, Z/4, ...)
        for level in reversed(range(1, self.architecture.levels - 1)):
            x = doubled(self.up[level](x))  # (N, 2^l C, Z / 2^l, ...)
            x = run(self.leave[level], x + features[level - 1], boundary)
        return self.up[0](x)

    # --- how far it sees ----------------------------------------------------------------------

    @property
    def stride(self) -> int:
        """Voxels per cell of the coarsest level; grids must be a multiple of it."""
        return 2 ** (self.architecture.levels - 1)

    @property
    def reach(self) -> int:
        """Voxels that influence travels, rounded up to a multiple of the stride."""
        reach = sum(self.cells_seen(level) * 2**level for level in range(self.architecture.levels))
        return -(-reach // self.stride) * self.stride

    def cells_seen(self, level: int) -> int:
        """Cells that influence travels on the grid of one level."""
        convolutions = 4 if level < self.architecture.levels - 1 else 2
        interpolation = 1 if level > 0 else 0  # from this level to the finer one
        return convolutions + interpolation


def run(pair: nn.Module, x: Tensor, boundary: Boundary) -> Tensor:
    """(N, inputs, ...) -> (N, outputs, ...) through two layers."""
    assert isinstance(pair, nn.ModuleList)
    for layer in pair:
        x = layer(x, boundary)
    return x


def doubled(x: Tensor) -> Tensor:
    """(N, C, Z, Y, X) -> (N, C, 2Z, 2Y, 2X), trilinear."""
    return nn.functional.interpolate(x, scale_factor=2, mode='trilinear', align_corners=False)
