"""How far sections of a volume lie from the slices: what the choice of a structural prior rests on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage

from ...progress import Job
from ...statistics.chords import lineal_path
from ...statistics.interface_density import interface_density
from ...voxels import AXES, Axis
from ..exemplar import Exemplars
from .effort import Trial

MATRIX = 0.25  # of a section
RADII = (2, 3, 5)  # pixels, of the discs that tell how boundaries bend
DEEPEST = 12  # pixels below the boundary


@dataclass(frozen=True, eq=False)
class _Sought:
    """What the slices of one plane have of one phase; the same for every prior that is set against them."""

    areas: float
    depths: dict[bool, np.ndarray]
    curves: np.ndarray
    paths: dict[tuple[int, bool], np.ndarray]


@lru_cache(maxsize=16)
def _sought(exemplars: Exemplars, label: int, plane: Axis) -> _Sought:
    theirs = [image == label for image in exemplars.images[plane]]
    reach = exemplars.smallest // 2
    sections = _Sections()
    sections.add(theirs)
    return _Sought(
        sections.areas,
        {side: sections.depths(side) for side in (True, False)},
        sections.curves,
        {
            (position, side): np.mean([lineal_path(t == side, position, reach - 1) for t in theirs], axis=0)
            for position in (0, 1)
            for side in (True, False)
        },
    )


def section_distance(exemplars: Exemplars, label: int, volumes: list[np.ndarray], trial: Trial) -> Job[float]:
    """How far sections of masks of one phase lie from the slices; dimensionless, 0 is best.

    Mean over axes and both sides (phase and complement) of |L_prior - L_slice| / fraction up to the
    lag where the slice's own lineal path L has fallen to 2 %, plus a quarter of the relative error
    of the face density, plus 0.15 of the log ratio of the number of separate areas of the phase.
    That number tells pores between grains (few, branched areas) from pores that are themselves
    grains (many round areas), which percolate quite differently in three dimensions; half of the
    mean difference of the distributions of the distance to the boundary, on both sides, does so
    too. Four times the distance of the curvatures of the boundaries tells round grains from rough ones.
    Two-point statistics are left out: the Gaussian field has them by construction.
    """
    shape = volumes[0].shape
    reach = [min(exemplars.smallest, n) // 2 for n in shape]
    wanted = exemplars.edge_density(label)
    errors: list[float] = []
    faces: list[float] = []
    areas: list[float] = []
    depths: list[float] = []
    curves: list[float] = []
    for plane in exemplars.images:
        across = AXES.index(plane)
        # Where all directions are alike, sections of all of them tell more.
        normals = range(3) if exemplars.isotropic else (across,)
        yield trial.sign()
        theirs = _sought(exemplars, label, plane)
        mine = _Sections()
        for volume in volumes:
            yield trial.sign(volume.size * len(normals) / 6)
            mine.add([np.take(volume, i, axis) for axis in normals for i in range(0, shape[axis], shape[axis] // 8)])
        yield trial.sign()
        areas.append(abs(math.log(mine.areas / theirs.areas)))
        for side in (True, False):
            depths.append(float(np.abs(mine.depths(side) - theirs.depths[side]).mean()))
        yield trial.sign()
        curves.append(float(np.abs(mine.curves - theirs.curves).mean()))
        yield trial.sign()
        inplane = [axis for axis in range(3) if AXES[axis] != plane]
        for position, axis in enumerate(inplane):
            edges = float(np.mean([interface_density(volume, axis) for volume in volumes]))
            faces.append(abs(edges / wanted[AXES[axis]] - 1))
            for side in (True, False):
                target = theirs.paths[position, side][: reach[axis]]
                paths: list[np.ndarray] = []
                for volume in volumes:
                    yield trial.sign()
                    # Every other line tells as much.
                    paths.append(lineal_path(np.moveaxis(volume, axis, 0)[:, ::2] == side, 0, reach[axis] - 1))
                got = np.mean(paths, axis=0)
                span = max(int((target > 0.02 * target[0]).sum()), 3)
                errors.append(float(np.abs(got - target)[:span].mean() / max(target[0], 1e-3)))
        if exemplars.isotropic:
            break
    return float(np.mean(errors) + np.mean(faces) / 4 + 0.15 * np.mean(areas) + np.mean(depths) + 4 * np.mean(curves))


class _Sections:
    """What sections of one phase have, volume by volume."""

    def __init__(self) -> None:
        self._areas = 0.0
        self._pixels = 0
        self._deeper = {side: np.zeros(DEEPEST) for side in (True, False)}
        self._shares: list[list[np.ndarray]] = [[] for _ in RADII]

    def add(self, masks: list[np.ndarray]) -> None:
        """Measure some more masks."""
        self._areas += sum(_areas(mask) for mask in masks)
        self._pixels += sum(mask.size for mask in masks)
        for side in (True, False):
            self._deeper[side] += _deeper([mask == side for mask in masks])
        for shares, radius in zip(self._shares, RADII, strict=True):
            shares += _shares(masks, radius)

    @property
    def areas(self) -> float:
        """As `areas_per_pixel`."""
        return max(self._areas, 0.5) / self._pixels

    @property
    def curves(self) -> np.ndarray:
        """As `curvatures`."""
        return np.stack([_quantiles(shares) for shares in self._shares])

    def depths(self, side: bool) -> np.ndarray:
        """Share of the pixels of the phase, or of the others, that lie deeper than 1, 2, ... pixels."""
        deeper = self._deeper[side]
        return deeper[1:] / max(deeper[0], 1)


def interface_distance(exemplars: Exemplars, volumes: list[np.ndarray]) -> float:
    """Mean over pairs of phases of |ln| of the ratio of their interface areas, weighted by the slices' areas."""
    seen: dict[tuple[int, int], list[float]] = {}
    for normal, images in exemplars.images.items():
        axis = AXES.index(normal)
        mine = [section for volume in volumes for section in np.moveaxis(volume, axis, 0)[::8]]
        for pair in itertools.combinations(range(exemplars.phase_count), 2):
            seen.setdefault(pair, []).append(_interface(images, pair) + 1e-4)
            seen[pair].append(_interface(mine, pair) + 1e-4)
    # Pairs alternate: slices, volumes, slices, ...
    wanted = np.array([np.mean(found[::2]) for found in seen.values()])
    got = np.array([np.mean(found[1::2]) for found in seen.values()])
    return float((wanted * np.abs(np.log(got / wanted))).sum() / wanted.sum())


def _interface(sections: Iterable[np.ndarray], pair: tuple[int, int]) -> float:
    """Faces between two phases per pixel."""
    a, b = pair
    faces = pixels = 0
    for section in sections:
        pixels += section.size
        for p, q in ((section[1:], section[:-1]), (section[:, 1:], section[:, :-1])):
            faces += int((((p == a) & (q == b)) | ((p == b) & (q == a))).sum())
    return faces / max(pixels, 1)


def areas_per_pixel(sections: list[np.ndarray]) -> float:
    """Separate areas of a phase per pixel, those cut by the edge counted half.

    An area of more than a quarter of its section is the matrix that the others lie in, and counts nothing: it is
    one in a small section and in a large one.
    """
    return max(sum(_areas(section) for section in sections), 0.5) / sum(section.size for section in sections)


def _areas(section: np.ndarray) -> float:
    clusters, count = ndimage.label(section)
    if not count:
        return 0.0
    sizes = np.bincount(clusters.ravel())
    matrix = sizes > MATRIX * section.size
    matrix[0] = True
    cut = np.zeros(count + 1, bool)
    cut[np.concatenate([clusters[0], clusters[-1], clusters[:, 0], clusters[:, -1]])] = True
    return float((~matrix).sum() - 0.5 * (cut & ~matrix).sum())


def curvatures(masks: list[np.ndarray]) -> np.ndarray:
    """Quantiles (3, 50) of the phase's share of a disc around a point of its boundary, over the boundary; three radii.

    Half where the boundary is straight, less where the phase is convex (integral invariants: Manay et al.,
    IEEE PAMI 28, 1602, 2006). Pores between round grains have cusps and hollow sides; those between rough ones do not.
    """
    return np.stack([_quantiles(_shares(masks, radius)) for radius in RADII])


def _shares(masks: list[np.ndarray], radius: int) -> list[np.ndarray]:
    """Share of a disc around the faces of every mask."""
    from .kernels import disc_pixels

    at = np.arange(-radius, radius + 1)
    halves = ((at[:, None] ** 2 + at**2 <= radius**2 + 0.5).sum(1) - 1) // 2
    pixels = np.float32(2 * (2 * halves + 1).sum())
    return [disc_pixels(np.ascontiguousarray(mask), halves) / pixels for mask in masks]


def _quantiles(shares: list[np.ndarray]) -> np.ndarray:
    """Fifty quantiles, or half where there is no boundary."""
    together = np.concatenate(shares)
    return np.quantile(together, np.linspace(0.01, 0.99, 50)) if len(together) else np.full(50, 0.5)


def _deeper(masks: list[np.ndarray]) -> np.ndarray:
    """Pixels of masks that lie deeper than 0, 1, 2, ... pixels below their border."""
    depths = [ndimage.distance_transform_edt(mask)[mask] for mask in masks]
    return np.array([sum(np.count_nonzero(d > t) for d in depths) for t in range(DEEPEST)], float)
