"""All statistics and curves that can be measured: ours, and those of other packages."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from ..plugins import Plugin, load_plugins
from ..voxels import AXES
from . import declared
from .quantity import GROUP, CurveAxes, Quantity

_TAILS = (*AXES, 'radial')


@lru_cache(maxsize=1)
def ours() -> tuple[Quantity, ...]:
    """Those of this package, in alphabetical order of their modules."""
    modules = sorted(found.name for found in iter_modules(declared.__path__))
    listed = [q for name in modules for q in import_module(f'{declared.__name__}.{name}').QUANTITIES]
    if len({quantity.key for quantity in listed}) != len(listed):
        raise ValueError('two statistics have the same key')
    return tuple(listed)


@lru_cache(maxsize=1)
def quantities() -> dict[str, Quantity]:
    """All of them by `Quantity.key`: ours, then those of other packages.

    Warns
    -----
    PluginWarning
        For each one of another package that is left out, and why; once.
    """
    found = {quantity.key: quantity for quantity in ours()}
    taken = set(found) | {key for quantity in ours() for key in quantity.keys}
    return found | {name: _named(plugin) for name, plugin in load_plugins(GROUP, Quantity, taken, _check).items()}


def _check(quantity: Quantity) -> None:
    """Check the declaration of another package.

    Raises
    ------
    TypeError
        If it lacks something, or its keys would be taken for others.
    """
    if not callable(quantity.function):
        raise TypeError('declares no function')
    if not quantity.title or quantity.low >= quantity.high:
        raise TypeError('declares no title, or no possible range')
    if quantity.variants == 'phases' or quantity.cost == 'solve':
        raise TypeError('declares variants of phases, or the cost of a solve, which only our own have')
    if not quantity.key.isidentifier() or quantity.key.rpartition('_')[2] in _TAILS:
        raise TypeError('declares a key that is no plain name')


def _named(plugin: Plugin[Quantity]) -> Quantity:
    """The method in a report tells which package computed the number."""
    method = '; '.join(part for part in (plugin.value.method, plugin.origin) if part)
    return replace(plugin.value, method=method)


def quantity_of(key: str) -> Quantity:
    """Declaration behind a key of a report: 'tortuosity_z' is a variant of 'tortuosity'.

    A key that nobody declares (of a report made where another package was installed) gets a bare one.
    """
    known = quantities()
    if key in known:
        return known[key]
    stem, _, tail = key.rpartition('_')
    if tail in _TAILS and stem in known:
        return known[stem]
    for quantity in known.values():
        if quantity.variants == 'phases' and key.startswith(f'{quantity.key}_'):
            return quantity
    return Quantity(key=key, title=key, low=float('-inf'))


def title(key: str) -> str:
    """Name of a statistic or curve to show, with its axis: 'tortuosity_z' is 'Tortuosity factor, z'."""
    quantity = quantity_of(key)
    return f'{quantity.title}{_tail(key, quantity, ", ")}'


def short_title(key: str) -> str:
    """Name for narrow tables: 'tortuosity_z' is 'Tortuosity z'."""
    quantity = quantity_of(key)
    return f'{quantity.short or quantity.title}{_tail(key, quantity, " ")}'


def _tail(key: str, quantity: Quantity, between: str) -> str:
    tail = key.removeprefix(quantity.key).removeprefix('_')
    if not tail:
        return ''
    return f', phases {tail.replace("_", "–")}' if quantity.variants == 'phases' else f'{between}{tail}'


def curve_axes(key: str) -> CurveAxes:
    """How a curve is drawn."""
    return quantity_of(key).axes or CurveAxes()


def curve_of(key: str) -> str:
    """Key of the curve to show beside a statistic; '' where there is none."""
    quantity = quantity_of(key)
    shown = quantities().get(quantity.curve)
    return f'{quantity.curve}{_tail(key, quantity, "_")}' if shown and shown.variants == 'axes' else quantity.curve


def is_numerical(key: str) -> bool:
    """Whether a statistic tells of the computation and not of the material."""
    return quantity_of(key).numerical


def short_table() -> tuple[str, ...]:
    """Keys of the short table in reading order."""
    placed = sorted((q for q in quantities().values() if q.place is not None), key=lambda q: q.place or 0)
    return tuple(key for quantity in placed for key in quantity.keys)
