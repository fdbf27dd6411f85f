"""What a reconstruction takes: seconds and bytes, told beforehand, and refused where the memory does not suffice."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch

from ..conditioned.filling import seconds_to_fill
from ..errors import InputError
from ..phases import Phases
from ..slices import SliceSet
from .checkpoint import Weights
from .device import free_memory, placement
from .params import ReconstructParams
from .sampling import DEFAULT_TILE, MARGIN, draw, sample_logits
from .unet import HALO

# Between placed slices, per voxel: labels and distances; logits, interpolation and probabilities of every phase.
BETWEEN_BYTES, BETWEEN_BYTES_PER_PHASE = 8, 12
FILLING_WORKSPACE = 200_000_000  # bytes: the sections that run together


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a reconstruction will take: seconds on this device, bytes of its memory."""

    seconds: float
    bytes: int


def estimate(
    shape: tuple[int, int, int],
    weights: Weights,
    device: str = 'auto',
    tile: int | None = None,
    between: SliceSet | None = None,
) -> Estimate:
    """Time and memory of one volume; the time is scaled from a small volume run here and now.

    Parameters
    ----------
    shape : tuple of int
        Of the volume, in voxels.
    weights : Weights
        That would make it.
    device : str
        As in ReconstructParams.
    tile : int, optional
        Edge of the tiles in voxels.
    between : SliceSet, optional
        The placed slices, if the volume is to hold them; the time then includes learning from them.

    Notes
    -----
    Memory: prior and noise of the whole volume (4 bytes a value), the coarse levels of the whole
    volume (about 6 live tensors of 2 C channels at half resolution), and the finest level of one
    tile (about 6 live tensors of C channels).
    """
    place = placement(device)
    if between is not None:
        voxels, count = math.prod(shape), between.phases.count
        need = voxels * (BETWEEN_BYTES + BETWEEN_BYTES_PER_PHASE * count)
        return Estimate(seconds_to_fill(shape, between, place), need + FILLING_WORKSPACE)
    voxels = math.prod(n + 2 * MARGIN for n in shape)
    bytes_per = 2 if place.dtype == torch.bfloat16 else 4
    fields = weights.header.architecture.field_count
    base = voxels * 4 * (fields + 1) + math.prod(shape)
    if not weights.header.trained:
        return Estimate(voxels * fields * 1.5e-7, base + voxels * 12)
    channels = weights.header.architecture.channels
    tile = tile or DEFAULT_TILE
    coarse = voxels / 8 * 2 * channels * bytes_per * 6
    fine = min(math.prod(min(n + 2 * MARGIN, tile + 2 * HALO) for n in shape), voxels) * channels * (bytes_per + 4) * 4
    network = place.put_network(weights.network())
    small = (32, 32, 32)
    grid = draw(weights.header.prior, small, 0, periodic=False, levels=network.architecture.levels, reach=0)
    began = time.perf_counter()
    for _ in sample_logits(network, grid, None, place, 64, lambda _window, _logits: None):
        pass
    seconds = (time.perf_counter() - began) / (32 + 2 * MARGIN) ** 3 * voxels
    return Estimate(seconds, int(base + coarse + fine))


def is_held(params: ReconstructParams) -> bool:
    """Whether every volume meets the wanted fractions itself."""
    return params.fractions == 'volume' or bool(params.target_fractions)


def bytes_per_voxel(phases: Phases, weights: Weights, params: ReconstructParams) -> float:
    """Memory of this machine that a reconstruction takes for every voxel, at its peak."""
    if params.mode != 'unconditional':
        return BETWEEN_BYTES + BETWEEN_BYTES_PER_PHASE * phases.count + params.realisations
    per_voxel = 4 * (weights.header.architecture.field_count + 1) * 1.5 + 1
    if weights.header.trained:
        per_voxel += 2 * weights.header.architecture.channels * 6 / 8 * 4
    if is_held(params):
        per_voxel += 6 * phases.count
    return per_voxel


def check_memory(phases: Phases, weights: Weights, params: ReconstructParams) -> None:
    """Refuse a reconstruction that this machine's memory cannot hold.

    Raises
    ------
    InputError
        With the largest edge that fits.
    """
    per_voxel = bytes_per_voxel(phases, weights, params)
    need, free = math.prod(params.shape) * per_voxel, free_memory('cpu')
    if need > free:
        raise InputError(
            f'shape {params.shape}',
            f'needs about {need / 2**30:.1f} GiB of memory and {free / 2**30:.1f} GiB are free',
            f'use an edge of at most {int((free / per_voxel) ** (1 / 3))} voxels',
        )
