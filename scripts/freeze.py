"""Print the versions that this environment holds of everything that the project needs.

``python scripts/freeze.py > constraints.txt`` after an upgrade that passed all tests. Local version labels
(``2.13.0+cpu``) are dropped: the build of torch is the machine's choice, its version is ours.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
HEADER = """\
# Versions that were tested together; written by scripts/freeze.py. Used by the Makefile, so that a fresh machine
# gets the same set; no limit for those who install the package by pip themselves.
"""


def declared() -> list[Requirement]:
    """Everything that pyproject.toml asks for: dependencies, extras and groups."""
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text(encoding='utf-8'))
    lines = [*project['project']['dependencies']]
    for extra in project['project']['optional-dependencies'].values():
        lines += extra
    for group in project['dependency-groups'].values():
        lines += [line for line in group if isinstance(line, str)]
    return [Requirement(line) for line in lines]


def closure(wanted: list[Requirement], installed: Mapping[NormalizedName, Distribution]) -> set[NormalizedName]:
    """Canonical names of `wanted` and of all that they need on this machine."""
    done: set[tuple[NormalizedName, frozenset[str]]] = set()
    while wanted:
        requirement = wanted.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in done:
            continue
        if key[0] not in installed:
            raise SystemExit(f'{requirement} is not installed; run make env first')
        done.add(key)
        for line in installed[key[0]].requires or ():
            needed = Requirement(line)
            marker = needed.marker
            if marker is None or any(marker.evaluate({'extra': extra}) for extra in ('', *requirement.extras)):
                wanted.append(needed)
    return {name for name, _ in done}


def main() -> None:
    """Print the constraints."""
    installed = {canonicalize_name(found.metadata['Name']): found for found in distributions()}
    names = sorted(closure(declared(), installed))
    sys.stdout.write(HEADER)
    sys.stdout.writelines(f'{name}=={installed[name].version.partition("+")[0]}\n' for name in names)


if __name__ == '__main__':
    main()
