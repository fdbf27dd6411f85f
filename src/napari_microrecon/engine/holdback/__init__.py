"""Judging a reconstruction without a CT: part of every slice is held back, and compared with sections of the volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import late

if TYPE_CHECKING:
    from .experiment import hold_back
    from .result import HeldBack, HeldStatistic
    from .splitting import Split, split

_HOMES = {
    'experiment': ('hold_back',),
    'result': ('HeldBack', 'HeldStatistic'),
    'splitting': ('Split', 'split'),
}

__all__ = ['HeldBack', 'HeldStatistic', 'Split', 'hold_back', 'split']

__getattr__, __dir__ = late(__name__, _HOMES)
