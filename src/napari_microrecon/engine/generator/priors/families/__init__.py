"""Every family of structural priors: those in this folder, and those that other packages add.

Each module of this folder declares families. Loading them takes a moment: what computes is imported by those who
compute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ....errors import InputError
from ....plugins import Plugin, load_plugins, plugin_names
from .base import PhaseOfSlices, PriorFamily

if TYPE_CHECKING:
    from ..fields import Field

GROUP = 'napari_microrecon.priors'  # of entry points

__all__ = [
    'GROUP', 'PhaseOfSlices', 'PriorFamily', 'family_of', 'family_origins', 'field_types', 'known_family',
    'origin_of', 'prior_families', 'prior_names', 'related_families',
]  # fmt: skip


@cache
def _own() -> Mapping[str, PriorFamily]:
    modules = (import_module(f'.{found.name}', __name__) for found in iter_modules(__path__))
    declared = (family for module in modules for family in _declared(module))
    return {family.name: family for family in declared}


def _declared(module: ModuleType) -> list[PriorFamily]:
    """Instances of the families that a module defines."""
    return [
        kind()
        for kind in vars(module).values()
        if isinstance(kind, type) and kind.__module__ == module.__name__ and issubclass(kind, PriorFamily)
        if kind is not PriorFamily
    ]


@cache
def _plugins() -> Mapping[str, Plugin[PriorFamily]]:
    return load_plugins(GROUP, PriorFamily, taken=_own().keys(), check=_check)


def _check(family: PriorFamily) -> None:
    """Compare a family of another package with what is asked of one.

    Raises
    ------
    TypeError
        If it lacks a name, a title or a field of its own kind.
    """
    from ..fields import Field

    for name in ('name', 'title', 'fits'):
        if not isinstance(getattr(family, name, None), str):
            raise TypeError(f'declares no {name}')
    if not (isinstance(family.field, type) and issubclass(family.field, Field)):
        raise TypeError('its field is not derived from Field')
    kind = kind_of(family.field)
    if kind != family.name and kind not in _own():
        raise TypeError(f'its field has the kind {kind}')


@cache
def prior_families() -> Mapping[str, PriorFamily]:
    """All families by name, in the order in which they are tried."""
    every = [*_own().values(), *(plugin.value for plugin in _plugins().values())]
    return {family.name: family for family in sorted(every, key=lambda one: (one.order, one.name))}


def prior_names() -> tuple[str, ...]:
    """Names that a user may ask for, without loading what other packages add."""
    own = sorted(_own().values(), key=lambda one: (one.order, one.name))
    return tuple(family.name for family in own if family.describes_phases) + plugin_names(GROUP)


def origin_of(name: str) -> str:
    """Package and version that bring a family; empty for those of the program itself."""
    plugin = _plugins().get(name)
    return '' if plugin is None else plugin.origin


def family_origins(fields: Iterable[Field]) -> dict[str, str]:
    """Versions by package of what other packages bring to these fields, for the provenance."""
    found = (_plugins().get(field.kind) for field in fields)
    return {plugin.package: plugin.version for plugin in found if plugin is not None and plugin.package}


def known_family(name: str) -> PriorFamily:
    """The family of that name, if it can describe a phase by itself.

    Raises
    ------
    InputError
        If there is none; the message lists the names.
    """
    family = prior_families().get(name)
    if family is None or not family.describes_phases:
        known = ', '.join(name for name, family in prior_families().items() if family.describes_phases)
        raise InputError(f'prior {name}', 'is not known', f'use one of {known}, or install the plug-in that brings it')
    return family


def family_of(field: Field) -> PriorFamily:
    """The family that a field belongs to by its kind."""
    return prior_families()[field.kind]


def related_families() -> list[PriorFamily]:
    """Families that describe a phase by another one."""
    return [family for family in prior_families().values() if family.relation]


def field_types() -> tuple[type[Field], ...]:
    """Models of all fields, one of each kind."""
    found = {kind_of(family.field): family.field for family in prior_families().values()}
    return tuple(found.values())


def kind_of(field: type[Field]) -> str:
    """What weights files call fields of this type."""
    described: Any = field.model_fields.get('kind')
    return '' if described is None else str(described.default)
