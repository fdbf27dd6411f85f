"""Reading a run that somebody else may have written: its record, and which of the files that it names are opened.

A run that came from elsewhere can name any file. Inputs lie in its folder. A result is opened where it lies in the
folder or beside it; so is what the volumes were compared with. Anything else takes the user's word.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from pydantic import ValidationError

from ..errors import InputError
from ..formats import Kind, check_format, first_problem
from .record import RECORD, SCHEMA, RunRecord

KIND = Kind('', SCHEMA, 'runs', 'make the run again')
LARGEST = 2**26  # bytes of a record; a training of a day leaves some 100 kB


def read_record(folder: Path) -> RunRecord:
    """Content of a folder's run.json.

    Raises
    ------
    InputError
        If it is damaged, of another format, or names an input outside its folder.
    """
    path = folder / RECORD
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(str(path), 'is too large for a record', KIND.remedy)
        told = json.loads(path.read_bytes())
    except (OSError, RecursionError) as error:
        raise InputError(str(path), f'cannot be read ({type(error).__name__})', KIND.remedy) from error
    except ValueError as error:
        raise InputError(str(path), 'is damaged: no JSON', KIND.remedy) from error
    if not isinstance(told, dict):
        raise InputError(str(path), 'is damaged: no JSON object', KIND.remedy)
    check_format(str(path), KIND, told.setdefault('schema', SCHEMA))
    try:
        record = RunRecord.model_validate(told)
    except (ValidationError, RecursionError) as error:
        raise InputError(str(path), f'cannot be right: {first_problem(error)}', KIND.remedy) from error
    for item in record.inputs:
        input_path(folder, item.path)
    return record


def input_path(folder: Path, name: str) -> Path:
    """Path of an input by its name in the record.

    Raises
    ------
    InputError
        If it is not in the run's folder.
    """
    home = folder.resolve()
    path = _joined(home, name)
    if path is None or not _within(path, home) or not _within(path.resolve(), home):
        raise InputError(str(folder / RECORD), f'names an input outside its folder ({name[:120]!r})', KIND.remedy)
    return folder / name


def readable_path(folder: Path, name: str, trusted: Sequence[Path] | None = (), *, subject: str = '') -> Path:
    """Path of a result or a reference by its name in the record.

    Parameters
    ----------
    folder : Path
        Of the run.
    name : str
        Relative to it, or an absolute path.
    trusted : sequence of Path or None
        Files, or folders with all that is in them, that the user has named besides. None: whatever the record names,
        of a run that the program has made for this user.
    subject : str
        Of the message; the run's folder where there is none.

    Raises
    ------
    InputError
        If it lies neither in the run's folder nor beside it, and was not named. The file is not touched.
    """
    home = folder.resolve()
    path = _joined(home, name)
    # As they are called and as they are: a path may be written with a link in it (/tmp on a Mac).
    homes = (home, Path(os.path.abspath(folder)))
    allowed = [known for one in trusted or () for known in (one.resolve(), Path(os.path.abspath(one)))]

    def may_be_read(one: Path) -> bool:
        near = trusted is None or any(_within(one, own) or one.parent == own.parent for own in homes)
        return near or any(_within(one, known) for known in allowed)

    # By its name first: already to ask for a file may reach out to another machine.
    if path is None or not may_be_read(path) or not may_be_read(path.resolve()):
        place = str(path) if path is not None else name
        raise InputError(
            subject or str(folder),
            f'names {place[:300]!r}, which lies neither in the run nor beside it and was not opened',
            'move it beside the run, open it by itself, or say --trust-paths on the command line',
        )
    return path


def _joined(home: Path, name: str) -> Path | None:
    """Full path by name alone, '..' taken away; None for a name that is none on some system."""
    if not name or not name.isprintable() or len(name) > 4096:
        return None
    if os.name != 'nt' and PureWindowsPath(name).drive and '\\' in name:
        return None
    # Records have forward slashes; a reference is written as the system has it.
    part = Path(name) if Path(name).is_absolute() else Path(PurePosixPath(name))
    return Path(os.path.normpath(home / part))


def _within(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents
