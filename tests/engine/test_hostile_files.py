"""Files that are not what they say, that lost a part, or that were made to harm: one line each, and nothing runs."""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import (
    contents,
    read_image,
    read_slice,
    tiff_checks,
)

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 255, (64, 80), np.uint8)


def _refused(path: Path, match: str) -> None:
    with pytest.raises(InputError, match=match) as caught:
        read_image(path)
    assert '\n' not in str(caught.value)
    assert path.name in str(caught.value)


# --- which decoders run ------------------------------------------------------------------------------------------

POSTSCRIPT = b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n{} loop\n%%EOF\n'


@pytest.mark.skipif(os.name == 'nt', reason='the stand-in for Ghostscript is a shell script')
@pytest.mark.parametrize('ending', ['.png', '.jpg', '.bmp', '.tif', '.npy'])
def test_postscript_under_another_name_starts_no_ghostscript(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    mark, tools = tmp_path / 'started', tmp_path / 'tools'
    tools.mkdir()
    for name in ('gs', 'gswin64c'):
        (tools / name).write_text(f'#!/bin/sh\ntouch {mark}\n')
        (tools / name).chmod(0o755)
    monkeypatch.setenv('PATH', f'{tools}{os.pathsep}{os.environ["PATH"]}')
    path = tmp_path / f'a{ending}'
    path.write_bytes(POSTSCRIPT)
    started: list[str] = []
    sys.addaudithook(lambda event, args: started.append(str(args)) if event == 'subprocess.Popen' else None)
    with pytest.raises(InputError) as caught:
        read_image(path)
    assert started == []
    assert not mark.exists()
    assert 'is a PostScript file, not a' in str(caught.value)
    # The stand-in works: without the mend it would have been called.
    subprocess.run(['gs'], check=True)
    assert mark.exists()


@pytest.mark.parametrize('kind', ['GIF', 'WEBP', 'PDF', 'ICO', 'PPM'])
def test_other_pictures_under_the_name_of_a_png(tmp_path: Path, kind: str) -> None:
    path = tmp_path / 'a.png'
    Image.fromarray(GREY).save(path, kind)
    _refused(path, 'not a PNG image')


@pytest.mark.parametrize('kind', ['PNG', 'JPEG', 'BMP', 'TIFF'])
@pytest.mark.parametrize('ending', ['.png', '.jpg', '.bmp', '.tif', '.npy'])
def test_a_picture_under_the_name_of_another_is_read_and_said(tmp_path: Path, kind: str, ending: str) -> None:
    path = tmp_path / f'a{ending}'
    Image.fromarray(GREY).save(path, kind)
    found = read_image(path)
    assert found.array.shape == GREY.shape
    own = {'.png': 'PNG', '.jpg': 'JPEG', '.bmp': 'BMP', '.tif': 'TIFF'}.get(ending) == kind
    assert (f'is a {kind} image, whatever its name says' in found.note) != own


def test_a_mosaic_beyond_pillows_limit_is_read_and_the_limit_stays(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    mosaic = np.zeros((14_000, 14_000), np.uint8)
    mosaic[3_000:9_000] = 255
    Image.fromarray(mosaic).save(tmp_path / 'a.png', compress_level=1)
    frames = Image.fromarray(mosaic)
    frames.save(tmp_path / 'a.tif', compression='tiff_lzw')
    for name in ('a.png', 'a.tif'):
        assert np.array_equal(read_image(tmp_path / name).array, mosaic)
    assert before == Image.MAX_IMAGE_PIXELS


def test_what_does_not_fit_into_memory_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_microrecon.engine.files import contents

    monkeypatch.setattr(contents, 'free_memory', lambda: 6000.0)
    Image.fromarray(GREY).save(tmp_path / 'a.png')
    tifffile.imwrite(tmp_path / 'a.tif', GREY)
    np.save(tmp_path / 'a.npy', GREY)
    for name in ('a.png', 'a.tif', 'a.npy'):
        _refused(tmp_path / name, 'GB of pixels, and 6e-06 GB of memory are free; crop it')


def _png(width: int, height: int, data: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))

    header = struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', data) + chunk(b'IEND', b'')


def test_sizes_that_a_file_cannot_hold_are_refused_before_they_are_allocated(tmp_path: Path) -> None:
    (tmp_path / 'a.png').write_bytes(_png(2**31 - 1, 2**31 - 1, zlib.compress(b'\0' * 99)))
    _refused(tmp_path / 'a.png', 'declares .* of pixels, more than its .* bytes can hold')
    for compression in (None, 'zlib', 'lzma'):
        tifffile.imwrite(tmp_path / 'a.tif', GREY, compression=compression)
        with tifffile.TiffFile(tmp_path / 'a.tif', mode='r+') as file:
            file.pages.first.tags['ImageLength'].overwrite(2**28)
        _refused(tmp_path / 'a.tif', 'declares .* of pixels, more than its .* bytes can hold')


# --- TIFF --------------------------------------------------------------------------------------------------------


def _ring(path: Path, pages: int, back_to: int, big: bool = False) -> int:
    """Write a stack whose last page leads back to another one; return where it says so."""
    tifffile.imwrite(path, np.zeros((pages, 8, 8), np.uint8), photometric='minisblack', bigtiff=big, metadata=None)
    content = bytearray(path.read_bytes())
    count, tag, offset, start = ('<Q', 20, '<Q', 8) if big else ('<H', 12, '<I', 4)
    places, at = [], start
    while found := struct.unpack_from(offset, content, at)[0]:
        places.append(found)
        at = found + struct.calcsize(count) + tag * struct.unpack_from(count, content, found)[0]
    assert len(places) == pages
    struct.pack_into(offset, content, at, places[back_to])
    path.write_bytes(content)
    return at


@pytest.mark.parametrize('big', [False, True], ids=['classic', 'big'])
@pytest.mark.parametrize(('pages', 'back_to'), [(1, 0), (7, 0), (7, 3), (150, 120)])
def test_pages_in_a_circle(tmp_path: Path, pages: int, back_to: int, big: bool) -> None:
    _ring(tmp_path / 'a.tif', pages, back_to, big)
    _refused(tmp_path / 'a.tif', rf'run in a circle \(page {pages} leads back to page {back_to + 1}\)')


def test_more_pages_than_any_stack_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / 'a.tif', np.zeros((9, 8, 8), np.uint8), photometric='minisblack')
    monkeypatch.setattr(tiff_checks, 'MOST_PAGES', 8)
    _refused(tmp_path / 'a.tif', 'has more than 8 pages')


def test_a_chain_that_breaks_off_is_told(tmp_path: Path) -> None:
    at = _ring(tmp_path / 'a.tif', 7, 0)
    with (tmp_path / 'a.tif').open('r+b') as file:
        file.seek(at)
        file.write(struct.pack('<I', 2**31))
    assert 'its page 8 lies beyond the end' in read_image(tmp_path / 'a.tif').note


@pytest.mark.parametrize(
    ('before', 'after'),
    [('SizeZ="5"', 'SizeZ="9999999999"'), ('IFD="0"', 'IFD="1e400"')],
)
def test_planes_without_end_in_an_ome_description(tmp_path: Path, before: str, after: str) -> None:
    tifffile.imwrite(tmp_path / 'a.ome.tif', np.zeros((5, 8, 8), np.uint8), metadata={'axes': 'ZYX'})
    with tifffile.TiffFile(tmp_path / 'a.ome.tif') as file:
        text = file.ome_metadata or ''
    assert before in text
    tifffile.imwrite(
        tmp_path / 'b.tif', np.zeros((5, 8, 8), np.uint8), description=text.replace(before, after), metadata=None
    )
    _refused(tmp_path / 'b.tif', 'OME description speaks of')


@pytest.mark.parametrize('name', ['../b.tif', '/etc/passwd', 'C:\\b.tif', 'sub\\b.tif'])
def test_an_ome_tiff_reaches_no_files_elsewhere(tmp_path: Path, name: str) -> None:
    tifffile.imwrite(tmp_path / 'a.ome.tif', np.zeros((5, 8, 8), np.uint8), metadata={'axes': 'ZYX'})
    with tifffile.TiffFile(tmp_path / 'a.ome.tif') as file:
        text = (file.ome_metadata or '').replace(
            '<TiffData IFD="0" PlaneCount="5"/>',
            f'<TiffData IFD="0" PlaneCount="5"><UUID FileName="{name}">urn:uuid:1</UUID></TiffData>',
        )
    assert 'UUID FileName' in text
    tifffile.imwrite(tmp_path / 'c.tif', np.zeros((5, 8, 8), np.uint8), description=text, metadata=None)
    _refused(tmp_path / 'c.tif', 'names a file elsewhere')


def test_a_block_that_unpacks_into_more_than_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / 'a.tif', GREY, compression='zlib', metadata=None)
    bomb = zlib.compress(bytes(300 * 2**20), 9)
    content = (tmp_path / 'a.tif').read_bytes()
    with tifffile.TiffFile(tmp_path / 'a.tif', mode='r+') as file:
        file.pages.first.tags['StripOffsets'].overwrite(len(content))
        file.pages.first.tags['StripByteCounts'].overwrite(len(bomb))
    with (tmp_path / 'a.tif').open('ab') as file:
        file.write(bomb)
    _refused(tmp_path / 'a.tif', 'unpacks into far more')


def test_planes_that_an_ome_tiff_lacks(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / 'a.ome.tif', np.ones((5, 8, 8), np.uint8), metadata={'axes': 'ZYX'})
    with tifffile.TiffFile(tmp_path / 'a.ome.tif') as file:
        text = (file.ome_metadata or '').replace('SizeZ="5"', 'SizeZ="7"')
    tifffile.imwrite(tmp_path / 'b.tif', np.ones((5, 8, 8), np.uint8), description=text, metadata=None)
    assert '2 of its planes or blocks are missing and were read as 0' in read_image(tmp_path / 'b.tif').note


# --- NPY ---------------------------------------------------------------------------------------------------------


class _Evil:
    def __reduce__(self) -> tuple:
        return os.mkdir, ('unpickled',)


def test_objects_are_never_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with (tmp_path / 'a.npy').open('wb') as file:
        np.lib.format.write_array_header_1_0(file, {'descr': '|O', 'fortran_order': False, 'shape': (1,)})
        pickle.dump(_Evil(), file)
    (tmp_path / 'b.npy').write_bytes(pickle.dumps(_Evil()))
    _refused(tmp_path / 'a.npy', 'it holds Python objects')
    _refused(tmp_path / 'b.npy', 'not a NumPy array')
    assert not (tmp_path / 'unpickled').exists()


def _plane(kind: str, *values: object) -> np.ndarray:
    plane = np.zeros((40, 40), kind)
    plane.ravel()[: len(values)] = values
    return plane


@pytest.mark.parametrize(
    ('plane', 'problem'),
    [
        (_plane('u8', 2**64 - 1, 2**63 + 5), 'up to 1.84e\\+19'),
        (_plane('i8', -(2**63)), 'up to -9.22e\\+18'),
        (_plane('f8', 1.7e308, -1.7e308, 1.0), 'up to'),
        (_plane('f4', 3.4e38, -3e38, 2.5), 'up to'),
        (_plane('f8', np.inf), 'NaN or infinite'),
        (_plane('f2', np.nan, 1), 'NaN or infinite'),
        (_plane('M8[s]', 5), 'datetime64'),
        (_plane('S3', b'abc'), 'S3'),
        (np.zeros((40, 40), [('a', 'u1'), ('b', 'f4')]), 'fields of several'),
        (np.zeros((0, 40), 'u1'), 'no pixels'),
    ],
)
def test_values_at_the_limits_of_a_type(tmp_path: Path, plane: np.ndarray, problem: str) -> None:
    np.save(tmp_path / 'a.npy', plane)
    _refused(tmp_path / 'a.npy', problem)


@pytest.mark.parametrize('kind', ['u8', 'i8', '>u4', '>i2', '>f8', 'f2', 'g', 'u4', 'i4', 'f4'])
def test_grey_values_of_every_type_are_segmented(tmp_path: Path, kind: str) -> None:
    bright = RNG.random((40, 40)) > 0.5
    high = {'>i2': 30_000, 'f2': 1000, 'f4': 1_000_000}.get(kind, 2_000_000_000)
    grey = np.where(bright, high, 50) - RNG.integers(0, 50, (40, 40))
    np.save(tmp_path / 'a.npy', grey.astype(kind))
    found = read_slice(tmp_path / 'a.npy')
    assert np.mean(found.labels == bright) > 0.95  # a threshold of floats lies in the middle of a bin


def test_headers_of_npy_files(tmp_path: Path) -> None:
    np.save(tmp_path / 'whole.npy', GREY)
    whole = (tmp_path / 'whole.npy').read_bytes()
    path = tmp_path / 'a.npy'
    for length in (4, 9, 40, 127):
        path.write_bytes(whole[:length])
        _refused(path, 'not a NumPy array that can be read')
    path.write_bytes(whole[:-1])
    _refused(path, 'it ends early')
    for shape in ('(-64, -80)', '(99999999, 999999999, 9)', '(-1,)', '(1e9, 5)'):
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}".ljust(117).encode() + b'\n'
        path.write_bytes(whole[:8] + struct.pack('<H', len(header)) + header + bytes(GREY.size))
        _refused(path, 'not a NumPy array that can be read')


def test_the_limit_is_named_once() -> None:
    with pytest.raises(InputError, match=r'declares 1e\+03 GB of pixels, more than its 10 bytes'):
        contents.check_size(Path('a.tif'), 10**12, 1100.0, 10)
