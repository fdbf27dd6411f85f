"""What a reconstruction will take, told before it begins, and what to do where it does not fit."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import InputError
from ..slices import SliceSet
from .checkpoint import Weights
from .choice import check_phases
from .cost import bytes_per_voxel, check_memory, estimate
from .device import free_device_memory, placement
from .params import ReconstructParams

_SHARE = 0.9  # of the free memory that a job may take


@dataclass(frozen=True)
class Forecast:
    """Time and memory of a reconstruction on this machine.

    Attributes
    ----------
    seconds : float
        Wall-clock time of all realisations.
    bytes, free : int
        Memory that the device will need and has.
    device : str
        'cpu', 'cuda', 'mps'.
    is_past : bool
        Whether the time comes from earlier runs rather than from a trial of a small volume.
    refusal : str
        Why it cannot run and what would; empty where it fits.
    """

    seconds: float
    bytes: int
    free: int
    device: str
    is_past: bool = False
    refusal: str = ''


def forecast(slices: SliceSet, weights: Weights, params: ReconstructParams, past: float | None = None) -> Forecast:
    """Tell time and memory before a reconstruction.

    Parameters
    ----------
    slices, weights, params
        As for `reconstruct`.
    past : float, optional
        Seconds per voxel of earlier runs like this one; otherwise a small volume is timed (about half a second).

    Raises
    ------
    InputError
        If weights and slices do not fit, or the device is absent.
    """
    check_phases(weights, slices)
    device = str(placement(params.device).device)
    conditioned = params.mode != 'unconditional'
    cost = estimate(params.shape, weights, device, params.tile, slices if conditioned else None)
    repeats = 1 if conditioned else params.realisations  # between slices the learning is done once
    seconds = cost.seconds * repeats
    if past is not None:
        seconds = past * math.prod(params.shape) * params.realisations
    free = free_device_memory(device)
    refusal = ''
    try:
        check_memory(slices.phases, weights, params)
    except InputError as error:
        refusal = f'{error.problem}: {error.remedy}'
    if not refusal and device != 'cpu' and cost.bytes > _SHARE * free:
        gib = 2**30
        refusal = (
            f'needs about {cost.bytes / gib:.1f} GiB on {device} and {free / gib:.1f} GiB are free: '
            'use smaller tiles (More options), a smaller volume, or the CPU'
        )
    needed = cost.bytes
    if device == 'cpu':  # what a refusal would name
        needed = max(needed, int(math.prod(params.shape) * bytes_per_voxel(slices.phases, weights, params)))
    return Forecast(seconds, needed, free, device, past is not None, refusal)
