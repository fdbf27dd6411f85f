"""What leaves the program: images, meshes, pore networks, reports, weights and the text for a paper.

Importing this package loads none of the modules behind it; each name loads its own on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
_HOME = {name: home for home, names in _HOMES.items() for name in names}

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


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'.{_HOME[name]}', __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
