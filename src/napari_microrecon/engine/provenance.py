"""Where an array came from: inputs, weights, seed, versions, device."""

from __future__ import annotations

import hashlib
import platform
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

REPORTED = ('napari-microrecon', 'torch', 'numpy', 'scipy', 'scikit-image', 'porespy', 'napari')


class Source(BaseModel):
    """One input: its name and the sha256 of its content."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    name: str
    sha256: str


class Provenance(BaseModel):
    """How a volume or a set of weights came to be."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    kind: Literal['reconstruction', 'measured', 'synthetic', 'unknown'] = 'unknown'
    description: str = ''
    licence: str = ''
    inputs: tuple[Source, ...] = ()
    weights: Source | None = None
    seed: int | None = None
    device: str = ''
    parameters: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    created: str = ''


def hash_array(array: np.ndarray) -> str:
    """Sha256 of an array's type, shape and content."""
    digest = hashlib.sha256(f'{array.dtype.str}{array.shape}'.encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """Sha256 of a file's bytes."""
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


BUILD = 'build'  # in `versions`


@cache
def build() -> str:
    """Short sha256 of the engine's source: what decides a result beside the packages.

    The package's version stays the same from release to release while its volumes may not. The source tells every
    checkout and every change in it apart, in an installed package too, where git is not at hand. '' without source.
    """
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    found = sorted(folder.rglob('*.py'), key=lambda path: path.relative_to(folder).as_posix())
    for path in found:
        # Git may have turned the ends of lines into those of the system.
        content = path.read_bytes().replace(b'\r\n', b'\n')
        digest.update(f'{path.relative_to(folder).as_posix()} {len(content)}\n'.encode())
        digest.update(content)
    return digest.hexdigest()[:12] if found else ''


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result, and the build of this one."""
    found = {'python': platform.python_version()}
    for name in REPORTED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    if build():
        found[BUILD] = build()
    return found


def now() -> str:
    """Time stamp in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).replace(microsecond=0).isoformat()
