"""Whether a volume copies its slices or repeats itself.

Importing this package loads none of the modules behind it; each name loads its own on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import late

if TYPE_CHECKING:
    from .novelty import Novelty, find_copies
    from .repeats import Repeats, find_repeats

_HOMES = {
    'novelty': ('Novelty', 'find_copies'),
    'repeats': ('Repeats', 'find_repeats'),
}

__all__ = [
    'Novelty',
    'Repeats',
    'find_copies',
    'find_repeats',
]

__getattr__, __dir__ = late(__name__, _HOMES)
