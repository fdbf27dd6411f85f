"""Images that one interval is made of, grouped by plane, and why they may not be enough for one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..slices import Slice
from ..statistics.integral_range import IntegralRange

# Below any of these limits intervals hold the true value less often than they say, or are not known well enough to tell
# (measured by benchmarks/representativity.py).
SMALLEST_SPANS = 20.0  # shortest edge over correlation length
FEWEST_FREEDOM = 4.0
FEWEST_FEATURES = 20.0  # independent samples of the rarer phase
_THINNEST = 8  # voxels
_RESERVE = 1.25  # of the advised size: correlation lengths and samples are estimates
_DISAGREEMENT = 0.01  # slices that differ more than chance allows once in a hundred are told
_NEAR = 3.0  # parallel sections closer than this many correlation lengths count as one


@dataclass(frozen=True)
class ImageGroup:
    """Images of one plane with one pixel size, or one volume."""

    masks: tuple[np.ndarray, ...]
    sections: tuple[Slice, ...]  # empty for a volume
    spacing: tuple[float, ...]
    found: IntegralRange

    @property
    def size(self) -> int:
        """Pixels in all."""
        return sum(mask.size for mask in self.masks)

    def pixel_variance(self, phi: float) -> float:
        """Variance of the fraction of these images times their pixels squared; near neighbours count as one."""
        unit = phi * (1 - phi) * (self.found.pixels or 0.0)
        total = sum(unit * mask.size for mask in self.masks)
        for one, other in combinations(range(len(self.sections)), 2):
            if self.are_near(one, other):
                total += 2 * unit * math.sqrt(self.masks[one].size * self.masks[other].size)
        return total

    def are_near(self, one: int, other: int) -> bool:
        """Whether two parallel sections with known places show the same features."""
        first, second = self.sections[one], self.sections[other]
        lengths = [length for length in self.found.lengths if length is not None]
        if first.position is None or second.position is None or not lengths:
            return False
        reach = max(length * edge for length, edge in zip(self.found.lengths, self.spacing, strict=True) if length)
        return abs(first.position - second.position) * getattr(first.voxel_size, first.normal) < _NEAR * reach


def too_small(groups: Sequence[ImageGroup], masks: Sequence[np.ndarray], features: float | None = None) -> str:
    """Why no interval is given, and the size from which one can be."""
    shape = ' x '.join(str(n) for n in min((mask.shape for mask in masks), key=min))
    pixels, image = ('pixels', 'an image') if masks[0].ndim == 2 else ('voxels', 'a cube')
    if (thickness := min(min(mask.shape) for mask in masks)) < _THINNEST:
        return f'only {thickness} voxels thick'
    found = [group.found for group in groups]
    if any(None in one.lengths for one in found):
        return f'in {shape} {pixels} the phase stays correlated over a quarter of the edge'
    spans = min(one.spans for one in found)
    if spans < SMALLEST_SPANS:
        edge = min(min(mask.shape) for mask in masks) * SMALLEST_SPANS / spans
        lengths = math.floor(10 * spans) / 10  # just too few must not read as enough
        return (
            f'{shape} {pixels} span {lengths:g} correlation lengths; {SMALLEST_SPANS:g} or more are needed: '
            f'{image} of {math.ceil(edge)} {pixels} an edge, better {math.ceil(_RESERVE * edge)}, because the '
            'length itself is known roughly'
        )
    if features is not None and features < FEWEST_FEATURES:
        times = FEWEST_FEATURES / features
        return (
            f'about {math.floor(features)} independent samples of the rarer phase; {FEWEST_FEATURES:g} or more are '
            f'needed: {image} of {times:.1f} times the size, better {_RESERVE * times:.1f}, or so many of this one'
        )
    return f'in {shape} {pixels} correlations reach too far for the error to be estimated'


def disagreement(groups: Sequence[ImageGroup], phi: float) -> str | None:
    """Words if images of one plane differ in their fraction by more than their integral range allows."""
    from scipy.stats import f

    for group in groups:
        count = len(group.masks)
        if count < 2 or any(group.are_near(a, b) for a, b in combinations(range(len(group.sections)), 2)):
            continue
        sizes = np.array([mask.size for mask in group.masks], float)
        fractions = np.array([np.count_nonzero(mask) for mask in group.masks]) / sizes
        mean = float((sizes * fractions).sum() / sizes.sum())
        unit = phi * (1 - phi) * (group.found.pixels or 0.0)
        ratio = float((sizes * (fractions - mean) ** 2).sum()) / (count - 1) / unit
        if float(f.sf(ratio, count - 1, group.found.freedom)) < _DISAGREEMENT:
            return (
                f'the slices differ ({fractions.min():.4f} to {fractions.max():.4f}) by '
                f'{math.sqrt(ratio):.1f} times what pieces of one uniform material would; they are no samples of one '
                'fraction'
            )
    return None


def remarks(groups: Sequence[ImageGroup]) -> list[str]:
    """What else to know of how the images were counted."""
    notes: list[str] = []
    sections = [section for group in groups for section in group.sections]
    if len(sections) > 1 and any(section.position is None for section in sections):
        notes.append('slices without positions are taken as far apart')
    near = sum(g.are_near(a, b) for g in groups for a, b in combinations(range(len(g.sections)), 2))
    if near:
        notes.append(f'{near} pairs of slices lie nearer than {_NEAR:g} correlation lengths and count as one')
    return notes
