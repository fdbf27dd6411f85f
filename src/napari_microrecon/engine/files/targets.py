"""Where results may be written: checked before the work, and written completely or not at all."""

from __future__ import annotations

import contextlib
import errno
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import InputError, NoSpaceError
from .failures import write_error
from .ours import check_no_part_of_a_run, check_replaceable, is_ours
from .staging import clear, followed, put, remove, temporary

_MARGIN = 1 << 20  # bytes that stay free


def check_suffix(path: Path, allowed: tuple[str, ...]) -> Path:
    """Return `path` if its name ends as allowed ('.tif', '.ome.zarr').

    Raises
    ------
    InputError
        If it does not.
    """
    if not path.name.lower().endswith(allowed):
        ending = ''.join(path.suffixes[-2:]) or 'a name without ending'
        raise InputError(str(path), f'{ending} cannot be written', f'end the output in {" or ".join(allowed)}')
    return path


def check_target(
    path: Path,
    allowed: tuple[str, ...],
    size: int = 0,
    *,
    inputs: Iterable[Path | str] = (),
    overwrite: bool = False,
    foreign: bool = True,
) -> Path:
    """Check before long work that `path` can be written, and clear what a killed process has left of it.

    Parameters
    ----------
    path : Path
        Output to be.
    allowed : tuple of str
        Endings that the writer knows.
    size : int
        Bytes that it may take; 0 where that is not known.
    inputs : iterable of Path or str
        Files that the work reads; `volume.tif@z=64` names its file.
    overwrite : bool
        Whether the user said that files of other programs may be replaced.
    foreign : bool
        Whether that is needed: kinds of files that carry no sign of who wrote them are replaced without.

    Raises
    ------
    InputError
        If the ending is unknown, the folder cannot be written to or has too little space, the output is an input, or
        something is there that this program did not write.
    """
    check_suffix(path, allowed)
    try:
        target = followed(path)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            target.lstat()
    except (OSError, ValueError) as error:  # a name that is too long, or no name at all
        raise write_error(path, error if isinstance(error, OSError) else OSError(errno.EINVAL, str(error))) from error
    check_no_part_of_a_run(path)
    check_not_input(path, inputs)
    if path.is_dir():
        check_replaceable(path)
    elif path.exists() and not foreign and not overwrite and not is_ours(path):
        raise InputError(
            str(path), 'is there and was not written by napari-microrecon', 'choose another output, or say --overwrite'
        )
    clear(target)
    folder = target.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise write_error(path, error) from error
    if size and free < size + _MARGIN:
        raise NoSpaceError(
            str(path),
            f'needs about {_readable(size)} and {_readable(free)} are free: no space left',
            'free some space or choose another output folder',
        )
    return path


def check_not_input(output: Path, inputs: Iterable[Path | str]) -> None:
    """Refuse an output that is, or holds, a file that is read."""
    for text in inputs:
        given = Path(str(text).rpartition('@')[0]) if '@' in str(text) and not Path(text).exists() else Path(text)
        try:
            mine = output.resolve()
            theirs = given.resolve()
            same = mine == theirs or mine in theirs.parents or (output.exists() and output.samefile(given))
        except (OSError, RuntimeError):  # no file at all: the name of weights; a link that leads to itself
            continue
        if same:
            what = 'holds' if mine in theirs.parents else 'is'
            raise InputError(str(output), f'{what} the input {text}', 'choose another output')


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; it takes the final name only when the block ends without an error.

    The temporary path does not exist yet; a file or a folder may be made there. A zarr folder of ours is replaced, a
    link is followed.

    Raises
    ------
    InputError
        If the place cannot be written.
    """
    final = followed(path)
    part = temporary(final)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        yield part
        if final.is_dir():
            check_replaceable(final)
        put(part, final)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        remove(part)


def write_text(path: Path, text: str) -> Path:
    """Write a text file (UTF-8) completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding='utf-8')
    return path


def _readable(size: float) -> str:
    for unit in ('bytes', 'KB', 'MB'):
        if size < 1000:
            return f'{size:.0f} {unit}'
        size /= 1000
    return f'{size:.1f} GB'
