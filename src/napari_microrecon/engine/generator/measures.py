"""Microstructure statistics of calibrated training volumes, by which the best weights are chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..statistics.interface_density import interface_density
from ..statistics.percolation import Clusters
from ..statistics.two_point import periodic_s2
from ..voxels import AXES, Axis
from .exemplar import Exemplars
from .priors.sections import areas_per_pixel, curvatures, interface_distance

CONNECTED = 0.985  # of a pore space that hangs together


class SectionScore:
    """Errors of volumes against the slices, per phase and worst over phases.

    S2 error: mean over axes and lags of |S2 - S2_slice| / (phi (1 - phi)). Surface error: mean over
    axes of the relative difference in face density. Area error: mean over phases of the log ratio of the
    number of separate areas in sections, which specks and torn webs multiply. Curvature error: mean over
    phases of the distance of the distributions of boundary curvature, which tells round grains from rough ones.
    Interface error, of three phases and more: mean log ratio of the interface areas, weighted by them.
    """

    def __init__(self, exemplars: Exemplars, shape: Sequence[int]) -> None:
        self._exemplars = exemplars
        self._count = exemplars.phase_count
        self._reach = max(3, min(min(shape) // 2 - 1, exemplars.smallest // 2, 24))
        self._s2 = [np.stack([exemplars.s2_along(k, self._reach)[axis] for axis in AXES]) for k in range(self._count)]
        self._faces = [exemplars.edge_density(k) for k in range(self._count)]
        self._phi = exemplars.fractions
        # The boundary of one of two phases is that of the other.
        self._shapes = (1,) if self._count == 2 else tuple(range(self._count))
        self._areas: dict[tuple[Axis, int], float] = {
            (normal, k): areas_per_pixel([image == k for image in images])
            for normal, images in exemplars.images.items()
            for k in range(self._count)
        }
        self._curves: dict[tuple[Axis, int], np.ndarray] = {
            (normal, k): curvatures([image == k for image in images])
            for normal, images in exemplars.images.items()
            for k in self._shapes
        }

    def measure(self, volumes: Sequence[np.ndarray]) -> dict[str, float]:
        """Statistics of periodic label volumes: s2_error, surface_error, fraction_error, percolating."""
        s2_errors: list[float] = []
        surface_errors: list[float] = []
        percolating: list[float] = []
        connected: list[float] = []
        for k in range(self._count):
            masks = [volume == k for volume in volumes]
            s2 = np.mean([periodic_s2(mask, self._reach) for mask in masks], axis=0)
            phi = self._phi[k]
            s2_errors.append(float(np.abs(s2 - self._s2[k]).mean() / max(phi * (1 - phi), 1e-3)))
            faces = [np.mean([interface_density(m, axis, periodic=True) for m in masks]) for axis in range(3)]
            ratios = [abs(f / self._faces[k][axis] - 1) for f, axis in zip(faces, AXES, strict=True)]
            surface_errors.append(float(np.mean(ratios)))
            clusters = [Clusters.of(mask) for mask in masks]
            percolating.append(float(np.mean([np.mean(one.percolating_fractions()) for one in clusters])))
            connected.append(float(np.mean([one.sizes.max(initial=0) / max(one.sizes.sum(), 1) for one in clusters])))
        ratios = [
            abs(np.log(areas_per_pixel([section == k for v in volumes for section in _some(v, normal)]) / wanted))
            for (normal, k), wanted in self._areas.items()
        ]
        curves = [
            np.abs(curvatures([section == k for v in volumes for section in _some(v, normal)]) - wanted).mean()
            for (normal, k), wanted in self._curves.items()
        ]
        fractions = np.mean([np.bincount(v.ravel(), minlength=self._count) / v.size for v in volumes], axis=0)
        found = {
            's2_error': max(s2_errors),
            'surface_error': max(surface_errors),
            'area_error': float(np.mean(ratios)),
            'curvature_error': float(np.mean(curves)),
            'fraction_error': float(np.abs(fractions - self._phi).max()),
        }
        if self._count > 2:
            found['interface_error'] = interface_distance(self._exemplars, list(volumes))
        found.update({f'percolating_{k}': value for k, value in enumerate(percolating)})
        found.update({f'connected_{k}': value for k, value in enumerate(connected)})
        return found


def _some(volume: np.ndarray, normal: Axis, count: int = 12) -> np.ndarray:
    """Evenly spaced sections (count, rows, columns) with this normal."""
    stack = np.moveaxis(volume, AXES.index(normal), 0)
    return stack[:: max(1, len(stack) // count)]


def wanted_connection(reference: dict[str, float], pore: int) -> float:
    """Share of the pores that their largest cluster should hold, from that of the untrained prior.

    The percolating fraction would not do: whether the cluster happens to span a volume of this size is luck.
    """
    untrained = reference[f'connected_{pore}']
    return max(untrained, CONNECTED) if untrained > CONNECTED - 0.1 else untrained


def score(measured: dict[str, float], reference: dict[str, float], pore: int | None = None) -> float:
    """One number to minimise: section errors, patch distance, and connectivity lost.

    S2 counts a quarter: it is inherited from the prior, and its error in a few volumes is mostly their own scatter.
    Connectivity is that of the untrained prior; where the pores of that hang together, nearly all of them should,
    as they do in most materials whose pores were made by packing, wetting or leaching.
    """
    lost = 0.0
    for name in reference:
        if name.startswith('percolating') and name != f'percolating_{pore}':
            lost += max(0.0, reference[name] - measured[name] - 0.03)
    if pore is not None:
        lost += max(0.0, wanted_connection(reference, pore) - measured[f'connected_{pore}'] - 0.005)
    texture = 4 * measured.get('patch_distance', 0.0) + 0.05 * measured['area_error'] + 3 * measured['curvature_error']
    faces = 0.5 * measured['surface_error'] + 0.25 * measured.get('interface_error', 0.0)
    return 0.25 * measured['s2_error'] + faces + texture + lost
