"""Bundled samples, and published ones fetched over loopback."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import read_slice, read_volume
from napari_microrecon.engine.progress import Progress, drain
from napari_microrecon.engine.provenance import hash_file
from napari_microrecon.engine.samples import CACHE_VARIABLE, URL_VARIABLE, bundled_samples, download, fetch, get_sample
from napari_microrecon.engine.samples import published_samples as published
from napari_microrecon.engine.samples.bundled import BundledSample, samples_folder
from napari_microrecon.engine.samples.published import read_archive

NAMES = ('sandstone', 'limestone', 'cathode', 'cast-iron', 'brass')
EDGE = 256  # of Ketton


# --- bundled -----------------------------------------------------------------------------------------------------


def test_the_five_materials_are_bundled() -> None:
    assert tuple(s.name for s in bundled_samples()) == NAMES


@pytest.mark.parametrize('name', NAMES)
def test_bundled_sample(name: str) -> None:
    sample = get_sample(name)
    assert isinstance(sample, BundledSample)
    assert sample.kind == 'synthetic' == sample.provenance.kind
    assert 'synthetic' in sample.title.lower()
    assert sample.description.startswith('Synthetic.')
    assert sample.is_local
    volume, slices = sample.load_volume(), sample.load_slices()
    assert volume.shape == sample.shape
    assert min(volume.shape) >= 128
    assert volume.voxel_size == sample.voxel_size == slices.voxel_size
    assert volume.voxel_size.is_known
    np.testing.assert_allclose(volume.fractions, sample.fractions, atol=1e-4)
    assert np.unique(volume.labels).tolist() == list(range(sample.phases.count))
    assert slices.is_placed
    for s in slices:
        assert s.position is not None
        np.testing.assert_array_equal(s.labels, volume.slice_labels(s.normal, s.position))
    if slices.symmetry != 'isotropic':
        assert {s.normal for s in slices} == {'z', 'y', 'x'}


def test_all_bundled_files_stay_below_ten_megabytes() -> None:
    folder = get_sample('sandstone').model_dump()['folder'].parent
    assert sum(path.stat().st_size for path in folder.rglob('*') if path.is_file()) < 10e6


def test_files_speak_for_themselves() -> None:
    sample = get_sample('cathode')
    assert isinstance(sample, BundledSample)
    volume = read_volume(sample.folder / 'volume.tif')
    assert volume.phases == sample.phases
    assert volume.voxel_size.agrees_with(sample.voxel_size)
    assert volume.voxel_size.is_known
    for path, entry in zip(sample.slice_paths, sample.load_slices(), strict=True):
        read = read_slice(path)
        assert (read.normal, read.position) == (entry.normal, entry.position)
        np.testing.assert_array_equal(read.labels, entry.labels)


@pytest.mark.parametrize('name', ['cast-iron', 'brass'])
def test_anisotropic_samples_differ_by_axis(name: str) -> None:
    """Phase boundaries are much rarer along the preferred axis."""
    labels = get_sample(name).load_volume().labels
    faces = [float(np.mean(np.diff(labels, axis=axis) != 0)) for axis in range(3)]
    preferred = {'cast-iron': 0, 'brass': 2}[name]
    assert max(faces) == pytest.approx(min(faces[i] for i in range(3) if i != preferred), rel=0.15)
    assert faces[preferred] < 0.85 * max(faces)


def test_script_makes_the_shipped_files_again(root: Path, tmp_path: Path) -> None:
    script = [sys.executable, str(root / 'scripts' / 'make_samples.py'), 'cast-iron', '--output', str(tmp_path)]
    subprocess.run(script, check=True, capture_output=True)
    made, shipped = (BundledSample.read(folder / 'cast-iron') for folder in (tmp_path, samples_folder()))
    assert made.model_copy(update={'folder': shipped.folder}) == shipped  # sha256 of every file among it
    (made.folder / 'slice_z064.tif').write_bytes(b'another')
    check = subprocess.run([*script, '--check'], capture_output=True, text=True)
    assert check.returncode == 1
    assert check.stderr == 'cast-iron: slice_z064.tif is not the file recorded\n'


def test_damaged_file_is_refused(tmp_path: Path) -> None:
    sample = get_sample('sandstone')
    assert isinstance(sample, BundledSample)
    for path in sample.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    copy = BundledSample.read(tmp_path)
    assert copy.load_volume().shape == sample.shape
    with (tmp_path / 'volume.tif').open('r+b') as file:
        file.seek(5000)
        file.write(b'\0\1\2\3')
    with pytest.raises(InputError, match=r'volume\.tif: is damaged .*install'):
        copy.load_volume()
    (tmp_path / 'slice_z064.tif').unlink()
    with pytest.raises(InputError, match=r'slice_z064\.tif: cannot be read'):
        copy.load_slices()
    (tmp_path / 'sample.json').write_text('{"schema": 1}')
    with pytest.raises(InputError, match=r'sample\.json: is damaged'):
        BundledSample.read(tmp_path)


def test_unknown_name_lists_the_names() -> None:
    for ask in (get_sample, fetch):
        with pytest.raises(InputError, match=r"sample: 'granite' is not known; .*sandstone.*ketton") as caught:
            ask('granite')
        assert '\n' not in str(caught.value)


def test_fetching_a_bundled_sample_loads_it() -> None:
    assert drain(fetch('sandstone')).shape == (128, 128, 128)


# --- published ---------------------------------------------------------------------------------------------------


class _Server(ThreadingHTTPServer):
    """Serves `content` by name; `pace` is called before each block, so that a test can hold the line."""

    daemon_threads = True

    def __init__(self, content: dict[str, bytes], pace: Callable[[int], None] = lambda _: None) -> None:
        self.content, self.pace = content, pace
        self.requests: list[str] = []
        self.headers: dict[str, str] = {}
        self.block = 1 << 14
        self.endless = False  # no length is said and none kept
        super().__init__(('127.0.0.1', 0), _Handler)

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.server_address[1]}/'


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        body = self.server.content.get(self.path.removeprefix('/'))
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        if not self.server.endless:
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        block = self.server.block
        try:
            while self.server.endless:
                self.wfile.write(bytes(block))
            for start in range(0, len(body), block):
                self.server.pace(start)
                self.wfile.write(body[start : start + block])
        except OSError:
            self.close_connection = True  # the client hung up, as it does when it cancels

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / 'cache'
    monkeypatch.setenv(CACHE_VARIABLE, str(folder))
    monkeypatch.setenv('NO_PROXY', '127.0.0.1')
    return folder


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., _Server]]:
    running: list[tuple[_Server, threading.Thread]] = []

    def start(content: dict[str, bytes], **options: Callable[[int], None]) -> _Server:
        server = _Server(content, **options)
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        running.append((server, thread))
        monkeypatch.setenv(URL_VARIABLE, server.url)
        return server

    yield start
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()


def _archive(labels: np.ndarray, name: str = 'ketton.tif', packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    tiff, archive = io.BytesIO(), io.BytesIO()
    tifffile.imwrite(tiff, labels)
    with zipfile.ZipFile(archive, 'w', packing) as file:
        file.writestr(name, tiff.getvalue())
    return archive.getvalue()


@pytest.fixture(scope='module')
def small() -> bytes:
    """An archive in the published form: 0 = pore, 255 = grain; one block of pore, and noise so that it is not tiny."""
    grey = np.full((EDGE, EDGE, EDGE), 255, np.uint8)
    grey[:160, :128] = 0
    grey[200:240] = 255 * np.random.default_rng(0).integers(0, 2, (40, EDGE, EDGE), dtype=np.uint8)
    return _archive(grey)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _fetching_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith('fetch ')]


def test_fetch_converts_reports_bytes_and_caches(cache: Path, serve: Callable[..., _Server], small: bytes) -> None:
    server = serve({'ketton.zip': small}, pace=lambda _: time.sleep(0.01))
    seen: list[Progress] = []
    volume = drain(fetch('ketton', sha256=_sha256(small)), seen.append)
    assert volume.shape == (EDGE, EDGE, EDGE)
    assert volume.phases.names == ('grain', 'pore')
    assert volume.labels[0, 0, 0] == 1  # 0 in the file is pore
    assert volume.labels[0, 130, 0] == 0
    assert str(volume.voxel_size) == '15.2 um'
    assert volume.provenance.kind == 'measured'
    steps = [p.step for p in seen if p.stage.startswith('Downloading')]
    assert len(steps) > 1
    assert steps == sorted(steps)
    assert {p.total for p in seen if p.stage.startswith('Downloading')} == {len(small)}
    assert server.requests == ['/ketton.zip']
    assert [p.name for p in cache.iterdir()] == ['ketton.zip']
    assert get_sample('ketton').is_local
    np.testing.assert_array_equal(get_sample('ketton').load_slices().slices[0].labels, volume.labels[128])
    again = drain(fetch('ketton', sha256=_sha256(small)))
    assert server.requests == ['/ketton.zip']  # the second came from the cache
    np.testing.assert_array_equal(again.labels, volume.labels)


def test_damaged_cache_is_fetched_again(cache: Path, serve: Callable[..., _Server], small: bytes) -> None:
    server = serve({'ketton.zip': small})
    cache.mkdir()
    (cache / 'ketton.zip').write_bytes(small[:1000])
    assert drain(fetch('ketton', sha256=_sha256(small))).shape == (EDGE, EDGE, EDGE)
    assert len(server.requests) == 1


def test_wrong_content_is_refused_and_not_kept(cache: Path, serve: Callable[..., _Server], small: bytes) -> None:
    serve({'ketton.zip': small})
    with pytest.raises(InputError, match=r"ketton: .*not the published file \(its sha256 differs\).*'limestone'"):
        drain(fetch('ketton'))  # the recorded hash is that of the real archive
    assert list(cache.iterdir()) == []


def test_missing_file_on_the_server(cache: Path, serve: Callable[..., _Server]) -> None:
    serve({})
    with pytest.raises(InputError, match=r"berea: 127\.0\.0\.1:\d+ answered 404 Not Found; .*'sandstone'"):
        drain(fetch('berea'))
    assert list(cache.iterdir()) == []


def test_connection_that_breaks_off(cache: Path, serve: Callable[..., _Server], small: bytes) -> None:
    def break_off(start: int) -> None:
        if start > len(small) // 2:
            raise ConnectionResetError

    serve({'ketton.zip': small}, pace=break_off)
    with pytest.raises(InputError, match=r"ketton: .*'limestone'"):
        drain(fetch('ketton', sha256=_sha256(small)))
    assert list(cache.iterdir()) == []


def test_offline_offers_the_synthetic_sample(
    cache: Path, serve: Callable[..., _Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve({})
    server.shutdown()
    server.server_close()
    monkeypatch.setenv(URL_VARIABLE, server.url)
    with pytest.raises(InputError, match=r"ketton: cannot be fetched .*network.*'limestone'") as caught:
        drain(fetch('ketton'))
    assert '\n' not in str(caught.value)
    with pytest.raises(InputError, match=r'ketton: has not been fetched yet; .*samples fetch ketton'):
        get_sample('ketton').load_volume()


@pytest.mark.parametrize('base', ['ftp://127.0.0.1/', 'nowhere', 'http://'])
def test_address_that_is_none(cache: Path, monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    monkeypatch.setenv(URL_VARIABLE, base)
    with pytest.raises(InputError, match=rf'is no http address; correct {URL_VARIABLE}'):
        drain(fetch('ketton'))


def test_cache_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., _Server], small: bytes
) -> None:
    serve({'ketton.zip': small})
    (tmp_path / 'file').write_text('in the way')
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / 'file' / 'cache'))
    with pytest.raises(InputError, match=rf'ketton: cannot be kept in .*{CACHE_VARIABLE}'):
        drain(fetch('ketton', sha256=_sha256(small)))


@pytest.mark.parametrize('silent', [False, True], ids=['slow server', 'server that falls silent'])
def test_cancel_ends_within_a_second_and_leaves_nothing(
    cache: Path, serve: Callable[..., _Server], small: bytes, silent: bool
) -> None:
    go_on = threading.Event()

    def pace(start: int) -> None:
        if start >= 1 << 17:
            go_on.wait(20 if silent else 0.05)

    serve({'ketton.zip': small}, pace=pace)
    job = fetch('ketton', sha256=_sha256(small))
    for progress in job:
        if progress.step:
            break
    assert _fetching_threads()
    started = time.monotonic()
    job.close()
    assert time.monotonic() - started < 1.0
    go_on.set()
    assert _fetching_threads() == []
    assert list(cache.iterdir()) == []


def test_more_than_the_archive_can_have_is_refused(cache: Path, serve: Callable[..., _Server]) -> None:
    """Said in the header, or found while it comes: without a length, and without an end."""
    serve({'ketton.zip': bytes(700_000)})
    with pytest.raises(InputError, match=r"larger than the 0\.603 MB of the archive.*'limestone'"):
        drain(fetch('ketton'))
    assert list(cache.iterdir()) == []
    server = serve({'ketton.zip': b'endless'})
    server.endless = True
    with pytest.raises(InputError, match=r"larger than the 0\.603 MB of the archive.*'limestone'"):
        drain(fetch('ketton'))
    assert list(cache.iterdir()) == []


def test_what_is_packed_for_the_way_is_not_unpacked(cache: Path, serve: Callable[..., _Server]) -> None:
    server = serve({'berea.zip': gzip.compress(bytes(500_000_000), 1)})
    server.headers['Content-Encoding'] = 'gzip'
    started = time.monotonic()
    with pytest.raises(InputError, match=r"larger than the 129 MB of the archive, or packed; .*'sandstone'"):
        drain(fetch('berea'))
    assert time.monotonic() - started < 5
    assert list(cache.iterdir()) == []


def test_a_server_that_never_comes_to_an_end_is_left(
    cache: Path, serve: Callable[..., _Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, '_GRACE', 1.0)
    monkeypatch.setattr(download, '_SLOWEST', 1e9)
    over = threading.Event()
    server = serve({'ketton.zip': bytes(10_000)}, pace=lambda _: over.wait(0.1))
    server.block = 1
    started = time.monotonic()
    with pytest.raises(InputError, match=r"sends less than 1000000 kB a second; try again later.*'limestone'"):
        drain(fetch('ketton'))
    assert time.monotonic() - started < 3
    over.set()
    assert _fetching_threads() == []
    assert list(cache.iterdir()) == []


def test_cancel_before_the_first_byte(cache: Path, serve: Callable[..., _Server], small: bytes) -> None:
    serve({'ketton.zip': small})
    job = fetch('ketton', sha256=_sha256(small))
    next(job)
    job.close()
    assert _fetching_threads() == []


def test_ketton_as_published(shared_data: Path, cache: Path, serve: Callable[..., _Server]) -> None:
    archive = shared_data / 'downloads' / 'ketton.zip'
    assert hash_file(archive) == next(s.sha256 for s in published() if s.name == 'ketton')
    serve({'ketton.zip': archive.read_bytes()})
    volume = drain(fetch('ketton'))
    np.testing.assert_array_equal(volume.labels, tifffile.imread(shared_data / 'ct' / 'ketton_limestone.tif'))


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'no zip', 'cannot be read'),
        (_archive(np.zeros((4, 4, 4), np.uint8)), r'shape \(4, 4, 4\), not \(8, 8, 8\)'),
        (_archive(np.full((8, 8, 8), 7, np.uint8)), 'values other than 0'),
        (_archive(np.zeros((8, 8, 8), np.uint8), name='readme.txt'), 'one TIFF'),
        (_archive(np.zeros((128, 128, 128), np.uint8)), 'one TIFF'),
        (_archive(np.zeros((8, 8, 8), np.uint8), packing=zipfile.ZIP_LZMA), 'one TIFF'),
    ],
)
def test_archive_that_is_not_the_volume(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / 'a.zip'
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_archive(path, (8, 8, 8))


def test_names_in_the_archive_reach_no_files(tmp_path: Path) -> None:
    path = tmp_path / 'inside' / 'a.zip'
    path.parent.mkdir()
    path.write_bytes(_archive(np.zeros((8, 8, 8), np.uint8), name='../evil.tif'))
    assert read_archive(path, (8, 8, 8)).all()
    assert [p.name for p in tmp_path.rglob('*') if p.is_file()] == ['a.zip']
