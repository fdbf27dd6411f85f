"""Damaged files are read or refused in one line: the seeds that once failed, and a few more of every kind.

`benchmarks/mutated_files.py` does the same to thousands, in processes that may hang.
"""

from __future__ import annotations

import importlib
import logging
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from napari_microrecon.engine.errors import InputError

# What 0.1's readers did with them before: raw errors, terabytes, or no end.
FAILED = {
    'tiff': (3, 15, 23, 25, 48, 65, 79, 84, 125, 166),
    'npy': (
        2, 8, 10, 17, 38, 43, 62, 71, 80, 83, 85, 94, 97, 103, 104, 116, 127, 138, 140, 142, 159, 160, 163, 191, 193,
    ),
    'zarr3': (1, 26, 55, 62),
}  # fmt: skip
SOME = range(500, 515)


@pytest.fixture
def mutants(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(root / 'benchmarks'))
    logger = logging.getLogger('tifffile')
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield importlib.import_module('bench.mutants')
    logger.setLevel(level)


def _read(mutants: Any, kind: str, seed: int, folder: Path) -> None:
    folder.mkdir()
    path = mutants.make(kind, seed, folder)
    started, words = time.monotonic(), path.name
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # Pillow's and tifffile's, about what is wrong
        try:
            mutants.read(kind, path)
        except InputError as error:
            words = str(error)
    assert '\n' not in words
    assert path.name in words
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(('kind', 'seed'), [(kind, seed) for kind, seeds in FAILED.items() for seed in seeds])
def test_files_that_once_failed(mutants: Any, tmp_path: Path, kind: str, seed: int) -> None:
    _read(mutants, kind, seed, tmp_path / 'made')


@pytest.mark.parametrize('kind', ['tiff', 'png', 'jpeg', 'bmp', 'npy', 'zarr2', 'zarr3'])
def test_some_of_every_kind(mutants: Any, tmp_path: Path, kind: str) -> None:
    for seed in SOME:
        _read(mutants, kind, seed, tmp_path / str(seed))


def test_a_seed_makes_the_same_file(mutants: Any, tmp_path: Path) -> None:
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
    one, other = (mutants.make('tiff', 6, tmp_path / name) for name in ('a', 'b'))
    assert one.read_bytes() == other.read_bytes()


def test_the_benchmark_counts_what_fails(mutants: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files through a worker: the table has a row for each kind, and no failure."""
    benchmark = importlib.import_module('mutated_files')
    done = benchmark.run([('npy', 0), ('png', 0)], 1, 60.0, tmp_path)
    assert sorted(outcome.kind for outcome in done) == ['npy', 'png']
    assert all(outcome.what in ('read', 'remarked', 'refused') for outcome in done)
    told = benchmark.table([*done, benchmark.Outcome('tiff', 3, 'hang', seconds=60.0)])
    assert '| tiff | 1 | 0 | 0 | 0 | 0 | 1 | 0 | 0 | 0 | 60.0 | 0 |' in told
