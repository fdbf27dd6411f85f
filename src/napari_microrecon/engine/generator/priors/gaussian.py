"""Gaussian random field whose threshold reproduces a slice's two-point probability.

The correlation rho(r) of the field follows from S2(r) of its level set by inverting
S2 = phi^2 + (1/2 pi) int_0^rho exp(-t^2 / (1 + u)) / sqrt(1 - u^2) du, with t the threshold
(Berk 1991, Physical Review A 44, 5069; Quiblier 1984), for rho < 0 too.
"""

from __future__ import annotations

import math
from typing import Literal, Self

import numpy as np
import scipy.fft
from pydantic import Field as Described
from pydantic import model_validator
from scipy.optimize import nnls
from scipy.special import ndtri

from ...errors import InputError
from .bounds import LARGEST_GRID, LONGEST_TABLE, REACH, Correlation, Stretch
from .fields import CoarseAxis, Field

TROUGH = -0.1  # of a correlation that swings
SMOOTH = 0.9  # correlation of neighbours, above which hardly a wave is shorter than two voxels
SPLINED = 1.0  # least smoothing, in points, of a field that is interpolated
FINE = 0.25  # voxels between the tabulated values of a fine texture


def correlation_from_s2(s2: np.ndarray, phi: float) -> np.ndarray:
    """Correlation of the Gaussian field whose level set of fraction `phi` has these S2 values, -1..1."""
    u = np.sin(np.linspace(-math.pi / 2, math.pi / 2, 4001))  # u = sin(a) removes the singularities at u = -1 and 1
    t = ndtri(phi)
    density = np.exp(-(t**2) / np.maximum(1 + u, 1e-12)) / (2 * math.pi)  # du / sqrt(1 - u^2) = da
    step = math.pi / 4000
    integral = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2 * step)])
    integral -= integral[2000]  # from u = 0
    return np.interp(s2 - phi**2, integral * (phi - phi**2) / integral[-1], u)


def first_fall(rho: np.ndarray) -> tuple[int, bool]:
    """Lag at which a measured correlation first falls to zero, and whether it swings on from there.

    The correlation of waves of one length has a trough at 1.4 times that lag (-0.22, from sin(kr) / kr). It stands
    out of the scatter of -0.08 or so that an image of a few grains has there.
    """
    fallen = next((i for i, value in enumerate(rho) if value < 0.02), len(rho))
    return fallen, bool(rho[fallen : math.ceil(2.2 * fallen) + 1].min(initial=0) < TROUGH)


class GaussianField(Field):
    """Stationary Gaussian field with a tabulated correlation function.

    Attributes
    ----------
    correlation : tuple of float
        rho at distance 0, 1, 2, ... steps in the stretched metric.
    step : float
        Distance between two tabulated values, voxels.
    stretch : tuple of float
        Correlation length along z, y, x relative to their geometric mean.
    smoothing : float
        Standard deviation in voxels of a final Gaussian blur, against speckle.
    by_spectrum : bool
        Draw by the spectral density of the correlation instead of the correlation on the grid. For long waves that a
        grid, above all a small periodic one, would cut off: the cut's noise on all wavelengths shows as specks.
        Not for textures of a voxel or two, whose power is beyond the grid's shortest wave.
    scale : float
        Voxels between the points of the grid that it is drawn on and interpolated from. The other lengths, but for
        the support, are in steps of that grid.
    """

    kind: Literal['gaussian'] = 'gaussian'
    correlation: tuple[Correlation, ...] = Described(min_length=2, max_length=LONGEST_TABLE)
    step: float = Described(default=1.0, ge=0.05, le=10, allow_inf_nan=False)
    stretch: Stretch = (1.0, 1.0, 1.0)
    smoothing: float = Described(default=0.7, ge=0, le=20, allow_inf_nan=False)
    by_spectrum: bool = False
    scale: float = Described(default=1.0, ge=1, le=1e4, allow_inf_nan=False)

    @model_validator(mode='after')
    def _check(self) -> Self:
        if abs(self.correlation[0] - 1) > 0.01:
            raise ValueError(f'correlation begins with {self.correlation[0]:g}, not with 1')
        # The support says how much is drawn around a volume.
        if self._reach > REACH * len(self.correlation) * self.step + 1:
            raise ValueError(f'support is {self.support:g}, farther than the correlation is known')
        if math.prod(64 + self._reach * s for s in self.stretch) > LARGEST_GRID:
            raise ValueError('support and stretch ask for more memory than there is')
        return self

    @property
    def _reach(self) -> float:
        """Steps of the grid, in the stretched metric, beyond which two values are independent."""
        return self.support / self.scale / max(self.stretch)

    @classmethod
    def fit(cls, s2: np.ndarray, phi: float, stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> GaussianField:
        """Field whose level set has the two-point probability `s2` at 0, 1, 2, ... voxels."""
        rho = correlation_from_s2(np.asarray(s2, float), phi)
        fallen, swings = first_fall(rho)
        # The waves of a correlation that swings must fit together; what only falls needs no such care.
        if not swings:
            return cls.tabulated(rho[: max(fallen, 3)], stretch)
        smooth = bool(rho[1] > SMOOTH)
        return cls.waves(rho[: 8 * fallen], stretch, smoothing=1.0 if smooth else 0.0, by_spectrum=smooth)

    @classmethod
    def tabulated(cls, rho: np.ndarray, stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> GaussianField:
        """Field with the correlation `rho` at 0, 1, 2, ... voxels, brought to zero gently after the last."""
        rho = rho * np.cos(np.linspace(0, math.pi / 2, len(rho))) ** 0.25
        rho[0] = 1.0
        values = tuple(round(float(value), 5) for value in rho)
        return cls(correlation=values, stretch=stretch, support=len(values) * max(stretch))

    @classmethod
    def waves(
        cls,
        rho: np.ndarray,
        stretch: tuple[float, float, float] = (1.0, 1.0, 1.0),
        *,
        smoothing: float = 0.0,
        by_spectrum: bool = False,
    ) -> GaussianField:
        """Field with the correlation `rho` at 0, 1, 2, ... voxels, down to the shortest waves of the grid.

        Where a structure swings or is only pixels wide, the table alone is not enough: no field may have just this
        correlation, and values between the lags matter (a diagonal neighbour is at 1.41). So `rho` is fitted by a sum
        of waves sinc(k r) with weights that are not negative, under an envelope that ends with the table.
        """
        lags = np.arange(len(rho), dtype=float)
        numbers = np.linspace(0, math.pi, max(2 * len(rho), 32))
        at = np.arange(0, (2.2 if by_spectrum else 1.5) * len(rho), FINE)  # the envelope has fallen to 0.0001, 0.01

        def terms(r: np.ndarray) -> np.ndarray:
            return np.sinc(numbers * r[:, None] / math.pi) * np.exp(-0.5 * (2 * r[:, None] / len(rho)) ** 2)

        # The first lags carry the surface; the variance is exact.
        weight = np.where(lags == 0, 30, 1 / np.maximum(lags, 1))
        weights, _ = nnls(terms(lags) * weight[:, None], rho * weight)
        curve = terms(at) @ weights
        values = tuple(round(float(value), 5) for value in curve / curve[0])
        return cls(
            correlation=values,
            step=FINE,
            stretch=stretch,
            smoothing=smoothing,
            by_spectrum=by_spectrum,
            support=float(at[-1]) * max(stretch),
        )

    @property
    def may_isolate(self) -> bool:
        """Level sets of a sparse phase are blobs."""
        return True

    @property
    def work(self) -> float:
        """Transforms of a grid that is larger than the volume."""
        return 2.0

    def scaled(self, by: float) -> Self:
        """The same structure, `by` times as large; points this far apart are smoothed enough to be interpolated."""
        smoothing = max(self.smoothing, SPLINED)
        return self.model_copy(update={'scale': self.scale * by, 'support': self.support * by, 'smoothing': smoothing})

    def sample(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """Draw the field on a grid, float32 (Z, Y, X)."""
        if self.scale == 1:
            return self._drawn(shape, rng, periodic=periodic)
        axes = [CoarseAxis.of(n, self.scale, periodic=periodic) for n in shape]
        field = self._drawn((axes[0].count, axes[1].count, axes[2].count), rng, periodic=periodic)
        for index, axis in enumerate(axes):
            field = axis.filled(field, index)
        return field

    def _drawn(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """The field on the points of its own grid."""
        reach = self._reach
        pads = [0 if periodic else math.ceil(reach * s) for s in self.stretch]
        grid = tuple(
            n if periodic else scipy.fft.next_fast_len(n + pad, real=True) for n, pad in zip(shape, pads, strict=True)
        )
        frequencies = [scipy.fft.fftfreq(n) for n in grid[:2]] + [scipy.fft.rfftfreq(grid[2])]
        spectrum = self._density(frequencies) if self.by_spectrum else self._spectrum(grid)
        for axis, f in enumerate(frequencies):
            blur = np.exp(-2 * (math.pi * f * self.smoothing) ** 2).astype(np.float32) ** 2
            spectrum *= blur.reshape([-1 if a == axis else 1 for a in range(3)])
        # Exact unit variance over the ensemble: divide by the spectrum's mean, not by this sample's sd.
        weight = np.full(spectrum.shape[2], 2.0)
        weight[0] = 1.0
        if grid[2] % 2 == 0:
            weight[-1] = 1.0
        variance = float((spectrum.sum((0, 1), dtype=float) * weight).sum() / math.prod(grid))
        if not variance > 0:
            raise InputError('Gaussian field', 'its correlation holds no waves', 'use other weights, or train again')
        noise = scipy.fft.rfftn(rng.standard_normal(grid, dtype=np.float32))
        noise *= np.sqrt(spectrum, out=spectrum)
        field = scipy.fft.irfftn(noise, grid, overwrite_x=True)
        window = tuple(slice(0, n) for n in shape)
        return (field[window] / math.sqrt(variance)).astype(np.float32)

    def _spectrum(self, grid: tuple[int, ...]) -> np.ndarray:
        """Power of every wave of a periodic grid that has this correlation between its voxels."""
        axes = [np.minimum(np.arange(n), n - np.arange(n)) / s for n, s in zip(grid, self.stretch, strict=True)]
        # The real FFT needs only half of the last axis, but the correlation needs all of it.
        squared = (axes[0] ** 2)[:, None, None] + (axes[1] ** 2)[:, None] + axes[2] ** 2
        table = np.asarray(self.correlation, np.float32)
        rho = np.interp(np.sqrt(squared, dtype=np.float32), np.arange(len(table)) * self.step, table, right=0.0)
        return np.clip(scipy.fft.rfftn(rho.astype(np.float32)).real, 0, None)

    def _density(self, frequencies: list[np.ndarray]) -> np.ndarray:
        """Spectral density, the integral of rho(r) sinc(k r) 4 pi r^2, at the waves of a grid; not negative."""
        z, y, x = (2 * math.pi * f * s for f, s in zip(frequencies, self.stretch, strict=True))
        number = np.sqrt((z**2)[:, None, None] + (y**2)[:, None] + x**2, dtype=np.float32)
        r = np.arange(len(self.correlation)) * self.step
        known = np.linspace(0, float(number.max()), 8 * len(r))
        density = np.sinc(known[:, None] * r / math.pi) @ (np.asarray(self.correlation) * r**2)
        return np.interp(number, known, np.clip(density, 0, None)).astype(np.float32)
