"""Plates and needles: grains that are no spheres, for laths, flakes, lamellae and fibres."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .fields import random_stream
from .grains import GrainField

FORMS = {'plates': 0.3, 'thin plates': 0.15, 'needles': 6.0}
ROUNDS, DRAWN = 3, 2  # of fitting size and stretch to drawn volumes
ACROSS, LARGEST, SMALLEST = 7, 80, 32  # spacings along a drawn volume; its edges in voxels before it is stretched


def formed_grains(phi: float, edges: tuple[float, float, float], *, favoured: bool) -> Iterator[tuple[str, GrainField]]:
    """Plates and needles of the phase or of the others whose drawn volumes change phase as often along every axis.

    Parameters
    ----------
    phi : float
        Fraction of the phase that the field stands for.
    edges : tuple of float
        Its phase changes per voxel along z, y, x; axes that are alike have the same.
    favoured : bool
        Whether the grains are of this phase.

    Yields
    ------
    str
        Name, 'plates of this phase' for instance.
    GrainField
        The fitted field.
    """
    of = ' of this phase' if favoured else ''
    start = GrainField.fit(1 - phi if favoured else phi, edges, grains_favoured=favoured)
    for name, flatness in FORMS.items():
        yield name + of, _fitted(start.formed(flatness), phi, edges)


def _fitted(field: GrainField, phi: float, edges: tuple[float, float, float]) -> GrainField:
    """Scaled and stretched until drawn volumes have these phase changes."""
    wanted = np.asarray(edges)
    for _ in range(ROUNDS):
        edge = min(ACROSS * field.spacing, LARGEST)
        z, y, x = (max(SMALLEST, round(edge * s)) for s in field.stretch)
        found = np.zeros(3)
        for index in range(DRAWN):
            values = field.around((z, y, x), random_stream(0, 12, index), phi)
            mask = values > np.quantile(values, 1 - phi)
            found += [np.diff(mask, axis=axis).mean() / DRAWN for axis in range(3)]
        # Axes that are alike stay alike: what differs between them in a few volumes is chance.
        found = np.array([found[wanted == one].mean() for one in wanted])
        ratio = np.maximum(found, 1e-4) / wanted
        size = float(np.prod(ratio) ** (1 / 3))
        stretch = np.asarray(field.stretch) * ratio / size
        z, y, x = (float(s) for s in stretch / np.prod(stretch) ** (1 / 3))
        field = field.scaled(size).model_copy(update={'stretch': (z, y, x)})
    return field
