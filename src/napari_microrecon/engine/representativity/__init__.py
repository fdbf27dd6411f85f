"""How exactly a volume or slices of this size give the mean of the material.

Importing this package loads none of the modules behind it; each name loads its own on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import late

if TYPE_CHECKING:
    from .estimate import representativity_of_slices, representativity_of_volume
    from .result import Representativity
    from .threshold import pooled_threshold, threshold_uncertainty

_HOMES = {
    'estimate': ('representativity_of_slices', 'representativity_of_volume'),
    'result': ('Representativity',),
    'threshold': ('pooled_threshold', 'threshold_uncertainty'),
}

__all__ = [
    'Representativity',
    'pooled_threshold',
    'representativity_of_slices',
    'representativity_of_volume',
    'threshold_uncertainty',
]

__getattr__, __dir__ = late(__name__, _HOMES)
