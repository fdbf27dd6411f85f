"""Checks of a zarr array before its voxels are read: codecs that only unpack, chunks that are all there, a fair number.

Zarr reads a chunk that is missing as the fill value: half of a volume would silently become one phase.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from .contents import check_size

_MOST_CHUNKS = 100_000  # half a minute, at some 4,000 a second
_SMALL_CHUNK = 32**3  # voxels; many larger ones are a large array, which memory bounds
# Zarr 2 also knows 'pickle', which would run what a file says; nobody needs it for numbers.
_CODECS = {
    'bytes', 'transpose', 'blosc', 'gzip', 'zstd', 'crc32c', 'crc32', 'sharding_indexed', 'zlib', 'lz4', 'lzma', 'bz2',
    'delta', 'shuffle', 'fixedscaleoffset', 'packbits', 'quantize', 'astype', 'bitround', 'adler32', 'fletcher32',
    'jenkins_lookup3',
}  # fmt: skip
_NOWHERE = 2**64 - 1  # of a chunk that a shard's index leaves out


def check_array(array: Any, path: Path) -> None:
    """Refuse an array that would run code, does not fit into memory, or has too many chunks to be read.

    Parameters
    ----------
    array : zarr.Array
        Opened, not read.
    path : Path
        Folder, for the message.

    Raises
    ------
    InputError
        Naming the array and what is wrong.
    """
    what = f'its array {array.path}'
    known = _codecs_of(array.metadata)
    if other := sorted({name for name in known if name.removeprefix('numcodecs.') not in _CODECS}):
        raise InputError(str(path), f'{what} is packed by {", ".join(other)}', 'write it with blosc, zstd or gzip')
    kind = np.dtype(array.dtype).kind
    if kind not in 'buif':
        raise InputError(
            str(path), f'{what} holds {array.dtype} values', 'save it as 8 or 16 bit grey values or labels'
        )
    check_size(path, prod(array.shape) * np.dtype(array.dtype).itemsize)
    if not array.shape or min(array.shape) < 1 or min(array.chunks) < 1:
        raise InputError(str(path), f'{what} holds no voxels', 'export it again')
    # A chunk is unpacked whole, also where the array fills a corner of it.
    check_size(path, prod(array.shards or array.chunks) * np.dtype(array.dtype).itemsize)
    count, size = prod(_grid(array.shape, array.chunks)), prod(array.chunks)
    if count > _MOST_CHUNKS and size < _SMALL_CHUNK:
        voxels = 'one voxel' if size == 1 else f'{size} voxels'
        raise InputError(
            str(path),
            f'{what} is cut into {count} chunks of {voxels}, which would take hours to read',
            f'rechunk it, into chunks of 64 or 128 voxels along each edge (it has {len(array.shape)} axes)',
        )


def missing_chunks(array: Any) -> tuple[int, int]:
    """How many chunks are not in the store, and how many there should be; of a sharded array, the chunks in shards.

    The folder is listed, and of shards the index at their end or start is read: no voxel is.

    Raises
    ------
    InputError
        If a chunk takes far more on disk than its voxels: it would unpack into no one knows what.
    """
    root = Path(array.store.root) / array.path
    outer = array.shards or array.chunks
    grid = _grid(array.shape, outer)
    sizes = {
        key: size
        for key, size in _keys(root, array, len(grid))
        if all(0 <= i < n for i, n in zip(key, grid, strict=True))
    }
    most = 2 * prod(outer) * np.dtype(array.dtype).itemsize + 2**16 + 32 * prod(_grid(outer, array.chunks))
    if max(sizes.values(), default=0) > most:
        raise InputError(
            str(array.store.root),
            f'a chunk of its array {array.path} takes {max(sizes.values())} bytes on disk, more than its voxels',
            'it is damaged: copy it again',
        )
    if array.shards is None:
        return prod(grid) - len(sizes), prod(grid)
    codec = array.metadata.codecs[0]
    inside = tuple(s // c for s, c in zip(outer, array.chunks, strict=True))
    whole, present = prod(_grid(array.shape, array.chunks)), 0
    for key in sizes:
        # At the far edges a shard reaches beyond the array; what lies there counts for nothing.
        used = tuple(
            min(n, -(-(length - i * edge) // chunk))
            for n, length, i, edge, chunk in zip(inside, array.shape, key, outer, array.chunks, strict=True)
        )
        present += _in_shard(root / array.metadata.chunk_key_encoding.encode_chunk_key(key), codec, inside, used)
    return whole - present, whole


def _grid(shape: Iterable[int], chunks: Iterable[int]) -> tuple[int, ...]:
    return tuple(-(-n // c) for n, c in zip(shape, chunks, strict=True))


def _codecs_of(metadata: Any) -> list[str]:
    if metadata.zarr_format == 2:
        return [c.codec_id for c in (*(metadata.filters or ()), metadata.compressor) if c is not None]
    return list(_names(metadata.to_dict()['codecs']))


def _names(codecs: Iterable[Any]) -> Iterator[str]:
    for codec in codecs:
        yield str(codec['name'])
        within = codec.get('configuration') or {}
        yield from _names((*within.get('codecs', ()), *within.get('index_codecs', ())))


def _keys(root: Path, array: Any, axes: int) -> Iterator[tuple[tuple[int, ...], int]]:
    """Places in the grid of the chunks that lie in the folder, and their bytes."""
    metadata = array.metadata
    if metadata.zarr_format == 2:
        separator, prefix = metadata.dimension_separator, ''
    else:
        encoding = metadata.chunk_key_encoding
        separator, prefix = encoding.separator, 'c' if encoding.name == 'default' else ''
    deep = axes if separator == '/' else 1
    top = root
    if prefix and separator == '/':
        top = root / prefix
    for names, size in _walk(top, deep):
        text = separator.join(names)
        if prefix and separator != '/':
            text = text.removeprefix(prefix + separator)
        try:
            key = tuple(int(part) for part in text.split(separator))
        except ValueError:
            continue
        if len(key) == axes:
            yield key, size


def _walk(folder: Path, deep: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """Names of the files so many folders deep, with those of the folders that they lie in, and their bytes."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if deep == 1:
                # An empty file is no chunk: what is left of a copy that broke off.
                if entry.is_file() and (size := entry.stat().st_size):
                    yield (entry.name,), size
            elif entry.is_dir() and entry.name.isdigit():
                for rest, size in _walk(folder / entry.name, deep - 1):
                    yield (entry.name, *rest), size


def _in_shard(file: Path, codec: Any, inside: tuple[int, ...], used: tuple[int, ...]) -> int:
    """How many of a shard's chunks that the array uses are in it, by its index."""
    count = prod(inside)
    checked = any(type(one).__name__ == 'Crc32cCodec' for one in codec.index_codecs)
    length = 16 * count + 4 * checked
    with file.open('rb') as stream:
        if codec.index_location.value == 'end':
            stream.seek(max(0, file.stat().st_size - length))
        index = stream.read(16 * count)
    if len(index) < 16 * count:
        return 0
    offsets = np.frombuffer(index, '<u8').reshape(*inside, 2)[..., 0]
    return int(np.count_nonzero(offsets[tuple(slice(n) for n in used)] != _NOWHERE))
