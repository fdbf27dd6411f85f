"""Plates and needles: grains that are no spheres, for laths, flakes, lamellae and fibres."""

from __future__ import annotations

import math

import numpy as np

from ...progress import Job
from ..random_streams import Stream, random_stream
from .effort import Effort, Trial
from .fields import drawn_shape
from .grains import GrainField

FORMS = {'plates': 0.3, 'thin plates': 0.15, 'needles': 6.0}
ROUNDS, DRAWN = 3, 2  # of fitting size and stretch to drawn volumes
ACROSS, LARGEST, SMALLEST = 7, 80, 32  # spacings along a drawn volume; its edges in voxels before it is stretched


def formed_grains(
    phi: float, edges: tuple[float, float, float], effort: Effort, *, favoured: bool
) -> Job[dict[str, GrainField]]:
    """Plates and needles of the phase or of the others whose drawn volumes change phase as often along every axis.

    Parameters
    ----------
    phi : float
        Fraction of the phase that the field stands for.
    edges : tuple of float
        Its phase changes per voxel along z, y, x; axes that are alike have the same.
    effort : Effort
        What the fit may take.
    favoured : bool
        Whether the grains are of this phase.

    Returns
    -------
    dict
        Fitted fields by name, 'plates of this phase' for instance.
    """
    of = ' of this phase' if favoured else ''
    start = GrainField.fit(1 - phi if favoured else phi, edges, grains_favoured=favoured)
    found: dict[str, GrainField] = {}
    for name, flatness in FORMS.items():
        if not effort.allows(name + of):
            break
        found[name + of] = yield from _fitted(start.formed(flatness), phi, edges, effort.trial(name + of))
    return found


def _fitted(field: GrainField, phi: float, edges: tuple[float, float, float], trial: Trial) -> Job[GrainField]:
    """Scaled and stretched until drawn volumes have these phase changes."""
    wanted = np.asarray(edges)
    for _ in range(ROUNDS):
        shape = drawn_shape(min(ACROSS * field.spacing, LARGEST), field.stretch, SMALLEST)
        found = np.zeros(3)
        for index in range(DRAWN):
            yield trial.sign(field.work * math.prod(shape))
            values = field.around(shape, random_stream(0, Stream.PLATES_AND_NEEDLES, index), phi)
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
