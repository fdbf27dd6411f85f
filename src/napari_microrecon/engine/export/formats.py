"""Ways to hand a volume, and what belongs to it, on to other programs: ours, and those of other packages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ..errors import InputError
from ..files import replacing
from ..plugins import load_plugins, plugin_names
from ..progress import Job
from ..volume import Volume
from . import writers

if TYPE_CHECKING:
    from ..results import Comparison, Report

GROUP = 'napari_microrecon.exports'  # entry points of other packages


class SavesWeights(Protocol):
    """Weights of the generator, of which an export knows no more than how to save them."""

    def save(self, path: Path) -> object:
        """Write them."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes
    ----------
    path : Path
        The file (a folder for OME-Zarr).
    sentence : str
        What it holds, for the user.
    details : dict
        The same in numbers.
    """

    path: Path
    sentence: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Order:
    """What is to be written.

    Attributes
    ----------
    volume : Volume
        Labels with phases and voxel size.
    path : Path
        File to write.
    label : int
        Phase, for formats about one phase.
    subject : Report or Comparison or None
        What has been measured already.
    beside : sequence of Volume
        For the report of a comparison: the volumes to show in it.
    weights : SavesWeights or None
        Those that made the volume.
    """

    volume: Volume
    path: Path
    label: int
    subject: Report | Comparison | None = None
    beside: Sequence[Volume] = ()
    weights: SavesWeights | None = None

    @property
    def name(self) -> str:
        """Name of the phase."""
        return self.volume.phases.names[self.label]


class Format:
    """One way to hand results on; a class derived from it declares itself and writes one file.

    Attributes
    ----------
    key : str
        Name on the command line.
    title : str
        Name in a menu.
    endings : tuple of str
        File endings that it takes; the first is offered.
    opens : str
        Who opens it.
    phase : bool
        Whether it is about one phase.
    place : int
        Where it stands in menus, smaller first, and so after ours by default.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    endings: ClassVar[tuple[str, ...]]
    opens: ClassVar[str]
    phase: ClassVar[bool] = False
    place: ClassVar[int] = 1000

    def check(self, volume: Volume, label: int) -> None:
        """Check a wish before the work begins.

        Raises
        ------
        InputError
            If this volume cannot be written in this format.
        """

    def write(self, order: Order) -> Job[Exported]:
        """Write the file; it gets its name only when it is whole."""
        with replacing(order.path) as part:
            sentence, details = yield from self.write_file(part, order)
        return Exported(order.path, sentence, details)

    def write_file(self, part: Path, order: Order) -> Job[tuple[str, dict[str, Any]]]:
        """Write the file under its temporary name; a sentence on what it holds, and the same in numbers.

        A generator: it yields `Progress` now and then, and is closed when the user cancels.
        """
        raise NotImplementedError


@lru_cache(maxsize=1)
def our_formats() -> tuple[Format, ...]:
    """Those of this package, in the order of menus; each module of `writers` lists its own in `FORMATS`."""
    modules = sorted(found.name for found in iter_modules(writers.__path__))
    listed = [one for name in modules for one in import_module(f'{writers.__name__}.{name}').FORMATS]
    return tuple(sorted(listed, key=lambda one: one.place))


@lru_cache(maxsize=1)
def known_formats() -> tuple[Format, ...]:
    """All of them: ours, then those of other packages.

    Warns
    -----
    PluginWarning
        For each one of another package that is left out, and why; once.
    """
    taken = [one.key for one in our_formats()]
    added = [plugin.value for plugin in load_plugins(GROUP, Format, taken, _check).values()]
    return (*our_formats(), *sorted(added, key=lambda one: one.place))


def format_names() -> str:
    """Names and endings of ours, and the names of the others, whose packages are not loaded for it."""
    ours = '; '.join(f'{one.key} ({", ".join(one.endings)})' for one in our_formats())
    added = plugin_names(GROUP)
    return f'{ours}; of other packages: {", ".join(added)}' if added else ours


def format_of(key: str) -> Format:
    """Return a format by its name.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    for known in known_formats():
        if known.key == key:
            return known
    raise InputError('format', f'{key!r} is not known', f'use one of {", ".join(f.key for f in known_formats())}')


def _check(one: Format) -> None:
    """Check the declaration of another package.

    Raises
    ------
    TypeError
        If it lacks something.
    """
    for name in ('key', 'title', 'endings', 'opens'):
        if not getattr(one, name, None):
            raise TypeError(f'declares no {name}')
    if not isinstance(one.endings, tuple) or not all(ending.startswith('.') for ending in one.endings):
        raise TypeError('declares endings that are no tuple of endings with a dot')
    if type(one).write is Format.write and type(one).write_file is Format.write_file:
        raise TypeError('writes no file')
