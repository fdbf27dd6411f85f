"""Run a generator on a grid of any size: the finest level in tiles, the coarser ones once.

All randomness is drawn once for the whole grid, and tiles begin at multiples of the stride, so
that the size of the tiles changes the memory and not one voxel.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .boxes import white_noise
from .device import Placement
from .network import HALO, UNet
from .priors import PriorModel

MARGIN = 8  # voxels around an open volume: its faces differ from those of a larger one in at most .6 % of their labels
DEFAULT_TILE = 96

Window = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Grid:
    """Prior and noise of one realisation on the grid that the network sees.

    Attributes
    ----------
    shape : tuple of int
        Volume that is wanted.
    margin : int
        Voxels around it.
    fields : numpy.ndarray
        Structural prior (F, Z, Y, X) with margins.
    noise : list of Tensor
        White noise per level.
    """

    shape: tuple[int, int, int]
    margin: int
    fields: np.ndarray
    noise: list[Tensor]


def draw(prior: PriorModel, shape: tuple[int, int, int], seed: int, *, periodic: bool, levels: int, reach: int) -> Grid:
    """Draw the random input of one realisation.

    A periodic volume is continued by itself as far as the network reaches, so that opposite faces
    fit exactly.
    """
    stride = 2 ** (levels - 1)
    margin = reach if periodic else MARGIN
    if periodic:
        around = [(0, 0), *((margin, margin),) * 3]
        fields = np.pad(prior.sample(shape, seed, periodic=True), around, 'wrap')
        noise: list[Tensor] = []
        for level, values in enumerate(white_noise(shape, levels, seed)):
            pad = [(0, 0), (0, 0), *((margin >> level, margin >> level),) * 3]
            noise.append(torch.from_numpy(np.pad(values.numpy(), pad, 'wrap')))
        return Grid(shape, margin, fields, noise)
    z, y, x = (-(-(n + 2 * margin) // stride) * stride for n in shape)
    return Grid(shape, margin, prior.sample((z, y, x), seed, periodic=False), white_noise((z, y, x), levels, seed))


def tiles(size: tuple[int, ...], tile: int, stride: int) -> Iterator[tuple[Window, Window, Window]]:
    """Windows that cover a grid: the tile with its halo, the tile itself, and the tile within the halo's array."""
    # Equal tiles instead of full ones and a remainder, which would be mostly halo.
    edges = [-(-n // -(-n // tile)) for n in size]
    edges = [-(-edge // stride) * stride for edge in edges]
    for origin in itertools.product(*(range(0, n, edge) for n, edge in zip(size, edges, strict=True))):
        outer, own, inner = [], [], []
        for start, n, edge in zip(origin, size, edges, strict=True):
            stop = min(start + edge, n)
            low, high = max(start - HALO, 0), min(stop + HALO, n)
            outer.append(slice(low, high))
            own.append(slice(start, stop))
            inner.append(slice(start - low, stop - low))
        yield (outer[0], outer[1], outer[2]), (own[0], own[1], own[2]), (inner[0], inner[1], inner[2])


def _coarsened(window: Window, by: int) -> Window:
    z, y, x = (slice(w.start // by, w.stop // by) for w in window)
    return z, y, x


def _rise(coarse: Tensor, window: Window) -> Tensor:
    """Trilinear interpolation of the half-resolution features onto a window of the finest grid."""
    taken, cut = [], []
    for w, n in zip(window, coarse.shape[2:], strict=True):
        low, high = w.start // 2, w.stop // 2
        wide_low, wide_high = max(low - 1, 0), min(high + 1, n)
        taken.append(slice(wide_low, wide_high))
        start = 2 * (low - wide_low)
        cut.append(slice(start, start + w.stop - w.start))
    part = coarse[:, :, taken[0], taken[1], taken[2]]
    risen = torch.nn.functional.interpolate(part, scale_factor=2, mode='trilinear', align_corners=False)
    return risen[:, :, cut[0], cut[1], cut[2]]


@torch.no_grad()
def sample_logits(
    network: UNet,
    grid: Grid,
    place: Placement,
    tile: int,
    take: Callable[[Window, Tensor], None],
) -> Iterator[tuple[int, int]]:
    """Compute logits tile by tile and hand them to `take(window, (K, z, y, x))`; yields (done, total)."""
    size = grid.fields.shape[1:]
    stride = network.stride
    tile = max(stride, tile // stride * stride)
    plan = list(tiles(size, tile, stride))
    total = 2 * len(plan) + 1

    def inputs(window: Window) -> tuple[Tensor, Tensor]:
        fields = torch.from_numpy(np.ascontiguousarray(grid.fields[:, *window]))[None]
        return place.put(fields), place.put(grid.noise[0][:, :, *window])

    parts: list[Tensor] = []  # what the coarser levels need of the finest, for the whole grid
    for done, (outer, own, inner) in enumerate(plan):
        with place.autocast():
            fields, noise = inputs(outer)
            fine = network.enter_fine(fields, noise, 'zero')
            found = network.descend(fine[:, :, *inner])
        steps = [(own[0].stop - own[0].start) // part.shape[2] for part in found]
        parts = parts or [_whole(part, size, by) for part, by in zip(found, steps, strict=True)]
        for whole, part, by in zip(parts, found, steps, strict=True):
            whole[:, :, *_coarsened(own, by)] = part
        yield done, total
    with place.autocast():
        noise_levels = [grid.noise[0]] + [place.put(level) for level in grid.noise[1:]]
        coarse = network.coarse(parts, noise_levels, 'zero')
    del parts, noise_levels
    yield len(plan) + 1, total
    first = grid.margin
    for done, (outer, own, inner) in enumerate(plan):
        kept = tuple(slice(max(w.start, first), min(w.stop, first + n)) for w, n in zip(own, grid.shape, strict=True))
        if all(k.stop > k.start for k in kept):
            with place.autocast():
                fields, noise = inputs(outer)
                fine = network.enter_fine(fields, noise, 'zero')
                logits = network.leave_fine(_rise(coarse, outer), fine, fields, 'zero')
            cut = [
                slice(i.start + k.start - w.start, i.start + k.stop - w.start)
                for i, k, w in zip(inner, kept, own, strict=True)
            ]
            z, y, x = (slice(k.start - first, k.stop - first) for k in kept)
            take((z, y, x), logits[0][:, *cut])
        yield len(plan) + 2 + done, total


def _whole(part: Tensor, size: tuple[int, ...], by: int) -> Tensor:
    """Empty (N, C, ...) tensor for the whole grid divided by `by`."""
    whole = part.new_empty((part.shape[0], part.shape[1], *(n // by for n in size)))
    return whole.contiguous(memory_format=torch.channels_last_3d)
