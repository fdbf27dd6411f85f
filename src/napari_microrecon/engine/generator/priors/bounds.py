"""Ranges that the parameters of a prior may lie in.

A prior is read from files, and what it asks for is drawn: a spacing of a millionth of a voxel is a billion grains.
Limits are far beyond what a fit can yield (faces are counted down to 1e-4 per voxel, fractions to 1e-3, slices are of
some 10^4 pixels), so that only numbers that no slices have are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator
from pydantic import Field as Described

MOST_PHASES = 8
LONGEST_TABLE = 4096  # values of a tabulated function
MOST_CROWDED = 4.0  # grains, cells or arms per voxel; fits come to 1.7
LARGEST_GRID = 1e8  # voxels that a Gaussian field needs around a volume of 64^3; fits come to 3e7
REACH = 1.02  # of a correlation over the length of its table


def _within_product(stretch: tuple[float, float, float]) -> tuple[float, float, float]:
    product = stretch[0] * stretch[1] * stretch[2]
    if not 0.5 < product < 2:
        raise ValueError(f'has the product {product:.3g}, which must be 1')
    return stretch


def rising(values: tuple[float, ...]) -> tuple[float, ...]:
    """Return values that never fall.

    Raises
    ------
    ValueError
        If they do.
    """
    if any(b < a for a, b in pairwise(values)):
        raise ValueError('must not fall from one value to the next')
    return values


def counted(values: Sequence[object], count: int, name: str, *, may_lack: bool = False) -> None:
    """Check the number of a table's values.

    Raises
    ------
    ValueError
        If there are more or fewer.
    """
    if len(values) != count and not (may_lack and not values):
        raise ValueError(f'{name} has {len(values)} values where {count} belong')


Number = Annotated[float, Described(ge=-1e6, le=1e6, allow_inf_nan=False)]
Length = Annotated[float, Described(ge=1e-3, le=1e6, allow_inf_nan=False)]
Share = Annotated[float, Described(ge=0, le=1, allow_inf_nan=False)]
Support = Annotated[float, Described(ge=0, le=1e12, allow_inf_nan=False)]
Correlation = Annotated[float, Described(ge=-1.001, le=1.001, allow_inf_nan=False)]
_Factor = Annotated[float, Described(ge=1e-4, le=1e4, allow_inf_nan=False)]
Stretch = Annotated[tuple[_Factor, _Factor, _Factor], AfterValidator(_within_product)]
Rising = Annotated[tuple[Number, ...], Described(max_length=LONGEST_TABLE), AfterValidator(rising)]
Fractions = Annotated[tuple[Share, ...], Described(min_length=2, max_length=MOST_PHASES)]


def add_up(fractions: Sequence[float]) -> None:
    """Check that fractions are those of a whole.

    Raises
    ------
    ValueError
        If they do not sum to one.
    """
    if abs(sum(fractions) - 1) > 1e-3:
        raise ValueError(f'fractions sum to {sum(fractions):.4g}, which must be 1')
