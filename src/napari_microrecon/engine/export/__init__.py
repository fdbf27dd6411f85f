"""What leaves the program: images, meshes, pore networks, reports, weights and the text for a paper.

Importing this package loads none of the modules behind it; each name loads its own on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import late

if TYPE_CHECKING:
    from .exporting import check_export, export
    from .formats import Exported, Format, Order, format_names, format_of, known_formats, our_formats
    from .mesh import Mesh, surface_mesh
    from .methods_text import methods_of_run, methods_paragraph

_HOMES = {
    'exporting': ('check_export', 'export'),
    'formats': ('Exported', 'Format', 'Order', 'format_names', 'format_of', 'known_formats', 'our_formats'),
    'mesh': ('Mesh', 'surface_mesh'),
    'methods_text': ('methods_of_run', 'methods_paragraph'),
}

__all__ = [
    'Exported',
    'Format',
    'Mesh',
    'Order',
    'check_export',
    'export',
    'format_names',
    'format_of',
    'known_formats',
    'methods_of_run',
    'methods_paragraph',
    'our_formats',
    'surface_mesh',
]

__getattr__, __dir__ = late(__name__, _HOMES)
