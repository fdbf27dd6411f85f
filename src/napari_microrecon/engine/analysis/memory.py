"""How much memory an analysis takes, told before it starts, and how to make a volume smaller.

The bytes per voxel were measured on 128^3 to 512^3 volumes (benchmarks/analysis_speed.py checks them).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..host_memory import free_memory
from ..volume import Volume
from ..voxels import VoxelSize

_BASE = 150e6  # the libraries
_PER_VOXEL = 25.0  # statistics without tortuosity: S2's spectrum, clusters, distances; 22.7 measured at 512^3
_PER_VOXEL_SOLVED = 48.0  # fields and multigrid of the solve, whatever share conducts; 35 at 128^3, 43 at 256^3
_MARGIN = 0.85  # share of the free memory that may be used


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes that an analysis needs.

    Attributes
    ----------
    statistics : float
        Everything but tortuosity.
    tortuosity : float
        The solve, 0 where it is left out; statistics are still held meanwhile.
    """

    statistics: float
    tortuosity: float

    @property
    def total(self) -> float:
        """Bytes in all."""
        return self.statistics + self.tortuosity


class MemoryRefusal(InputError):
    """A volume is too large to measure here; tells the ways that would do.

    Attributes
    ----------
    without_tortuosity : bool
        Leaving tortuosity out would be enough.
    crop : tuple of int or None
        Shape (Z, Y, X) of the largest crop that fits.
    factor : int or None
        Smallest factor to coarsen by that fits.
    """

    def __init__(
        self,
        subject: str,
        problem: str,
        *,
        without_tortuosity: bool,
        crop: tuple[int, int, int] | None,
        factor: int | None,
    ) -> None:
        self.without_tortuosity = without_tortuosity
        self.crop = crop
        self.factor = factor
        ways = ['leave tortuosity out'] if without_tortuosity else []
        if crop is not None:
            ways.append(f'crop it to {" x ".join(map(str, crop))}')
        if factor is not None:
            ways.append(f'coarsen it {factor} times')
        super().__init__(subject, problem, ' or '.join(ways) if ways else 'close other programs')


def estimate_memory(shape: Sequence[int], *, tortuosity: bool = True) -> MemoryEstimate:
    """Estimate what measuring a volume of `shape` takes."""
    voxels = float(np.prod(shape, dtype=np.float64))
    solve = _BASE + _PER_VOXEL_SOLVED * voxels if tortuosity else 0.0
    return MemoryEstimate(_BASE + _PER_VOXEL * voxels, solve)


def check_memory(volume: Volume, *, tortuosity: bool = True, available: float | None = None) -> MemoryEstimate:
    """Estimate, and refuse a volume that does not fit.

    Raises
    ------
    MemoryRefusal
        Naming what is needed and what there is, and offering the crop and the coarser grid that would fit.
    """
    estimate = estimate_memory(volume.shape, tortuosity=tortuosity)
    free = free_memory() if available is None else available
    if estimate.total <= _MARGIN * free:
        return estimate
    crop = crop_that_fits(volume.shape, free, tortuosity=tortuosity)
    factor = next((f for f in range(2, 65) if _fits([max(1, n // f) for n in volume.shape], free, tortuosity)), None)
    raise MemoryRefusal(
        volume.name,
        f'needs about {estimate.total / 1e9:.1f} GB to measure, {free / 1e9:.1f} GB are free',
        without_tortuosity=tortuosity and _fits(volume.shape, free, False),
        crop=crop,
        factor=factor,
    )


def _fits(shape: Sequence[int], free: float, tortuosity: bool) -> bool:
    return estimate_memory(shape, tortuosity=tortuosity).total <= _MARGIN * free


def crop_that_fits(
    shape: tuple[int, int, int], available: float, *, tortuosity: bool = True
) -> tuple[int, int, int] | None:
    """Largest crop in multiples of 8 voxels, as near to a cube as the volume allows; None where nothing fits."""
    for edge in range(max(shape) // 8 * 8, 7, -8):
        z, y, x = (min(n, edge) for n in shape)
        if _fits((z, y, x), available, tortuosity):
            return z, y, x
    return None


def crop_middle(volume: Volume, shape: tuple[int, int, int]) -> Volume:
    """Crop of the given shape around the middle.

    Raises
    ------
    InputError
        If it is larger than the volume.
    """
    if any(m > n or m < 1 for n, m in zip(volume.shape, shape, strict=True)):
        raise InputError('crop', f'{shape} does not fit into {volume.shape}', 'choose a smaller crop')
    z, y, x = ((n - m) // 2 for n, m in zip(volume.shape, shape, strict=True))
    return volume.crop((z, y, x), shape)


def coarsen(volume: Volume, factor: int) -> Volume:
    """Volume with voxels `factor` times as large, each of the phase that most of its parts have (ties: lowest label).

    What is left over at the far faces is cut off. Thin walls and throats are lost: say so beside the numbers.

    Raises
    ------
    InputError
        If nothing would be left.
    """
    if factor < 1 or min(volume.shape) < factor:
        raise InputError('coarsen', f'{factor} is not possible for {volume.shape}', 'choose a smaller factor from 1 up')
    if factor == 1:
        return volume
    z, y, x = (n // factor for n in volume.shape)
    most = np.zeros((z, y, x), dtype=np.uint32)
    labels = np.zeros((z, y, x), dtype=np.uint8)
    inner = volume.labels[: z * factor, : y * factor, : x * factor]
    for label in range(volume.phases.count):
        parts = (inner == label).reshape(z, factor, y, factor, x, factor)
        votes = parts.sum(axis=(1, 3, 5), dtype=np.uint32)
        labels[votes > most] = label
        np.maximum(most, votes, out=most)
    size = volume.voxel_size
    larger = VoxelSize(z=size.z * factor, y=size.y * factor, x=size.x * factor, unit=size.unit)
    return replace(volume, labels=labels, voxel_size=larger, name=f'{volume.name}, {factor} times coarser')
