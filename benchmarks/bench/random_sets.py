"""Random two-phase fields whose phase fraction is known exactly: what estimates of it are checked on.

Fields are windows of larger ones, never periodic. Gaussian level cuts of 3D fields are made in the plane directly: a
section of an isotropic Gaussian field is the Gaussian field with the same covariance. Sections of Boolean spheres
are drawn from the spheres that the plane hits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import scipy.fft as sf
from scipy.stats import norm

# Power spectra by squared wave number times length, for the covariances named.
_SPECTRA: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    'gauss': lambda q, ndim: np.exp(-q / 4),  # exp(-(r/l)^2): smooth walls
    'exponential': lambda q, ndim: (1 + q) ** (-(ndim + 1) / 2),  # exp(-r/l): rough walls, many sizes
    'spinodal': lambda q, ndim: np.exp(-0.5 * ((np.sqrt(q) - 1.25) / 0.15) ** 2),  # one wavelength of about 5 l
}


def level_cuts(
    kind: str, shape: Sequence[int], length: float, fraction: float, count: int, seed: int
) -> Iterator[np.ndarray]:
    """Level cuts of stationary Gaussian fields with expected `fraction`, bool, of any dimension."""
    rng = np.random.default_rng(seed)
    ndim = len(shape)
    # The window is cut from a torus that is larger by many correlation lengths, so that its ends do not meet.
    torus = [sf.next_fast_len(int(n + 8 * length), real=True) for n in shape]
    waves = [2 * np.pi * length * np.fft.fftfreq(n) for n in torus]
    waves[-1] = 2 * np.pi * length * np.fft.rfftfreq(torus[-1])
    squared = np.zeros(())
    for wave in waves:
        squared = np.add.outer(squared, wave**2)
    spectrum = _SPECTRA[kind](squared, ndim)
    twice = np.full(squared.shape[-1], 2.0)
    twice[0] = 1.0
    if torus[-1] % 2 == 0:
        twice[-1] = 1.0
    amplitude = np.sqrt(spectrum / ((spectrum * twice).sum() / math.prod(torus))).astype(np.float32)
    window = tuple(slice(n) for n in shape)
    for _ in range(count):
        noise = sf.rfftn(rng.standard_normal(torus, dtype=np.float32))
        yield sf.irfftn(noise * amplitude, torus)[window] < norm.ppf(fraction)


def sphere_sections(
    shape: Sequence[int], radius: float, fraction: float, count: int, seed: int
) -> Iterator[np.ndarray]:
    """Sections of overlapping spheres of one radius that cover `fraction` of space, bool, 2D or 3D (the spheres)."""
    rng = np.random.default_rng(seed)
    density = -math.log(1 - fraction) / (4 / 3 * math.pi * radius**3)
    padded = [n + 2 * radius for n in shape]
    for _ in range(count):
        out = np.zeros(shape, bool)
        if len(shape) == 2:
            number = rng.poisson(density * math.prod(padded) * 2 * radius)
            radii = np.sqrt(radius**2 - rng.uniform(-radius, radius, number) ** 2)
        else:
            number = rng.poisson(density * math.prod(padded))
            radii = np.full(number, radius)
        centres = rng.uniform(-radius, np.asarray(shape) + radius, (number, len(shape)))
        for centre, reach in zip(centres, radii, strict=True):
            low = np.maximum(np.ceil(centre - reach), 0).astype(int)
            high = np.minimum(np.floor(centre + reach) + 1, shape).astype(int)
            if (high > low).all():
                squared = np.zeros(())
                for a, b, c in zip(low, high, centre, strict=True):
                    squared = np.add.outer(squared, (np.arange(a, b) - c) ** 2)
                out[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] |= squared <= reach**2
        yield out
