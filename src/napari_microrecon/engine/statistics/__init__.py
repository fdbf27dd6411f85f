"""Statistics computed from an array of labels: lengths, areas, connectivity, sizes, anisotropy.

Importing this package loads none of the modules behind it; each name loads its own on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import late

if TYPE_CHECKING:
    from .anisotropy import Anisotropy, anisotropy_of_slice, anisotropy_of_volume

_HOMES = {
    'anisotropy': ('Anisotropy', 'anisotropy_of_slice', 'anisotropy_of_volume'),
}

__all__ = [
    'Anisotropy',
    'anisotropy_of_slice',
    'anisotropy_of_volume',
]

__getattr__, __dir__ = late(__name__, _HOMES)
