"""Which folder a run may take, and how a new run takes the place of an earlier one without loss.

Of a folder that is replaced only what the earlier run's record names goes; anything else that lies in it (notes, a
replay) moves into the new run's folder.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from ..errors import InputError
from ..files.failures import write_error
from ..files.staging import OLD, clear, followed, leftovers, temporary
from ..files.targets import check_not_input
from .record import CHECKPOINT, RECORD, RunRecord

COPY = 'reference.tif'  # of a volume that the run's own were compared with
_TOLD = ('command', 'parameters', 'inputs', 'versions', 'created')  # what every run of ours says


def run_in(folder: Path) -> RunRecord | None:
    """Record of the run in a folder; None where the folder is free.

    Raises
    ------
    InputError
        If the folder holds anything else.
    """
    path = folder / RECORD
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    problem = 'holds something else than a run'
    if path.is_file():
        try:
            told = json.loads(path.read_bytes())
            if isinstance(told, dict) and all(key in told for key in _TOLD):
                return RunRecord.model_validate(told)
        except (OSError, ValueError, ValidationError):
            pass
        problem = f'holds a {RECORD} that is damaged or of another program'
    raise InputError(str(folder), problem, 'choose another folder with --run')


def check_place(folder: Path, inputs: Iterable[Path | str] = ()) -> RunRecord | None:
    """The run that a new one will replace, None where the folder is free; clears what killed processes have left.

    Raises
    ------
    InputError
        If the folder holds something else, or a file that is read.
    """
    try:
        home = followed(folder)
    except OSError as error:
        raise write_error(folder, error) from error
    for left in leftovers(home):
        if left.suffix == f'.{OLD}' and (home / RECORD).is_file():
            _empty(left, home)  # its replacement is in place: the rest of the exchange
    clear(home)
    found = run_in(folder)
    check_not_input(folder, inputs)
    return found


def free_beside(folder: Path) -> Path:
    """OUT-2.run, OUT-3.run, ... beside OUT.run: the first name that nobody has."""
    stem, number = folder.name.removesuffix('.run'), 2
    while os.path.lexists(found := folder.with_name(f'{stem}-{number}.run')):
        number += 1
    clear(found)
    return found


def put_run(made: Path, home: Path) -> None:
    """Give a run that is whole its place; an earlier run there goes, with what its record names and nothing else.

    Raises
    ------
    FileExistsError
        If the place holds something else meanwhile.
    """
    if not home.exists() or not any(home.iterdir()):
        claim(made, home)
        return
    try:
        run_in(home)
    except InputError as error:
        raise FileExistsError(str(error)) from error
    old = temporary(home, OLD)
    home.rename(old)
    made.rename(home)
    _empty(old, home)


def claim(made: Path, home: Path) -> None:
    """Rename a run's folder to a name that nobody has; of two processes at the same moment one gets it.

    Raises
    ------
    OSError
        If somebody has it.
    """
    with contextlib.suppress(OSError):
        home.rmdir()  # an empty folder that the user has made
    made.rename(home)  # fails where there is a folder with content


def remove_run(folder: Path) -> None:
    """Remove a run: what its record names, and the folder where nothing else is in it."""
    try:
        record = run_in(folder)
    except InputError:
        return
    if record is None:
        return
    named = [item.path for item in (*record.inputs, *record.outputs)]
    if record.command == 'finetune':
        named.append(CHECKPOINT)
    if record.reference is not None and record.reference.where == COPY:
        named.append(COPY)
    for name in (*named, RECORD):
        path = folder / name
        if folder.resolve() in path.resolve().parents:
            _unlink(path)
    for inside in ('inputs', '.'):
        with contextlib.suppress(OSError):
            (folder / inside).rmdir()


def _unlink(path: Path) -> None:
    from ..files.staging import remove

    for one in (path, *leftovers(path)):
        remove(one)


def _empty(old: Path, home: Path) -> None:
    """Remove the run in `old`, moving files that are not its own into `home`."""
    remove_run(old)
    if not old.is_dir():
        return
    for folder, folders, files in os.walk(old):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in (*files, *links):
            path = Path(folder, name)
            target = home / path.relative_to(old)
            while os.path.lexists(target):
                target = target.with_name(f'{target.name}.earlier')
            with contextlib.suppress(OSError):
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
        for name in folders:
            with contextlib.suppress(OSError):
                (home / Path(folder, name).relative_to(old)).mkdir(parents=True)
    for folder, _, _ in os.walk(old, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()
