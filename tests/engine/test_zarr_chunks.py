"""OME-Zarr that lost a part, that would run code or never end; volumes and slices that were edited after writing."""

from __future__ import annotations

import json
import logging
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import read_image, read_slice, read_volume, write_slice, write_volume
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume

RNG = np.random.default_rng(0)


def _refused(path: Path, match: str) -> None:
    with pytest.raises(InputError, match=match) as caught:
        read_image(path)
    assert '\n' not in str(caught.value)
    assert path.name in str(caught.value)


class _Evil:
    def __reduce__(self) -> tuple:
        return os.mkdir, ('unpickled',)


def _volume(edge: int = 140) -> Volume:
    labels = np.zeros((edge, edge, edge), np.uint8)
    labels[:, :, : edge // 2] = RNG.integers(0, 2, (edge, edge, edge // 2))
    return Volume(labels, Phases.default(2), name='v')


def test_empty_chunks_are_written(tmp_path: Path) -> None:
    path = write_volume(Volume(_volume().labels * 0, Phases.default(2)), tmp_path / 'v.ome.zarr')
    assert len([p for p in (path / '0' / 'c').rglob('*') if p.is_file()]) == 8


def test_a_chunk_that_a_volume_of_ours_lacks_is_refused(tmp_path: Path) -> None:
    path = write_volume(_volume(), tmp_path / 'v.ome.zarr')
    (path / '0' / 'c' / '0' / '0' / '0').unlink()
    _refused(path, r'1 of the 8 chunks of its array 0 are missing; copy it again')
    (path / '0' / 'c' / '1' / '0' / '0').write_bytes(b'')
    _refused(path, r'2 of the 8 chunks of its array 0 are missing')


def test_a_volume_whose_empty_chunks_were_left_out_is_whole(tmp_path: Path) -> None:
    volume = _volume()
    labels = np.array(volume.labels)
    labels[128:] = 0
    path = write_volume(Volume(labels, volume.phases), tmp_path / 'v.ome.zarr')
    shutil.rmtree(path / '0' / 'c' / '1')
    again = read_volume(path)
    assert np.array_equal(again.labels, labels)
    assert again.note == ''


def _foreign(path: Path, fmt: int, shards: tuple[int, ...] | None = None, separator: str = '/') -> None:
    """An OME-Zarr as others write it."""
    group = zarr.open_group(path, mode='w', zarr_format=fmt)
    options = {} if fmt == 3 else {'chunk_key_encoding': {'name': 'v2', 'separator': separator}}
    if fmt == 3 and separator == '.':
        options = {'chunk_key_encoding': {'name': 'default', 'separator': '.'}}
    array = group.create_array('0', shape=(40, 40, 40), chunks=(16, 16, 16), shards=shards, dtype='uint8', **options)
    array[...] = 1 + RNG.integers(0, 2, (40, 40, 40))
    multiscales = [{'axes': [{'name': a, 'type': 'space'} for a in 'zyx'], 'datasets': [{'path': '0'}]}]
    if fmt == 3:
        group.attrs['ome'] = {'version': '0.5', 'multiscales': multiscales}
    else:
        group.attrs['multiscales'] = multiscales


@pytest.mark.parametrize('fmt', [2, 3])
@pytest.mark.parametrize('separator', ['/', '.'])
def test_a_chunk_that_others_lack_is_told(tmp_path: Path, fmt: int, separator: str) -> None:
    path = tmp_path / 'v.ome.zarr'
    _foreign(path, fmt, separator=separator)
    assert read_image(path).note == ''
    chunks = sorted(p for p in (path / '0').rglob('*') if p.is_file() and p.name[-1].isdigit())
    assert len(chunks) == 27
    for chunk in chunks[:2]:
        chunk.unlink()
    assert '2 of the 27 chunks of its array 0 are missing and were read as 0' in read_image(path).note


@pytest.mark.parametrize('where', ['shard', 'within'])
def test_chunks_that_shards_lack_are_told(tmp_path: Path, where: str) -> None:
    path = tmp_path / 'v.ome.zarr'
    _foreign(path, 3, shards=(32, 32, 32))
    assert read_image(path).note == ''
    if where == 'shard':
        (path / '0' / 'c' / '0' / '0' / '0').unlink()
        assert '8 of the 27 chunks' in read_image(path).note
    else:
        array = zarr.open_group(path, mode='r+')['0']
        array[:16, :16, :16] = 0
        assert '1 of the 27 chunks' in read_image(path).note


def test_what_is_odd_about_a_volume_reaches_whoever_listens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / 'v.ome.zarr'
    _foreign(path, 3)
    (path / '0' / 'c' / '0' / '0' / '0').unlink()
    heard: list[str] = []
    assert 'missing' in read_volume(path, on_note=heard.append).note
    assert len(heard) == 1
    assert heard[0].startswith('v.ome.zarr: 1 of the 27 chunks')
    with caplog.at_level(logging.WARNING):
        read_volume(path)
    assert heard == [record.getMessage() for record in caplog.records if 'napari_microrecon' in record.name]


def test_the_command_line_tells_of_a_plane_on_stderr(tmp_path: Path) -> None:
    path = tmp_path / 'v.ome.zarr'
    _foreign(path, 3)
    (path / '0' / 'c' / '0' / '0' / '0').unlink()
    command = [sys.executable, '-m', 'napari_microrecon', 'representativity', f'{path}@z=30', '--json']
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)
    assert 'v.ome.zarr@z=30: 1 of the 27 chunks of its array 0 are missing and were read as 0' in done.stderr


@pytest.mark.parametrize('fmt', [2, 3])
def test_chunks_of_one_voxel_are_refused_by_name(tmp_path: Path, fmt: int) -> None:
    path = tmp_path / 'v.ome.zarr'
    _foreign(path, fmt)
    name = '.zarray' if fmt == 2 else 'zarr.json'
    described = json.loads((path / '0' / name).read_text())
    described['shape'] = [128, 128, 128]
    if fmt == 2:
        described['chunks'] = [1, 1, 1]
    else:
        described['chunk_grid']['configuration']['chunk_shape'] = [1, 1, 1]
    (path / '0' / name).write_text(json.dumps(described))
    _refused(path, 'is cut into 2097152 chunks of one voxel.*rechunk it')


def test_an_array_beyond_memory_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / 'v.ome.zarr'
    _foreign(path, 3)
    described = json.loads((path / '0' / 'zarr.json').read_text())
    chunks = {'name': 'regular', 'configuration': {'chunk_shape': [10**5] * 3}}
    for key, value in (('shape', [10**6] * 3), ('chunk_grid', chunks)):
        (path / '0' / 'zarr.json').write_text(json.dumps(described | {key: value}))
        _refused(path, 'GB of pixels|bytes of pixels')


def test_a_chunk_that_is_larger_than_its_voxels_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / 'v.ome.zarr'
    _foreign(path, 3)
    (path / '0' / 'c' / '0' / '0' / '0').write_bytes(bytes(100_000))
    _refused(path, 'a chunk of its array 0 takes 100000 bytes on disk, more than its voxels')


def test_zarr_unpickles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'v.ome.zarr'
    _foreign(path, 2)
    described = json.loads((path / '0' / '.zarray').read_text())
    for chunk in (path / '0').rglob('[0-9]*'):
        if chunk.is_file():
            chunk.write_bytes(pickle.dumps(_Evil()))
    for packing in (
        {'compressor': None, 'filters': [{'id': 'pickle'}]},
        {'compressor': {'id': 'pickle'}, 'filters': None},
        {'dtype': '|O', 'fill_value': None, 'compressor': None, 'filters': [{'id': 'pickle'}]},
    ):
        (path / '0' / '.zarray').write_text(json.dumps(described | packing))
        _refused(path, 'is packed by pickle|not an OME-Zarr image that can be read')
        assert not (tmp_path / 'unpickled').exists()


# --- edited files ------------------------------------------------------------------------------------------------


def test_an_edited_volume_is_told(tmp_path: Path) -> None:
    path = write_volume(_volume(), tmp_path / 'v.ome.zarr')
    array = zarr.open_group(path, mode='r+')['0']
    array[0, 0, :5] = 1 - np.asarray(array[0, 0, :5])
    heard: list[str] = []
    found = read_volume(path, on_note=heard.append)
    assert 'edited after it was written (their sha256 differs)' in found.note
    assert len(heard) == 1
    assert found.provenance.kind == 'unknown'
    array[0, 0, 0] = 7
    assert 'no labels of the 2 phases it names' in read_image(path).note


def test_an_edited_slice_is_told(tmp_path: Path) -> None:
    labels = RNG.integers(0, 2, (40, 50), np.uint8)
    path = write_slice(Slice(labels, Phases.default(2)), tmp_path / 's.tif')
    with tifffile.TiffFile(path) as file:
        info = dict(file.imagej_metadata or {})['Info']
    tifffile.imwrite(path, 1 - labels, imagej=True, metadata={'Info': info})
    heard: list[str] = []
    read_slice(path, on_note=heard.append)
    assert 'edited after it was written' in heard[0]
