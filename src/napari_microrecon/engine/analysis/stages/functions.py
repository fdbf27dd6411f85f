"""Statistics that are computed by the function of their declaration, one after the other."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from inspect import isgenerator
from typing import Any, cast

from ...plugins import PluginWarning
from ...statistics.correlation import Steps
from ...statistics.quantity import Measured, Quantity
from ..measurement import Measurement


def declared(m: Measurement, quantity: Quantity) -> Steps[None]:
    """Compute one statistic; a function that fails is named in a warning, and the others go on."""
    keys = quantity.keys
    try:
        found: Any = _function(quantity)(m.subject)
        if isgenerator(found):
            found = yield from cast(Steps[Any], found)
        values = _values(found, len(keys))
    except Exception as error:
        reason = ' '.join(f'{type(error).__name__}: {error}'.split())
        warnings.warn(f'{quantity.title} is left out: {reason}', PluginWarning, stacklevel=2)
        m.refuse(keys, quantity.method, f'could not be computed: {reason}')
        return
    for key, value in zip(keys, values, strict=True):
        m.put(key, value.value, quantity.method, value.note or m.absent, value.sd)


def _function(quantity: Quantity) -> Any:
    if isinstance(quantity.function, str):
        raise TypeError(f'{quantity.key} has no function of its own')
    return quantity.function


def _values(found: Any, count: int) -> list[Measured]:
    """As many values as the statistic has keys.

    Raises
    ------
    ValueError
        If the function returned another number of values.
    """
    several = found if isinstance(found, Sequence) else [found]
    if len(several) != count:
        raise ValueError(f'returned {len(several)} values where there are {count}')
    return [one if isinstance(one, Measured) else Measured(None if one is None else float(one)) for one in several]
