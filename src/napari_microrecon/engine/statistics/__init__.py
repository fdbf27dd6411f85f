"""Statistics computed from an array of labels: lengths, areas, connectivity, sizes, anisotropy.

Importing this package loads none of the modules behind it; each name loads its own on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import late

if TYPE_CHECKING:
    from .anisotropy import Anisotropy, anisotropy_of_slice, anisotropy_of_volume
    from .catalogue import quantities, quantity_of, title
    from .quantity import CurveAxes, Measured, Quantity, Subject

_HOMES = {
    'anisotropy': ('Anisotropy', 'anisotropy_of_slice', 'anisotropy_of_volume'),
    'catalogue': ('quantities', 'quantity_of', 'title'),
    'quantity': ('CurveAxes', 'Measured', 'Quantity', 'Subject'),
}

__all__ = [
    'Anisotropy',
    'CurveAxes',
    'Measured',
    'Quantity',
    'Subject',
    'anisotropy_of_slice',
    'anisotropy_of_volume',
    'quantities',
    'quantity_of',
    'title',
]

__getattr__, __dir__ = late(__name__, _HOMES)
