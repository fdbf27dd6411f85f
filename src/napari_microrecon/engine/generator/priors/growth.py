"""Whether slices show dendrites grown along an axis, and the dendrites that they show."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.special import ndtr, ndtri

from ...voxels import AXES, IMAGE_AXES
from ..exemplar import Exemplars
from .dendrites import SCORES, DendriteField
from .fields import random_stream

LONGER = 1.3  # correlation length along the stems over that across
ALIKE = 1.25  # ratio of those across
PEAK = 0.02  # of the variance; how far rows of arms must stand out in the covariance along the stems
FEWEST = 4  # arms along the slices
FINE = 0.2  # arm spacings; areas nowhere as deep as this are no dendrites
SLENDER = 0.08  # arm spacings by which stems are thicker than arms
STARTS, ROUNDS, DRAWN = 2.2, 4, 2  # spacing of the stems over that of the arms at first; steps and volumes of the fit
ACROSS, LARGEST = 4, 96  # spacings across a drawn volume; its edges in voxels at most
SLOPE = 0.06  # of stems that are not quite parallel


class Rows(NamedTuple):
    """Axis of the stems, 0..2, and the spacing of the arms along it in pixels."""

    along: int
    spacing: float


def rows_of_arms(exemplars: Exemplars, label: int) -> Rows | None:
    """Rows of arms along the longest axis of the slices, if there are any.

    The covariance of both planes through that axis must rise again after its first fall: arms follow each other at a
    distance that the axis of a Gaussian or a Boolean texture does not have.
    """
    if exemplars.isotropic:
        return None
    lengths = [exemplars.correlation_length(label)[axis] for axis in AXES]
    along = int(np.argmax(lengths))
    across = sorted(length for axis, length in enumerate(lengths) if axis != along)
    if lengths[along] < LONGER * across[1] or across[1] > ALIKE * across[0]:
        return None
    spacings: list[float] = []
    for plane, images in exemplars.images.items():
        if plane == AXES[along]:
            continue
        spacing = _period([np.moveaxis(image == label, IMAGE_AXES[plane].index(AXES[along]), 0) for image in images])
        if spacing is None:
            return None
        spacings.append(spacing)
    if max(spacings) > ALIKE * min(spacings):
        return None
    return Rows(along, float(np.mean(spacings)))


def _period(masks: list[np.ndarray]) -> float | None:
    """Lag along the rows at which the covariance has risen from its first trough to the peak after it, if clearly."""
    reach = min(len(mask) for mask in masks) // 2
    curves = [[(m[: len(m) - lag] & m[lag:]).mean() for lag in range(reach)] for m in masks]
    curve = np.mean(curves, axis=0)
    fraction = curve[0]
    curve = (curve - fraction**2) / max(fraction - fraction**2, 1e-9)
    turns = np.diff(curve)
    trough = next((i for i in range(1, len(turns)) if turns[i] > 0 and turns[i - 1] <= 0), None)
    if trough is None:
        return None
    peak = trough + int(np.argmax(curve[trough : 2 * trough + 3]))
    if curve[peak] - curve[trough] < PEAK or FEWEST * peak > 2 * reach or peak + 1 >= len(curve):
        return None
    before, at, after = curve[peak - 1 : peak + 2]
    return peak + 0.5 * float((before - after) / min(before - 2 * at + after, -1e-9))


def coarse(mask: np.ndarray, depth: float) -> np.ndarray:
    """Areas (rows, columns) that are somewhere as deep as this, pixels."""
    areas, count = ndimage.label(mask)
    inside = ndimage.distance_transform_edt(np.pad(mask, 1, mode='edge'))[1:-1, 1:-1]
    deepest = np.asarray(ndimage.maximum(inside, areas, np.arange(count + 1)))
    return mask & (deepest[areas] >= depth)


def grown_dendrites(exemplars: Exemplars, label: int, rows: Rows, *, favoured: bool, lean: float = SLOPE) -> DendriteField:
    """Dendrites of the phase, or of the others, that have its fraction and its faces along and across the stems.

    The areas of sections across the stems tell dendrites from what is finer. The spacing of the stems follows from
    the faces of the dendrites, the finer structure from the faces that are left.
    """
    images = {
        plane: [(image == label) == favoured for image in exemplars.images[plane]] for plane in exemplars.images
    }
    stems = AXES[rows.along]
    across = images[stems]
    deep = FINE * rows.spacing
    share = sum(coarse(m, deep).sum() for m in across) / max(sum(m.sum() for m in across), 1)
    phi = float(np.mean([m.mean() for masks in images.values() for m in masks]))
    edges = exemplars.edge_density(label)
    wanted = np.array([edges[stems], np.mean([edges[axis] for axis in AXES if axis != stems])])
    thick = np.mean([np.diff(coarse(m, deep), axis=axis).mean() for m in across for axis in (0, 1)])
    field = DendriteField(
        along=rows.along,
        spacing=STARTS * rows.spacing,
        arm_spacing=rows.spacing,
        stem=SLENDER * rows.spacing,
        arm=0.0,
        lean=lean,
        favoured=favoured,
        support=STARTS * rows.spacing,
    )
    bare = _bare(field)
    for _ in range(ROUNDS):
        # Faces of rods of one size are as many as there are rods, but those of thinner rods are the more for it.
        found = _faces([d > level for d, level in ((d, np.quantile(d, 1 - phi * share)) for d in bare)], (1, 2))
        spacing = float(np.clip(field.spacing * found / thick, 1.2 * rows.spacing, 5 * rows.spacing))
        field = field.model_copy(update={'spacing': spacing, 'support': spacing})
        bare = _bare(field)
    # Thicker rods are deeper by as much everywhere.
    by = -float(np.quantile(np.concatenate([d.ravel() for d in bare]), 1 - phi * share))
    field = field.model_copy(update={'stem': field.stem + by, 'arm': field.arm + by})
    bare = [d + np.float32(by) for d in bare]
    if share < 0.98:
        field = _filled(field, bare, phi, wanted)
    depths = np.concatenate([d.ravel()[::5] for d in _deep(field, bare)])
    return field.model_copy(update={'values': tuple(map(float, np.quantile(depths, ndtr(SCORES))))})


def _bare(field: DendriteField) -> list[np.ndarray]:
    """Depths in stems and arms of some volumes, the first axis along the stems."""
    edge = min(round(ACROSS * field.spacing), LARGEST)
    return [field.dendrites((edge, edge, edge), random_stream(0, 13, i), periodic=False) for i in range(DRAWN)]


def _deep(field: DendriteField, bare: list[np.ndarray]) -> list[np.ndarray]:
    """With the finer structure between them."""
    return [field.filled(d, random_stream(0, 14, i), periodic=False) for i, d in enumerate(bare)]


def _filled(field: DendriteField, bare: list[np.ndarray], phi: float, wanted: np.ndarray) -> DendriteField:
    """With as much of the finer structure as makes up the fraction, and the faces along and across the stems."""
    own = np.array([_faces([d > 0 for d in bare], axes) for axes in ((0,), (1, 2))])
    left = np.maximum(wanted - own, 0.05 * wanted)
    missing = phi - float(np.mean([(d > 0).mean() for d in bare]))
    room = float(np.mean([(d < -field.gap).mean() for d in bare]))
    # What is cut from a Gaussian field has its fraction wherever it is.
    level = float(np.clip(ndtri(1 - missing / max(room, 1e-3)), -1, 3.5))
    field = field.model_copy(update={'fine_level': level})
    for _ in range(ROUNDS):
        filled = [d > 0 for d in _deep(field, bare)]
        found = np.array([_faces(filled, axes) for axes in ((0,), (1, 2))]) - own
        lengths = np.clip(np.asarray(field.fine) * np.clip(found / left, 0.5, 2), (0.7, 0.7), (24, 8))
        field = field.model_copy(update={'fine': (float(lengths[0]), float(lengths[1]))})
    return field


def _faces(masks: list[np.ndarray], axes: tuple[int, ...]) -> float:
    return float(np.mean([np.diff(mask, axis=axis).mean() for mask in masks for axis in axes]))
