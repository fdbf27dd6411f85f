"""Names of what a command writes, derived from its --output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..engine.errors import InputError
from ..engine.run.replacing import check_place, free_beside


def beside(output: Path) -> Path:
    """Return the run folder that belongs to an output: OUT.run beside OUT.tif or OUT.ome.zarr."""
    return output.with_name(_split(output)[0] + '.run')


def numbered(output: Path, count: int) -> list[Path]:
    """OUT.tif for one volume, else OUT_000.tif, OUT_001.tif, ..."""
    if count == 1:
        return [output]
    stem, ending = _split(output)
    return [output.with_name(f'{stem}_{i:03d}{ending}') for i in range(count)]


def _split(output: Path) -> tuple[str, str]:
    for ending in ('.ome.zarr', '.ome.tif', '.ome.tiff', output.suffix):
        if output.name.lower().endswith(ending.lower()) and ending:
            return output.name[: -len(ending)], output.name[-len(ending) :]
    return output.name, ''


def place_of_run(output: Path, wanted: Path | None, inputs: Sequence[Path | str], command: str) -> Path:
    """Folder for the run of a command: that of --run, else OUT.run; what it may not replace stays.

    The earlier run of the same command is replaced at the end. Beside a run of another command, one that holds a file
    that is read, or another program's folder, OUT-2.run is taken.

    Raises
    ------
    InputError
        If --run names such a folder.
    """
    folder = wanted or beside(output)
    try:
        earlier = check_place(folder, inputs)
        if earlier is not None and earlier.command != command:
            raise InputError(str(folder), f'is a run of `{earlier.command}`', 'choose another folder with --run')
    except InputError:
        if wanted is not None:
            raise
        return free_beside(folder)
    if folder.resolve() in output.resolve().parents:
        raise InputError(str(output), f'lies in its own run {folder}', 'choose another output, or another --run')
    return folder
