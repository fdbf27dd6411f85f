"""Whether a reconstruction is copied from its slices.

Patches of the volume's sections are looked for everywhere in the slices, turned and mirrored as well. How near the best
match is says nothing by itself: small patches are found in any image, and plain ones, which are left out. The
yardstick is how near patches of the slices come to other parts of the slices that lie several correlation lengths away,
where nothing can have been copied. Patches are grown until such natural matches are far from exact; a patch of the
volume that matches at half the distance of the nearest natural matches counts as a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np

from ..errors import InputError
from ..progress import Job, Progress, Throttle
from ..results.report import Statistic
from ..slices import Slice, SliceSet
from ..statistics.integral_range import correlation_length
from ..volume import Volume
from ..voxels import AXES, Axis
from .patch_search import Keep, PatchSearch
from .section_patches import MOST_PATCHES, are_near, conditioned, mixing, places, plainest

NoveltyVerdict = Literal['new', 'copied', 'cannot tell']

_GROWTH = (4.0, 5.5, 7.5, 10.0, 14.0)  # edges of patches tried, in correlation lengths
_SMALLEST_PATCH = 8  # pixels
_FEWEST_ALONG = 4  # patches side by side in the shortest edge of a slice
_FAR = 0.2  # relative distance of the nearest natural matches that a patch size should reach ...
_TOO_NEAR = 0.15  # ... and must
_APART = 3.0  # correlation lengths between what is compared
_LOW = 0.01  # share of natural matches that are called the nearest
_FEWEST_PATCHES = 20
_COPIED_SHARE = 0.02
_FEWEST_COPIES = 2
_METHOD = 'share of labels that differ at the best match in any place and orientation, over that at a random place'


@dataclass(frozen=True)
class Novelty:
    """Whether sections of a volume repeat parts of the slices.

    Attributes
    ----------
    verdict : {'new', 'copied', 'cannot tell'}
        'copied' where more than 2 % of the patches of one normal are copies.
    sentence : str
        The verdict in words with its numbers.
    copied : dict of {'z', 'y', 'x'} to Statistic
        Share of the patches of that normal that are copies.
    nearest : Statistic
        Median relative distance of the volume's patches to the slices: 0 an exact copy, 1 as far as by chance.
    natural : Statistic
        The same between parts of the slices that lie apart.
    limit : Statistic
        Relative distance below which a patch counts as a copy.
    patch : Statistic
        Edge of the patches, in the unit of the voxel size.
    notes : tuple of str
        What else to know.
    """

    verdict: NoveltyVerdict
    sentence: str
    copied: dict[Axis, Statistic]
    nearest: Statistic
    natural: Statistic
    limit: Statistic
    patch: Statistic
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {
            'verdict': self.verdict,
            'sentence': self.sentence,
            'copied': {axis: share.model_dump() for axis, share in self.copied.items()},
            'nearest': self.nearest.model_dump(),
            'natural': self.natural.model_dump(),
            'limit': self.limit.model_dump(),
            'patch': self.patch.model_dump(),
            'notes': list(self.notes),
        }


@dataclass(frozen=True)
class _Scale:
    """Patch size and what is natural at it."""

    edge: int
    natural: tuple[float, ...]

    @property
    def nearest(self) -> float:
        """Relative distance of the nearest natural matches."""
        return float(np.quantile(self.natural, _LOW))


def find_copies(volume: Volume, slices: SliceSet | Slice, *, seed: int = 0) -> Job[Novelty]:
    """Look for copies of the slices in the sections of a volume, in pieces.

    Sections near a slice that the volume was conditioned on, which has to be there, are left out.

    Parameters
    ----------
    volume : Volume
        Reconstruction.
    slices : SliceSet or Slice
        What it was made from.
    seed : int
        Of the places that patches are taken from.

    Raises
    ------
    InputError
        If the slices have other phases or another voxel size than the volume.
    """
    sections = (slices,) if isinstance(slices, Slice) else tuple(slices)
    for section in sections:
        if section.phases.count != volume.phases.count:
            raise InputError(
                section.name,
                f'has {section.phases.count} phases while {volume.name} has {volume.phases.count}',
                'give the slices that the volume was made from',
            )
        if not section.voxel_size.agrees_with(volume.voxel_size):
            raise InputError(
                section.name,
                f'has voxels of {section.voxel_size} while {volume.name} has {volume.voxel_size}',
                'resample one of them',
            )
    length = _feature_length(sections)
    if length is None:
        return _unclear('the phases stay correlated over a quarter of the edge of the slices')
    search = PatchSearch([section.labels for section in sections], volume.phases.count)
    scale = yield from _choose_scale(search, sections, length)
    if scale is None:
        return _unclear(
            f'the slices are too small for their correlation length of {length:.1f} pixels: they hold too few '
            'patches that are large enough to be told apart'
        )
    given = conditioned(volume, sections)
    limit, too_plain = scale.nearest / 2, plainest(sections)
    distances: dict[Axis, list[float]] = {}
    clock = Throttle()
    for number, axis in enumerate(AXES):
        chosen = places(volume, axis, scale.edge, given, _APART * length, np.random.default_rng([seed, number]))
        found: list[float] = []
        for step, (position, row, column) in enumerate(chosen):
            patch = volume.slice_labels(axis, position)[row : row + scale.edge, column : column + scale.edge]
            distance = search.nearest(patch) if mixing(patch) >= too_plain else None
            if distance is not None:
                found.append(distance)
            if clock.ready():
                yield Progress(f'Looking for copies, normal {axis}', step, len(chosen))
        if len(found) >= _FEWEST_PATCHES:
            distances[axis] = found
    notes = [f'{name} is in the volume by conditioning: sections near it are left out' for name in given.values()]
    if not distances:
        return _unclear(f'the volume holds too few patches of {scale.edge} voxels', tuple(notes))
    return _judge(volume, distances, scale, limit, notes)


def _judge(
    volume: Volume, distances: dict[Axis, list[float]], scale: _Scale, limit: float, notes: list[str]
) -> Novelty:
    copied: dict[Axis, Statistic] = {}
    guilty: list[Axis] = []
    for axis, found in distances.items():
        near = int(np.count_nonzero(np.asarray(found) < limit))
        copied[axis] = Statistic.of(near / len(found), '1', f'{near} of {len(found)} patches of {scale.edge} voxels')
        if near >= max(_FEWEST_COPIES, _COPIED_SHARE * len(found)):
            guilty.append(axis)
    pooled = np.concatenate([np.asarray(found) for found in distances.values()])
    middle, natural = float(np.median(pooled)), float(np.median(scale.natural))
    if not guilty and middle < np.quantile(scale.natural, 0.1):
        notes.append(
            'most patches are nearer to the slices than nine in ten natural ones, though few are copies: the texture '
            'is simpler than that of the slices, or repeats them with changes'
        )
    measured = f'{scale.edge} x {scale.edge} patches: median distance to the slices {middle:.2f}, natural {natural:.2f}'
    if guilty:
        shares = ', '.join(f'{copied[axis].value or 0:.0%} of those with normal {axis}' for axis in guilty)
        verdict, words = 'copied', f'parts of the slices reappear in the volume, in {shares}'
    else:
        worst = max(statistic.value or 0.0 for statistic in copied.values())
        verdict, words = 'new', f'no more than {worst:.1%} of the patches repeat a part of the slices'
    size = volume.voxel_size
    return Novelty(
        verdict=verdict,
        sentence=f'{verdict}: {words} ({measured}; copies are nearer than {limit:.2f})',
        copied=copied,
        nearest=Statistic.of(middle, '1', _METHOD, note=f'median of {len(pooled)} patches'),
        natural=Statistic.of(natural, '1', _METHOD, note=f'median of {len(scale.natural)} patches of the slices'),
        limit=Statistic.of(limit, '1', f'half the {_LOW:.0%} quantile of the natural distances'),
        patch=Statistic.of(scale.edge * size.x, size.unit, f'{scale.edge} voxels'),
        notes=tuple(notes),
    )


def _unclear(reason: str, notes: tuple[str, ...] = ()) -> Novelty:
    def none(unit: str) -> Statistic:
        return Statistic.refused(unit, _METHOD, reason)

    return Novelty('cannot tell', f'cannot tell: {reason}', {}, none('1'), none('1'), none('1'), none('voxel'), notes)


def _feature_length(sections: Sequence[Slice]) -> float | None:
    """Correlation length of the coarsest phase, the longer one of both image axes, in pixels."""
    lengths: list[float] = []
    for phase in range(sections[0].phases.count):
        masks = [section.phases.mask(section.labels, phase) for section in sections]
        phi = sum(int(np.count_nonzero(mask)) for mask in masks) / sum(mask.size for mask in masks)
        if not 0 < phi < 1:
            continue
        found = [correlation_length(masks, axis, phi) for axis in (0, 1)]
        if any(one is None for one in found):
            return None
        lengths += [one for one in found if one is not None]
    return max(lengths)


def _choose_scale(search: PatchSearch, sections: Sequence[Slice], length: float) -> Job[_Scale | None]:
    """Smallest patches whose natural matches are far from exact; None where none are far enough."""
    shortest = min(min(section.labels.shape) for section in sections)
    best: _Scale | None = None
    for step, factor in enumerate(_GROWTH):
        edge = max(_SMALLEST_PATCH, round(factor * length))
        if edge > shortest // _FEWEST_ALONG:
            break
        yield Progress('Comparing parts of the slices', step, len(_GROWTH))
        natural = yield from _natural(search, sections, edge, _APART * length)
        if len(natural) < _FEWEST_PATCHES:
            break
        scale = _Scale(edge, tuple(natural))
        if scale.nearest >= _TOO_NEAR:
            best = scale
        if scale.nearest >= _FAR:
            break
    return best


def _natural(search: PatchSearch, sections: Sequence[Slice], edge: int, apart: float) -> Job[list[float]]:
    """Relative distances of patches of the slices to what lies far from them, in their own slice and in others."""
    reach = edge + round(apart)
    origins = [
        (index, row, column)
        for index, section in enumerate(sections)
        for row, column in product(*(range(0, n - edge + 1, max(1, edge // 2)) for n in section.labels.shape))
    ]
    chosen = np.linspace(0, len(origins) - 1, min(len(origins), MOST_PATCHES)).round().astype(int)
    clock = Throttle()
    too_plain = plainest(sections)
    found: list[float] = []
    for step, which in enumerate(chosen):
        index, row, column = origins[which]
        patch = sections[index].labels[row : row + edge, column : column + edge]
        if mixing(patch) < too_plain:
            continue
        near = [i for i in range(len(sections)) if i != index and are_near(sections[index], sections[i], reach)]
        distance = search.nearest(patch, [Keep(index, (row, column), reach)], near)
        if distance is not None:
            found.append(distance)
        if clock.ready():
            yield Progress('Comparing parts of the slices', step, len(chosen))
    return found
