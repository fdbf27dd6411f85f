"""Whether slices show dendrites grown along an axis, and the dendrites that they show."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.special import ndtr, ndtri

from ...progress import Job
from ...statistics.interface_density import interface_density
from ...voxels import AXES, IMAGE_AXES
from ..exemplar import Exemplars
from ..random_streams import Stream, random_stream
from .dendrites import SCORES, DendriteField
from .effort import Trial

FAINT, CLEAR = 0.02, 0.05  # how far the covariance along rows of arms rises again, over the variance: least and mean
ALIKE = 1.25  # ratio of the spacings of the arms in two planes
FEWEST = 9  # arms along the slices; fewer follow each other at some distance by chance
FINE = 0.2  # arm spacings; areas nowhere as deep as this are no dendrites
SLENDER = 0.15  # arm spacings by which stems are thicker than arms
START, ROUNDS, DRAWN = 2.2, 4, 2  # spacing of the stems over that of the arms at first; steps and volumes of the fit
TABULATED = 8  # volumes that the distribution of the depths is taken from
ACROSS, LARGEST = 4, 96  # spacings across a drawn volume; its edges in voxels at most
LONGEST = 5.0  # length of the finer structure over its width
SLOPE = 0.06  # of stems that are not quite parallel


class Rows(NamedTuple):
    """Axis of the stems, 0..2, and the spacing of the arms along it in pixels."""

    along: int
    spacing: float


def rows_of_arms(exemplars: Exemplars, label: int) -> Rows | None:
    """Rows of arms along an axis of the slices, if there are any.

    The covariance of both planes through that axis must rise again after its first fall: arms follow each other at a
    distance that a Gaussian or a Boolean texture does not have.
    """
    if exemplars.isotropic:
        return None
    found: list[Rows] = []
    for along, axis in enumerate(AXES):
        waves = [
            _wave([np.moveaxis(image == label, IMAGE_AXES[plane].index(axis), 0) for image in images])
            for plane, images in exemplars.images.items()
            if plane != axis
        ]
        heights = [height for height, _ in waves]
        spacings = [spacing for _, spacing in waves]
        if min(heights) > FAINT and np.mean(heights) > CLEAR and max(spacings) < ALIKE * min(spacings):
            found.append(Rows(along, float(np.mean(spacings))))
    # Stems often stand in rows, too, but farther apart.
    return min(found, key=lambda rows: rows.spacing, default=None)


def _wave(masks: list[np.ndarray]) -> tuple[float, float]:
    """How far the covariance along the rows, over the variance, rises again after its fall, and at which lag."""
    reach = min(len(mask) for mask in masks) // 2
    curve = np.mean([[(m[: len(m) - lag] & m[lag:]).mean() for lag in range(reach)] for m in masks], axis=0)
    curve = (curve - curve[0] ** 2) / max(curve[0] - curve[0] ** 2, 1e-9)
    # Only lags that come often enough along the slices count.
    lags = np.arange(1, min(2 * reach // FEWEST, reach - 1))
    rise = curve - np.minimum.accumulate(curve)
    peaks = lags[(curve[lags] >= curve[lags - 1]) & (curve[lags] > curve[lags + 1])]
    if not len(peaks):
        return 0.0, 1.0
    peak = int(peaks[rise[peaks] > 0.7 * rise[peaks].max()][0]) if rise[peaks].max() > 0 else int(peaks[0])
    before, at, after = curve[peak - 1 : peak + 2]
    return float(rise[peak]), peak + 0.5 * float((before - after) / min(before - 2 * at + after, -1e-9))


def coarse(mask: np.ndarray, depth: float) -> np.ndarray:
    """Areas (rows, columns) that are somewhere as deep as this, pixels."""
    areas, count = ndimage.label(mask)
    inside = ndimage.distance_transform_edt(np.pad(mask, 1, mode='edge'))[1:-1, 1:-1]
    deepest = np.asarray(ndimage.maximum(inside, areas, np.arange(count + 1)))
    return mask & (deepest[areas] >= depth)


def grown_dendrites(
    exemplars: Exemplars, label: int, rows: Rows, trial: Trial, *, favoured: bool
) -> Job[DendriteField]:
    """Dendrites of the phase, or of the others, that have its fraction and its faces.

    The areas of sections across the stems tell dendrites from what is finer. The spacing of the stems follows from
    the faces of the dendrites, the finer structure from the faces that are left.
    """
    yield trial.sign()
    images = {plane: [(image == label) == favoured for image in exemplars.images[plane]] for plane in exemplars.images}
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
        spacing=START * rows.spacing,
        arm_spacing=rows.spacing,
        stem=SLENDER * rows.spacing,
        arm=0.0,
        lean=SLOPE,
        favoured=favoured,
        support=START * rows.spacing,
    )
    bare = yield from _bare(field, trial)
    for _ in range(ROUNDS):
        # Faces of rods of one size are as many as there are rods, but those of thinner rods are the more for it.
        found = _faces([d > level for d, level in ((d, np.quantile(d, 1 - phi * share)) for d in bare)], (1, 2))
        spacing = float(np.clip(field.spacing * found / thick, 1.2 * rows.spacing, 5 * rows.spacing))
        field = field.model_copy(update={'spacing': spacing, 'support': spacing})
        bare = yield from _bare(field, trial)
    # Thicker rods are deeper by as much everywhere.
    by = -float(np.quantile(np.concatenate([d.ravel() for d in bare]), 1 - phi * share))
    field = field.model_copy(update={'stem': field.stem + by, 'arm': field.arm + by})
    bare = [d + np.float32(by) for d in bare]
    if share < 0.98:
        field = yield from _filled(field, bare, phi, wanted, trial)
    # Stems are so few that it takes many volumes to know the share of each depth.
    bare = yield from _bare(field, trial, TABULATED)
    filled = yield from _deep(field, bare, trial)
    depths = np.concatenate([d.ravel()[::5] for d in filled])
    return field.model_copy(update={'values': tuple(map(float, np.quantile(depths, ndtr(SCORES))))})


def _bare(field: DendriteField, trial: Trial, count: int = DRAWN) -> Job[list[np.ndarray]]:
    """Depths in stems and arms of some volumes, the first axis along the stems."""
    # Periodic volumes of whole numbers of stems and arms scatter least.
    edge = min(ACROSS * field.spacing, LARGEST)
    along = round(max(1, round(edge / field.arm_spacing)) * field.arm_spacing)
    across = round(math.sqrt(max(1, round((edge / field.spacing) ** 2))) * field.spacing)
    drawn: list[np.ndarray] = []
    for index in range(count):
        yield trial.sign(2 * along * across**2)
        stems = random_stream(0, Stream.DENDRITE_STEMS, index)
        drawn.append(field.dendrites((along, across, across), stems, periodic=True))
    return drawn


def _deep(field: DendriteField, bare: list[np.ndarray], trial: Trial) -> Job[list[np.ndarray]]:
    """With the finer structure between them."""
    filled: list[np.ndarray] = []
    for index, depth in enumerate(bare):
        yield trial.sign(depth.size)
        filled.append(field.filled(depth, random_stream(0, Stream.DENDRITE_FILLING, index), periodic=True))
    return filled


def _filled(
    field: DendriteField, bare: list[np.ndarray], phi: float, wanted: np.ndarray, trial: Trial
) -> Job[DendriteField]:
    """With as much of the finer structure as makes up the fraction, and the faces along and across the stems."""
    own = np.array([_faces([d > 0 for d in bare], axes) for axes in ((0,), (1, 2))])
    left = np.maximum(wanted - own, 0.05 * wanted)
    missing = phi - float(np.mean([(d > 0).mean() for d in bare]))
    room = float(np.mean([(d < -field.gap).mean() for d in bare]))
    # What is cut from a Gaussian field has its fraction wherever it is.
    level = float(np.clip(ndtri(1 - missing / max(room, 1e-3)), -1, 3.5))
    field = field.model_copy(update={'fine_level': level})
    for _ in range(ROUNDS):
        deep = yield from _deep(field, bare, trial)
        filled = [d > 0 for d in deep]
        found = np.array([_faces(filled, axes) for axes in ((0,), (1, 2))]) - own
        lengths = np.clip(np.asarray(field.fine) * np.clip(found / left, 0.5, 2), 0.7, (40, 8))
        along = min(float(lengths[0]), LONGEST * float(lengths[1]))
        field = field.model_copy(update={'fine': (along, float(lengths[1]))})
    return field


def _faces(masks: list[np.ndarray], axes: tuple[int, ...]) -> float:
    return float(np.mean([interface_density(mask, axis) for mask in masks for axis in axes]))
