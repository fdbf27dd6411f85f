"""What would 3, 5, 7 slices give? A known volume is cut, rebuilt from the cuts alone and compared with itself."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..progress import Job, Progress, Result
from ..slices import SMALLEST_SLICE, Slice, SliceSet
from ..volume import Volume
from ..voxels import AXES, Axis

if TYPE_CHECKING:
    from .scoring import Score

COUNTS = (3, 5, 7)
EDGE = 96  # voxels; each count then takes about nine processor-seconds
SMALLEST = 2 * SMALLEST_SLICE  # voxels
BASELINE, MOST_LIKELY, REALISATION = 'signed distance', 'most likely', 'realisation'
METHODS = (BASELINE, MOST_LIKELY, REALISATION)


@dataclass(frozen=True)
class Attempt:
    """What so many slices gave.

    Attributes
    ----------
    positions : tuple of int
        Of the slices in the crop, voxels along the normal.
    scores : dict of str to Score
        By method (METHODS); realisations as their mean.
    spread : float or None
        How much two realisations disagree over how much one disagrees with the truth; 1 is right. None with one.
    """

    positions: tuple[int, ...]
    scores: dict[str, Score]
    spread: float | None

    @property
    def count(self) -> int:
        """Number of slices."""
        return len(self.positions)

    @property
    def gap(self) -> float:
        """Mean distance of neighbouring slices, voxels."""
        return (self.positions[-1] - self.positions[0]) / (self.count - 1)


@dataclass(frozen=True)
class SliceCounts:
    """Answer to the question how many slices are enough.

    Attributes
    ----------
    volume : str
        Name of the known volume.
    whole, start, shape : tuple of int
        Its shape, and origin and shape of the crop that served, (z, y, x) in voxels.
    normal : {'z', 'y', 'x'}
        Axis that the slices are perpendicular to.
    phase : int
        Label whose percolation is told; `names` names all.
    names : tuple of str
        Of the phases.
    fractions, percolating : tuple of float
        Of the crop: per phase, and of the phase along z, y, x.
    realisations, seed : int
        How many were drawn per count, and the seed of all.
    attempts : tuple of Attempt
        By number of slices; fewer than asked for while the experiment runs.
    """

    volume: str
    whole: tuple[int, int, int]
    start: tuple[int, int, int]
    shape: tuple[int, int, int]
    normal: Axis
    phase: int
    names: tuple[str, ...]
    fractions: tuple[float, ...]
    percolating: tuple[float, float, float]
    realisations: int
    seed: int
    attempts: tuple[Attempt, ...] = ()

    @property
    def about(self) -> str:
        """What was measured, in a sentence."""
        size = ' x '.join(map(str, self.shape))
        if self.shape == self.whole:
            return f'{self.volume}, all of its {size} voxels, slices with normal {self.normal}'
        whole = ' x '.join(map(str, self.whole))
        return f'the middle {size} voxels of {self.volume} ({whole}), slices with normal {self.normal}'

    def sentences(self) -> list[str]:
        """The answer in words, one sentence per number of slices."""
        axis = AXES.index(self.normal)
        told: list[str] = []
        for one in self.attempts:
            base, likely, drawn = (one.scores[method] for method in METHODS)
            told.append(
                f'{one.count} slices, {one.gap:.3g} voxels apart: SSIM {likely.ssim:.3f} most likely, {base.ssim:.3f} '
                f'signed distance, {drawn.ssim:.3f} a realisation; surface along {self.normal} '
                f'{likely.surface[axis]:+.0%}, {base.surface[axis]:+.0%}, {drawn.surface[axis]:+.0%}'
            )
        return told

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the conventions."""
        from .scoring import CONVENTIONS

        return {
            'schema': 1,
            'volume': {'name': self.volume, 'shape': self.whole},
            'crop': {'start': self.start, 'shape': self.shape},
            'normal': self.normal,
            'phases': self.names,
            'phase': self.phase,
            'realisations': self.realisations,
            'seed': self.seed,
            'truth': {'fractions': self.fractions, 'percolating': self.percolating},
            'conventions': CONVENTIONS,
            'counts': [
                {
                    'slices': one.count,
                    'positions': one.positions,
                    'spread': one.spread,
                    'methods': {name: score.to_dict() for name, score in one.scores.items()},
                }
                for one in self.attempts
            ],
        }


def slice_counts(
    volume: Volume,
    counts: Sequence[int] = COUNTS,
    *,
    normal: Axis = 'z',
    edge: int = EDGE,
    realisations: int = 2,
    phase: int | None = None,
    seed: int = 0,
    device: str = 'auto',
) -> Job[SliceCounts]:
    """Rebuild the middle of a volume from 3, 5, 7, ... evenly spaced slices of it, and compare.

    First and last layer are among the slices. Nothing but the slices is learned from.

    Parameters
    ----------
    volume : Volume
        Known material, such as a segmented CT scan.
    counts : sequence of int
        Numbers of slices to try.
    normal : {'z', 'y', 'x'}
        Axis that the slices are perpendicular to.
    edge : int
        Longest edge of the crop, voxels.
    realisations : int
        Volumes drawn per count; with two or more the spread is told.
    phase : int, optional
        Label whose percolation is measured, by default the pore.
    seed : int
        Of training and drawing.
    device : str
        'auto', 'cpu', 'cuda' or 'mps'.

    Yields
    ------
    Progress
        The answer so far as preview, after every count.

    Returns
    -------
    SliceCounts

    Raises
    ------
    InputError
        If the volume is too small for the counts, or one of the slices shows a single phase.
    """
    from ..generator.device import device_errors, placement, release
    from .scoring import Truth

    label = volume.phases.main if phase is None else volume.phases.check(phase)
    shape, start = _window(volume, edge)
    if realisations < 1:
        raise InputError('realisations', f'{realisations} were asked for', 'draw at least 1')
    crop = volume.crop(start, shape)
    stacks = [_stack(crop, normal, count) for count in _checked(counts, shape[AXES.index(normal)])]
    place = placement(device)
    yield Progress('measuring the volume')
    truth = Truth(crop, label)
    found = SliceCounts(
        volume.name, volume.shape, start, shape, normal, label, volume.phases.names,
        tuple(float(f) for f in truth.fractions), truth.percolating, realisations, seed,
    )  # fmt: skip
    began = time.monotonic()
    try:
        with device_errors('The slice-count experiment'):
            for done, slices in enumerate(stacks):
                spent = time.monotonic() - began
                left = {'seconds_left': spent / done * (len(stacks) - done)} if done else {}
                job = _attempt(slices, truth, realisations, seed, place)
                attempt = yield from _told(job, f'{len(slices)} slices', left)
                found = replace(found, attempts=(*found.attempts, attempt))
                yield Progress(f'{len(slices)} slices: compared', done + 1, len(stacks), preview=found)
    finally:
        release(str(place.device))
    return found


def _attempt(slices: SliceSet, truth: Any, realisations: int, seed: int, place: Any) -> Job[Attempt]:
    """Rebuild from one stack, and score."""
    from .filling import fill, realise
    from .interpolation import signed_distances, softened

    filling = yield from fill(slices, truth.labels.shape, seed=seed, place=place)
    yield Progress('comparing the most likely volume')
    scores = {MOST_LIKELY: truth.score(filling.most_likely(), filling.probabilities)}
    drawn = yield from realise(filling, slices, realisations, seed)
    each = []
    for index, labels in enumerate(drawn):
        yield Progress('comparing realisations', index, realisations)
        each.append(truth.score(labels))
    scores[REALISATION] = type(each[0]).mean(each)
    yield Progress('comparing signed-distance interpolation')
    distances = signed_distances(filling.planes)
    labels = distances.argmax(0).astype(np.uint8)
    scores[BASELINE] = truth.score(labels, softened(distances, filling.planes.known()))
    pairs = [(a != b).mean() for i, a in enumerate(drawn) for b in drawn[i + 1 :]]
    wrong = float(np.mean([(one != truth.labels).mean() for one in drawn]))
    spread = float(np.mean(pairs)) / wrong if pairs and wrong else None
    positions = tuple(s.position for s in filling.planes.slices if s.position is not None)
    return Attempt(positions, {method: scores[method] for method in METHODS}, spread)


def _told(job: Job[Result], who: str, metrics: dict[str, float]) -> Job[Result]:
    """Run a job, its stages named by whom they serve; its previews, volumes all of them, are kept back."""
    try:
        while True:
            try:
                step = next(job)
            except StopIteration as end:
                return end.value
            yield Progress(f'{who}: {step.stage}', step.step, step.total, metrics, note=step.note)
    finally:
        job.close()


def _window(volume: Volume, edge: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Shape and origin of the middle of a volume."""
    z, y, x = (min(n, edge) for n in volume.shape)
    if min(z, y, x) < SMALLEST:
        raise InputError(
            volume.name if edge >= SMALLEST else 'edge', f'an edge of {min(z, y, x)} voxels tells nothing',
            f'{SMALLEST} or more are needed',
        )  # fmt: skip
    a, b, c = ((n - m) // 2 for n, m in zip(volume.shape, (z, y, x), strict=True))
    return (z, y, x), (a, b, c)


def _checked(counts: Sequence[int], extent: int) -> list[int]:
    """Counts in rising order, each once."""
    if not counts:
        raise InputError('counts', 'none were given', 'give numbers of slices such as 3, 5, 7')
    for count in counts:
        if not 2 <= count <= extent // 2:
            raise InputError('counts', f'{count} slices of {extent} layers', f'try 2 to {extent // 2}')
    return sorted(set(counts))


def _stack(crop: Volume, normal: Axis, count: int) -> SliceSet:
    """Evenly spaced slices, the first and the last layer among them."""
    extent = crop.shape[AXES.index(normal)]
    slices: list[Slice] = []
    for position in np.linspace(0, extent - 1, count).round().astype(int):
        if np.ptp(crop.slice_labels(normal, int(position))) == 0:
            raise InputError(
                crop.name,
                f'layer {position} along {normal} of its middle part shows a single phase',
                'try another normal, other counts or a larger edge',
            )
        slices.append(Slice.of_volume(crop, normal, int(position)))
    return SliceSet.of(slices)
