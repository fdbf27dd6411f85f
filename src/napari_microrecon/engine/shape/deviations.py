"""How far the statistics of some windows lie from those of others: one number per statistic, 0 is best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .measures import Tables
from .textures import RADII, SCALES

ENOUGH = 0.05  # of the phase must be in pieces with an outline, else outlines of pieces are not compared
WORST = 99.0


@dataclass(frozen=True)
class Deviation:
    """One statistic of some windows against those that are wanted.

    Attributes
    ----------
    size : float
        >= 0, dimensionless.
    sense : float
        How: a ratio (got over wanted) for counts, else a difference, > 0 where there is more than wanted.
    """

    size: float
    sense: float


def pooled(tables: Tables) -> Tables:
    """Tables of all windows together."""
    return {name: table.sum(0) for name, table in tables.items()}


def deviations(got: Tables, wanted: Tables, windows: tuple[int, int]) -> dict[str, Deviation]:
    """Deviation of every statistic that both have.

    Parameters
    ----------
    got, wanted : dict
        Pooled tables of one phase.
    windows : (int, int)
        How many windows went into either.
    """
    found = {
        'areas': _ratio(got, wanted, 'areas', 'pixels'),
        'sizes': _shift(got['sizes'], wanted['sizes'], 0.5),
        'chords': _lengths(got['chords'], wanted['chords'], 0),
        'long chords': _lengths(got['chords'], wanted['chords'], 1),
        'depth': _lengths(got['depth'][None], wanted['depth'][None], 0),
    }
    for name in ('roundness', 'aspect'):
        if all(tables[name].sum() > ENOUGH * tables['phase'][0] for tables in (got, wanted)):
            found[name] = _shift(got[name], wanted[name], 1 / 8)
    if 'faces' not in wanted:
        return found
    found['faces'] = _ratio(got, wanted, 'faces', 'pairs')
    found['covariance'] = _covariance(got, wanted, windows)
    for scale in SCALES:
        # Hellinger distance: rare patterns count more than in the total variation.
        g, w = (tables[f'pattern {scale}'] / tables[f'pattern {scale}'].sum() for tables in (got, wanted))
        found[f'texture {scale}'] = Deviation(float(np.sqrt(max(0.0, 1 - np.sqrt(g * w).sum()))), 0.0)
    for radius in RADII:
        g, w = (tables[f'outline {radius}'] for tables in (got, wanted))
        found[f'outline {radius}'] = Deviation(_shift(g, w, 1 / len(w)).size, _spread(g) - _spread(w))
    a, b = (float(tables['alignment'][0] / max(tables['alignment'][1], 1e-9)) for tables in (got, wanted))
    found['alignment'] = Deviation(abs(a - b), a - b)
    return found


def _ratio(got: Tables, wanted: Tables, name: str, of: str) -> Deviation:
    """Relative difference of a count per place; where rows and columns are told apart the worse of them."""
    ratios = (got[name] / got[of]) / np.maximum(wanted[name] / wanted[of], 1e-9)
    worst = float(ratios[np.argmax(np.abs(ratios - 1))])
    return Deviation(min(abs(worst - 1), WORST), min(worst, WORST))


def _shift(got: np.ndarray, wanted: np.ndarray, width: float) -> Deviation:
    """Wasserstein distance of two histograms, and the difference of their means, in the unit of `width`."""
    if not got.sum() or not wanted.sum():
        return Deviation(WORST if got.sum() != wanted.sum() else 0.0, 0.0)
    difference = np.cumsum(got / got.sum() - wanted / wanted.sum())
    return Deviation(float(np.abs(difference).sum() * width), float(-difference.sum() * width))


def _lengths(got: np.ndarray, wanted: np.ndarray, power: int) -> Deviation:
    """Wasserstein distance of lengths, weighted by length^power, over their wanted mean; the worse of the axes."""
    lengths = np.arange(wanted.shape[1])
    found: list[Deviation] = []
    for g, w in zip(got * lengths**power, wanted * lengths**power, strict=True):
        mean = float((w * np.maximum(lengths, 0.5)).sum() / max(w.sum(), 1e-9))
        shift = _shift(g, w, 1 / max(mean, 0.5))
        found.append(shift)
    return max(found, key=lambda shift: shift.size)


def _spread(histogram: np.ndarray) -> float:
    """Standard deviation of a histogram over its number of bins."""
    at = np.arange(len(histogram)) / len(histogram)
    share = histogram / max(histogram.sum(), 1e-9)
    return float(np.sqrt(max((share * at**2).sum() - (share * at).sum() ** 2, 0.0)))


def _covariance(got: Tables, wanted: Tables, windows: tuple[int, int]) -> Deviation:
    """Mean difference of the normalised autocovariance (S2 - phi^2) / (phi - phi^2), and whether it is too high."""
    curves: list[np.ndarray] = []
    for tables, count in zip((got, wanted), windows, strict=True):
        phi = float(tables['phase'][0] / tables['pixels'][0])
        curves.append((tables['pair probability'] / count - phi**2) / max(phi * (1 - phi), 1e-9))
    difference = curves[0] - curves[1]
    return Deviation(float(np.abs(difference).mean()), float(difference.mean()))
