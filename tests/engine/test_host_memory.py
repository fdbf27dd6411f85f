"""Free memory is that of the host, or of a container that allows less; every check asks the same function."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_microrecon.engine import host_memory
from napari_microrecon.engine.host_memory import free_memory


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder that stands for /sys/fs/cgroup, with a process in the group /outer/inner of both versions."""
    own = tmp_path / 'cgroup'
    own.write_text('4:memory:/outer/inner\n1:cpu:/elsewhere\n0::/outer/inner\n')
    monkeypatch.setattr(host_memory, 'OWN_CGROUP', own)
    monkeypatch.setattr(host_memory, 'CGROUPS', tmp_path / 'fs')
    return tmp_path / 'fs'


def _write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace('__', '.')).write_text(text)


def test_without_a_container_all_that_the_host_has_is_free(groups: Path) -> None:
    host = free_memory()
    assert 1e8 < host < 1e14
    _write(groups, memory__max='max\n', memory__current='5000\n')
    _write(groups / 'memory', memory__limit_in_bytes='9223372036854771712\n', memory__usage_in_bytes='5000\n')
    assert free_memory() == pytest.approx(host, rel=0.2)


def test_the_tightest_limit_around_the_process_holds(groups: Path) -> None:
    _write(groups / 'outer', memory__max='9000\n', memory__current='2000\n')
    assert free_memory() == 7000
    _write(groups / 'outer' / 'inner', memory__max='4000\n', memory__current='1000\n')
    assert free_memory() == 3000
    _write(groups / 'memory' / 'outer', memory__limit_in_bytes='2500\n', memory__usage_in_bytes='500\n')
    assert free_memory() == 2000


def test_cached_files_count_as_free_and_nothing_is_less_than_nothing(groups: Path) -> None:
    stat = 'anon 100\ninactive_file 600\ntotal_inactive_file 1\n'
    _write(groups, memory__max='1000\n', memory__current='900\n', memory__stat=stat)
    assert free_memory() == 700
    _write(groups, memory__current='1900\n', memory__stat='anon 1900\n')
    assert free_memory() == 0


def test_a_reconstruction_beyond_the_container_is_refused(groups: Path) -> None:
    from napari_microrecon.engine.errors import InputError
    from napari_microrecon.engine.generator import ReconstructParams
    from napari_microrecon.engine.generator.choice import load_shipped
    from napari_microrecon.engine.generator.cost import check_memory
    from napari_microrecon.engine.generator.device import free_device_memory

    weights = load_shipped('sandstone')
    params = ReconstructParams(shape=(64, 64, 64))
    check_memory(weights.phases, weights, params)
    _write(groups, memory__max='2000000\n', memory__current='1000000\n')
    assert free_device_memory('cpu') == 1_000_000
    with pytest.raises(InputError, match='use an edge of at most'):
        check_memory(weights.phases, weights, params)
