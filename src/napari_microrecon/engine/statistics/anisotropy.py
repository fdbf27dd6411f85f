"""Anisotropy index of a slice or a volume, with an error bar and a verdict.

The index is our own (the seed paper does not publish its own): the normalised autocovariance falls to 1/e
at the length l(n) in direction n; 1/l^2 = n.M.n is fitted, which is exact for ellipsoidal correlation, and the
index is the ratio of the longest to the shortest semi-axis, A = sqrt(lambda_max / lambda_min) of M.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import numpy as np

from ..errors import InputError
from ..slices import Slice
from ..volume import Volume
from .correlation import E_FOLD, LagCounts, Steps, count_lags, finish, half_edges

AnisotropyVerdict = Literal['isotropic', 'anisotropic', 'cannot tell']

SMALLEST_RATIO = 20.0  # edge over correlation length; below it isotropic fields read up to 2
_OVERWHELMING = 2.0  # what isotropic fields read at worst, at ten correlation lengths
_REACH = 4.0  # lags up to this many correlation lengths are looked at
_ANGLES, _FACE = 48, 4  # directions of the half circle; half as many along the edge of a cube's face
# Isotropic thresholded Gaussian fields stay below 1 + a / (N/l) in 95 % of cases: measured a = 5.0 at N/l = 85, 6.2 at
# 43, 7.3 at 21 for slices (100 fields each) and 1.4 at 32-55, 2.1-2.5 at 17 for volumes (12 fields each).
_NULL_SLOPE = {2: 7.5, 3: 2.3}


@dataclass(frozen=True)
class Anisotropy:
    """Anisotropy index with error bar and verdict.

    Attributes
    ----------
    index : float or None
        Longest over shortest correlation length, 1 or more; None where it cannot be computed.
    sd : float or None
        Standard error by jackknife over quadrants (slices) or octants (volumes).
    verdict : {'isotropic', 'anisotropic', 'cannot tell'}
        What the index and its error allow to say.
    sentence : str
        Why, in words.
    lengths : tuple of float
        Correlation lengths along the principal axes, shortest first, in the unit of the voxel size.
    axes : tuple of tuple of float
        The principal axes, unit vectors in array order, in the order of `lengths`.
    at_least : bool
        Whether some direction stays correlated beyond the largest lag, so that the index is a lower bound.
    """

    index: float | None
    sd: float | None
    verdict: AnisotropyVerdict
    sentence: str
    lengths: tuple[float, ...] = ()
    axes: tuple[tuple[float, ...], ...] = ()
    at_least: bool = False


@dataclass(frozen=True, eq=False)
class _Fit:
    index: float
    lengths: np.ndarray
    axes: np.ndarray
    censored: bool


def anisotropy_of_slice(section: Slice, phase: int | None = None) -> Anisotropy:
    """Anisotropy index of one phase in a slice, within its plane.

    Parameters
    ----------
    section : Slice
        The slice; its axes are those of ``IMAGE_AXES[section.normal]``.
    phase : int, optional
        Label of the phase, by default the pore or phase 1.
    """
    label = section.phases.main if phase is None else phase
    mask = section.phases.mask(section.labels, label)
    return finish(anisotropy_of_mask(mask, section.voxel_size.pixel(section.normal)))


def anisotropy_of_volume(volume: Volume, phase: int | None = None) -> Anisotropy:
    """Anisotropy index of one phase in a volume (see `anisotropy_of_slice`)."""
    label = volume.phases.main if phase is None else phase
    return finish(anisotropy_of_mask(volume.mask(label), volume.voxel_size.zyx))


def anisotropy_of_mask(mask: np.ndarray, spacing: Sequence[float]) -> Steps[Anisotropy]:
    """Anisotropy of a 2D or 3D mask with the given voxel edges, in pieces."""
    if mask.ndim not in (2, 3):
        raise InputError('mask', f'has {mask.ndim} dimensions', 'give a slice or a volume')
    phi = float(np.count_nonzero(mask)) / mask.size
    if phi in (0.0, 1.0):
        words = 'absent' if phi == 0 else 'everywhere'
        return Anisotropy(None, None, 'cannot tell', f'the phase is {words}')
    if min(mask.shape) < 8:
        return Anisotropy(None, None, 'cannot tell', f'only {min(mask.shape)} voxels thick')
    # The same material turned round must have the same index: it is measured in one position whatever it came in.
    frame = _Frame.of(mask, spacing)
    mask, spacing = frame.applied(mask), tuple(spacing[axis] for axis in frame.order)
    blocks: list[LagCounts] = []
    lags = yield from _useful_lags(mask)
    corners = list(product(*((slice(0, n // 2), slice(n // 2, n)) for n in mask.shape)))
    for number, corner in enumerate(corners):
        blocks.append((yield from count_lags(mask[corner], lags)))
        yield 0.2 + 0.7 * number / len(corners)
    directions = _directions(mask.ndim)
    # Pooled hits and pairs of the blocks are those of the whole without the pairs that cross a cut.
    hits = np.sum([b.hits for b in blocks], axis=0, dtype=np.float64)
    pairs = np.sum([b.pairs() for b in blocks], axis=0)
    count, size = sum(b.count for b in blocks), mask.size
    whole = _fit(hits / pairs, count / size, blocks[0], spacing, directions)
    if whole is None:
        return Anisotropy(
            None, None, 'cannot tell', 'correlated over more than a quarter of the edge in all directions'
        )
    left_out: list[float] = []
    for block in blocks:
        others = _fit(
            (hits - block.hits) / (pairs - block.pairs()),
            (count - block.count) / (size - int(np.prod(block.shape))),
            block,
            spacing,
            directions,
        )
        if others is not None:
            left_out.append(others.index)
    sd = None
    if len(left_out) == len(blocks):
        spread = np.asarray(left_out) - np.mean(left_out)
        sd = float(np.sqrt((len(blocks) - 1) / len(blocks) * np.sum(spread**2)))
    return _judge(replace(whole, axes=frame.undone(whole.axes)), sd, mask.shape, spacing)


@dataclass(frozen=True)
class _Frame:
    """Position that a mask is measured in, told by its own profiles: equal ones are equal in any other order, too.

    Attributes
    ----------
    order : tuple of int
        Axis of the given mask for each axis of the measured one.
    flipped : tuple of bool
        Whether that runs backwards.
    """

    order: tuple[int, ...]
    flipped: tuple[bool, ...]

    @classmethod
    def of(cls, mask: np.ndarray, spacing: Sequence[float]) -> _Frame:
        keys: list[tuple[int, float, list[int], int, bool]] = []
        for axis, n in enumerate(mask.shape):
            others = tuple(other for other in range(mask.ndim) if other != axis)
            profile: list[int] = np.count_nonzero(mask, axis=others).tolist()
            backwards = profile[::-1]
            keys.append((n, float(spacing[axis]), min(profile, backwards), axis, backwards < profile))
        keys.sort()
        return cls(tuple(key[3] for key in keys), tuple(key[4] for key in keys))

    def applied(self, mask: np.ndarray) -> np.ndarray:
        """The mask in this position."""
        turned = mask.transpose(self.order)
        return np.ascontiguousarray(turned[tuple(slice(None, None, -1 if back else 1) for back in self.flipped)])

    def undone(self, axes: np.ndarray) -> np.ndarray:
        """Vectors (n, ndim) in the order of the given mask."""
        found = np.empty_like(axes)
        found[:, self.order] = axes * np.where(self.flipped, -1.0, 1.0)
        return found


def _useful_lags(mask: np.ndarray) -> Steps[tuple[int, ...]]:
    """Lags worth counting per axis: a few correlation lengths, at most half the edge of a block."""
    limit = half_edges([n // 2 for n in mask.shape])
    phi = float(np.count_nonzero(mask)) / mask.size
    lags: list[int] = []
    for axis, most in enumerate(limit):
        lines = np.moveaxis(mask, axis, 0)
        found = most
        for lag in range(1, most + 1):
            both = np.count_nonzero(lines[:-lag] & lines[lag:]) / lines[lag:].size
            if (both - phi**2) / (phi - phi**2) <= E_FOLD:
                found = lag
                break
        lags.append(min(most, int(_REACH * found) + 2))
        yield 0.05 * axis
    return tuple(lags)


def _directions(ndim: int) -> np.ndarray:
    """Unit vectors spread evenly over the half circle or half sphere, shape (n, ndim)."""
    if ndim == 2:
        angle = np.pi * np.arange(_ANGLES) / _ANGLES
        return np.stack([np.sin(angle), np.cos(angle)], axis=1)
    # From the middle of a cube to points at equal angles on its faces: no axis is preferred to another.
    at = np.arange(-_FACE, _FACE + 1)
    grid = np.stack(np.meshgrid(at, at, at, indexing='ij'), axis=-1).reshape(-1, 3)
    grid = grid[np.abs(grid).max(axis=1) == _FACE]
    grid = grid[len(grid) // 2 :]  # the other half are their opposites, in reverse order
    points = np.tan(np.pi / 4 * grid / _FACE)
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def _fit(s2: np.ndarray, phi: float, like: LagCounts, spacing: Sequence[float], directions: np.ndarray) -> _Fit | None:
    """Fit 1/l^2 = n.M.n to the e-folding lengths along all directions; None if none decays or the phase is gone."""
    from scipy.ndimage import map_coordinates

    if not 0 < phi < 1:
        return None
    covariance = (s2 - phi**2) / (phi - phi**2)
    edge = np.asarray(spacing, dtype=np.float64)
    voxels = directions / edge  # voxels travelled per unit length along each direction
    with np.errstate(divide='ignore'):
        reach = np.min(np.asarray(like.max_lag) / np.abs(voxels), axis=1)
    steps = np.linspace(0.0, 1.0, 4 * int(max(like.max_lag)) + 1)
    lags = reach[:, None] * steps  # (directions, steps), unit of spacing
    at = np.moveaxis(lags[:, :, None] * voxels[:, None, :], -1, 0)
    at = np.where(at[0] < 0, -at, at)  # the stored half space; point symmetry gives the rest
    at[1:] += np.asarray(like.max_lag[1:])[:, None, None]
    at[0] = np.abs(at[0])
    curves = map_coordinates(covariance, at.reshape(len(edge), -1), order=1, mode='nearest').reshape(lags.shape)
    below = curves <= E_FOLD
    found = below.any(axis=1)
    if not found.any():
        return None
    first = np.maximum(np.argmax(below, axis=1), 1)
    row = np.arange(len(lags))
    high, low = curves[row, first - 1], curves[row, first]
    share = np.clip((high - E_FOLD) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    length = lags[row, first - 1] + share * (lags[row, first] - lags[row, first - 1])
    length = np.where(found, length, reach)
    first_axis, second_axis = np.triu_indices(len(edge))
    design = directions[:, first_axis] * directions[:, second_axis] * np.where(first_axis == second_axis, 1.0, 2.0)
    # Relative residuals: every direction counts alike, the long axis too.
    solution, *_ = np.linalg.lstsq(design * length[:, None] ** 2, np.ones(len(length)), rcond=None)
    tensor = np.zeros((len(edge), len(edge)))
    tensor[first_axis, second_axis] = tensor[second_axis, first_axis] = solution
    values, vectors = np.linalg.eigh(tensor)
    floor = float(np.max(length)) ** -2
    censored = bool(~found.all()) or bool(values[0] <= 0)
    if values[0] <= 0 or not found.all():
        values = np.maximum(values, floor)
    lengths = 1.0 / np.sqrt(values[::-1])
    return _Fit(float(lengths[-1] / lengths[0]), lengths, vectors[:, ::-1].T, censored)


def null_index(ratio: float, ndim: int) -> float:
    """Index that isotropic fields stay below in 95 % of cases, by edge over correlation length."""
    return 1.0 + _NULL_SLOPE[ndim] / max(ratio, 1e-9)


def _judge(fit: _Fit, sd: float | None, shape: Sequence[int], spacing: Sequence[float]) -> Anisotropy:
    """Verdict from the index, its error and the size of the sample in correlation lengths."""
    edge = min(n * h for n, h in zip(shape, spacing, strict=True))
    ratio = edge / float(np.exp(np.mean(np.log(fit.lengths))))
    limit = null_index(ratio, len(shape))
    size = f'the edge is {ratio:.0f} correlation lengths'
    verdict: AnisotropyVerdict
    if fit.censored:
        # Correlated as far as can be seen along one direction: the index is a lower bound, no error needed.
        ratio_short = edge / float(fit.lengths[0])
        clear = fit.index > null_index(ratio_short, len(shape)) and ratio_short >= SMALLEST_RATIO
        verdict = 'anisotropic' if clear else 'cannot tell'
        why = f'at least {fit.index:.2f}: one direction stays correlated beyond the largest lag'
    elif ratio < SMALLEST_RATIO and sd is not None and fit.index - 3 * sd > _OVERWHELMING:
        verdict, why = 'anisotropic', f'{size}, few, but isotropic material never reads {fit.index:.1f}'
    elif ratio < SMALLEST_RATIO:
        verdict, why = 'cannot tell', f'{size}, {SMALLEST_RATIO:.0f} are needed'
    elif fit.index <= limit:
        verdict, why = 'isotropic', f'{size}: isotropic material reads up to {limit:.2f} at this size'
    elif sd is not None and fit.index - 2 * sd > 1:
        verdict, why = 'anisotropic', f'{size}: isotropic material reads up to {limit:.2f} at this size'
    else:
        verdict, why = 'cannot tell', f'{size}: above {limit:.2f}, but within two standard errors of 1'
    return Anisotropy(
        index=fit.index,
        sd=sd,
        verdict=verdict,
        sentence=f'{verdict}: {why}',
        lengths=tuple(float(v) for v in fit.lengths),
        axes=tuple(tuple(float(c) for c in axis) for axis in fit.axes),
        at_least=fit.censored,
    )
