"""Results are made beside their final places and put there when they are whole.

While it is written, OUT is the hidden `.OUT.NUMBER-MACHINE-N.part` beside it; a folder that is replaced is for a moment
`.OUT....old`. What a killed process has left of these is cleared when the same output is written again.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import InputError
from .failures import write_error
from .ours import check_replaceable
from .processes import may_be_running, this_machine

PART, OLD = 'part', 'old'
_LONGEST = 120  # bytes of an output's name in that of its temporary: file systems allow 255 for the whole
_TAG = re.compile(r'\.(\d+)(?:-([0-9a-f]{8})-\d+)?\.(part|old)')  # as earlier versions wrote it, too
_count = itertools.count()

Put = Callable[[Path, Path], None]


def temporary(path: Path, kind: str = PART) -> Path:
    """A hidden name beside `path` that no other process or call uses."""
    return path.with_name(f'{_stem(path)}.{os.getpid()}-{this_machine()}-{next(_count)}.{kind}')


def leftovers(path: Path) -> list[Path]:
    """Temporaries of an output whose processes are gone."""
    stem, found = _stem(path), []
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if entry.name.startswith(stem) and (tag := _TAG.fullmatch(entry.name[len(stem) :])) is not None:
                number, machine = int(tag[1]), tag[2] or ''
                if not may_be_running(number, machine):
                    found.append(path.with_name(entry.name))
    return sorted(found)


def clear(path: Path) -> None:
    """Clear what killed processes have left of an output; one that was being replaced comes back.

    Folders of runs are replaced by `run.replacing`, which sees to their `.old`: they may hold files of the user.
    """
    for left in leftovers(path):
        if left.suffix == f'.{PART}':
            remove(left)
        elif not os.path.lexists(path):
            with contextlib.suppress(OSError):
                left.rename(path)
        elif not (left / 'run.json').exists():
            with contextlib.suppress(InputError):  # it holds something of the user: it stays
                check_replaceable(left)
                remove(left)


def remove(path: Path) -> None:
    """Remove a file or a folder of ours, if it is there and can be removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def put(made: Path, final: Path) -> None:
    """Give something that is whole its final name; what had it before is replaced."""
    if not final.is_dir():
        made.replace(final)
        return
    old = temporary(final, OLD)
    final.rename(old)
    made.replace(final)
    remove(old)


class Staging:
    """Outputs that take their places together, once all of them are whole.

    Each is written under its own name (writers look at endings) in a hidden folder beside its final place.
    """

    def __init__(self) -> None:
        self.made: list[tuple[Path, Path, Put]] = []

    def path(self, final: Path, put: Put = put) -> Path:
        """Where to write what will be `final`; `put` moves it there."""
        final = followed(final)
        folder = temporary(final)
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise write_error(final, error) from error
        made = folder / final.name
        self.made.append((made, final, put))
        return made

    def settle(self) -> None:
        """Put everything that was made into its place; what was asked for first (the record of a run) comes last."""
        for made, final, put in reversed(self.made):
            try:
                put(made, final)
            except OSError as error:
                raise write_error(final, error) from error
        self.clear()

    def clear(self) -> None:
        """Remove what has not been put into its place."""
        for made, _, _ in self.made:
            remove(made.parent)
        self.made = []


@contextlib.contextmanager
def staging() -> Iterator[Staging]:
    """Outputs that take their places when the block ends without an error; else nothing has changed."""
    stage = Staging()
    try:
        yield stage
        stage.settle()
    except InputError as error:
        # The names of the parts mean nothing to the user.
        final = next((final for made, final, _ in stage.made if str(made) in error.subject), None)
        if final is None:
            raise
        raise type(error)(str(final), error.problem, error.remedy) from error
    finally:
        stage.clear()


def followed(path: Path) -> Path:
    """What a link names, the path itself where it is none: links are written through, not replaced."""
    try:
        return path.resolve() if path.is_symlink() else path
    except RuntimeError as error:
        raise OSError(errno.ELOOP, 'a link that leads to itself', str(path)) from error


def _stem(path: Path) -> str:
    """Begin of the temporary's name: a dot and the name, shortened where it is long."""
    name = path.name
    if len(os.fsencode(name)) > _LONGEST:
        digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:12]
        name = f'{name[: _LONGEST // 4]}~{digest}'
    return f'.{name}'
