"""The shapes of the slices, measured once; any number of volumes is judged against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..slices import SMALLEST_SLICE, SliceSet
from ..voxels import AXES
from . import windows
from .deviations import Deviation, deviations, pooled
from .measures import Tables, measure
from .tolerances import LIMITS, NOT_AT_ALL, limit
from .verdict import Level, ShapeVerdict, in_words

OF_SLICES, OF_VOLUMES = 200, 144  # windows of 96 x 96 pixels
ALONE = 200  # windows that are set against all of them, one by one
MEASURED_PHASES = 3  # at full number of windows; more phases share the time
OVERLAP = 10  # more windows than this would show every pixel again and tell nothing new
SMALLEST_SHARE = 0.01
WINDOW = 0.75  # of the smallest slice, at most
COUNTED = 1448  # pixels; edge of the part of a larger slice in which connected areas are counted
POWER = 4


@dataclass(frozen=True)
class _Group:
    """Slices that sections normal to some axes are compared with."""

    images: tuple[np.ndarray, ...]
    axes: tuple[int, ...]
    directed: bool
    label: str


@dataclass(frozen=True)
class _Measured:
    """Statistics of one phase in one group of slices, and the largest deviations that fit."""

    pooled: Tables
    count: int
    limits: dict[str, float]
    window_errors: list[dict[str, float]]


@dataclass(frozen=True, eq=False)
class ShapeReference:
    """Statistics of the shapes in slices, in windows of the size of the sections to be judged.

    Attributes
    ----------
    slices : SliceSet
        What volumes are to look like.
    phases : tuple of int
        Labels of the phases that are judged: those that hold 1 % or more, the commonest first.
    """

    slices: SliceSet
    phases: tuple[int, ...]
    _cache: dict[int, dict[tuple[int, int], _Measured]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, slices: SliceSet) -> ShapeReference:
        """Measure slices; about 1.5 CPU s for two phases, whatever their size."""
        fractions = slices.fractions
        phases = tuple(int(p) for p in np.argsort(-fractions, kind='stable') if fractions[p] >= SMALLEST_SHARE)
        reference = cls(slices, phases)
        reference._measured(reference._largest_window)
        return reference

    def judge(self, volumes: Sequence[np.ndarray]) -> ShapeVerdict:
        """Set volumes against the slices; about 1 CPU s for two phases, however many and large they are.

        Parameters
        ----------
        volumes : sequence of numpy.ndarray
            Labels (Z, Y, X), each edge 16 or more; measured together.

        Raises
        ------
        InputError
            If there is no volume, or one is too small or has labels that the slices do not know.
        """
        self._check(volumes)
        edge = min(self._largest_window, *(n for volume in volumes for n in volume.shape))
        measured = self._measured(edge)
        found: dict[str, tuple[Deviation, float, str, int]] = {}
        for index, group in enumerate(self._groups):
            count = max(round(self._count(OF_VOLUMES, edge) / len(group.axes)), 1)
            cut = np.concatenate([windows.of_volumes(volumes, axis, edge, count) for axis in group.axes])
            for phase in self.phases:
                wanted = measured[index, phase]
                tables = self._tables(cut == phase, phase, group.directed)
                for name, deviation in deviations(pooled(tables), wanted.pooled, (len(cut), wanted.count)).items():
                    key = f'{self._key(name, phase)}{group.label}'
                    found[key] = deviation, deviation.size / wanted.limits[name], name, phase
        return self._verdict(found, _floor(measured))

    def _verdict(self, found: dict[str, tuple[Deviation, float, str, int]], floor: float) -> ShapeVerdict:
        ranked = sorted(found, key=lambda key: -found[key][1])
        families: dict[str, str] = {}
        for key in ranked:
            deviation, _, name, phase = found[key]
            plane = key.partition(' normal to ')[2]
            words = in_words(name, deviation.sense, self.slices.phases.names[phase])
            families.setdefault(LIMITS[name].family, words + (f' (normal to {plane})' if plane else ''))
        ratios = {key: ratio for key, (_, ratio, _, _) in found.items()}
        error, worst = _mean(list(ratios.values())), tuple(families.values())[:2]
        largest = max(ratios.values())
        level: Level = 'fits' if largest <= 1 else 'fits in part' if largest <= NOT_AT_ALL else 'does not fit'
        # A statistic within its limit is no reproach, even where it is the second worst.
        beyond = {LIMITS[found[key][2]].family for key in ranked if ratios[key] > 1}
        told = [words for family, words in families.items() if family in beyond][:2]
        return ShapeVerdict(
            error=round(error, 4),
            floor=round(floor, 4),
            level=level,
            worst=worst,
            words=f'{level}: {", ".join(told)}' if told else level,
            numbers={key: round(deviation.size, 4) for key, (deviation, _, _, _) in found.items()},
            ratios={key: round(ratio, 4) for key, ratio in ratios.items()},
        )

    @property
    def _groups(self) -> list[_Group]:
        if self.slices.symmetry == 'isotropic':
            return [_Group(tuple(s.labels for s in self.slices), (0, 1, 2), directed=False, label='')]
        return [
            _Group(tuple(self.slices.exemplars(normal)), (axis,), directed=True, label=f' normal to {normal}')
            for axis, normal in enumerate(AXES)
        ]

    @property
    def _largest_window(self) -> int:
        # Smaller than the slices, so that they hold windows that differ.
        smallest = min(n for one in self.slices for n in one.labels.shape)
        return min(windows.LARGEST, int(WINDOW * smallest))

    def _count(self, most: int, edge: int) -> int:
        """Windows of each group that take about the same time for every number of phases and planes."""
        share = min(1.0, MEASURED_PHASES / len(self.phases)) / len(self._groups)
        return max(round(most * share * (windows.LARGEST / edge) ** 2), 1)

    def _key(self, name: str, phase: int) -> str:
        return name if self.slices.phases.count == 2 and name in _SHARED else f'{name} of phase {phase}'

    def _is_shared(self, phase: int) -> bool:
        """Whether statistics of the boundary are taken of this phase: with two phases both have the same."""
        return self.slices.phases.count > 2 or phase == self.phases[0]

    def _tables(self, mask: np.ndarray, phase: int, directed: bool) -> Tables:
        return measure(mask, shared=self._is_shared(phase), directed=directed)

    def _measured(self, edge: int) -> dict[tuple[int, int], _Measured]:
        """By group and phase; kept for each size of window."""
        sets = len(self._groups) * len(self.phases) / 2
        if edge not in self._cache:
            made: dict[tuple[int, int], _Measured] = {}
            for index, group in enumerate(self._groups):
                pixels = sum(image.size for image in group.images)
                count = min(self._count(OF_SLICES, edge), round(OVERLAP * pixels / edge**2))
                cut = windows.of_images(group.images, edge, count)
                some = np.unique(np.linspace(0, len(cut) - 1, min(ALONE, len(cut))).round().astype(int))
                for rank, phase in enumerate(self.phases):
                    tables = self._tables(cut == phase, phase, group.directed)
                    together = pooled(tables)
                    alone = [
                        deviations({name: table[i] for name, table in tables.items()}, together, (1, len(cut)))
                        for i in some
                    ]
                    pieces = sum(_pieces(image == phase) for image in group.images)
                    part = edge**2 / pixels
                    limits: dict[str, float] = {}
                    for name in LIMITS:
                        sizes = [one[name].size for one in alone if name in one]
                        floor = float(np.mean(sizes)) if sizes else 0.0
                        limits[name] = limit(
                            name, floor, pieces, part, rare=rank > 1, directed=group.directed, sets=sets
                        )
                    errors = [{name: d.size / limits[name] for name, d in one.items()} for one in alone]
                    made[index, phase] = _Measured(together, len(cut), limits, errors)
            self._cache[edge] = made
        return self._cache[edge]

    def _check(self, volumes: Sequence[np.ndarray]) -> None:
        if not len(volumes):
            raise InputError('volumes', 'none were given', 'give at least one label volume')
        for volume in volumes:
            if volume.ndim != 3 or min(volume.shape) < SMALLEST_SLICE:
                size = ' x '.join(map(str, volume.shape))
                raise InputError('volume', f'is {size} voxels', f'give three axes of {SMALLEST_SLICE} voxels or more')
            if int(volume.max()) >= self.slices.phases.count:
                raise InputError(
                    'volume',
                    f'has label {int(volume.max())} while the slices have {self.slices.phases.count} phases',
                    'judge a volume with the labels of its slices',
                )


_SHARED = frozenset(LIMITS) - {'areas', 'sizes', 'roundness', 'aspect', 'chords', 'long chords', 'depth'}


def _mean(ratios: list[float]) -> float:
    return float(np.mean(np.asarray(ratios) ** POWER) ** (1 / POWER))


def _floor(measured: dict[tuple[int, int], _Measured]) -> float:
    """Mean error of single windows, over the groups."""
    groups = {index for index, _ in measured}
    found: list[float] = []
    for group in groups:
        columns = [m.window_errors for (index, _), m in measured.items() if index == group]
        # One window of the slices shows all phases at once.
        found.append(
            float(np.mean([_mean([r for one in parts for r in one.values()]) for parts in zip(*columns, strict=True)]))
        )
    return float(np.mean(found))


def _pieces(mask: np.ndarray) -> int:
    """Connected areas, of a slice or of the middle of a large one."""
    rows, columns = (slice(max((n - COUNTED) // 2, 0), (n + COUNTED) // 2) for n in mask.shape)
    return int(ndimage.label(mask[rows, columns])[1])
