"""How well the slices determine the material: errors below that are the slices' own, and no training lowers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..statistics.two_point import s2_map
from ..voxels import AXES
from .exemplar import Exemplars

WIDEST = {'s2': 0.08, 'surface': 0.1}  # slices may be too small to be believed
PERCOLATING = 0.02  # of a phase that may be lost against the untrained prior


class Band:
    """Errors that pieces of the slices show against the whole slices, in the units of `SectionScore`.

    A piece the size of a training volume's section differs from its slice; over pieces that are independent,
    the error falls with the root of the area, and so the slices themselves differ from their material by
    the pieces' error times sqrt(area of a piece / area of the slices). Volumes that are nearer to the slices
    than that follow accidents of the slices, not the material.
    """

    def __init__(self, exemplars: Exemplars, shape: Sequence[int]) -> None:
        self._reach = max(3, min(min(shape) // 2 - 1, exemplars.smallest // 2, 24))
        s2: list[float] = []
        surface: list[float] = []
        planes = AXES[:1] if exemplars.isotropic else AXES
        for normal in planes:
            images = exemplars.images[normal]
            edge = min(*shape, min(min(image.shape) for image in images) // 2)
            pieces = [piece for image in images for piece in _pieces(image, edge)]
            share = np.sqrt(edge**2 / sum(image.size for image in images))
            found = np.array([self._errors(pieces, images, k) for k in range(exemplars.phase_count)])  # (K, 2, n)
            s2.append(share * float(np.sqrt((found[:, 0].max(0) ** 2).mean())))
            surface.append(share * float(np.sqrt((found[:, 1].max(0) ** 2).mean())))
        self.s2_error = min(float(np.mean(s2)), WIDEST['s2'])
        self.surface_error = min(float(np.mean(surface)), WIDEST['surface'])

    def _errors(self, pieces: list[np.ndarray], images: list[np.ndarray], label: int) -> np.ndarray:
        """(2, n): S2 error and surface error of every piece, as `SectionScore` defines them for volumes."""
        reach = min(self._reach, len(pieces[0]) // 2)

        def curves(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            """Autocovariance (2, reach + 1) and face densities (2,), both by the variance of the phase.

            Training volumes have the slices' fractions, pieces have their own: that part is taken out.
            """
            mask = image == label
            phi = float(mask.mean())
            variance = max(phi * (1 - phi), 1e-3)
            table = s2_map(mask.astype(np.float32), reach)
            faces = np.array([(mask[1:] != mask[:-1]).mean(), (mask[:, 1:] != mask[:, :-1]).mean()])
            return (np.stack([table[:, reach], table[0, reach:]]) - phi**2) / variance, faces / variance

        whole = [curves(image) for image in images]
        sizes = [image.size for image in images]
        s2, faces = (np.average([part[i] for part in whole], axis=0, weights=sizes) for i in (0, 1))
        errors = [
            (float(np.abs(a - s2).mean()), float(np.abs(b / np.maximum(faces, 1e-4) - 1).mean()))
            for a, b in map(curves, pieces)
        ]
        return np.array(errors).T

    def holds(self, measured: Mapping[str, float], reference: Mapping[str, float]) -> bool:
        """Whether the statistics of an evaluation are inside, and no phase percolates less than in the prior."""
        return (
            measured['s2_error'] <= self.s2_error
            and measured['surface_error'] <= self.surface_error
            and all(
                measured[name] >= value - PERCOLATING
                for name, value in reference.items()
                if name.startswith('percolating')
            )
        )


def _pieces(image: np.ndarray, edge: int) -> list[np.ndarray]:
    """Squares of an image that do not overlap, spread evenly over it."""
    rows, columns = (
        np.linspace(0, size - edge, size // edge).round().astype(int) if size > edge else np.zeros(1, int)
        for size in image.shape
    )
    return [image[r : r + edge, c : c + edge] for r in rows for c in columns]
