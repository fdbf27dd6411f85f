"""What was written by this program and may therefore be replaced by it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..errors import InputError
from .metadata import KEY

_ZARR = ('zarr.json', '.zattrs', '.zgroup', '.zarray')
_RUN = ('run.json', 'checkpoint.safetensors', 'reference.tif', 'inputs')
_LARGEST_HEADER = 2**26  # bytes of a safetensors header that are looked at


def is_ours(path: Path) -> bool:
    """Whether a file carries our record: TIFF with our metadata, safetensors with our header."""
    try:
        if path.suffix.lower() == '.safetensors':
            return _is_weights(path)
        if path.suffix.lower() in ('.tif', '.tiff'):
            import tifffile

            with tifffile.TiffFile(path) as file:
                told = [str((file.imagej_metadata or {}).get('Info', '')), str(file.ome_metadata or '')]
                return any(KEY in text for text in told)
    except Exception:  # whatever a reader says of a damaged file: it is not known to be ours
        return False
    return False


def check_replaceable(folder: Path) -> None:
    """Refuse a folder that is no zarr of ours, or that holds more than that.

    Raises
    ------
    InputError
        With what it holds.
    """
    if not is_zarr(folder):
        if folder.name.lower().endswith('.zarr') and not any(folder.iterdir()):
            return
        raise InputError(str(folder), 'is a folder', 'give the name of a file')
    if not _is_our_zarr(folder):
        raise InputError(
            str(folder), 'is there and was not written by napari-microrecon', 'choose another output, or remove it'
        )
    others = [entry for entry in folder.iterdir() if not _belongs(entry)]
    if others:
        raise InputError(
            str(folder), f'holds {others[0].name}, which is no part of the volume', 'move it, or choose another output'
        )


def is_zarr(folder: Path) -> bool:
    """Whether a folder is a zarr group or array."""
    return any((folder / name).is_file() for name in _ZARR)


def check_no_part_of_a_run(path: Path) -> None:
    """Refuse an output that is a part of a run: its record, its inputs, its checkpoint or what it has made.

    Raises
    ------
    InputError
        With the folder of the run.
    """
    try:
        place = path.resolve()
    except (OSError, RuntimeError):  # a link that leads to itself is told elsewhere
        return
    for folder in place.parents:
        first = place.relative_to(folder).parts[0]
        if first != 'replay' and (first in _RUN or place.exists()) and _is_run(folder):
            raise InputError(str(path), f'is a part of the run in {folder}', 'choose another output')


def _is_run(folder: Path) -> bool:
    try:
        told = json.loads((folder / 'run.json').read_bytes())
        return isinstance(told, dict) and 'command' in told and 'parameters' in told
    except (OSError, ValueError):
        return False


def _is_weights(path: Path) -> bool:
    with path.open('rb') as file:
        size = int.from_bytes(file.read(8), 'little')
        header = json.loads(file.read(size)) if 0 < size < _LARGEST_HEADER else {}
    return any(key.startswith(KEY) for key in header.get('__metadata__', {}))


def _is_our_zarr(folder: Path) -> bool:
    try:
        return KEY in json.loads((folder / 'zarr.json').read_text(encoding='utf-8'))['attributes']
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _belongs(entry: Path) -> bool:
    """Whether an entry is a level of the pyramid with nothing but chunks, or the group's own record."""
    if not entry.is_dir():
        return entry.name == 'zarr.json'
    if not (entry / 'zarr.json').is_file():
        return False
    chunks = [name for _, folders, files in os.walk(entry / 'c') for name in (*folders, *files)]
    return all(name.isdigit() for name in chunks) and all(one.name in ('zarr.json', 'c') for one in entry.iterdir())
