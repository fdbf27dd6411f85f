"""What the choice of a grey threshold adds to the uncertainty of a phase fraction.

Two parts, in quadrature. *Resampling*: Otsu's threshold of blocks of the image drawn with replacement (Kunsch 1989,
Ann. Statist. 17, 1217), each applied to the whole image. *Criterion*: no threshold is the right one; Otsu's, the valley
of the histogram and the level half way between its two peaks (where a blurred straight wall lies, ISO-50) are all in
use, and the fraction is taken to lie anywhere between the least and the most of theirs, a rectangular distribution of
sd range / sqrt(12) (JCGM 100:2008, 4.3.7).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..errors import InputError
from ..greys import within_usual_range
from ..raw_image import RawImage
from ..results.report import Statistic
from ..segmentation import Segmentation, grey_of

_BINS = 256
_SMOOTHING = 0.02  # of the range between the 0.5 % and 99.5 % quantiles: one peak of noise is no mode
_DEEPEST_VALLEY = 0.9  # a valley is one that falls to this share of the lower peak
_METHOD = 'block bootstrap of Otsu, and the spread between Otsu, valley and half-way level'


@dataclass(frozen=True)
class ThresholdUncertainty:
    """How the fraction of one phase depends on its thresholds.

    Attributes
    ----------
    phase : int
        Label.
    sd : Statistic
        Standard deviation of the fraction, both parts in quadrature; refused where the histogram has no valley.
    resampling_sd : float
        Part from the limited number of pixels.
    criterion_sd : float or None
        Part from the criterion; None where the histogram has no valley.
    thresholds : dict of str to tuple of float
        Grey levels by criterion ('otsu' or 'chosen', 'valley', 'half way'), one per boundary between classes.
    """

    phase: int
    sd: Statistic
    resampling_sd: float
    criterion_sd: float | None
    thresholds: dict[str, tuple[float, ...]]


def threshold_uncertainty(
    image: RawImage, segmentation: Segmentation, phase: int, *, draws: int = 200, blocks: int = 8, seed: int = 0
) -> ThresholdUncertainty | None:
    """Uncertainty of a phase fraction that comes from the grey thresholds.

    Parameters
    ----------
    image : RawImage
        Grey or colour image.
    segmentation : Segmentation
        What `segment` made of it.
    phase : int
        Label of the phase.
    draws : int
        Bootstrap samples.
    blocks : int
        Blocks along each edge of the image that are drawn.
    seed : int
        Of the draws.

    Returns
    -------
    ThresholdUncertainty or None
        None where no threshold was used: labels that were given, or colours.

    Raises
    ------
    InputError
        If image and segmentation do not belong together or the phase does not exist.
    """
    segmentation.phases.check(phase)
    if not segmentation.thresholds:
        return None
    grey = grey_of(image)
    if grey.shape != segmentation.labels.shape:
        raise InputError(image.name, 'is not the image that was segmented', 'segment it again')
    counts, edges, parts = _histograms(within_usual_range(np.asarray(grey, np.float32)), blocks)
    centres = (edges[1:] + edges[:-1]) / 2
    count = len(segmentation.thresholds) + 1
    wanted = _class_of(grey, segmentation, phase)

    def fraction(thresholds: Sequence[float]) -> float:
        cumulative = np.concatenate([[0.0], np.cumsum(counts)]) / counts.sum()
        levels = np.concatenate([[0.0], np.interp(thresholds, edges, cumulative), [1.0]])
        return float(levels[wanted + 1] - levels[wanted])

    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(draws):
        sample = parts[rng.integers(len(parts), size=len(parts))].sum(0)
        thresholds = _otsu(sample, centres, count)
        if thresholds is not None:
            drawn.append(fraction(thresholds))
    resampling = float(np.std(drawn)) if len(drawn) > 1 else 0.0
    own = 'chosen' if segmentation.method == 'given' else 'otsu'
    found: dict[str, tuple[float, ...]] = {own: segmentation.thresholds}
    others = _by_modes(counts, centres, segmentation.thresholds)
    if others is None:
        note = 'the histogram has no valley between the phases: the grey values do not tell where the boundary lies'
        return ThresholdUncertainty(phase, Statistic.refused('1', _METHOD, note), resampling, None, found)
    found |= others
    fractions = [fraction(thresholds) for thresholds in found.values()]
    criterion = (max(fractions) - min(fractions)) / math.sqrt(12)
    levels = '; '.join(f'{name} {", ".join(f"{t:.4g}" for t in values)}' for name, values in found.items())
    note = f'resampling {resampling:.4f}, criterion {criterion:.4f}; thresholds: {levels}'
    sd = Statistic.of(math.hypot(resampling, criterion), '1', _METHOD, note=note)
    return ThresholdUncertainty(phase, sd, resampling, criterion, found)


def pooled_threshold(found: Sequence[tuple[ThresholdUncertainty | None, int]]) -> Statistic | None:
    """Uncertainty of the pooled fraction of several images, each with its number of pixels.

    The criterion errs the same way in all images, so that their sd are averaged, not divided by a root.
    """
    told = [(one, size) for one, size in found if one is not None]
    if not told:
        return None
    for one, _ in told:
        if one.sd.value is None:
            return one.sd
    total = sum(size for _, size in found)
    value = sum((one.sd.value or 0.0) * size for one, size in told) / total
    notes = [one.sd.note for one, _ in told]
    return Statistic.of(value, '1', _METHOD, note=notes[0] if len(notes) == 1 else f'{len(notes)} thresholded images')


def _histograms(grey: np.ndarray, blocks: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Histogram of the image, bin edges, and histograms of its blocks (blocks, bins)."""
    low, high = np.quantile(grey, [0.0, 1.0])
    integers = bool(np.all(grey == np.round(grey)))
    # Bins of whole grey levels, where there are whole levels: others would beat against them.
    width = max(1.0, math.ceil((high - low + 1) / _BINS)) if integers else (high - low) / _BINS
    bins = max(2, math.ceil((high - low + (1 if integers else 0)) / width))
    start = low - 0.5 if integers else low
    edges = start + width * np.arange(bins + 1)
    edges[-1] = max(edges[-1], high)
    pieces = [part for row in np.array_split(grey, blocks, 0) for part in np.array_split(row, blocks, 1)]
    parts = np.stack([np.histogram(piece, edges)[0] for piece in pieces if piece.size]).astype(float)
    return parts.sum(0), edges, parts


def _otsu(counts: np.ndarray, centres: np.ndarray, classes: int) -> tuple[float, ...] | None:
    """(Multi-)Otsu thresholds of a histogram; None where it has too few grey levels."""
    from skimage.filters import threshold_multiotsu, threshold_otsu

    filled = counts > 0
    if np.count_nonzero(filled) < classes:
        return None
    if classes == 2:
        return (float(threshold_otsu(hist=(counts, centres))),)
    return tuple(float(t) for t in threshold_multiotsu(hist=(counts, centres), classes=classes))


def _by_modes(
    counts: np.ndarray, centres: np.ndarray, thresholds: Sequence[float]
) -> dict[str, tuple[float, ...]] | None:
    """Thresholds at the valleys and half way between the peaks; None where neighbours are not two peaks."""
    from scipy.ndimage import gaussian_filter1d

    cumulative = np.cumsum(counts) / counts.sum()
    low, high = np.interp([0.005, 0.995], cumulative, centres)
    step = centres[1] - centres[0]
    smooth = gaussian_filter1d(counts, max(1.0, _SMOOTHING * (high - low) / step), mode='constant')
    cuts = [0, *(int(np.searchsorted(centres, t)) for t in thresholds), len(centres)]
    peaks = []
    for first, last in pairwise(cuts):
        if last <= first:
            return None
        peaks.append(first + int(np.argmax(smooth[first:last])))
    valleys, middles = [], []
    for left, right in pairwise(peaks):
        valley = left + int(np.argmin(smooth[left : right + 1]))
        if smooth[valley] > _DEEPEST_VALLEY * min(smooth[left], smooth[right]):
            return None
        valleys.append(float(centres[valley]))
        middles.append(float((centres[left] + centres[right]) / 2))
    return {'valley': tuple(valleys), 'half way': tuple(middles)}


def _class_of(grey: np.ndarray, segmentation: Segmentation, phase: int) -> int:
    """Rank of a phase among the grey classes, darkest first, whichever way they were labelled."""
    classes = np.searchsorted(np.asarray(segmentation.thresholds), grey, side='left')
    top = len(segmentation.thresholds)
    same = np.count_nonzero(classes == segmentation.labels)
    return phase if same >= np.count_nonzero(top - classes == segmentation.labels) else top - phase
