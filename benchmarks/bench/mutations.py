"""Damage done to bytes and JSON, the same for the same random generator: what disks, copies and malice do to files."""

from __future__ import annotations

import copy
import json
import re
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

Rng = np.random.Generator
LIMITS = (
    0, 1, 2, 7, 255, 256, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63,
    2**64 - 1,
)  # fmt: skip
_TEXTS = (
    b'0', b'-1', b'1', b'3', b'1e400', b'99999999999', b'2147483648', b'18446744073709551615', b'nan', b'4096', b'""',
)  # fmt: skip
_ODD: tuple[Any, ...] = (
    None, -1, 0, 1, 2, 3, 2**31, 2**63, 10**30, 1e308, -0.5, float('nan'), float('inf'), True, '', 'x', '../../x',
    '/etc/passwd', 'é' * 40, [], {}, [[]], [1e300] * 3, [0, 0, 0], [10**9] * 3,
)  # fmt: skip


def _index(rng: Rng, length: int) -> int:
    return int(rng.integers(max(1, length)))


def flip(data: bytes, rng: Rng) -> bytes:
    """Other bytes at up to 20 places."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 21))):
        out[_index(rng, len(out))] = int(rng.integers(256))
    return bytes(out)


def flip_header(data: bytes, rng: Rng) -> bytes:
    """Other bytes at up to 8 places of the first 256."""
    return flip(data[:256], rng) + data[256:]


def cut(data: bytes, rng: Rng) -> bytes:
    """The beginning alone."""
    return data[: _index(rng, len(data))]


def swap(data: bytes, rng: Rng) -> bytes:
    """Two blocks in each other's place."""
    size = int(2 ** rng.integers(2, 10))
    a, b = sorted((_index(rng, len(data)), _index(rng, len(data))))
    if b - a < size:
        return flip(data, rng)
    return data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :]


def wipe(data: bytes, rng: Rng) -> bytes:
    """A block of zeros or ones."""
    start, size = _index(rng, len(data)), int(2 ** rng.integers(1, 12))
    end = min(len(data), start + size)
    return data[:start] + bytes([int(rng.choice([0, 255]))]) * (end - start) + data[end:]


def insert(data: bytes, rng: Rng) -> bytes:
    """A block that is there twice, or missing."""
    start, size = _index(rng, len(data)), int(2 ** rng.integers(0, 10))
    block = data[start : start + size]
    return data[:start] + block + data[start:] if rng.random() < 0.5 else data[:start] + data[start + size :]


def number(data: bytes, rng: Rng) -> bytes:
    """A number at the limit of its type, near the beginning or the end, where headers and directories lie."""
    size = int(rng.choice([1, 2, 4, 8]))
    reach = min(len(data), 600)
    at = _index(rng, reach) if rng.random() < 0.7 else len(data) - 1 - _index(rng, reach)
    at -= at % 2
    value = int(rng.choice(np.array(LIMITS, dtype=object))) % 2 ** (8 * size)
    return data[:at] + value.to_bytes(size, str(rng.choice(['little', 'big']))) + data[at + size :]  # type: ignore[arg-type]


def digits(data: bytes, rng: Rng) -> bytes:
    """A number written as text (JSON, XML, NumPy's header) becomes another; data without any are flipped."""
    places = list(re.finditer(rb'(?<=[\s"=:,(\[])-?\d+(?=[\s",)\]}.])', data[:20_000]))
    if not places:
        return number(data, rng)
    place = places[_index(rng, len(places))]
    return data[: place.start()] + _TEXTS[_index(rng, len(_TEXTS))] + data[place.end() :]


ANY: tuple[Callable[[bytes, Rng], bytes], ...] = (flip, flip_header, cut, swap, wipe, insert, number, number, digits)


# --- TIFF ----------------------------------------------------------------------------------------------------------


def _directories(data: bytes) -> tuple[str, int, list[tuple[int, int]]]:
    """Byte order, whether big, and (offset of the first entry, number of entries) of every page."""
    order = '<' if data[:2] == b'II' else '>'
    big = struct.unpack_from(order + 'H', data, 2)[0] == 43
    found, at = [], struct.unpack_from(order + ('Q' if big else 'I'), data, 8 if big else 4)[0]
    while at and len(found) < 1000:
        count = struct.unpack_from(order + ('Q' if big else 'H'), data, at)[0]
        first = at + (8 if big else 2)
        found.append((first, count))
        at = struct.unpack_from(order + ('Q' if big else 'I'), data, first + count * (20 if big else 12))[0]
    return order, big, found


_TAGS = (256, 257, 258, 259, 262, 273, 277, 278, 279, 322, 323, 330)  # sizes, compression, strips, tiles, further pages


def tiff_entry(data: bytes, rng: Rng) -> bytes:
    """Tag, type, count or value of an entry of a page becomes a number at a limit, or another type."""
    order, big, pages = _directories(data)
    first, count = pages[_index(rng, len(pages))]
    entry = first + _index(rng, count) * (20 if big else 12)
    out = bytearray(data)
    part = int(rng.choice([0, 1, 2, 3, 3, 3]))
    value = LIMITS[_index(rng, len(LIMITS))]
    if part == 0:
        struct.pack_into(
            order + 'H', out, entry, int(rng.choice([256, 257, 258, 259, 262, 273, 277, 278, 279, 322, 323, 330]))
        )
    elif part == 1:
        struct.pack_into(order + 'H', out, entry + 2, int(rng.integers(0, 20)))
    else:
        form, at = ('Q', 4 if part == 2 else 12) if big else ('I', 4 if part == 2 else 8)
        if part == 3 and rng.random() < 0.3:
            value = _index(rng, len(data))
        struct.pack_into(order + form, out, entry + at, value % 2 ** (64 if big else 32))
    return bytes(out)


def tiff_loop(data: bytes, rng: Rng) -> bytes:
    """A page leads back to one before it, to itself, or nowhere."""
    order, big, pages = _directories(data)
    first, count = pages[_index(rng, len(pages))]
    target = pages[_index(rng, len(pages))][0] - (8 if big else 2)
    if rng.random() < 0.2:
        target = int(rng.choice([len(data) - 1, len(data) + 5, 2**31]))
    out = bytearray(data)
    struct.pack_into(order + ('Q' if big else 'I'), out, first + count * (20 if big else 12), target)
    return bytes(out)


# --- PNG -----------------------------------------------------------------------------------------------------------


def png_chunk(data: bytes, rng: Rng) -> bytes:
    """A field of a chunk becomes another, with a checksum that agrees: only what it says is wrong."""
    at, chunks = 8, []
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], 'big')
        chunks.append((at, length))
        at += 12 + length
    at, length = chunks[_index(rng, len(chunks))] if rng.random() < 0.5 else chunks[0]
    body = bytearray(data[at + 4 : at + 8 + length])
    if length >= 4 and rng.random() < 0.6:
        place = 4 + 4 * _index(rng, min(2, length // 4))
        body[place : place + 4] = (LIMITS[_index(rng, len(LIMITS))] % 2**32).to_bytes(4, 'big')
    else:
        body[_index(rng, len(body))] = int(rng.integers(256))
    return data[: at + 4] + bytes(body) + zlib.crc32(body).to_bytes(4, 'big') + data[at + 12 + length :]


# --- JSON ----------------------------------------------------------------------------------------------------------


def json_node(data: bytes, rng: Rng) -> bytes:
    """A value somewhere in a JSON text becomes an odd one, is left out or is buried."""
    tree = copy.deepcopy(json.loads(data))
    for _ in range(int(rng.integers(1, 3))):
        places = list(_places(tree))
        if not places:
            break
        parent, key = places[_index(rng, len(places))]
        way = rng.random()
        if way < 0.15:
            del parent[key]
        elif way < 0.2:
            for _ in range(int(rng.choice([5, 500]))):
                parent[key] = [parent[key]]
        else:
            parent[key] = copy.deepcopy(_ODD[_index(rng, len(_ODD))])
    return json.dumps(tree).encode()


def _places(tree: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(items):
        found.append((tree, key))
        found += _places(value)
    return found


def safetensors_header(data: bytes, rng: Rng) -> bytes:
    """A value in the header of a safetensors file, or in the record of ours within it, becomes an odd one."""
    length = int.from_bytes(data[:8], 'little')
    header = json.loads(data[8 : 8 + length])
    if rng.random() < 0.6:
        metadata = header['__metadata__']
        key = next(iter(metadata))
        metadata[key] = json_node(metadata[key].encode(), rng).decode()
        text = json.dumps(header).encode()
    else:
        text = json_node(data[8 : 8 + length], rng)
    text += b' ' * (-len(text) % 8)
    return len(text).to_bytes(8, 'little') + text + data[8 + length :]
