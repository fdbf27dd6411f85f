"""Statistics of the given slices, per plane: what a generated volume must look like in section."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from ..slices import SliceSet
from ..statistics.correlation import E_FOLD, autocovariance, crossing
from ..statistics.two_point import s2_map
from ..voxels import AXES, IMAGE_AXES, Axis


def one_hot(labels: np.ndarray, count: int) -> np.ndarray:
    """Labels (...) -> indicator (K, ...) in float32."""
    return np.stack([labels == k for k in range(count)]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Exemplars:
    """The slices of one material, ordered by the plane that they are the pattern for.

    Attributes
    ----------
    images : dict
        Label images per normal.
    phase_count : int
        K.
    isotropic : bool
        Whether every plane shares the same images, in any orientation.
    fractions : numpy.ndarray
        Pooled phase fractions (K,).
    pore : int or None
        Label of the pore phase where it is known.
    """

    images: dict[Axis, list[np.ndarray]]
    phase_count: int
    isotropic: bool
    fractions: np.ndarray
    pore: int | None = None

    @classmethod
    def of(cls, slices: SliceSet) -> Exemplars:
        """Order the slices of a set by plane."""
        images: dict[Axis, list[np.ndarray]] = {normal: slices.exemplars(normal) for normal in AXES}
        return cls(images, slices.phases.count, slices.symmetry == 'isotropic', slices.fractions, slices.phases.pore)

    @property
    def digest(self) -> str:
        """SHA-256 of everything that a prior or a training takes from the slices."""
        told = hashlib.sha256(repr((self.phase_count, self.isotropic, self.fractions.tolist(), self.pore)).encode())
        for normal, images in self.images.items():
            for image in images:
                told.update(f'{normal} {image.shape} {image.dtype}'.encode())
                told.update(np.ascontiguousarray(image).tobytes())
        return told.hexdigest()

    @property
    def smallest(self) -> int:
        """Shortest image edge in pixels."""
        return min(min(image.shape) for images in self.images.values() for image in images)

    def edge_density(self, mask_of: int | None = None, without: tuple[int, ...] = ()) -> dict[Axis, float]:
        """Phase changes per pixel along each axis, of one phase or of any (None), outside the phases `without`."""
        sums: dict[Axis, list[float]] = {axis: [0.0, 0.0] for axis in AXES}
        for normal, images in self.images.items():
            for image in images:
                picture = image if mask_of is None else image == mask_of
                left = ~np.isin(image, without)
                for position, axis in enumerate(IMAGE_AXES[normal]):
                    a, b = (picture[1:], picture[:-1]) if position == 0 else (picture[:, 1:], picture[:, :-1])
                    inside = left[1:] & left[:-1] if position == 0 else left[:, 1:] & left[:, :-1]
                    sums[axis][0] += float(((a != b) & inside).sum())
                    sums[axis][1] += max(int(inside.sum()), 1)
        densities: dict[Axis, float] = {axis: max(n / total, 1e-4) for axis, (n, total) in sums.items()}
        if self.isotropic:
            mean = sum(densities.values()) / 3
            return dict.fromkeys(AXES, mean)
        return densities

    def s2_along(self, label: int, reach: int) -> dict[Axis, np.ndarray]:
        """S2 of one phase along each axis, lags 0..reach."""
        curves: dict[Axis, list[np.ndarray]] = {axis: [] for axis in AXES}
        for normal, images in self.images.items():
            row, column = IMAGE_AXES[normal]
            for image in images:
                table = s2_map((image == label).astype(np.float32), reach)
                curves[row].append(table[:, reach])
                curves[column].append(table[0, reach:])
        means: dict[Axis, np.ndarray] = {axis: np.mean(np.stack(found), axis=0) for axis, found in curves.items()}
        if self.isotropic:
            pooled: np.ndarray = np.mean(np.stack(list(means.values())), axis=0)
            return dict.fromkeys(AXES, pooled)
        return means

    def covariance_along(self, label: int, reach: int) -> dict[Axis, np.ndarray]:
        """Autocovariance of one phase along each axis, lags 0..reach.

        Pairs of pixels are set against their own means: against that of the whole picture, what lies at its borders
        would count as correlation, and the two phases of one picture would differ.
        """
        curves: dict[Axis, list[np.ndarray]] = {axis: [] for axis in AXES}
        lags = np.arange(reach + 1)
        for normal, images in self.images.items():
            row, column = IMAGE_AXES[normal]
            for image in images:
                mask = (image == label).astype(np.float32)
                table = s2_map(mask, reach)
                own: list[tuple[Axis, np.ndarray, np.ndarray]] = [
                    (row, table[:, reach], mask.mean(1)),
                    (column, table[0, reach:], mask.mean(0)),
                ]
                for axis, s2, lines in own:
                    sums, pairs = np.concatenate([[0.0], np.cumsum(lines, dtype=float)]), len(lines) - lags
                    curves[axis].append(s2 - sums[pairs] * (sums[-1] - sums[lags]) / pairs**2)
        means: dict[Axis, np.ndarray] = {axis: np.mean(np.stack(found), axis=0) for axis, found in curves.items()}
        if self.isotropic:
            pooled: np.ndarray = np.mean(np.stack(list(means.values())), axis=0)
            return dict.fromkeys(AXES, pooled)
        return means

    def correlation_length(self, label: int) -> dict[Axis, float]:
        """Distance in voxels at which the normalised autocovariance falls to 1/e, along each axis."""
        reach = min(self.smallest // 2, 64)
        lengths: dict[Axis, float] = {}
        for axis, s2 in self.s2_along(label, reach).items():
            phi = float(s2[0])
            # A level in double precision: the curves are in single precision.
            found = (
                crossing(np.arange(reach + 1.0), autocovariance(s2, phi), np.float64(E_FOLD)) if 0 < phi < 1 else 0.0
            )
            lengths[axis] = float(reach) if found is None else found
        return lengths
