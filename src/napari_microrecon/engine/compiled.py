"""Inner loops that numba compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(*, fastmath: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function at its first call, and keep the result on disk where there is a place to write.

    Parameters
    ----------
    fastmath : bool
        Whether sums may be reordered, which is quicker; without it the same input gives the same bits on every machine.
    """
    options = {'nogil': True, 'fastmath': fastmath, 'error_model': 'numpy'}

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # neither the package's folder nor the user's cache can be written
            return numba.njit(**options)(function)

    return decorate
