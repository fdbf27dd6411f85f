"""Make probabilities between slices agree with what the slices show, by distance from the nearest slice.

Two things are known without any 3D data: the phase fractions of the slices, and how often a phase changes from one
voxel to the next. The first sets one offset per phase and distance, the second the sharpness beside the slices, where
the average of two directions is surer than either. Further away the network's own calibration stands.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..voxels import AXES
from .interpolation import signed_distances
from .planes import Planes
from .statistics import SliceStatistics

# Share of the network's logits and of the interpolated distance to the border (per voxel) in the sum of both; found
# on cubes of three rocks and a computed electrode that no table in the documentation holds.
NETWORK_SHARE, DISTANCE_SHARE = 0.75, 0.225
BLUR = 0.35  # standard deviation in the slices' plane per voxel of distance: sections know nothing of their neighbours
WIDEST_BLUR = 1.5  # voxels
_CLASSES = np.array([0, 1, 2, 3, 4, 5, 7, 10, 15])  # distances in voxels at which a class begins
_SAMPLE = 120_000  # voxels per class that the offsets are solved on
_LEAST = 1e-4  # probability that no phase goes below


def combine(probabilities: np.ndarray, planes: Planes, length: float) -> np.ndarray:
    """Logits (K, Z, Y, X), float32, of the network and the interpolated distances together; overwrites the input.

    Between parallel slices the logits are smoothed within the layers, in proportion to the distance from a slice.
    """
    logits = np.log(np.maximum(probabilities, _LEAST, out=probabilities), out=probabilities)
    logits *= NETWORK_SHARE
    borders = signed_distances(planes)
    for start in range(0, planes.shape[0], 16):
        distances = planes.distances(start, start + 16)
        borders[:, start : start + 16] *= DISTANCE_SHARE / (1 + distances / length)
    logits += borders
    del borders
    if len(planes.normals) == 1:
        normal = planes.normals[0]
        layers = np.moveaxis(logits, AXES.index(normal) + 1, 1)
        for place, distance in enumerate(planes.layer_distances(normal)):
            width = min(BLUR * float(distance), WIDEST_BLUR)
            if width > 0:
                layers[:, place] = ndimage.gaussian_filter(layers[:, place], (0, width, width))
    return logits


def calibrate(
    logits: np.ndarray, planes: Planes, statistics: SliceStatistics, wanted: np.ndarray | None = None
) -> np.ndarray:
    """Calibrated probabilities.

    Parameters
    ----------
    logits : numpy.ndarray
        (K, Z, Y, X), from `combine`.
    planes : Planes
        The slices in their places.
    statistics : SliceStatistics
        Of the same slices.
    wanted : numpy.ndarray, optional
        Fractions (K,) that the whole volume must have; by default those that the slices suggest.

    Returns
    -------
    numpy.ndarray
        (K, Z, Y, X), float16, sum 1; 0 or 1 at given voxels.
    """
    count = len(logits)
    samples = _samples(logits, planes)
    profile = _expected_fractions(planes)
    targets: dict[int, np.ndarray] = {}
    for index, (sample, _) in samples.items():
        # The slices tell the fraction beside them; with the distance their word fades, and the network's counts.
        trust = float(np.exp(-_CLASSES[index] / (2 * statistics.length)))
        target = trust * profile[index] + (1 - trust) * _softmax(sample).mean(1)
        targets[index] = _clipped(target)
    if wanted is not None:
        targets = _scaled(targets, samples, planes, wanted)
    sharpness = np.ones(len(_CLASSES), np.float32)
    if 1 in samples:
        sharpness[1] = _sharpness_beside_slices(logits, planes, statistics, targets[1], samples[1][0])
        sharpness[2] = (1 + sharpness[1]) / 2
    offsets = np.zeros((count, len(_CLASSES)), np.float32)
    for index, (sample, _) in samples.items():
        offsets[:, index] = _level(sharpness[index] * sample, targets[index])
    found = np.empty(logits.shape, np.float16)
    known = planes.known()
    for start in range(0, planes.shape[0], 16):
        part = slice(start, start + 16)
        which = _class_of(planes.distances(start, start + 16))
        found[:, part] = _softmax(logits[:, part] * sharpness[which] + offsets[:, which])
        for k in range(count):
            found[k, part][which == 0] = 0
            found[k, part][known[part] == k] = 1
    return found


def _class_of(distances: np.ndarray) -> np.ndarray:
    return np.searchsorted(_CLASSES, distances, side='right') - 1


def _samples(logits: np.ndarray, planes: Planes) -> dict[int, tuple[np.ndarray, int]]:
    """Logits (K, n) of evenly chosen voxels of every distance class, and how many voxels the class has."""
    counts = np.zeros(len(_CLASSES), np.int64)
    for start in range(0, planes.shape[0], 16):
        counts += np.bincount(_class_of(planes.distances(start, start + 16)).ravel(), minlength=len(_CLASSES))
    parts: dict[int, list[np.ndarray]] = {index: [] for index in range(1, len(_CLASSES)) if counts[index]}
    for place in range(planes.shape[0]):
        which = _class_of(planes.distances(place, place + 1))[0]
        for index, found in parts.items():
            mask = which == index
            if mask.any():
                found.append(logits[:, place][:, mask][:, :: 1 + int(counts[index]) // _SAMPLE])
    return {index: (np.concatenate(found, 1), int(counts[index])) for index, found in parts.items()}


def _expected_fractions(planes: Planes) -> np.ndarray:
    """Fractions (classes, K) that the slices suggest for every distance class.

    Between parallel slices those of the neighbours, interpolated; otherwise those of all slices together.
    """
    count = planes.phase_count
    pooled = sum((s.fractions * s.labels.size for s in planes.slices), np.zeros(count))
    found = np.repeat((pooled / pooled.sum())[None], len(_CLASSES), axis=0)
    if len(planes.normals) != 1:
        return found
    normal = planes.normals[0]
    distances = planes.layer_distances(normal)
    table = np.stack([s.fractions for s in planes.along(normal)])
    places = np.arange(len(distances))
    profile = np.stack([np.interp(places, planes.positions(normal), table[:, k]) for k in range(count)], 1)
    classes = _class_of(distances)
    for index in np.unique(classes):
        found[index] = profile[classes == index].mean(0)
    return found


def _scaled(
    targets: dict[int, np.ndarray], samples: dict[int, tuple[np.ndarray, int]], planes: Planes, wanted: np.ndarray
) -> dict[int, np.ndarray]:
    """Targets multiplied so that given and unknown voxels together have the wanted fractions, as far as they can."""
    known = np.bincount(planes.known().ravel(), minlength=planes.phase_count)[: planes.phase_count]
    sizes = {index: size for index, (_, size) in samples.items()}
    left = np.maximum(wanted * np.prod(planes.shape) - known, 0) / max(1, sum(sizes.values()))
    factors = np.ones(len(wanted))
    for _ in range(60):
        current = sum(_clipped(t * factors) * sizes[i] for i, t in targets.items()) / sum(sizes.values())
        factors *= np.maximum(left, _LEAST) / current
    return {index: _clipped(target * factors) for index, target in targets.items()}


def _sharpness_beside_slices(
    logits: np.ndarray, planes: Planes, statistics: SliceStatistics, target: np.ndarray, sample: np.ndarray
) -> float:
    """Factor on the logits beside the slices with which phases change there as often as within the slices."""
    columns: list[np.ndarray] = []
    given: list[np.ndarray] = []
    rates: list[float] = []
    known = planes.known()
    for s in planes.slices:
        axis = AXES.index(s.normal)
        layers, taken = np.moveaxis(logits, axis + 1, 1), np.moveaxis(known, axis, 0)
        assert s.position is not None
        for place in (s.position - 1, s.position + 1):
            if 0 <= place < planes.shape[axis]:
                free = taken[place] >= planes.phase_count
                columns.append(layers[:, place][:, free][:, ::5])
                given.append(s.labels[free][::5])
                rates.append(statistics.change[axis] * len(given[-1]))
    labels = np.concatenate(given).astype(np.int64)
    if not len(labels):
        return 1.0
    beside, rate = np.concatenate(columns, 1), sum(rates) / len(labels)
    sample = sample[:, :: 1 + sample.shape[1] // 30_000]
    low, high = 0.3, 2.5
    for _ in range(12):
        middle = float(np.sqrt(low * high))
        offsets = _level(middle * sample, target)
        p = _softmax(middle * beside + offsets[:, None])
        changes = 1 - float(np.take_along_axis(p, labels[None], 0).mean())
        low, high = (middle, high) if changes > rate else (low, middle)
    return float(np.sqrt(low * high))


def _level(logits: np.ndarray, target: np.ndarray, rounds: int = 10) -> np.ndarray:
    """Offsets (K,) with which the mean softmax of logits (K, n) is `target` (K,): Newton on a concave dual."""
    offsets = np.zeros(len(target))
    for _ in range(rounds):
        p = _softmax(logits + offsets[:, None].astype(np.float32)).astype(np.float64)
        mean = p.mean(1)
        slope = np.diag(mean) - p @ p.T / p.shape[1]
        step = np.linalg.solve(slope[1:, 1:] + 1e-9 * np.eye(len(target) - 1), (target - mean)[1:])
        offsets[1:] += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-4:
            break
    return offsets.astype(np.float32)


def _softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits - logits.max(0))
    return shares / shares.sum(0)


def _clipped(fractions: np.ndarray) -> np.ndarray:
    kept = np.clip(fractions, _LEAST, None)
    return kept / kept.sum()
