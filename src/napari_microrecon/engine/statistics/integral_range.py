"""Integral range of a phase: how much material one independent sample takes, from its two-point function.

The variance of the phase fraction phi over windows of N pixels is phi (1 - phi) A / N once the window is much larger
than the features, with the integral range A = sum over all lags h of C(h), C the normalised autocovariance (Matheron;
Lantuejoul 1991, J. Microsc. 161, 387; Kanit et al. 2003, Int. J. Solids Struct. 40, 3647). Cutting that sum at some lag
of the C that one image shows (as Dahari et al. 2024, arXiv:2410.19568, do in ImageRep) needs a rule for the cut, and
the noise of every lag enters. Here the sum is read off its Fourier transform (Wiener and Khinchin): the spectrum
extrapolated to wave number zero from the lowest cosine modes of the image. These modes do not see the mean and are
nearly independent, so that the estimate comes with degrees of freedom and Student's t is the right law for the
interval (Mueller 2007, J. Econometrics 141, 1331; Lazarus et al. 2018, J. Bus. Econ. Stat. 36, 541).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .correlation import E_FOLD

MOST_MODES = 64  # more would narrow the interval by less than 8 % and look at ever finer features
_REACH = 0.7  # largest wave number times correlation length that the extrapolation uses
_FEWEST_MODES = 6
_CHUNK = 16_000_000  # pixels transformed at once


@dataclass(frozen=True)
class IntegralRange:
    """Integral range of one phase in one kind of section or in a volume.

    Attributes
    ----------
    pixels : float or None
        A in pixels (voxels); None where the image is too small to find it.
    freedom : float
        Degrees of freedom of the estimate; its relative standard error is sqrt(2 / freedom).
    lengths : tuple of float or None
        Correlation length (where C falls to 1/e) along every axis in pixels; None where it exceeds a quarter of the
        edge.
    spans : float
        Edge over correlation length, the least of all axes and images; 0 where it is not known.
    """

    pixels: float | None
    freedom: float
    lengths: tuple[float | None, ...]
    spans: float


def integral_range(masks: Sequence[np.ndarray]) -> IntegralRange:
    """Integral range from one or several images of the same plane of a material.

    Parameters
    ----------
    masks : sequence of numpy.ndarray
        bool, all 2D or all 3D, of any shapes; the phase is neither absent nor everywhere in all of them together.
    """
    size = sum(mask.size for mask in masks)
    phi = sum(int(np.count_nonzero(mask)) for mask in masks) / size
    ndim = masks[0].ndim
    lengths = tuple(correlation_length(masks, axis, phi) for axis in range(ndim))
    known = [length for length in lengths if length is not None]
    if len(known) < ndim:
        return IntegralRange(None, 0.0, lengths, 0.0)
    parts = [_low_modes(mask, known) for mask in masks]
    wave = np.concatenate([part[0] for part in parts])
    power = np.concatenate([part[1] for part in parts])
    order = np.argsort(wave, kind='stable')
    wave, power = wave[order], power[order]
    variance = phi * (1 - phi)
    # Where far correlations make A larger than the 1/e length tells, the spectrum is sharper: look closer to zero.
    stretch, found = 1.0, None
    for _ in range(4):
        used = min(MOST_MODES * len(masks), int(np.searchsorted(wave * stretch**2, _REACH**2, side='right')))
        if used < _FEWEST_MODES:
            break
        found = _extrapolate(wave[:used] / wave[used - 1], power[:used])
        stretch = max(1.0, _radius(found[0] / variance, ndim) / float(np.prod(known)) ** (1 / ndim))
    spans = min(mask.shape[a] / known[a] for mask in masks for a in range(ndim))
    if found is None:
        return IntegralRange(None, 0.0, lengths, spans)
    return IntegralRange(found[0] / variance, found[1], lengths, spans)


def _radius(content: float, ndim: int) -> float:
    """Radius of the disc or ball of this area or volume."""
    return float(np.sqrt(content / np.pi)) if ndim == 2 else float(np.cbrt(content * 0.75 / np.pi))


def correlation_length(masks: Sequence[np.ndarray], axis: int, phi: float) -> float | None:
    """Lag at which the pooled autocovariance along one axis falls to 1/e; None beyond a quarter of the edge."""
    lines = [np.moveaxis(mask, axis, 0) for mask in masks]
    last = 1.0
    for lag in range(1, min(len(line) for line in lines) // 4 + 1):
        pairs = sum(line[lag:].size for line in lines)
        both = sum(int(np.count_nonzero(line[:-lag] & line[lag:])) for line in lines)
        either = sum(int(np.count_nonzero(line[:-lag])) + int(np.count_nonzero(line[lag:])) for line in lines)
        # Both ends less their mean, so that a phase and what is left of it have the same length.
        value = (both / pairs - phi * either / pairs + phi**2) / (phi - phi**2)
        if value <= E_FOLD:
            return lag - 1 + (last - E_FOLD) / (last - value)
        last = value
    return None


def _low_modes(mask: np.ndarray, lengths: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Squared wave number times correlation length, and power, of the lowest cosine modes but the constant one.

    The power of white noise of variance s2 is s2 in every mode (orthonormal DCT-II).
    """
    counts = [min(n, int(_REACH * n / (np.pi * length)) + 1) for n, length in zip(mask.shape, lengths, strict=True)]
    bases = [_cosines(n, count) for n, count in zip(mask.shape, counts, strict=True)]
    centre = float(np.count_nonzero(mask)) / mask.size
    total = np.zeros(counts)
    rows = max(1, _CHUNK // (mask.size // len(mask)))
    for start in range(0, len(mask), rows):
        part = mask[start : start + rows].astype(np.float32) - np.float32(centre)
        for axis in range(mask.ndim - 1, 0, -1):  # contracts the last axis and puts its modes first after the rows
            part = np.moveaxis(part @ bases[axis], -1, 1)
        total += np.tensordot(bases[0][start : start + rows].T.astype(np.float64), part, 1)
    wave = np.zeros(())
    for n, count, length in zip(mask.shape, counts, lengths, strict=True):
        wave = np.add.outer(wave, (np.pi * np.arange(count) / n * length) ** 2)
    inside = wave <= _REACH**2
    inside[(0,) * mask.ndim] = False
    return wave[inside], total[inside] ** 2


def _cosines(size: int, count: int) -> np.ndarray:
    """First `count` orthonormal cosines over `size` points, float32 (size, count)."""
    waves = np.cos(np.pi / size * np.outer(np.arange(size) + 0.5, np.arange(count))) * np.sqrt(2 / size)
    waves[:, 0] /= np.sqrt(2)
    return waves.astype(np.float32)


def _extrapolate(wave: np.ndarray, power: np.ndarray) -> tuple[float, float]:
    """Spectrum at wave number zero and its degrees of freedom.

    Each power is the spectrum times a chi-squared variable with one degree of freedom; log spectrum = a + b wave is
    fitted by maximum quasi-likelihood (gamma family, log link: iterated least squares with constant weights). The
    variance of a is 2 (X'X)^-1_00, that of log(chi2_n / n) is about 2 / n: hence the freedom.
    """
    design = np.stack([np.ones_like(wave), wave], 1)
    inverse = np.linalg.inv(design.T @ design)
    fit = np.array([np.log(max(power.mean(), 1e-30)), 0.0])
    for _ in range(50):
        mean = np.exp(np.clip(design @ fit, -60, 60))
        step = inverse @ (design.T @ ((power - mean) / mean))
        largest = float(np.abs(step).max())
        fit = fit + step / max(1.0, largest)  # halting steps keep the exponential in range
        if largest < 1e-6:
            break
    return float(np.exp(np.clip(fit[0], -60, 60))), float(1 / inverse[0, 0])
