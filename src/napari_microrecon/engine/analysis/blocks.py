"""Non-overlapping blocks of a volume, spread over it in a fixed order."""

from __future__ import annotations

from itertools import product

import numpy as np

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
