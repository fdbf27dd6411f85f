"""What other packages add by entry points: structural priors, statistics, exports.

An entry point names a class, or an instance, of the group's declaring base class. What cannot be loaded, or is
something else, is named in a warning and left out: one broken package never keeps the program from starting.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

T = TypeVar('T')


class PluginWarning(UserWarning):
    """A plug-in is broken and left out."""


@dataclass(frozen=True)
class Plugin(Generic[T]):
    """Something that another package adds.

    Attributes
    ----------
    name : str
        Of its entry point, and of what it adds.
    value : object
        Instance of the group's base class.
    package, version : str
        The distribution that brings it; empty where its metadata do not say.
    """

    name: str
    value: T
    package: str = ''
    version: str = ''

    @property
    def origin(self) -> str:
        """Package and version in one, such as 'microrecon-lamellae 0.1.0'."""
        return f'{self.package} {self.version}'.strip()


def plugin_names(group: str) -> tuple[str, ...]:
    """Names of a group's entry points in alphabetical order, without importing what they stand for."""
    return tuple(sorted(entry.name for entry in _entries(group)))


def load_plugins(
    group: str, base: type[T], taken: Collection[str] = (), check: Callable[[T], None] | None = None
) -> dict[str, Plugin[T]]:
    """Load what other packages add to a group, by name in alphabetical order.

    Parameters
    ----------
    group : str
        'napari_microrecon.priors' for instance.
    base : type
        Declaring base class: an entry point stands for a class derived from it, or for an instance.
    taken : collection of str
        Names that the program itself uses.
    check : callable, optional
        Raises an error that says what is wrong with an instance; one that it raises for is left out.

    Warns
    -----
    PluginWarning
        For everything that is left out, and why.
    """
    found: dict[str, Plugin[T]] = {}
    for entry in _entries(group):
        package, version = _distribution(entry)
        try:
            if entry.name in taken or entry.name in found:
                raise TypeError(f'the name {entry.name} is taken')
            value = _declared(entry, base)
            if check is not None:
                check(value)
        except (Exception, SystemExit) as error:
            brings = f'{package or "a package"} adds {entry.name} ({entry.value}) to {group}'
            reason = ' '.join(f'{type(error).__name__}: {error}'.split())
            warnings.warn(f'a plug-in is left out: {brings}: {reason}', PluginWarning, stacklevel=2)
        else:
            found[entry.name] = Plugin(entry.name, value, package, version)
    return found


@lru_cache(maxsize=8)
def _entries(group: str) -> tuple[EntryPoint, ...]:
    return tuple(sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value)))


def _declared(entry: EntryPoint, base: type[T]) -> T:
    """Instance of the base class that an entry point stands for.

    Raises
    ------
    TypeError
        If it stands for something else, or is declared under another name.
    """
    loaded = entry.load()
    value = loaded() if isinstance(loaded, type) and issubclass(loaded, base) else loaded
    if not isinstance(value, base):
        raise TypeError(f'is no {base.__name__}')
    declared = getattr(value, 'name', getattr(value, 'key', entry.name))
    if declared != entry.name:
        raise TypeError(f'declares the name {declared}')
    return value


def _distribution(entry: EntryPoint) -> tuple[str, str]:
    dist = entry.dist
    return ('', '') if dist is None else (dist.metadata['Name'] or '', dist.version)
