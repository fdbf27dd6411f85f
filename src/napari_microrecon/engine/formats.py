"""The format numbers of what the program writes, compared on reading; and refusals of a header in a few words.

Weights, runs and stopped trainings have one number each. It goes up when an older version would misread the file.
What an earlier number said is brought up to date on reading, or refused with the version that can read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from .errors import InputError
from .provenance import BUILD, REPORTED, versions

_TOLD = 160  # characters of what a validation says


@dataclass(frozen=True)
class Kind:
    """A kind of file: its key where it has one, its present format, its name in messages and what to do without it."""

    key: str
    format: int
    words: str
    remedy: str


def check_format(name: str, kind: Kind, found: object) -> None:
    """Compare a file's format with the present one.

    Raises
    ------
    InputError
        If it is newer, or none.
    """
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise InputError(name, f'says no format of {kind.words} that there is ({shown(repr(found))})', kind.remedy)
    if found > kind.format:
        mine = versions().get('napari-microrecon', 'this version')
        problem = f'was written by a newer version (format {shown(str(found))}, napari-microrecon {mine} reads'
        raise InputError(name, f'{problem} {kind.format})', 'update napari-microrecon')


def first_problem(error: Exception) -> str:
    """Say in a few words which field is wrong and why, of a validation that failed."""
    if not isinstance(error, ValidationError):
        return 'nested too deeply'
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = '.'.join(str(part) for part in first['loc'])
    return shown(f'{place}: {first["msg"].removeprefix("Value error, ")}'.removeprefix(': '))


def unknown_prior(error: Exception, record: Any) -> str:
    """Say which structural prior a record needs that nothing brings, and who brought it; '' where that is no problem.

    Parameters
    ----------
    error : Exception
        Of the record's validation.
    record : dict
        Weights or a stopped training, as plain data.
    """
    first = error.errors()[0] if isinstance(error, ValidationError) else {}
    if first.get('type') != 'union_tag_invalid' or 'fields' not in first.get('loc', ()):
        return ''
    kind = shown(str(first.get('ctx', {}).get('tag', '')))[:40]
    used = _versions_in(record)
    packages = [f'{name} {used[name]}' for name in used if name not in (*REPORTED, BUILD, 'python')]
    told = f', of {shown(", ".join(packages))[:80]}' if packages else ''
    return f"needs the structural prior '{kind}'{told}: no installed package brings it"


def is_of_another_version(error: Exception) -> bool:
    """Whether a validation failed for a field that is unknown or missing, as where versions differ."""
    return isinstance(error, ValidationError) and error.errors()[0]['type'] in ('extra_forbidden', 'missing')


def maker(record: Any) -> str:
    """Who made a file by what its record says, weights and stopped trainings alike; '' where it does not say."""
    made = _provenance_in(record)
    if made.get('created'):
        version = shown(str(made['versions'].get('napari-microrecon', '')))[:20]
        return f'napari-microrecon {version} of {shown(str(made["created"]))[:10]}'
    return ''


def _versions_in(record: Any) -> dict[str, Any]:
    """Versions by package that a record says it was made with."""
    return _provenance_in(record).get('versions', {})


def _provenance_in(record: Any) -> dict[str, Any]:
    """Provenance of weights, or of those in a stopped training; empty where it says no versions."""
    for part in ('provenance', 'header.provenance'):
        made = record
        for name in part.split('.'):
            made = made.get(name) if isinstance(made, dict) else None
        if isinstance(made, dict) and isinstance(made.get('versions'), dict):
            return made
    return {}


def shown(text: str) -> str:
    """Text of a file that can stand in one line."""
    line = ''.join(c if c.isprintable() else ' ' for c in ' '.join(text.split()))
    return line if len(line) <= _TOLD else line[: _TOLD - 3] + '...'
