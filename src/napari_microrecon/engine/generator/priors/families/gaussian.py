"""Gaussian random fields: two-point statistics by construction, for what no other family describes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .base import PhaseOfSlices, PriorFamily

if TYPE_CHECKING:
    from ..gaussian import GaussianField


class Gaussian(PriorFamily):
    """Level sets of a stationary Gaussian field."""

    name = 'gaussian'
    title = 'Gaussian random field'
    fits = 'Its correlation function follows from the two-point probability of the slices (Quiblier 1984).'
    methods_text = 'a Gaussian random field'
    cost = 'fit below .1 s; two Fourier transforms a volume'
    order = 10

    @property
    def field(self) -> type[GaussianField]:
        """Model of the parameters."""
        from ..gaussian import GaussianField

        return GaussianField

    def first_guesses(self, phase: PhaseOfSlices) -> Mapping[str, GaussianField]:
        """The field whose level set has the two-point probability of the phase."""
        import numpy as np

        from ....voxels import AXES

        exemplars, label = phase.exemplars, phase.label
        lengths = exemplars.correlation_length(label)
        mean_length = math.prod(lengths.values()) ** (1 / 3)
        z, y, x = (lengths[axis] / mean_length for axis in AXES)
        reach = min(exemplars.smallest // 2, 48)
        along = exemplars.s2_along(label, reach)
        # Pool the axes in the stretched metric, so that one table serves all directions.
        lags = np.arange(reach + 1)
        pooled = [np.interp(lags, lags / s, along[axis]) for axis, s in zip(AXES, (z, y, x), strict=True)]
        return {'Gaussian field': self.field.fit(np.mean(pooled, axis=0), phase.fraction, (z, y, x))}
