"""Whether grains are shared out more evenly than at random: the scatter of the phase fraction between windows tells.

Strewn at random, grains pile up here and leave gaps there. Packed particles do so less, which pair
distances hardly show but the fraction of windows a few grains wide does, in a single slice already.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from ...progress import Job
from ..exemplar import Exemplars
from ..random_streams import Stream, random_stream
from .effort import Trial
from .grains import GrainField

EVEN = (4.0, 1.0)  # grains in each box, the less even first
WIDE = (1.5, 2.0)  # edges of the windows in mean spacings of the grains
FEWEST = 9.0  # separate windows in the slices
CLEAR, NOISE = 0.12, 1.4  # log ratio of the scatters that random grains may have; at least NOISE / sqrt(windows)
GAIN = 0.05  # by which the log ratio must fall with grains more even
DRAWN, ACROSS, LARGEST = 3, 8, 128  # volumes; their edges in spacings, and at most in voxels
MOST = 5_000_000  # voxels of such a volume; windows that ask for more tell too little for what they take


def window_scatter(masks: Iterable[np.ndarray], edge: int) -> tuple[float, float]:
    """Standard deviation of the fraction of a phase between square windows, and how many fit side by side.

    Parameters
    ----------
    masks : iterable of numpy.ndarray
        bool, shape (rows, columns) each.
    edge : int
        Of the windows, pixels; images that are smaller are left out.
    """
    fractions: list[np.ndarray] = []
    fitting = 0.0
    step = max(1, edge // 4)
    for mask in masks:
        if min(mask.shape) < edge:
            continue
        total = np.pad(mask.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        rows, columns = (np.arange(0, n - edge + 1, step) for n in mask.shape)
        low, high = np.ix_(rows, columns), np.ix_(rows + edge, columns + edge)
        across = total[np.ix_(rows, columns + edge)], total[np.ix_(rows + edge, columns)]
        fractions.append(((total[high] - across[0] - across[1] + total[low]) / edge**2).ravel())
        fitting += mask.size / edge**2
    return (float(np.std(np.concatenate(fractions))) if fractions else 0.0), fitting


def evened(
    exemplars: Exemplars, label: int, field: GrainField, phi: float, edges: Sequence[float], trial: Trial
) -> Job[GrainField]:
    """Share the grains out as evenly as the windows of the slices ask for; the same field where they are random.

    Parameters
    ----------
    exemplars : Exemplars
        The slices.
    label : int
        Phase that the field stands for.
    field : GrainField
        Grains strewn at random.
    phi : float
        Fraction of the phase.
    edges : sequence of float
        Its phase changes per voxel along z, y, x.
    trial : Trial
        That it is for.
    """
    images = [image == label for images in exemplars.images.values() for image in images]
    theirs = {edge: window_scatter(images, edge) for edge in (round(wide * field.spacing) for wide in WIDE)}
    if any(fitting < FEWEST or scatter == 0 for scatter, fitting in theirs.values()):
        return field
    if math.prod(_shape(theirs, field)) > MOST:
        return field
    error = yield from _gap(theirs, field, phi, trial)
    if error < max(CLEAR, NOISE / math.sqrt(np.mean([fitting for _, fitting in theirs.values()]))):
        return field
    matrix = 1 - phi if field.grains_favoured else phi
    z, y, x = edges
    tried: list[tuple[float, GrainField]] = []
    for even in EVEN:
        sized = yield from field.model_copy(update={'even': even}).sizing(matrix, (z, y, x), trial)
        tried.append(((yield from _gap(theirs, sized, phi, trial)), sized))
    (gap, less), (least, more) = tried
    if min(gap, least) >= error - GAIN:
        return field
    # Whether to go to the end is a question of its own: else a hair would decide between none and all.
    best = more if least < gap - GAIN else less
    best = yield from best.tabling(trial)
    return (yield from best.sizing(matrix, (z, y, x), trial))


def _shape(theirs: dict[int, tuple[float, float]], field: GrainField) -> tuple[int, int, int]:
    """Of volumes whose sections have room for the windows."""
    edge = min(round(ACROSS * field.spacing), LARGEST)
    z, y, x = (max(round(edge * s), max(theirs) + 1) for s in field.stretch)
    return z, y, x


def _gap(theirs: dict[int, tuple[float, float]], field: GrainField, phi: float, trial: Trial) -> Job[float]:
    """Mean log ratio between the scatter of windows in sections of drawn volumes and in the slices; positive only.

    Grains that scatter less than those of the slices are left as they are: there is nothing less even than chance.
    """
    drawn: list[np.ndarray] = []
    for index in range(DRAWN):
        yield trial.sign(field.work * math.prod(_shape(theirs, field)))
        drawn.append(field.around(_shape(theirs, field), random_stream(0, Stream.GRAIN_SCATTER, index), phi))
    yield trial.sign()
    level = np.quantile(np.concatenate([values.ravel()[::7] for values in drawn]), 1 - phi)
    sections = [
        np.take(values > level, i, axis)
        for values in drawn
        for axis in range(3)
        for i in range(0, values.shape[axis], max(values.shape[axis] // 8, 1))
    ]
    return float(np.mean([math.log(window_scatter(sections, wide)[0] / mine) for wide, (mine, _) in theirs.items()]))
