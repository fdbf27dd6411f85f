"""Two-point probability S2 of a mask, per axis, radial and for any lag, and lengths read off it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import scipy.fft as sf

Result = TypeVar('Result')
Steps = Generator[float, None, Result]
"""A computation in pieces: yields the fraction done, returns its result."""

E_FOLD = float(np.exp(-1.0))
_CHUNK_BYTES = 48e6  # complex work space of one piece: keeps memory flat and yields frequent
_WORKERS = 2


@dataclass(frozen=True, eq=False)
class LagCounts:
    """How many pairs of voxels at a lag are both in the phase, for all lags up to `max_lag`.

    Attributes
    ----------
    hits : numpy.ndarray
        float32, shape (max_lag[0] + 1, 2 max_lag[1] + 1, ...): number of pairs with both ends in the phase.
        The first axis holds lags 0.., the others -max_lag..max_lag (the rest follows by point symmetry).
    shape : tuple of int
        Shape of the mask.
    max_lag : tuple of int
        Largest lag per axis in voxels.
    count : int
        Voxels of the phase.
    """

    hits: np.ndarray
    shape: tuple[int, ...]
    max_lag: tuple[int, ...]
    count: int

    @property
    def phi(self) -> float:
        """Phase fraction of the mask."""
        return self.count / float(np.prod(self.shape))

    def pairs(self) -> np.ndarray:
        """Exact number of voxel pairs per lag, broadcast over axes, float64, same shape as `hits`."""
        total = np.ones((), dtype=np.float64)
        for axis, (n, lag) in enumerate(zip(self.shape, self.max_lag, strict=True)):
            lags = np.arange(lag + 1) if axis == 0 else np.abs(np.arange(-lag, lag + 1))
            total = np.multiply.outer(total, n - lags)
        return total

    def s2(self) -> np.ndarray:
        """S2 at every lag, dimensionless, same shape as `hits`."""
        return self.hits / self.pairs()

    def along(self, axis: int) -> np.ndarray:
        """S2 at lags 0..max_lag[axis] along one axis, float64; the first entry is the phase fraction."""
        index: list[int | slice] = [0, *self.max_lag[1:]]
        index[axis] = slice(0, None) if axis == 0 else slice(self.max_lag[axis], None)
        lags = np.arange(self.max_lag[axis] + 1)
        others = float(np.prod([n for a, n in enumerate(self.shape) if a != axis]))
        curve = self.hits[tuple(index)].astype(np.float64) / ((self.shape[axis] - lags) * others)
        curve[0] = self.phi  # exact, not through the FFT
        return curve


def half_edges(shape: Sequence[int], max_lag: int | None = None) -> tuple[int, ...]:
    """Largest lag per axis: half the edge (beyond it too few pairs are left), or `max_lag` if that is less."""
    return tuple(min(n // 2, n - 1) if max_lag is None else min(n // 2, n - 1, max_lag) for n in shape)


def count_lags(mask: np.ndarray, max_lag: Sequence[int]) -> Steps[LagCounts]:
    """Count pairs per lag of a 2D or 3D mask by FFT, without periodic wrap-around, in float32.

    Only as much padding as `max_lag` needs is added, and the transforms run plane by plane so that
    the padded volume never exists as a whole: a 512^3 mask takes about 1.5 GB.
    """
    shape, max_lag = mask.shape, tuple(max_lag)
    if mask.ndim == 2:  # as a volume one voxel thick, transformed along its long axes only
        counts = yield from count_lags(mask[None], (0, *max_lag))
        return LagCounts(counts.hits[0, max_lag[0] :], shape, max_lag, counts.count)
    lz, ly, lx = max_lag
    fz, fy = (sf.next_fast_len(n + lag) for n, lag in zip(shape[:2], (lz, ly), strict=True))
    fx = sf.next_fast_len(shape[2] + lx, real=True)
    columns = fx // 2 + 1
    spectrum = np.empty((shape[0], shape[1], columns), dtype=np.complex64)
    planes = max(1, int(_CHUNK_BYTES / (shape[1] * fx * 8)))
    for start in range(0, shape[0], planes):
        part = mask[start : start + planes].astype(np.float32)
        spectrum[start : start + planes] = sf.rfft(part, n=fx, axis=2, workers=_WORKERS)
        yield 0.2 * start / shape[0]
    kept = np.empty((lz + 1, 2 * ly + 1, columns), dtype=np.complex64)
    width = max(1, int(_CHUNK_BYTES / (fz * fy * 16)))
    for start in range(0, columns, width):
        part = sf.fft(spectrum[:, :, start : start + width], n=fy, axis=1, workers=_WORKERS)
        part = sf.fft(part, n=fz, axis=0, workers=_WORKERS, overwrite_x=True)
        power = part.real**2 + part.imag**2
        part = sf.ifft(power, axis=0, workers=_WORKERS, overwrite_x=True)[: lz + 1]
        part = sf.ifft(part, axis=1, workers=_WORKERS)
        kept[:, ly:, start : start + width] = part[:, : ly + 1]
        kept[:, :ly, start : start + width] = part[:, part.shape[1] - ly :]
        yield 0.2 + 0.6 * start / columns
    del spectrum
    hits = np.empty((lz + 1, 2 * ly + 1, 2 * lx + 1), dtype=np.float32)
    planes = max(1, int(_CHUNK_BYTES / (kept.shape[1] * fx * 8)))
    for start in range(0, lz + 1, planes):
        part = sf.irfft(kept[start : start + planes], n=fx, axis=2, workers=_WORKERS)
        hits[start : start + planes, :, lx:] = part[:, :, : lx + 1]
        hits[start : start + planes, :, :lx] = part[:, :, part.shape[2] - lx :]
        yield 0.8 + 0.2 * start / (lz + 1)
    return LagCounts(hits, shape, max_lag, int(np.count_nonzero(mask)))


def finish(steps: Generator[object, None, Result]) -> Result:
    """Run a computation in pieces to its end."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def radial_mean(
    counts: LagCounts, spacing: Sequence[float], edges: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of S2 over all directions.

    Parameters
    ----------
    counts : LagCounts
        From `count_lags`.
    spacing : sequence of float
        Voxel edges in array order.
    edges : numpy.ndarray, optional
        Bin edges (left edge included, as in PoreSpy). By default as wide as the smallest voxel edge, centred on its
        multiples, up to half the shortest edge of the volume; the first bin holds lag zero alone.

    Returns
    -------
    lag, s2 : numpy.ndarray
        Mean length of the lags in each bin, in the unit of `spacing`, and their unweighted mean S2,
        as PoreSpy averages.
    """
    if edges is None:
        step = min(spacing)
        reach = min(lag * edge for lag, edge in zip(counts.max_lag, spacing, strict=True) if lag > 0)
        edges = (np.arange(int(reach / step + 1e-6) + 2) - 0.5) * step
        edges[-1] = min(edges[-1], reach * (1 + 1e-6))  # the last bin ends at half the edge
    size = len(edges) - 1
    total, mean_lag, mean_s2 = np.zeros(size), np.zeros(size), np.zeros(size)
    in_plane = np.zeros(())
    in_plane_pairs = np.ones(())
    for n, lag, edge in zip(counts.shape[1:], counts.max_lag[1:], spacing[1:], strict=True):
        lags = np.arange(-lag, lag + 1)
        in_plane = np.add.outer(in_plane, (lags * edge) ** 2)
        in_plane_pairs = np.multiply.outer(in_plane_pairs, n - np.abs(lags))
    for first, hits in enumerate(counts.hits):  # plane by plane, for memory
        lengths = np.sqrt(in_plane + (first * spacing[0]) ** 2)
        which = np.searchsorted(edges, lengths, side='right') - 1
        inside = (which >= 0) & (which < size)
        where = which[inside]
        s2 = hits[inside] / (in_plane_pairs[inside] * (counts.shape[0] - first))
        weight = 1 if first == 0 else 2  # these lags stand for their mirror images as well
        total += weight * np.bincount(where, minlength=size)
        mean_lag += weight * np.bincount(where, lengths[inside], size)
        mean_s2 += weight * np.bincount(where, s2, size)
    filled = total > 0
    lag, s2 = mean_lag[filled] / total[filled], mean_s2[filled] / total[filled]
    if lag[0] == 0:
        s2[0] = counts.phi
    return lag, s2


def autocovariance(s2: np.ndarray, phi: float) -> np.ndarray:
    """Normalised autocovariance (S2 - phi^2) / (phi - phi^2): 1 at lag zero, 0 far away."""
    return (s2 - phi**2) / (phi - phi**2)


def crossing(lag: np.ndarray, curve: np.ndarray, level: float = E_FOLD) -> float | None:
    """First lag at which `curve` falls to `level`, linearly interpolated; None where it never does."""
    below = np.flatnonzero(curve <= level)
    if len(below) == 0:
        return None
    k = int(below[0])
    if k == 0:
        return float(lag[0])
    drop = curve[k - 1] - curve[k]
    return float(lag[k - 1] + (lag[k] - lag[k - 1]) * (curve[k - 1] - level) / drop)


def surface_from_slope(mask: np.ndarray, counts: LagCounts, spacing: Sequence[float]) -> float | None:
    """Specific surface from the slope of S2 at the origin, averaged over directions: s = -4 S2'(0).

    Debye, Anderson and Brumberger 1957 (J. Appl. Phys. 28, 679). (S2(0) - S2(r)) / r is averaged over the lags of about
    one, two and three voxels and extrapolated linearly to r = 0. S2(0) is taken over the pairs of the same lag,
    or a few layers at the faces of the volume, which pairs see less often, would pass for slope.

    Parameters
    ----------
    mask : numpy.ndarray
        bool, shape (Z, Y, X).
    counts : LagCounts
        Of that mask.
    spacing : sequence of float
        Voxel edges in array order.

    Returns
    -------
    float or None
        In 1 / (unit of `spacing`); None where the mask is too thin for these lags.
    """
    step = max(spacing)
    reach = [int(3.5 * step / edge) for edge in spacing]
    if any(lag > most for lag, most in zip(reach, counts.max_lag, strict=True)):
        return None
    fraction = _window_fractions(mask, reach)
    total, lengths, slopes = np.zeros(3), np.zeros(3), np.zeros(3)
    for lag in np.ndindex(reach[0] + 1, 2 * reach[1] + 1, 2 * reach[2] + 1):
        way = (lag[0], lag[1] - reach[1], lag[2] - reach[2])
        if way <= (0, 0, 0):
            continue
        length = float(np.linalg.norm(np.multiply(way, spacing)))
        which = round(length / step) - 1
        if not 0 <= which < 3:
            continue
        pairs = float(np.prod([n - abs(d) for n, d in zip(mask.shape, way, strict=True)]))
        value = counts.hits[way[0], counts.max_lag[1] + way[1], counts.max_lag[2] + way[2]] / pairs
        total[which] += 1
        lengths[which] += length
        slopes[which] += (fraction(way) - value) / length
    return float(4.0 * np.polyfit(lengths / total, slopes / total, 1)[1])


def _window_fractions(mask: np.ndarray, reach: Sequence[int]) -> Callable[[Sequence[int]], float]:
    """Mean phase fraction of both ends of the pairs at a lag of up to `reach` voxels, without counting anew."""
    table = mask
    for axis, (n, most) in enumerate(zip(mask.shape, reach, strict=True)):
        # The first and last layers each by itself, the middle as a whole.
        starts = [*range(most + 1), *range(n - most, n)] if most else [0]
        table = np.add.reduceat(table, starts, axis=axis, dtype=np.int64)

    def fraction(lag: Sequence[int]) -> float:
        ones, size = 0.0, 2.0
        for sign in (1, -1):
            window = []
            for d, n in zip(lag, table.shape, strict=True):
                low, high = max(0, sign * d), max(0, -sign * d)
                window.append(slice(low, n - high))
            ones += float(table[tuple(window)].sum())
        for d, n in zip(lag, mask.shape, strict=True):
            size *= n - abs(d)
        return ones / size

    return fraction
