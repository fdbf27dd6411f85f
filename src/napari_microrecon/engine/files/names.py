"""Names of files as text: JSON and pictures hold text, while a name on disk may be any bytes."""

from __future__ import annotations

import re
from pathlib import Path

_BYTE = re.compile(r'\\x([89a-f][0-9a-f])')


def as_text(name: str) -> str:
    r"""A name whose bytes are no UTF-8 as text that can be written anywhere: such bytes become `\xfc`."""
    return name.encode('utf-8', 'surrogateescape').decode('utf-8', 'backslashreplace')


def as_path(folder: Path, text: str) -> Path:
    """The file in `folder` that `as_text` made the text of."""
    path = folder / text
    if path.exists() or _BYTE.search(text) is None:
        return path
    raw = _BYTE.sub(lambda found: chr(0xDC00 + int(found[1], 16)), text)
    return folder / raw if (folder / raw).exists() else path
