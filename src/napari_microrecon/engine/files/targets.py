"""Writing safely: a temporary name beside the target, renamed when complete, so that no partial file is left."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError

_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT} if hasattr(errno, 'EDQUOT') else {errno.ENOSPC, errno.EFBIG}
_MARGIN = 1 << 20  # bytes that stay free


def write_error(path: Path, error: OSError) -> InputError:
    """Say in one line why `path` could not be written."""
    if error.errno in _FULL:
        return InputError(str(path), 'cannot be written: no space left', 'free some space or choose another output')
    reason = (error.strerror or str(error)).lower()
    return InputError(str(path), f'cannot be written ({reason})', 'choose another output folder')


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


def check_target(path: Path, allowed: tuple[str, ...], size: int = 0) -> Path:
    """Check before long work that `path` can be written.

    Parameters
    ----------
    path : Path
        Output to be.
    allowed : tuple of str
        Endings that the writer knows.
    size : int
        Bytes that it may take; 0 where that is not known.

    Raises
    ------
    InputError
        If the ending is unknown, the folder cannot be written to or has too little space.
    """
    check_suffix(path, allowed)
    if path.is_dir() and not is_zarr(path):
        raise InputError(str(path), 'is a folder', 'give the name of a file')
    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise write_error(path, error) from error
    if size and free < size + _MARGIN:
        raise InputError(
            str(path),
            f'needs about {_readable(size)} and {_readable(free)} are free: no space left',
            'free some space or choose another output folder',
        )
    return path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; it takes the final name only when the block ends without an error.

    The temporary path does not exist yet; a file or a folder may be made there. An existing zarr folder is replaced.

    Raises
    ------
    InputError
        If the place cannot be written.
    """
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        old = None
        if path.is_dir():
            old = path.with_name(f'.{path.name}.{os.getpid()}.old')
            path.rename(old)
        temporary.replace(path)
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> Path:
    """Write a text file (UTF-8) completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding='utf-8')
    return path


def is_zarr(path: Path) -> bool:
    """Whether a folder is a zarr group or array."""
    return any((path / name).is_file() for name in ('zarr.json', '.zattrs', '.zgroup', '.zarray'))


def _readable(size: float) -> str:
    for unit in ('bytes', 'KB', 'MB'):
        if size < 1000:
            return f'{size:.0f} {unit}'
        size /= 1000
    return f'{size:.1f} GB'
