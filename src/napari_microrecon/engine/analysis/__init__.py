"""Jobs that measure: one volume, blocks, many volumes, a reconstruction beside real material, a map in space.

Importing this package loads none of the modules behind it; each name loads its own on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import late

if TYPE_CHECKING:
    from .comparing import compare
    from .faces import Face, face_title, spatial_face
    from .many import measure_blocks, measure_many
    from .measuring import measure
    from .memory import MemoryEstimate, MemoryRefusal, check_memory, coarsen, crop_middle, estimate_memory

_HOMES = {
    'comparing': ('compare',),
    'faces': ('Face', 'face_title', 'spatial_face'),
    'many': ('measure_blocks', 'measure_many'),
    'measuring': ('measure',),
    'memory': ('MemoryEstimate', 'MemoryRefusal', 'check_memory', 'coarsen', 'crop_middle', 'estimate_memory'),
}

__all__ = [
    'Face',
    'MemoryEstimate',
    'MemoryRefusal',
    'check_memory',
    'coarsen',
    'compare',
    'crop_middle',
    'estimate_memory',
    'face_title',
    'measure',
    'measure_blocks',
    'measure_many',
    'spatial_face',
]

__getattr__, __dir__ = late(__name__, _HOMES)
