"""Why something could not be written, in one line."""

from __future__ import annotations

import errno
from pathlib import Path

from ..errors import InputError, NoSpaceError

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, 'EDQUOT', errno.ENOSPC)}


def write_error(path: Path, error: OSError) -> InputError:
    """Say in one line why `path` could not be written."""
    if error.errno in _FULL:
        return NoSpaceError(str(path), 'cannot be written: no space left', 'free some space or choose another output')
    if error.errno == errno.ENAMETOOLONG:
        return InputError(str(path), 'cannot be written: the name is too long', 'choose a shorter one')
    reason = (error.strerror or str(error)).lower()
    return InputError(str(path), f'cannot be written ({reason})', 'choose another output folder')
