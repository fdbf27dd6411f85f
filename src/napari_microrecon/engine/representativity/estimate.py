"""How well one slice, several slices or a volume tell a phase fraction, and how large an image would have to be.

The error of the fraction follows from the integral range (see `integral_range`): variance phi (1 - phi) A / N. The
interval is Student's, on the logit of phi, so that it stays between 0 and 1 and is longer on the side of the
middle. It holds for the material that the image is a fair sample of: no statistics of one image can
know of layers, gradients or regions that it does not show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..results.report import Statistic
from ..slices import Slice, SliceSet
from ..statistics.integral_range import MOST_MODES, integral_range
from ..volume import Volume
from ..voxels import Axis
from .image_groups import FEWEST_FEATURES, FEWEST_FREEDOM, SMALLEST_SPANS, ImageGroup, disagreement, remarks, too_small
from .result import Interval, Needed, Representativity, RepresentativityVerdict

CONFIDENCE = 0.95
_CAUTION = 0.5  # half-widths are longer by this over the freedom: the fit's own bias, calibrated on random fields
_GROWN_FREEDOM = MOST_MODES / 4  # what a large image reaches
_METHOD = 'integral range from the spectrum of the autocovariance at wave number zero; Student interval on the logit'


def representativity_of_slices(
    slices: SliceSet | Slice,
    phase: int | None = None,
    *,
    precision: float | None = None,
    threshold: Statistic | None = None,
    confidence: float = CONFIDENCE,
) -> Representativity:
    """Confidence interval of a phase fraction from one slice or several.

    Slices of one plane share their two-point function; slices of different planes have their own. Parallel slices with
    known positions that lie nearer than three correlation lengths count as one; others are taken as independent.

    Parameters
    ----------
    slices : SliceSet or Slice
        Of one material.
    phase : int, optional
        Label of the phase, by default the pore or phase 1.
    precision : float, optional
        Wished half-width of the interval, in (0, 0.5): how large would an image have to be?
    threshold : Statistic, optional
        Standard deviation from the grey threshold (see `threshold_uncertainty`), combined in quadrature.
    confidence : float
        Of the interval.

    Raises
    ------
    InputError
        If the precision, the confidence or the phase is not possible.
    """
    sections = (slices,) if isinstance(slices, Slice) else tuple(slices)
    phases = sections[0].phases
    label = phases.main if phase is None else phases.check(phase)
    planes: dict[Axis, list[Slice]] = {}
    for section in sections:
        planes.setdefault(section.normal, []).append(section)
    groups = [
        (tuple(phases.mask(s.labels, label) for s in alike), tuple(alike), alike[0].voxel_size.pixel(normal))
        for normal, alike in planes.items()
    ]
    return _judge(groups, sections[0].voxel_size.unit, precision, threshold, confidence)


def representativity_of_volume(
    volume: Volume,
    phase: int | None = None,
    *,
    precision: float | None = None,
    threshold: Statistic | None = None,
    confidence: float = CONFIDENCE,
) -> Representativity:
    """Confidence interval of a phase fraction from a volume (see `representativity_of_slices`)."""
    label = volume.phases.main if phase is None else phase
    groups = [((volume.mask(label),), (), volume.voxel_size.zyx)]
    return _judge(groups, volume.voxel_size.unit, precision, threshold, confidence)


def _judge(
    images: Sequence[tuple[tuple[np.ndarray, ...], tuple[Slice, ...], tuple[float, ...]]],
    unit: str,
    precision: float | None,
    threshold: Statistic | None,
    confidence: float,
) -> Representativity:
    if not 0.5 <= confidence < 1:
        raise InputError('confidence', f'{confidence} is not possible', 'choose 0.5 or more and less than 1')
    if precision is not None and not 0 < precision < 0.5:
        raise InputError(
            'precision', f'{precision} is not possible', 'give a half-width between 0 and 0.5, such as .02'
        )
    masks = [mask for group, _, _ in images for mask in group]
    size = sum(mask.size for mask in masks)
    phi = sum(int(np.count_nonzero(mask)) for mask in masks) / size
    ndim = masks[0].ndim
    content = f'{unit}^{ndim}'
    if phi in (0.0, 1.0):
        words = 'absent' if phi == 0 else 'everywhere'
        return _refusal(phi, content, threshold, f'the phase is {words}: nothing tells how much lies elsewhere')
    groups = [ImageGroup(m, s, pixel, integral_range(m)) for m, s, pixel in images]
    if any(group.found.pixels is None for group in groups):
        return _refusal(phi, content, threshold, too_small(groups, masks))
    pixels = sum((group.found.pixels or 0.0) * group.size for group in groups) / size
    variances = [group.pixel_variance(phi) / size**2 for group in groups]
    variance = sum(variances)
    # Satterthwaite: the variances of the planes are estimated each with its own freedom.
    freedom = variance**2 / sum(v**2 / g.found.freedom for v, g in zip(variances, groups, strict=True))
    samples = phi * (1 - phi) / variance
    spans = min(group.found.spans for group in groups)
    if spans < SMALLEST_SPANS or freedom < FEWEST_FREEDOM or samples * min(phi, 1 - phi) < FEWEST_FEATURES:
        return _refusal(phi, content, threshold, too_small(groups, masks, samples * min(phi, 1 - phi)))
    notes = remarks(groups)
    if (unlike := disagreement(groups, phi)) is not None:
        return _refusal(phi, content, threshold, unlike, 'cannot tell', tuple(notes))
    pixel = float(np.prod(groups[0].spacing))
    sd = math.sqrt(variance)
    sampling = _interval(phi, confidence, sd, freedom, 0.0)
    verdict: RepresentativityVerdict = 'large enough'
    whole: Interval | None = sampling
    told = f'{phi:.4f}, {confidence:.0%} interval {sampling.low:.4f} to {sampling.high:.4f}'
    if threshold is not None and threshold.value is not None:
        whole = _interval(phi, confidence, sd, freedom, threshold.value)
        told = (
            f'{phi:.4f}, {confidence:.0%} interval {whole.low:.4f} to {whole.high:.4f}; from the finite size alone '
            f'{sampling.low:.4f} to {sampling.high:.4f}'
        )
    elif threshold is not None:
        # Without it the interval would miss the true value far more often than it says.
        verdict, whole = 'cannot tell', None
        told = f'{threshold.note}; the finite size alone gives {sampling.low:.4f} to {sampling.high:.4f}'
    return Representativity(
        fraction=Statistic.of(phi, '1', f'share of the {"pixels" if ndim == 2 else "voxels"}', sd=sd),
        verdict=verdict,
        sentence=f'{verdict}: {told} ({samples:.0f} independent samples)',
        interval=whole,
        sampling=sampling,
        threshold=threshold,
        integral_range=Statistic.of(pixels * pixel, content, _METHOD, sd=pixels * pixel * math.sqrt(2 / freedom)),
        samples=Statistic.of(samples, '1', 'pixels over integral range, near sections counted once'),
        freedom=freedom,
        needed=None if precision is None else _needed(precision, phi, pixels, freedom, confidence, groups, unit),
        notes=tuple(notes),
    )


def _interval(phi: float, confidence: float, sd: float, freedom: float, threshold_sd: float) -> Interval:
    """Interval on the logit; the two half-widths add in quadrature."""
    from scipy.stats import norm, t

    tail = (1 + confidence) / 2
    quantile = float(t.ppf(tail, freedom)) * (1 + _CAUTION / freedom)
    half = math.hypot(quantile * sd, float(norm.ppf(tail)) * threshold_sd) / (phi * (1 - phi))
    centre = math.log(phi / (1 - phi))
    low, high = (1 / (1 + math.exp(-value)) for value in (centre - half, centre + half))
    return Interval(low, high, confidence)


def _needed(
    precision: float,
    phi: float,
    pixels: float,
    freedom: float,
    confidence: float,
    groups: Sequence[ImageGroup],
    unit: str,
) -> Needed:
    """Edge of the image, and number of present images, whose interval has the wished half-width.

    From half-width = t sqrt(phi (1 - phi) A / N), with Student's t as an image of that size would have it.
    """
    from scipy.stats import t

    grown = max(freedom, _GROWN_FREEDOM)
    quantile = float(t.ppf((1 + confidence) / 2, grown)) * (1 + _CAUTION / grown)
    wanted = phi * (1 - phi) * pixels * (quantile / precision) ** 2
    ndim = len(groups[0].spacing)
    content = wanted * float(np.prod(groups[0].spacing))
    edge = content ** (1 / ndim)
    relative = math.sqrt(2 / freedom) / ndim  # of the edge, from that of the integral range
    method = 'from the integral range'
    present = sum(group.size for group in groups) / sum(len(group.masks) for group in groups)
    return Needed(
        precision=precision,
        edge=Statistic.of(edge, unit, method, sd=edge * relative),
        images=Statistic.of(math.ceil(wanted / present), '1', f'{method}, as many of the size at hand, far apart'),
    )


def _refusal(
    phi: float,
    content: str,
    threshold: Statistic | None,
    sentence: str,
    verdict: RepresentativityVerdict = 'too small',
    notes: tuple[str, ...] = (),
) -> Representativity:
    """A verdict without an interval; the fraction of the image itself is known all the same."""
    return Representativity(
        fraction=Statistic.of(phi, '1', 'share of the pixels or voxels', note='of the image; its error is not known'),
        verdict=verdict,
        sentence=f'{verdict}: {sentence}',
        interval=None,
        sampling=None,
        threshold=threshold,
        integral_range=Statistic.refused(content, _METHOD, sentence),
        samples=Statistic.refused('1', 'pixels over integral range', sentence),
        freedom=0.0,
        notes=notes,
    )
