"""Anisotropy index with its error and verdict."""

from __future__ import annotations

from ..anisotropy import anisotropy_of_mask
from ..correlation import Steps
from ..quantity import Measured, Quantity, Subject


def _measure(subject: Subject) -> Steps[Measured]:
    found = yield from anisotropy_of_mask(subject.mask, subject.spacing)
    return Measured(found.index, found.sd, found.sentence)


QUANTITIES = (
    Quantity(
        key='anisotropy_index',
        title='Anisotropy index',
        meaning='Longest over shortest correlation length; 1 for isotropic material. Finite volumes of isotropic '
        'material read above 1, so that the verdict depends on the size.',
        low=1.0,
        place=100,
        short='Anisotropy',
        method='own index: ratio of the axes of the ellipsoid fitted to the 1/e lengths; error by jackknife over '
        'octants',
        function=_measure,
    ),
)
