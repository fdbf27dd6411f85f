"""What every quality benchmark measures on a label volume, and how it is set against blocks of a reference.

The definitions are those of `engine.statistics`: face density per voxel, clusters and percolation through faces,
correlation lengths where the autocovariance falls to 1/e, tortuosity factors of the percolating part between the
centres of the end layers. S2 errors are the mean over axes and 30 lags of |S2 - S2_real| / (phi (1 - phi)).
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from napari_microrecon.engine.diffusion.solver import solve_diffusion
from napari_microrecon.engine.statistics.correlation import autocovariance, crossing, finish
from napari_microrecon.engine.statistics.interface_density import interface_density
from napari_microrecon.engine.statistics.percolation import Clusters
from napari_microrecon.engine.statistics.two_point import s2_along_axes

LAGS = 30
MOST_BLOCKS = 12

Figures = dict[str, np.ndarray]


def blocks(volume: np.ndarray, shape: Sequence[int], most: int = MOST_BLOCKS) -> Iterator[np.ndarray]:
    """Non-overlapping blocks spread over the whole volume, at most `most`, in a fixed random order."""
    starts = [
        np.linspace(0, n - m, max(1, n // m)).round().astype(int) for n, m in zip(volume.shape, shape, strict=True)
    ]
    origins = list(itertools.product(*starts))
    np.random.default_rng(0).shuffle(origins)
    for origin in origins[:most]:
        yield volume[tuple(slice(start, start + n) for start, n in zip(origin, shape, strict=True))]


def s2_curves(mask: np.ndarray, lags: int = LAGS) -> np.ndarray:
    """Non-periodic S2 along z, y, x, (3, lags)."""
    return s2_along_axes(mask, lags - 1)


def figures(labels: np.ndarray, phases: int, *, transport: Sequence[int] = ()) -> Figures:
    """Statistics of one volume.

    Parameters
    ----------
    labels : numpy.ndarray
        uint8 (Z, Y, X).
    phases : int
        K; with two phases only phase 1 is measured.
    transport : sequence of int
        Phases whose tortuosity factor is solved.

    Returns
    -------
    dict
        Keys such as 'fraction 1', 's2 1' (3, LAGS), 'faces 1' (3), 'percolating 1', 'clusters 1', 'length 1' (3),
        'tau 1' (3), and 'interface 0-1' per phase pair for three and more phases.
    """
    found: Figures = {}
    for k in [1] if phases == 2 else range(phases):
        mask = labels == k
        found[f'fraction {k}'] = np.array(mask.mean())
        found[f's2 {k}'] = s2 = s2_curves(mask)
        found[f'faces {k}'] = np.array([interface_density(mask, axis) for axis in range(3)])
        clusters = Clusters.of(mask)
        found[f'percolating {k}'] = np.array(np.mean(clusters.percolating_fractions()))
        found[f'clusters {k}'] = np.array(float(clusters.count))
        found[f'length {k}'] = np.array([_length(curve) for curve in s2])
        if k in transport:
            found[f'tau {k}'] = np.array([tortuosity(clusters, axis) for axis in range(3)])
    if phases > 2:
        for a, b in itertools.combinations(range(phases), 2):
            pairs = _neighbours(labels)
            found[f'interface {a}-{b}'] = np.array(
                sum((((p == a) & (q == b)) | ((p == b) & (q == a))).mean() for p, q in pairs)
            )
    return found


def _neighbours(array: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    moved = [np.moveaxis(array, axis, 0) for axis in range(3)]
    return [(m[1:], m[:-1]) for m in moved]


def _length(s2: np.ndarray) -> float:
    phi = float(s2[0])
    if not 0 < phi < 1:
        return float('nan')
    found = crossing(np.arange(len(s2), dtype=float), autocovariance(s2, phi))
    return float(len(s2)) if found is None else float(found)


def tortuosity(clusters: Clusters, axis: int) -> float:
    """Tortuosity factor of the percolating part along an axis; NaN where nothing percolates."""
    mask = clusters.percolating_mask(axis)
    if not mask.any():
        return float('nan')
    return finish(solve_diffusion(mask, axis)).tortuosity


def islands(mask: np.ndarray, most: int = 64) -> np.ndarray:
    """Areas per pixel in sections by size class (1, 2, 4, 8, ... up to `most` pixels, and larger), mean over axes."""
    edges = [2**i for i in range(int(np.log2(most)) + 1)]
    found = np.zeros(len(edges))
    pixels = 0
    for axis in range(3):
        for section in np.moveaxis(mask, axis, 0)[::4]:
            labels, count = ndimage.label(section)
            sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
            found += np.bincount(np.digitize(sizes, edges) - 1, minlength=len(edges))
            pixels += section.size
    return found / pixels


@dataclass(frozen=True)
class Band:
    """Mean and standard deviation of every figure over real subvolumes."""

    mean: Figures
    sd: Figures
    own: dict[str, float]
    """Mean over subvolumes of each one's S2 error against the mean of the others: 's2 1' and so on."""
    own_sd: dict[str, float]
    count: int

    @classmethod
    def of(cls, found: Sequence[Figures]) -> Band:
        """Summary of the figures of several subvolumes."""
        mean = mean_of(found)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', RuntimeWarning)
            sd = {key: np.nanstd([one[key] for one in found], axis=0) for key in found[0]}
        errors: dict[str, list[float]] = {}
        for i, one in enumerate(found):
            others = mean_of([other for j, other in enumerate(found) if j != i]) if len(found) > 1 else mean
            for key in one:
                if key.startswith('s2'):
                    errors.setdefault(key, []).append(s2_error(one, others, key))
        return cls(
            mean,
            sd,
            {key: float(np.mean(values)) for key, values in errors.items()},
            {key: float(np.std(values)) for key, values in errors.items()},
            len(found),
        )


def mean_of(found: Sequence[Figures]) -> Figures:
    """Mean of every figure, NaN left out; NaN where nothing is left."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)  # of an empty mean: a phase that never percolates has no tau
        return {key: np.nanmean([one[key] for one in found], axis=0) for key in found[0]}


def s2_error(one: Figures, real: Figures, key: str) -> float:
    """Mean over axes and lags of |S2 - S2_real| / (phi (1 - phi))."""
    phi = float(real[key.replace('s2', 'fraction')])
    return float(np.abs(one[key] - real[key]).mean() / (phi * (1 - phi)))


def axis_errors(one: Figures, real: Figures, key: str) -> np.ndarray:
    """The S2 error of every axis by itself, (3,)."""
    phi = float(real[key.replace('s2', 'fraction')])
    return np.abs(one[key] - real[key]).mean(1) / (phi * (1 - phi))
