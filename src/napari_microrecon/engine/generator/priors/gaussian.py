"""Gaussian random field whose threshold reproduces a slice's two-point probability.

The correlation rho(r) of the field follows from S2(r) of its level set by inverting
S2 = phi^2 + (1/2 pi) int_0^rho exp(-t^2 / (1 + u)) / sqrt(1 - u^2) du, with t the threshold
(Berk 1991, Physical Review A 44, 5069; Quiblier 1984).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import scipy.fft
from scipy.special import ndtri

from .fields import Field


def correlation_from_s2(s2: np.ndarray, phi: float) -> np.ndarray:
    """Correlation of the Gaussian field whose level set of fraction `phi` has these S2 values."""
    u = np.sin(np.linspace(0, math.pi / 2, 2001))  # u = sin(a) removes the singularity at u = 1
    t = ndtri(phi)
    density = np.exp(-(t**2) / (1 + u)) / (2 * math.pi)  # du / sqrt(1 - u^2) = da
    step = math.pi / 2 / 2000
    integral = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2 * step)])
    excess = np.clip(s2 - phi**2, 0, None)
    return np.interp(excess, integral * (phi - phi**2) / integral[-1], u)


class GaussianField(Field):
    """Stationary Gaussian field with a tabulated correlation function.

    Attributes
    ----------
    correlation : tuple of float
        rho at distance 0, 1, 2, ... voxels in the stretched metric.
    stretch : tuple of float
        Correlation length along z, y, x relative to their geometric mean.
    smoothing : float
        Standard deviation in voxels of a final Gaussian blur, against speckle.
    """

    kind: Literal['gaussian'] = 'gaussian'
    correlation: tuple[float, ...]
    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)
    smoothing: float = 0.7

    @classmethod
    def fit(cls, s2: np.ndarray, phi: float, stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> GaussianField:
        """Field whose level set has the two-point probability `s2` at 0, 1, 2, ... voxels."""
        rho = correlation_from_s2(np.asarray(s2, float), phi)
        end = next((i for i, value in enumerate(rho) if value < 0.02), len(rho))
        rho = rho[: max(end, 3)] * np.cos(np.linspace(0, math.pi / 2, max(end, 3))) ** 0.25
        rho[0] = 1.0
        values = tuple(round(float(value), 5) for value in rho)
        return cls(correlation=values, stretch=stretch, support=len(values) * max(stretch))

    def sample(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """Draw the field on a grid, float32 (Z, Y, X)."""
        pad = 0 if periodic else math.ceil(self.support)
        grid = tuple(n if periodic else scipy.fft.next_fast_len(n + pad, real=True) for n in shape)
        axes = [np.minimum(np.arange(n), n - np.arange(n)) / s for n, s in zip(grid, self.stretch, strict=True)]
        # The real FFT needs only half of the last axis, but the correlation needs all of it.
        squared = (axes[0] ** 2)[:, None, None] + (axes[1] ** 2)[:, None] + axes[2] ** 2
        table = np.asarray(self.correlation, np.float32)
        rho = np.interp(np.sqrt(squared, dtype=np.float32), np.arange(len(table)), table, right=0.0)
        spectrum = np.clip(scipy.fft.rfftn(rho.astype(np.float32)).real, 0, None)
        frequencies = [scipy.fft.fftfreq(n) for n in grid[:2]] + [scipy.fft.rfftfreq(grid[2])]
        for axis, f in enumerate(frequencies):
            blur = np.exp(-2 * (math.pi * f * self.smoothing) ** 2).astype(np.float32) ** 2
            spectrum *= blur.reshape([-1 if a == axis else 1 for a in range(3)])
        noise = scipy.fft.rfftn(rng.standard_normal(grid, dtype=np.float32))
        field = scipy.fft.irfftn(noise * np.sqrt(spectrum), grid)
        # Exact unit variance over the ensemble: divide by the spectrum's mean, not by this sample's sd.
        weight = np.full(spectrum.shape[2], 2.0)
        weight[0] = 1.0
        if grid[2] % 2 == 0:
            weight[-1] = 1.0
        variance = float((spectrum * weight).sum() / math.prod(grid))
        window = tuple(slice(0, n) for n in shape)
        return (field[window] / math.sqrt(variance)).astype(np.float32)
