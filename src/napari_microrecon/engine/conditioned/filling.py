"""Fill the space between placed slices: train, predict, calibrate, and draw from the result."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import torch

from ..generator.device import Placement
from ..progress import Job, Progress, Throttle
from ..slices import SliceSet
from ..volume import Volume
from ..voxels import AXES
from .calibration import calibrate, combine
from .interpolation import nearest
from .network import SectionNet
from .planes import Planes
from .prediction import DEFAULT_TILE, predict
from .realisations import draw, phase_order, tilted
from .sections import Scheme
from .smoothness import fit_width
from .statistics import SliceStatistics
from .training import PIXELS, steps_for, train

_HELD_ROUNDS = 6  # redraws that bring the fractions of one volume to the wanted ones


@dataclass(frozen=True, eq=False)
class Filling:
    """What is known of the space between slices.

    Attributes
    ----------
    planes : Planes
        The slices in their places.
    statistics : SliceStatistics
        Of the slices.
    probabilities : numpy.ndarray
        (K, Z, Y, X), float16: calibrated, 0 or 1 at given voxels.
    """

    planes: Planes
    statistics: SliceStatistics
    probabilities: np.ndarray

    def most_likely(self) -> np.ndarray:
        """Labels (Z, Y, X) of the most probable phases, uint8; smoother than the material."""
        labels = np.empty(self.planes.shape, np.uint8)
        for place in range(len(labels)):
            labels[place] = self.probabilities[:, place].argmax(0)
        self.planes.hold(labels)
        return labels


def seconds_to_fill(shape: tuple[int, int, int], slices: SliceSet, place: Placement) -> float:
    """Time that `fill` will take, training included, scaled from one small batch run here and now."""
    pixels = 16 * 64 * 64
    network = SectionNet(4 * slices.phases.count + 3, slices.phases.count).to(place.device).eval()
    features = torch.zeros(16, 4 * slices.phases.count + 3, 64, 64)
    features = features.to(place.device, memory_format=torch.channels_last)
    spent = 0.0
    with torch.no_grad(), place.autocast():
        for _ in range(2):  # the first one warms up
            began = time.perf_counter()
            network(features, torch.zeros(1, device=place.device)).sum().item()
            spent = (time.perf_counter() - began) / pixels
    training = steps_for(sum(s.labels.size for s in slices)) * PIXELS * 3
    return spent * (training + 2 * math.prod(shape)) + 5e-7 * slices.phases.count * math.prod(shape)


def fill(
    slices: SliceSet,
    shape: tuple[int, int, int],
    *,
    seed: int,
    place: Placement,
    tile: int | None = None,
    volume: Volume | None = None,
    wanted: np.ndarray | None = None,
    network: SectionNet | None = None,
) -> Job[Filling]:
    """Probabilities of the phases between placed slices.

    Parameters
    ----------
    slices : SliceSet
        Every one with a position.
    shape : tuple of int
        Of the volume, in voxels.
    seed : int
        Of the training.
    place : Placement
        Where to compute.
    tile : int, optional
        Edge in pixels of the windows in which sections are run; it changes memory and not one voxel.
    volume : Volume, optional
        Real 3D material of the same kind to learn from.
    wanted : numpy.ndarray, optional
        Fractions (K,) that the volume must have.
    network : SectionNet, optional
        Trained before with the same volume, for slices at the same positions; by default one is trained.

    Returns
    -------
    Filling
        To read the most likely volume from, or to draw from.

    Raises
    ------
    InputError
        If the slices do not fit the shape or each other.
    """
    planes = Planes.of(slices, shape)
    note = '; '.join(planes.notes)
    preview = Volume(nearest(planes), slices.phases, slices.voxel_size, name='nearest slice')
    yield Progress('placing the slices', 0, 0, preview=preview, note=note)
    del preview
    statistics = SliceStatistics.of(slices, volume)
    scheme = Scheme.of(planes, slices, statistics.length)
    if network is None:
        network = yield from train(scheme, slices, volume, seed, place)
    probabilities = yield from predict(network, planes, scheme, place, tile or DEFAULT_TILE)
    yield Progress('calibrating', 0, 0)
    logits = combine(probabilities, planes, statistics.length)
    yield Progress('calibrating', 1, 2)
    return Filling(planes, statistics, calibrate(logits, planes, statistics, wanted))


def realise(
    filling: Filling, slices: SliceSet, count: int, seed: int, wanted: np.ndarray | None = None
) -> Job[list[np.ndarray]]:
    """Draw volumes that hold the given voxels and carry the material's statistics in between.

    Parameters
    ----------
    filling : Filling
        Probabilities to draw from.
    slices : SliceSet
        Tell which phases touch.
    count : int
        Number of volumes; the seeds are seed, seed + 1 and so on.
    seed : int
        Of the first volume.
    wanted : numpy.ndarray, optional
        Fractions (K,) that every volume meets by itself; by default they scatter around the probabilities.

    Returns
    -------
    list of numpy.ndarray
        Labels (Z, Y, X), uint8.
    """
    order = phase_order([s.labels for s in slices], filling.planes.phase_count)
    z, y, x = (filling.planes.positions(axis) for axis in AXES)
    held = (z, y, x)
    widths: list[float] = []
    for axis, rate in enumerate(filling.statistics.change):
        yield Progress('finding the smoothness', axis, 3)
        widths.append(fit_width(filling.probabilities, axis, rate, order, held[axis]))
    throttle = Throttle()
    layers = filling.planes.shape[0]
    found: list[np.ndarray] = []
    for index in range(count):
        what = 'drawing' if count == 1 else f'drawing realisation {index + 1} of {count}'
        labels = np.empty(filling.planes.shape, np.uint8)
        probabilities = filling.probabilities
        for _ in range(1 if wanted is None else _HELD_ROUNDS):
            for done in draw(probabilities, (widths[0], widths[1], widths[2]), order, seed + index, labels, held):
                if throttle.ready():
                    yield Progress(what, done, layers)
            if wanted is not None:
                achieved = np.bincount(labels.ravel(), minlength=len(wanted)) / labels.size
                if np.abs(achieved - wanted).max() < 5e-4:
                    break
                probabilities = tilted(probabilities, achieved, wanted)
        filling.planes.hold(labels)
        found.append(labels)
    return found
