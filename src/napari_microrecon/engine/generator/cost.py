"""What a reconstruction takes: seconds and bytes, told beforehand, and refused where the memory does not suffice."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch

from ..conditioned.filling import seconds_to_fill
from ..errors import InputError
from ..host_memory import free_memory
from ..phases import Phases
from ..slices import SliceSet
from .checkpoint import Weights
from .device import placement
from .network import HALO
from .params import ReconstructParams
from .sampling import DEFAULT_TILE, MARGIN, draw, sample_logits
from .synthesis.features import channel_count

# Between placed slices, per voxel: labels and distances; logits, interpolation and probabilities of every phase.
# Growth from patches, one channel, on one thread (python benchmarks/generator_speed.py --weights exemplar); reading the
# slices takes as long for every size.
GROWING_SECONDS, GROWING_FIXED_SECONDS, GROWING_FIXED_BYTES = 2.6e-5, 4.0, 250_000_000
FITTING_SECONDS = 10.0  # of the parametric prior
TRIAL = 64  # edge in voxels of the volumes that untrained generators are tried with
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
    if not weights.header.trained and weights.header.prior.exemplar is not None:
        channels = channel_count(weights.phases.count)
        seconds = growing_seconds(shape, weights.phases.count)
        return Estimate(seconds, int(GROWING_FIXED_BYTES * channels + math.prod(shape) * _growing_bytes(channels)))
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
    for _ in sample_logits(network, grid, place, 64, lambda _window, _logits: None):
        pass
    seconds = (time.perf_counter() - began) / (32 + 2 * MARGIN) ** 3 * voxels
    return Estimate(seconds, int(base + coarse + fine))


def growing_seconds(shape: tuple[int, int, int], phase_count: int) -> float:
    """Wall-clock time of growing a volume from patches, the reading of the slices included."""
    channels = channel_count(phase_count)
    work = GROWING_FIXED_SECONDS + GROWING_SECONDS * math.prod(shape)
    return work * (1 + (channels - 1) * 0.6) / torch.get_num_threads()


def choosing_seconds(phase_count: int) -> float:
    """Wall-clock time of fitting a prior and trying the untrained generators on slices."""
    return FITTING_SECONDS + 1.5 * growing_seconds((TRIAL, TRIAL, TRIAL), phase_count)


def _growing_bytes(channels: int) -> int:
    """Memory per voxel of the growth: field, its parts and spectra per channel; matches, fits and weights of planes."""
    return 44 + 24 * channels


def is_held(params: ReconstructParams) -> bool:
    """Whether every volume meets the wanted fractions itself."""
    return params.fractions == 'volume' or bool(params.target_fractions)


def is_grown_around(weights: Weights, params: ReconstructParams) -> bool:
    """Whether a volume that holds slices is grown around them, instead of filled in by a network."""
    header = weights.header
    return not header.trained and header.prior.exemplar is not None and params.mode == 'conditioned'


def bytes_per_voxel(phases: Phases, weights: Weights, params: ReconstructParams) -> float:
    """Memory of this machine that a reconstruction takes for every voxel, at its peak."""
    if params.mode != 'unconditional' and not is_grown_around(weights, params):
        return BETWEEN_BYTES + BETWEEN_BYTES_PER_PHASE * phases.count + params.realisations
    if not weights.header.trained and weights.header.prior.exemplar is not None:
        return _growing_bytes(channel_count(phases.count))
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
    need, free = math.prod(params.shape) * per_voxel, free_memory()
    if need > free:
        raise InputError(
            f'shape {params.shape}',
            f'needs about {need / 2**30:.1f} GiB of memory and {free / 2**30:.1f} GiB are free',
            f'use an edge of at most {int((free / per_voxel) ** (1 / 3))} voxels',
        )
