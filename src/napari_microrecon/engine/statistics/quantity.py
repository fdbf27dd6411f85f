"""One statistic as it is declared: name, meaning, unit, possible range, and the function that computes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ..voxels import AXES, VoxelSize
from .percolation import Clusters

Cost = Literal['quick', 'slow', 'solve']
Variants = Literal['', 'axes', 'phases']
GROUP = 'napari_microrecon.statistics'  # entry points of other packages


@dataclass(eq=False)
class Subject:
    """One phase of a volume, as the function of a statistic gets it.

    Attributes
    ----------
    mask : numpy.ndarray
        bool, shape (Z, Y, X): the phase. Not to be changed.
    labels : numpy.ndarray
        uint8, shape (Z, Y, X): all phases. Not to be changed.
    phase : int
        Label of the phase.
    voxel_size : VoxelSize
        Edges of a voxel, with their unit.
    """

    mask: np.ndarray
    labels: np.ndarray
    phase: int
    voxel_size: VoxelSize

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel edges in array order, in the unit of the voxel size."""
        return self.voxel_size.zyx

    @cached_property
    def clusters(self) -> Clusters:
        """Clusters of the phase, connected through voxel faces."""
        return Clusters.of(self.mask)


@dataclass(frozen=True)
class Measured:
    """What a function may return instead of a plain number.

    Attributes
    ----------
    value : float or None
        None where the statistic has no meaning; `note` then says why.
    sd : float or None
        Standard error, where it is known.
    note : str
        What else to know.
    """

    value: float | None
    sd: float | None = None
    note: str = ''


Result = float | Measured | None | Sequence[float | Measured | None]
Function = Callable[[Subject], Result | Generator[Any, None, Result]]


@dataclass(frozen=True)
class CurveAxes:
    """How a curve is drawn: words under and beside its axes, and whether its values are read on a logarithmic scale."""

    across: str = 'lag'
    up: str = 'probability'
    logarithmic: bool = False


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A statistic or a curve. Tables, cards, pages, CSV, the terminal and the documentation read it.

    Attributes
    ----------
    key : str
        Name in reports. Statistics with variants have keys of their own: 'tortuosity_z', 'interface_0_1'.
    title : str
        Name to show.
    meaning : str
        What it tells, in a sentence or two.
    unit : str
        Unit, in which L stands for the unit of length: '1', 'L', '1/L^3'.
    low, high : float
        Possible range, both ends included.
    variants : {'', 'axes', 'phases'}
        Whether there is one for every axis, or one for every pair or triple of phases.
    place : int or None
        Where it stands in the short table, smaller first, and so after ours by default; None: only among all
        statistics.
    short : str
        Name in narrow tables; the title by default.
    map : str
        What its map in the volume shows; '' where it has none.
    curve : str
        Key of the curve to show beside it.
    axes : CurveAxes or None
        Of a curve; None for a number.
    numerical : bool
        Whether it tells of the computation and not of the material: it is never judged.
    is_error : bool
        Whether it is a distance from what is right, so that less is better: nothing is outside below.
    cost : {'quick', 'slow', 'solve'}
        'quick' is done for all volumes first, 'solve' is the tortuosity.
    method : str
        How `function` computes it, for the report.
    function : callable or str
        Takes a `Subject` and returns a number, a `Measured`, None where it has no meaning, or one of these for each
        axis. It may be a generator that yields now and then, so that it can be cancelled. For statistics that are
        computed together the name of the function, within `napari_microrecon.engine`.
    """

    key: str
    title: str
    meaning: str = ''
    unit: str = '1'
    low: float = 0.0
    high: float = math.inf
    variants: Variants = ''
    place: int | None = 1000
    short: str = ''
    map: str = ''
    curve: str = ''
    axes: CurveAxes | None = None
    numerical: bool = False
    is_error: bool = False
    cost: Cost = 'quick'
    method: str = ''
    function: Function | str = ''

    def unit_in(self, length: str) -> str:
        """Unit where lengths have that unit: '1/L' is '1/um'."""
        return self.unit.replace('L', length)

    @property
    def keys(self) -> tuple[str, ...]:
        """Its keys in a report, where they do not depend on the phases."""
        return tuple(f'{self.key}_{axis}' for axis in AXES) if self.variants == 'axes' else (self.key,)

    @property
    def is_signed(self) -> bool:
        """Whether values may be negative."""
        return self.low < 0

    def possible(self, value: float) -> float:
        """The value, or the end of the possible range where it lies beyond."""
        return min(max(value, self.low), self.high)
