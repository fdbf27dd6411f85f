"""How near a volume comes to the truth: overlap (SSIM, PSNR) and statistics, all with their conventions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..statistics.percolation import Clusters
from ..statistics.two_point import s2_along_axes
from ..volume import Volume
from .realisations import change_rates

LAGS = 30
CONVENTIONS = {
    'ssim': 'scikit-image structural_similarity in 3D, window 7, data range 1, on label / (K - 1), the whole crop, '
    'hard labels',
    'psnr': 'dB, data range 1, of the expectation of label / (K - 1) under the phase probabilities, given voxels '
    'included; signed distances are made soft (1.5 per voxel); a single realisation has no expectation, hence no PSNR',
    's2': f'mean over axes, phases and lags below {LAGS} voxels (half an edge at most) of '
    '|S2 - S2 of the truth| / (phi (1 - phi)); of two phases one is measured',
    'surface': 'neighbouring voxels of different phase along z, y, x, relative to the truth',
    'fractions': 'phase fractions minus those of the truth',
    'percolating': 'share of the phase in clusters (6-connected) that touch both ends along z, y, x',
}


@dataclass(frozen=True)
class Score:
    """One volume against the truth, or the mean over several volumes; see CONVENTIONS.

    Attributes
    ----------
    ssim : float
        Of hard labels.
    psnr : float or None
        dB, of the expectation; None where there is none.
    s2 : float
        S2 error, dimensionless.
    surface : tuple of float
        Relative difference along z, y, x: -0.3 is 30 % too little.
    fractions : tuple of float
        Difference per phase.
    percolating : tuple of float
        Share of the measured phase that spans z, y, x.
    """

    ssim: float
    psnr: float | None
    s2: float
    surface: tuple[float, float, float]
    fractions: tuple[float, ...]
    percolating: tuple[float, float, float]

    @classmethod
    def mean(cls, scores: Sequence[Score]) -> Score:
        """Mean over volumes."""

        def of(values: Sequence[Sequence[float]]) -> tuple[float, ...]:
            return tuple(float(v) for v in np.mean(values, 0))

        decibels = [s.psnr for s in scores if s.psnr is not None]
        return cls(
            ssim=float(np.mean([s.ssim for s in scores])),
            psnr=float(np.mean(decibels)) if decibels else None,
            s2=float(np.mean([s.s2 for s in scores])),
            surface=_three(of([s.surface for s in scores])),
            fractions=of([s.fractions for s in scores]),
            percolating=_three(of([s.percolating for s in scores])),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


class Truth:
    """A known volume that others are scored against.

    Parameters
    ----------
    volume : Volume
        What is true.
    phase : int
        Label whose percolation is measured.
    """

    def __init__(self, volume: Volume, phase: int) -> None:
        self.labels, self.count, self.phase = volume.labels, volume.phases.count, phase
        self._phases = [phase] if self.count == 2 else list(range(self.count))
        self.fractions = volume.fractions
        self.changes = change_rates(volume.labels)
        self.percolating = _percolating(volume.labels == phase)
        self._s2 = [_s2(volume.labels == k) for k in self._phases]

    def score(self, labels: np.ndarray, probabilities: np.ndarray | None = None) -> Score:
        """Score a volume.

        Parameters
        ----------
        labels : numpy.ndarray
            uint8 (Z, Y, X), of the truth's shape.
        probabilities : numpy.ndarray, optional
            (K, Z, Y, X), sum 1; the PSNR is that of their expectation.
        """
        from skimage.metrics import structural_similarity

        top = np.float32(self.count - 1)
        truth = self.labels / top
        errors = [
            np.abs(_s2(labels == k) - s2).mean() / (self.fractions[k] * (1 - self.fractions[k]))
            for k, s2 in zip(self._phases, self._s2, strict=True)
        ]
        fractions = np.bincount(labels.ravel(), minlength=self.count) / labels.size
        return Score(
            ssim=float(np.asarray(structural_similarity(labels / top, truth, win_size=7, data_range=1.0))),
            psnr=None if probabilities is None else _psnr(_expectation(probabilities), truth),
            s2=float(np.mean(errors)),
            surface=_three(change_rates(labels) / self.changes - 1),
            fractions=tuple(float(f) for f in fractions - self.fractions),
            percolating=_percolating(labels == self.phase),
        )


def _three(values: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    z, y, x = (float(v) for v in values)
    return z, y, x


def _expectation(probabilities: np.ndarray) -> np.ndarray:
    """Mean of label / (K - 1), float32 (Z, Y, X)."""
    top = len(probabilities) - 1
    total = np.zeros(probabilities.shape[1:], np.float32)
    for k in range(1, top + 1):
        total += np.float32(k / top) * probabilities[k].astype(np.float32)
    return total


def _psnr(found: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, peak 1; 99 where nothing differs."""
    error = float(np.mean((found - truth) ** 2))
    return float(-10 * np.log10(error)) if error > 1e-10 else 99.0


def _percolating(mask: np.ndarray) -> tuple[float, float, float]:
    return Clusters.of(mask).percolating_fractions()


def _s2(mask: np.ndarray) -> np.ndarray:
    """Non-periodic S2 along z, y, x at lags 0, 1, ...: (3, lags)."""
    return s2_along_axes(mask, min(LAGS - 1, min(mask.shape) // 2))
