"""What leaves the program: images, meshes, pore networks, reports, weights and the text for a paper.

Importing this package loads none of the modules behind it; each name loads its own on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import late

if TYPE_CHECKING:
    from .exporting import Exported, check_export, export
    from .formats import FORMATS, Format, format_of
    from .mesh import Mesh, surface_mesh
    from .methods_text import methods_of_run, methods_paragraph

_HOMES = {
    'exporting': ('Exported', 'check_export', 'export'),
    'formats': ('FORMATS', 'Format', 'format_of'),
    'mesh': ('Mesh', 'surface_mesh'),
    'methods_text': ('methods_of_run', 'methods_paragraph'),
}

__all__ = [
    'FORMATS',
    'Exported',
    'Format',
    'Mesh',
    'check_export',
    'export',
    'format_of',
    'methods_of_run',
    'methods_paragraph',
    'surface_mesh',
]

__getattr__, __dir__ = late(__name__, _HOMES)
