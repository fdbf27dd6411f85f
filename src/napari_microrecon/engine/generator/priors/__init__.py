"""Structural priors: random fields that volumes inherit their three-dimensional connectivity from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import late

if TYPE_CHECKING:
    from .fitting import choose_prior, fitting_prior
    from .model import PriorModel, noise_prior

__all__ = ['PriorModel', 'choose_prior', 'fitting_prior', 'noise_prior']

# Late: what lies below the choice (`bounds`, `fields`) is used by modules that the choice imports.
__getattr__, __dir__ = late(
    __name__, {'fitting': ('choose_prior', 'fitting_prior'), 'model': ('PriorModel', 'noise_prior')}
)
