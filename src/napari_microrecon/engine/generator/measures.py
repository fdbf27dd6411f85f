"""Microstructure statistics of calibrated training volumes, by which the best weights are chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.fft
from scipy import ndimage

from ..voxels import AXES, Axis
from .exemplar import Exemplars
from .priors.sections import areas_per_pixel


def periodic_s2(mask: np.ndarray, reach: int) -> np.ndarray:
    """S2 of a periodic volume along z, y, x: (3, reach + 1)."""
    spectrum = np.abs(scipy.fft.rfftn(mask.astype(np.float32))) ** 2
    table = scipy.fft.irfftn(spectrum, mask.shape) / mask.size
    return np.stack([np.moveaxis(table, axis, 0)[: reach + 1, 0, 0] for axis in range(3)])


def percolating_fraction(mask: np.ndarray) -> float:
    """Share of a phase in clusters that touch both opposite faces, mean over axes (6-connected)."""
    total = int(mask.sum())
    if not total:
        return 0.0
    clusters, _ = ndimage.label(mask)
    found: list[float] = []
    for axis in range(3):
        spanning = np.intersect1d(np.take(clusters, 0, axis), np.take(clusters, -1, axis))
        found.append(float(np.isin(clusters, spanning[spanning > 0]).sum()) / total)
    return float(np.mean(found))


class SectionScore:
    """Errors of volumes against the slices, per phase and worst over phases.

    S2 error: mean over axes and lags of |S2 - S2_slice| / (phi (1 - phi)). Surface error: mean over
    axes of the relative difference in face density. Area error: mean over phases of the log ratio of the
    number of separate areas in sections, which specks and torn webs multiply.
    """

    def __init__(self, exemplars: Exemplars, shape: Sequence[int]) -> None:
        self._count = exemplars.phase_count
        self._reach = max(3, min(min(shape) // 2 - 1, exemplars.smallest // 2, 24))
        self._s2 = [np.stack([exemplars.s2_along(k, self._reach)[axis] for axis in AXES]) for k in range(self._count)]
        self._faces = [exemplars.edge_density(k) for k in range(self._count)]
        self._phi = exemplars.fractions
        self._areas: dict[tuple[Axis, int], float] = {
            (normal, k): areas_per_pixel([image == k for image in images])
            for normal, images in exemplars.images.items()
            for k in range(self._count)
        }

    def measure(self, volumes: Sequence[np.ndarray]) -> dict[str, float]:
        """Statistics of periodic label volumes: s2_error, surface_error, fraction_error, percolating."""
        s2_errors: list[float] = []
        surface_errors: list[float] = []
        percolating: list[float] = []
        for k in range(self._count):
            masks = [volume == k for volume in volumes]
            s2 = np.mean([periodic_s2(mask, self._reach) for mask in masks], axis=0)
            phi = self._phi[k]
            s2_errors.append(float(np.abs(s2 - self._s2[k]).mean() / max(phi * (1 - phi), 1e-3)))
            faces = [np.mean([(m != np.roll(m, 1, axis)).mean() for m in masks]) for axis in range(3)]
            ratios = [abs(f / self._faces[k][axis] - 1) for f, axis in zip(faces, AXES, strict=True)]
            surface_errors.append(float(np.mean(ratios)))
            percolating.append(float(np.mean([percolating_fraction(mask) for mask in masks])))
        ratios = [
            abs(np.log(areas_per_pixel([section == k for v in volumes for section in _some(v, normal)]) / wanted))
            for (normal, k), wanted in self._areas.items()
        ]
        fractions = np.mean([np.bincount(v.ravel(), minlength=self._count) / v.size for v in volumes], axis=0)
        found = {
            's2_error': max(s2_errors),
            'surface_error': max(surface_errors),
            'area_error': float(np.mean(ratios)),
            'fraction_error': float(np.abs(fractions - self._phi).max()),
        }
        found.update({f'percolating_{k}': value for k, value in enumerate(percolating)})
        return found


def _some(volume: np.ndarray, normal: Axis, count: int = 12) -> np.ndarray:
    """Evenly spaced sections (count, rows, columns) with this normal."""
    stack = np.moveaxis(volume, AXES.index(normal), 0)
    return stack[:: max(1, len(stack) // count)]


def score(measured: dict[str, float], reference: dict[str, float]) -> float:
    """One number to minimise: section errors, patch distance, and connectivity lost against the untrained prior.

    S2 counts a quarter: it is inherited from the prior, and its error in a few volumes is mostly their own scatter.
    """
    lost = sum(
        max(0.0, reference[name] - measured[name] - 0.03) for name in reference if name.startswith('percolating')
    )
    texture = 4 * measured.get('patch_distance', 0.0) + 0.05 * measured['area_error']
    return 0.25 * measured['s2_error'] + 0.5 * measured['surface_error'] + texture + lost
