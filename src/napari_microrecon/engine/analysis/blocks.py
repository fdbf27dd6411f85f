"""Non-overlapping blocks of a volume, spread over it in a fixed order, and which of them make a band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from ..results.comparison import FEWEST_BLOCKS
from ..volume import Volume

Origin = tuple[int, int, int]


def block_origins(volume: tuple[int, int, int], block: tuple[int, int, int], most: int) -> list[Origin]:
    """Origins of up to `most` blocks that do not overlap, spread over the whole volume.

    The order is random but always the same, so that the first few are a fair sample.
    """
    if any(b > v for v, b in zip(volume, block, strict=True)):
        return []
    starts = [
        np.linspace(0, v - b, max(1, v // b)).round().astype(int).tolist() for v, b in zip(volume, block, strict=True)
    ]
    origins: list[Origin] = [(z, y, x) for z, y, x in product(*starts)]
    np.random.default_rng(0).shuffle(origins)
    return [(int(z), int(y), int(x)) for z, y, x in origins[:most]]


def overlaps(one: Origin, other: Origin, block: tuple[int, int, int], other_shape: tuple[int, int, int]) -> bool:
    """Whether the block at `one` shares a voxel with the box of `other_shape` at `other`."""
    return all(
        a < b + m and b < a + n for a, b, n, m in zip(one, other, block, other_shape, strict=True)
    )  # fmt: skip


def half(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Half the edges, rounded down."""
    z, y, x = (max(1, n // 2) for n in shape)
    return z, y, x


def name_block(volume: Volume, origin: Origin) -> str:
    """Short name of a block for progress and reports."""
    z, y, x = origin
    return f'{volume.name} at z={z} y={y} x={x}'


@dataclass
class BlockPlan:
    """Which blocks to measure."""

    block: tuple[int, int, int]
    real: list[Origin]
    generated: list[Origin]  # empty: the generated volume is compared as a whole
    basis: str
    notes: list[str] = field(default_factory=list)


def plan_blocks(generated: Volume, real: Volume, most: int, leave_out: Origin | None) -> BlockPlan:
    """Choose the blocks of the band."""
    block = generated.shape
    origins = _allowed(generated, real, block_origins(real.shape, block, 10**6), leave_out)
    left_out = len(block_origins(real.shape, block, 10**6)) - len(origins)
    notes = [f'{left_out} real blocks overlap the generated volume and are left out'] if left_out else []
    if len(origins) >= FEWEST_BLOCKS:
        chosen = origins[:most]
        basis = (
            f'the generated volume against {len(chosen)} non-overlapping blocks of {times(block)} voxels of {real.name}'
        )
        return BlockPlan(block, chosen, [], basis, notes)
    z, y, x = half(generated.shape)
    block = (min(z, real.shape[0]), min(y, real.shape[1]), min(x, real.shape[2]))
    chosen = block_origins(real.shape, block, 10**6)
    if leave_out is not None:
        chosen = [o for o in chosen if not overlaps(o, leave_out, block, generated.shape)]
    chosen, own = chosen[:most], block_origins(generated.shape, block, most)
    basis = (
        f'{real.name} holds fewer than {FEWEST_BLOCKS} blocks of the size of the generated volume, so both were cut '
        f'into blocks of {times(block)} voxels: the mean of {len(own)} generated against {len(chosen)} real blocks'
    )
    return BlockPlan(block, chosen, own, basis, notes)


def _allowed(generated: Volume, real: Volume, origins: Sequence[Origin], leave_out: Origin | None) -> list[Origin]:
    """Origins of the blocks that are not the generated volume itself."""
    shape = generated.shape
    kept: list[Origin] = []
    for origin in origins:
        if leave_out is not None and overlaps(origin, leave_out, shape, shape):
            continue
        if leave_out is None and np.array_equal(real.crop(origin, shape).labels, generated.labels):
            continue
        kept.append(origin)
    return kept


def times(shape: Sequence[int]) -> str:
    """Shape in words: '64 x 64 x 64'."""
    return ' x '.join(str(n) for n in shape)
