"""Diffusion through a phase: tortuosity and effective diffusivity, on the CPU, on a GPU or by PoreSpy.

Importing this package loads none of the modules behind it; each name loads its own on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import late

if TYPE_CHECKING:
    from .solver import Transport, solve_diffusion, solve_field

_HOMES = {
    'solver': ('Transport', 'solve_diffusion', 'solve_field'),
}

__all__ = [
    'Transport',
    'solve_diffusion',
    'solve_field',
]

__getattr__, __dir__ = late(__name__, _HOMES)
