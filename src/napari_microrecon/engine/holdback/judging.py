"""The part held back beside windows of a volume's sections: what is inside their spread."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..progress import Job, Progress, Throttle
from ..results.bands import Band
from ..results.comparison import BandWords, Verdict, judge
from ..slices import Slice
from ..statistics.catalogue import quantity_of
from ..volume import Volume
from ..voxels import AXES, IMAGE_AXES, Axis
from .result import HeldStatistic
from .splitting import SMALLEST_HELD
from .windows import WindowStatistics

MOST_SECTIONS = 16  # per axis and volume
_APART = 3.0  # correlation lengths between two sections that count as two
_SECTIONS = BandWords('window of sections', 'windows of sections', 'the part held back')


@dataclass(frozen=True, eq=False)
class Judged:
    """Statistics and how many windows they rest on."""

    statistics: tuple[HeldStatistic, ...]
    window: tuple[int, int]
    held_windows: int
    section_windows: int


def judge_held(held: Sequence[Slice], volumes: Sequence[Volume], *, isotropic: bool) -> Job[Judged]:
    """Compare every statistic of what was held back with its spread between sections of the volumes.

    The volume is the model, and its spread says what the model takes for possible: the part held back lies inside where
    the model could have shown it. Windows of both have the same size, because spread depends on size.

    Parameters
    ----------
    held : sequence of Slice
        Parts held back.
    volumes : sequence of Volume
        Made from the other parts.
    isotropic : bool
        Whether sections of every axis stand for every slice; else those with the slice's normal only.

    Raises
    ------
    InputError
        If sections of the volume are smaller than the smallest window.
    """
    groups: list[tuple[Axis, ...]] = [AXES] if isotropic else [(n,) for n in AXES if any(s.normal == n for s in held)]
    found: list[HeldStatistic] = []
    window, counts = (0, 0), []
    throttle = Throttle()
    for done, normals in enumerate(groups):
        mine = [s for s in held if isotropic or s.normal in normals]
        window = _window(mine, volumes, normals)
        ours = [cut for s in mine for cut in _tiles(s.labels, window)]
        theirs: list[np.ndarray] = []
        for volume in volumes:
            for normal in normals:
                theirs += _sections(volume, normal, window)
        pixel = mine[0].voxel_size.pixel(mine[0].normal)
        for phase in range(mine[0].phases.count):
            measured: list[list[WindowStatistics]] = [[], []]
            for kind, parts in enumerate((ours, theirs)):
                for labels in parts:
                    measured[kind].append(WindowStatistics.of(labels == phase, pixel))
                    if throttle.ready():
                        yield Progress('Comparing with the part held back', done, len(groups))
            found += _statistics(measured[0], measured[1], mine[0], phase, '' if isotropic else normals[0])
        counts.append((len(theirs), len(ours)))
    sections, windows = min(counts)
    return Judged(tuple(found), window, windows, sections)


def _window(held: Sequence[Slice], volumes: Sequence[Volume], normals: Sequence[Axis]) -> tuple[int, int]:
    """Largest window that fits into every part held back and every section."""
    shapes = [s.labels.shape for s in held]
    for volume in volumes:
        for normal in normals:
            row, column = (AXES.index(axis) for axis in IMAGE_AXES[normal])
            shapes.append((volume.shape[row], volume.shape[column]))
    rows, columns = (min(shape[i] for shape in shapes) for i in (0, 1))
    if min(rows, columns) < SMALLEST_HELD:
        raise InputError(
            'shape', f'has sections of {rows} x {columns} voxels', f'make a volume of {SMALLEST_HELD} or more an edge'
        )
    return rows, columns


def _tiles(labels: np.ndarray, window: tuple[int, int]) -> Iterator[np.ndarray]:
    """Windows side by side, none overlapping another."""
    rows, columns = window
    for r in range(labels.shape[0] // rows):
        for c in range(labels.shape[1] // columns):
            yield labels[r * rows : (r + 1) * rows, c * columns : (c + 1) * columns]


def _sections(volume: Volume, normal: Axis, window: tuple[int, int]) -> list[np.ndarray]:
    """Windows of sections far enough apart to count as different ones."""
    edge = volume.shape[AXES.index(normal)]
    middle = volume.slice_labels(normal, edge // 2)
    lengths = [
        length
        for phase in range(volume.phases.count)
        for length in WindowStatistics.of(middle == phase, (1.0, 1.0)).correlation
        if length is not None
    ]
    apart = max(1, math.ceil(_APART * max(lengths, default=edge)))
    count = min(MOST_SECTIONS, max(1, edge // apart))
    positions = [int((i + 0.5) * edge / count) for i in range(count)]
    return [cut for at in positions for cut in _tiles(volume.slice_labels(normal, at), window)]


def _statistics(
    held: Sequence[WindowStatistics], sections: Sequence[WindowStatistics], slice_: Slice, phase: int, plane: str
) -> list[HeldStatistic]:
    size = slice_.voxel_size
    unit = 'um' if size.unit == 'um' else size.unit
    rows: list[tuple[str, str, str, str, Callable[[WindowStatistics], float | None]]] = [
        ('phase_fraction', 'phase fraction', '1', f'normal {plane}' if plane else '', lambda w: w.fraction),
        ('perimeter_density', 'boundary length per area', f'1/{unit}', f'normal {plane}' if plane else '',
         lambda w: w.perimeter),
    ]  # fmt: skip
    if plane:
        for i, axis in enumerate(IMAGE_AXES[slice_.normal]):
            where = f'normal {plane}, along {axis}'
            rows.append(('chord_length', 'mean chord length', unit, where, lambda w, i=i: w.chord[i]))
            rows.append(('correlation_length', 'correlation length', unit, where, lambda w, i=i: w.correlation[i]))
    else:
        rows.append(('chord_length', 'mean chord length', unit, '', lambda w: _mean(w.chord)))
        rows.append(('correlation_length', 'correlation length', unit, '', lambda w: _mean(w.correlation)))
    made = []
    for key, name, of_unit, where, read in rows:
        made.append((key, name, of_unit, where, [read(w) for w in held], [read(w) for w in sections]))
    errors = _s2_errors(held, sections)
    made.insert(2, ('s2_error', 'S₂, distance from the mean of sections', '1', rows[0][3], *errors))
    found = []
    for key, name, of_unit, where, mine, theirs in made:
        value, band = _mean(mine), held_band(theirs, key, len(mine))
        found.append(
            HeldStatistic(
                key=key, name=name, phase=phase, phase_name=slice_.phases.names[phase], plane=where, unit=of_unit,
                held=value, sections=band, verdict=held_verdict(value, band, key),
            )
        )  # fmt: skip
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _s2_errors(
    held: Sequence[WindowStatistics], sections: Sequence[WindowStatistics]
) -> tuple[list[float | None], list[float | None]]:
    """Distance of each window's S2 from the mean over sections, in units of phi (1 - phi).

    A section is left out of the mean that it is compared with, as real blocks are in `engine.analysis.comparing`.
    """
    curves = np.array([w.s2 for w in sections])
    if len(curves) < 2:
        return [None] * len(held), [None] * len(sections)
    mean, n = curves.mean(0), len(curves)
    scale = mean[0] * (1 - mean[0])
    if scale <= 0:
        return [None] * len(held), [None] * n
    mine: list[float | None] = [float(np.abs(w.s2 - mean).mean() / scale) for w in held]
    theirs: list[float | None] = [float(np.abs(c - (n * mean - c) / (n - 1)).mean() / scale) for c in curves]
    return mine, theirs


def held_band(sections: Sequence[float | None], key: str, windows: int) -> Band:
    """Band of windows of sections for the mean over `windows` windows of the part held back.

    Windows that touch are not independent: their number counts by its square root.
    """
    return Band.over(sections, quantity_of(key), 'sections', further=math.sqrt(max(1, windows)))


def held_verdict(value: float | None, band: Band, key: str) -> Verdict:
    """Verdict on one statistic of the part held back. Its windows are few: that it has no value says nothing."""
    if value is None:
        return Verdict(verdict='cannot tell', sentence='the part held back has no value')
    return judge(value, '', band, quantity_of(key), _SECTIONS)
