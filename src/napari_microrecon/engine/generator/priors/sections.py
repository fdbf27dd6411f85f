"""How far sections of a volume lie from the slices: what the choice of a structural prior rests on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from ...voxels import AXES
from ..exemplar import Exemplars, lineal_path


def section_distance(exemplars: Exemplars, label: int, volumes: list[np.ndarray]) -> float:
    """How far sections of masks of one phase lie from the slices; dimensionless, 0 is best.

    Mean over axes and both sides (phase and complement) of |L_prior - L_slice| / fraction up to the
    lag where the slice's own lineal path L has fallen to 2 %, plus a quarter of the relative error
    of the face density, plus 0.15 of the log ratio of the number of separate areas of the phase.
    That number tells pores between grains (few, branched areas) from pores that are themselves
    grains (many round areas), which percolate quite differently in three dimensions; half of the
    mean difference of the distributions of the distance to the boundary, on both sides, does so
    too. Two-point statistics are left out: the Gaussian field has them by construction.
    """
    shape = volumes[0].shape
    reach = [min(exemplars.smallest, n) // 2 for n in shape]
    wanted = exemplars.edge_density(label)
    errors: list[float] = []
    faces: list[float] = []
    areas: list[float] = []
    depths: list[float] = []
    for normal, images in exemplars.images.items():
        across = AXES.index(normal)
        mine = [np.take(volume, i, across) for volume in volumes for i in range(0, shape[across], shape[across] // 8)]
        theirs = [image == label for image in images]
        areas.append(abs(math.log(areas_per_pixel(mine) / areas_per_pixel(theirs))))
        for side in (True, False):
            gap = _depths([m == side for m in mine]) - _depths([t == side for t in theirs])
            depths.append(float(np.abs(gap).mean()))
        inplane = [axis for axis in range(3) if AXES[axis] != normal]
        for position, axis in enumerate(inplane):
            edges = float(np.mean([np.diff(volume, axis=axis).mean() for volume in volumes]))
            faces.append(abs(edges / wanted[AXES[axis]] - 1))
            for side in (True, False):
                target = np.mean([lineal_path((i == label) == side, position, reach[axis]) for i in images], axis=0)
                got = np.mean([lineal_path(volume == side, axis, reach[axis]) for volume in volumes], axis=0)
                span = max(int((target > 0.02 * target[0]).sum()), 3)
                errors.append(float(np.abs(got - target)[:span].mean() / max(target[0], 1e-3)))
        if exemplars.isotropic:
            break
    return float(np.mean(errors) + np.mean(faces) / 4 + 0.15 * np.mean(areas) + np.mean(depths))


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
    """Separate areas of a phase per pixel, those cut by the edge counted half."""
    total = 0.0
    for section in sections:
        clusters, count = ndimage.label(section)
        rim = np.unique(np.concatenate([clusters[0], clusters[-1], clusters[:, 0], clusters[:, -1]]))
        total += count - 0.5 * int((rim > 0).sum())
    return max(total, 0.5) / sum(section.size for section in sections)


def _depths(masks: list[np.ndarray], longest: int = 12) -> np.ndarray:
    """Share of the pixels of a mask that lie deeper than 1, 2, ... pixels below its border."""
    depths = np.concatenate([ndimage.distance_transform_edt(mask)[mask] for mask in masks])
    return np.array([(depths > t).mean() if len(depths) else 0.0 for t in range(1, longest)])
