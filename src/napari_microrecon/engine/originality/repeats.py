"""Whether a volume repeats itself.

A texture that comes back after a shift shows as a peak of the autocovariance at that lag. Chance makes peaks, too: the
yardstick is the scatter of the autocovariance over all lags that lie beyond a few correlation lengths. Both are taken
relative to the lags around, because slow trends of the material raise whole regions of lags but make no peak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..progress import Job, Progress, Throttle
from ..results.report import Statistic
from ..statistics.correlation import E_FOLD, count_lags, half_edges
from ..volume import Volume
from ..voxels import AXES

RepeatsVerdict = Literal['none', 'repeats', 'cannot tell']

_NEAR = 4.0  # correlation lengths around lag zero that are no shift
_AROUND = 2.5  # correlation lengths to either side that a peak has to rise over
# Standard deviations of the lags. Real volumes reach 3 to 5 of them, tiles 10 and more (benchmarks/repeats.py).
_PEAK = 8.0
_NORMAL = 1.4826  # sd of a normal variable over its median absolute deviation
_FEWEST = 200  # lags far enough apart to count as different ones
_METHOD = 'autocovariance of the phases at the shift, over that at lag zero; shifts of up to half the edge'


@dataclass(frozen=True)
class Repeats:
    """Whether the texture of a volume comes back after some shift.

    Attributes
    ----------
    verdict : {'none', 'repeats', 'cannot tell'}
        'repeats' where a peak of the autocovariance rises 8 standard deviations over the lags around it.
    sentence : str
        The verdict in words with its numbers.
    shift : tuple of Statistic
        Of the highest peak along z, y, x, in the unit of the voxel size.
    likeness : Statistic
        Normalised autocovariance there: 1 where all comes back, 0 by chance.
    height : Statistic
        Of the peak, in standard deviations.
    """

    verdict: RepeatsVerdict
    sentence: str
    shift: tuple[Statistic, Statistic, Statistic]
    likeness: Statistic
    height: Statistic

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {
            'verdict': self.verdict,
            'sentence': self.sentence,
            'shift': {axis: one.model_dump() for axis, one in zip(AXES, self.shift, strict=True)},
            'likeness': self.likeness.model_dump(),
            'height': self.height.model_dump(),
        }


def find_repeats(volume: Volume) -> Job[Repeats]:
    """Look for a shift after which a volume repeats itself, in pieces.

    Tiles are found, and a part that comes back once if it fills about an eighth of the volume; smaller ones are lost in
    the scatter. A period as long as the edge, as periodic volumes have it, is no repeat.

    Parameters
    ----------
    volume : Volume
        To look at.
    """
    likeness, pairs = yield from _likeness(volume)
    if likeness is None:
        return _unclear('there is only one phase')
    zero = tuple(0 if axis == 0 else n // 2 for axis, n in enumerate(likeness.shape))
    lengths: list[int] = []
    for axis, (name, n) in enumerate(zip(AXES, volume.shape, strict=True)):
        along = np.moveaxis(likeness, axis, 0)[(slice(None), *(zero[a] for a in range(3) if a != axis))][zero[axis] :]
        below = np.flatnonzero(along <= E_FOLD)
        if len(below) == 0 or below[0] > n // 4:
            return _unclear(f'the phases stay correlated over a quarter of the edge along {name}')
        lengths.append(int(below[0]))
    yield Progress('Looking for repeats')
    lags = np.ogrid[tuple(slice(-o, n - o) for o, n in zip(zero, likeness.shape, strict=True))]
    far = sum((lag / (_NEAR * length)) ** 2 for lag, length in zip(lags, lengths, strict=True)) > 1
    if np.count_nonzero(far) < _FEWEST * np.prod(lengths):
        return _unclear('the volume is too small for its correlation lengths')
    from scipy.ndimage import uniform_filter

    around = uniform_filter(likeness, [2 * round(_AROUND * length) + 1 for length in lengths], mode='nearest')
    peaks = (likeness - around) * np.sqrt(pairs)  # fewer pairs scatter more
    middle = np.median(peaks[far])
    scatter = _NORMAL * float(np.median(np.abs(peaks[far] - middle)))
    peaks[~far] = -np.inf
    at = np.unravel_index(int(np.argmax(peaks)), peaks.shape)
    height = float(peaks[at] - middle) / scatter
    shift = tuple(int(i) - o for i, o in zip(at, zero, strict=True))
    return _judge(volume, shift, float(likeness[at]), height)


def _likeness(volume: Volume) -> Job[tuple[np.ndarray | None, np.ndarray]]:
    """Autocovariance of all phases over that at lag zero, float32 (lags z, y, x), and each lag's share of voxels."""
    present = [k for k, share in enumerate(volume.fractions) if 0 < share < 1]
    chosen = present[:1] if len(present) == 2 else present  # two phases have the same one
    covariance, variance, pairs = None, 0.0, np.zeros(())
    clock = Throttle()
    for number, phase in enumerate(chosen):
        mask = volume.phases.mask(volume.labels, phase)
        steps = count_lags(mask, half_edges(mask.shape))
        while True:
            try:
                done = next(steps)
            except StopIteration as stop:
                counts = stop.value
                break
            if clock.ready():
                yield Progress('Looking for repeats', round(100 * (number + done)), 100 * len(chosen))
        pairs = (counts.pairs() / mask.size).astype(np.float32)
        mine = counts.hits / np.float32(mask.size) / pairs - np.float32(counts.phi**2)
        covariance = mine if covariance is None else covariance + mine
        variance += counts.phi - counts.phi**2
    return (None if covariance is None else covariance / np.float32(variance)), pairs


def _judge(volume: Volume, shift: tuple[int, ...], likeness: float, height: float) -> Repeats:
    size = volume.voxel_size
    lengths = [lag * edge for lag, edge in zip(shift, (size.z, size.y, size.x), strict=True)]
    words = ', '.join(f'{length:g}' for length in lengths)
    unit = size.unit if size.unit != 'voxel' else 'voxels'
    found = height >= _PEAK
    if found:
        sentence = (
            f'repeats: what lies {words} {unit} (z, y, x) further on is alike ({likeness:.0%} of all that could be; a '
            f'peak of {height:.0f} standard deviations). Unless the material is periodic itself, the volume repeats'
        )
    else:
        sentence = (
            f'none: the highest peak of all shifts is {height:.1f} standard deviations, a repeat has {_PEAK:g} or more'
        )
    statistics = tuple(Statistic.of(length, size.unit, _METHOD) for length in lengths)
    return Repeats(
        'repeats' if found else 'none',
        sentence,
        (statistics[0], statistics[1], statistics[2]),
        Statistic.of(likeness, '1', _METHOD),
        Statistic.of(height, '1', 'height over the lags around it, in standard deviations of all far lags'),
    )


def _unclear(reason: str) -> Repeats:
    def none(unit: str) -> Statistic:
        return Statistic.refused(unit, _METHOD, reason)

    shift = (none('voxel'), none('voxel'), none('voxel'))
    return Repeats('cannot tell', f'cannot tell: {reason}', shift, none('1'), none('1'))
