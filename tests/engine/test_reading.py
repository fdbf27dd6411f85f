"""Files as people have them: every flavour, unit and order of axes is read as it is meant, or refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import read_image, read_slice, read_volume
from napari_microrecon.engine.lengths import metres, voxel_size
from napari_microrecon.engine.voxels import VoxelSize

RNG = np.random.default_rng(18)
STACK = RNG.integers(0, 2, (6, 20, 30), np.uint8)
GREY = RNG.integers(0, 255, (40, 50), np.uint8)


def _size(z: float, y: float, x: float, unit: Any) -> VoxelSize:
    return VoxelSize(z=z, y=y, x=x, unit=unit)


# --- units, per axis -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('edges', 'expected'),
    [
        ({'X': (500, 'nm'), 'Y': (500, 'nm'), 'Z': (2, 'µm')}, _size(2000, 500, 500, 'nm')),
        ({'X': (0.5, 'µm'), 'Y': (500, 'nm'), 'Z': (0.002, 'mm')}, _size(2, 0.5, 0.5, 'um')),
        ({'X': (5, 'Å'), 'Y': (5, 'Å'), 'Z': (1, 'nm')}, _size(1, 0.5, 0.5, 'nm')),
        ({'X': (2, 'µm'), 'Z': (3000, 'nm')}, _size(3, 2, 2, 'um')),
        ({'X': (2, 'µm'), 'Y': (2, 'µm'), 'Z': (1, 'pixel')}, VoxelSize()),
        ({'X': (1, 'thou'), 'Y': (1, 'thou'), 'Z': (1, 'in')}, _size(25400, 25.4, 25.4, 'um')),
    ],
)
def test_every_axis_of_an_ome_tiff_has_its_own_unit(tmp_path: Path, edges: dict, expected: VoxelSize) -> None:
    details: dict[str, Any] = {'axes': 'ZYX'}
    for axis, (edge, unit) in edges.items():
        details |= {f'PhysicalSize{axis}': edge, f'PhysicalSize{axis}Unit': unit}
    tifffile.imwrite(tmp_path / 'v.ome.tif', STACK, metadata=details)
    assert read_volume(tmp_path / 'v.ome.tif').voxel_size == expected


@pytest.mark.parametrize(
    ('details', 'expected'),
    [
        ({'unit': 'nm', 'zunit': 'micron', 'spacing': 3}, _size(3000, 0.5, 0.5, 'nm')),
        ({'unit': 'um', 'yunit': 'nm', 'spacing': 1}, _size(1, 0.0005, 0.5, 'um')),
        ({'unit': 'inch', 'spacing': 1}, _size(25.4, 12.7, 12.7, 'mm')),
        ({'unit': 'um', 'zunit': 'sec', 'spacing': 1}, VoxelSize()),
    ],
)
def test_imagej_units(tmp_path: Path, details: dict, expected: VoxelSize) -> None:
    tifffile.imwrite(tmp_path / 'v.tif', STACK, imagej=True, resolution=(2, 2), metadata={'axes': 'ZYX', **details})
    assert read_volume(tmp_path / 'v.tif').voxel_size == expected


@pytest.mark.parametrize(
    ('spelling', 'length'),
    [('attometer', 1e-18), ('angstrom', 1e-10), ('hectometer', 100), ('inch', 0.0254), ('foot', 0.3048),
     ('yard', 0.9144), ('mile', 1609.344), ('yottameter', 1e24), ('parsec', 3.0856775814913673e16), ('Mm', 1e6)],
)  # fmt: skip
def test_units_that_ome_knows(spelling: str, length: float) -> None:
    found = metres(spelling, ome=True)
    assert found is not None
    assert float(found) == pytest.approx(length, rel=1e-12)


def test_a_unit_that_is_no_length_makes_the_size_unknown() -> None:
    assert metres('second') is metres('pixel') is metres('') is None
    assert voxel_size((1, 1, 1), ('s', 'um', 'um')) == VoxelSize()
    assert voxel_size((1, 0, 1), ('um', 'um', 'um')) == VoxelSize()


# --- OME-Zarr ---------------------------------------------------------------------------------------------------------


def _zarr(path: Path, pixels: np.ndarray, axes: list, level: list[float], whole: list[float] | None = None) -> Path:
    import zarr

    group: Any = zarr.open_group(path, mode='w', zarr_format=2)
    group.create_array('0', data=pixels, chunks=pixels.shape)
    image: dict[str, Any] = {'version': '0.4', 'axes': axes, 'datasets': [{'path': '0'}]}
    image['datasets'][0]['coordinateTransformations'] = [{'type': 'scale', 'scale': level}]
    if whole is not None:
        image['coordinateTransformations'] = [{'type': 'scale', 'scale': whole}]
    group.attrs['multiscales'] = [image]
    return path


def _axes(letters: str, **units: str) -> list[dict[str, str]]:
    return [{'name': letter, 'type': 'space', 'unit': units.get(letter, 'micrometer')} for letter in letters]


def test_scale_of_all_levels_counts_beside_that_of_the_level(tmp_path: Path) -> None:
    path = _zarr(tmp_path / 'v.zarr', STACK, _axes('zyx'), [1, 0.5, 0.5], [4, 1, 3])
    assert read_volume(path).voxel_size == _size(4, 0.5, 1.5, 'um')
    path = _zarr(tmp_path / 'w.zarr', STACK[None, None], [{'name': 't', 'type': 'time', 'unit': 'second'},
                 {'name': 'c', 'type': 'channel'}, *_axes('zyx')], [1, 1, 1, 1, 1], [0.1, 1, 4, 2, 2])  # fmt: skip
    assert read_volume(path).voxel_size == _size(4, 2, 2, 'um')


def test_every_axis_of_an_ome_zarr_has_its_own_unit(tmp_path: Path) -> None:
    path = _zarr(tmp_path / 'v.zarr', STACK, _axes('zyx', y='nanometer', x='nanometer'), [2, 500, 500])
    assert read_volume(path).voxel_size == _size(2000, 500, 500, 'nm')
    path = _zarr(tmp_path / 'w.zarr', STACK, _axes('zyx', z='angstrom', y='angstrom', x='angstrom'), [20, 10, 10])
    assert read_volume(path).voxel_size == _size(2, 1, 1, 'nm')


@pytest.mark.parametrize('letters', ['xyz', 'yxz', 'xzy', 'zxy'])
def test_axes_in_another_order_are_put_in_order(tmp_path: Path, letters: str) -> None:
    turned = STACK.transpose(['zyx'.index(letter) for letter in letters])
    lengths = {'z': 4.0, 'y': 2.0, 'x': 1.0}
    found = read_volume(_zarr(tmp_path / 'v.zarr', turned, _axes(letters), [lengths[letter] for letter in letters]))
    np.testing.assert_array_equal(found.labels, STACK)
    assert found.voxel_size == _size(4, 2, 1, 'um')
    tifffile.imwrite(tmp_path / 'v.tif', turned, photometric='minisblack', metadata={'axes': letters.upper()})
    np.testing.assert_array_equal(read_volume(tmp_path / 'v.tif').labels, STACK)


def test_axes_of_ngff_03_are_bare_names(tmp_path: Path) -> None:
    found = read_volume(_zarr(tmp_path / 'v.zarr', STACK.transpose(2, 1, 0), ['x', 'y', 'z'], [1, 1, 1]))
    np.testing.assert_array_equal(found.labels, STACK)
    assert not found.voxel_size.is_known


# --- TIFF: what is a page --------------------------------------------------------------------------------------------


@pytest.mark.parametrize('options', [{}, {'compression': 'zlib'}, {'metadata': None}, {'description': 'plane'}])
def test_a_stack_written_page_by_page_is_a_stack(tmp_path: Path, options: dict) -> None:
    with tifffile.TiffWriter(tmp_path / 'p.tif') as file:
        for plane in STACK:
            file.write(plane, photometric='minisblack', **options)
    found = read_image(tmp_path / 'p.tif')
    assert found.kind == 'stack'
    np.testing.assert_array_equal(found.array, STACK)
    np.testing.assert_array_equal(read_volume(tmp_path / 'p.tif').labels, STACK)
    np.testing.assert_array_equal(read_slice(tmp_path / 'p.tif@z=3').labels, STACK[3])
    with pytest.raises(InputError, match=r'is a 3D stack \(6 x 20 x 30\)'):
        read_slice(tmp_path / 'p.tif')


def test_a_preview_beside_the_picture_is_no_plane_and_that_is_told(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / 'p.tif') as file:
        file.write(GREY[:8, :10], photometric='minisblack')
        file.write(GREY, photometric='minisblack')
    found = read_image(tmp_path / 'p.tif')
    np.testing.assert_array_equal(found.array, GREY)
    assert 'it holds 2 images; number 2 (40 x 50) was read' in found.note
    with tifffile.TiffWriter(tmp_path / 'q.tif') as file:
        for plane in STACK:
            file.write(plane, photometric='minisblack')
        file.write(STACK[0, :5, :5], photometric='minisblack')
    found = read_image(tmp_path / 'q.tif')
    np.testing.assert_array_equal(found.array, STACK)
    assert 'it holds 7 images; the 6 of 20 x 30 were, as planes of a stack, read' in found.note


def test_two_stacks_in_one_file_are_not_put_together(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / 'p.tif') as file:
        file.write(STACK, photometric='minisblack')
        file.write(1 - STACK, photometric='minisblack')
    found = read_image(tmp_path / 'p.tif')
    np.testing.assert_array_equal(found.array, STACK)
    assert 'it holds 2 images' in found.note


def _lzw(path: Path, planes: np.ndarray) -> None:
    """Colour planes as LZW that repeats nothing: tifffile itself writes none without imagecodecs."""
    import struct

    strips = []
    for plane in planes:
        codes = [256]
        for i, value in enumerate(plane.ravel().tolist()):
            codes += [256, value] if i and i % 200 == 0 else [value]
        digits = (np.array([*codes, 257])[:, None] >> np.arange(8, -1, -1)) & 1
        strips.append(np.packbits(digits.astype(np.uint8)).tobytes())
    at, count = 8 + sum(map(len, strips)), len(strips)
    lists = [[8 + sum(map(len, strips[:i])) for i in range(count)], [len(one) for one in strips], [8] * count]
    tags = [(256, 3, 1, planes.shape[2]), (257, 3, 1, planes.shape[1]), (258, 3, count, at + 8 * count),
            (259, 3, 1, 5), (262, 3, 1, 2), (273, 4, count, at), (277, 3, 1, count), (278, 3, 1, planes.shape[1]),
            (279, 4, count, at + 4 * count), (284, 3, 1, 2)]  # fmt: skip
    packed = b''.join(struct.pack(f'<{count}{kind}', *one) for kind, one in zip('IIH', lists, strict=True))
    directory = struct.pack('<H', len(tags)) + b''.join(struct.pack('<HHII', *tag) for tag in tags) + bytes(4)
    path.write_bytes(struct.pack('<2sHI', b'II', 42, at + len(packed)) + b''.join(strips) + packed + directory)


def test_colour_in_planes_is_a_colour_picture(tmp_path: Path) -> None:
    colour = RNG.integers(0, 255, (40, 50, 3), np.uint8)
    planes = np.moveaxis(colour, -1, 0)
    tifffile.imwrite(tmp_path / 'a.tif', planes, photometric='rgb', planarconfig='separate')
    tifffile.imwrite(tmp_path / 'b.tif', planes, photometric='rgb', planarconfig='separate', compression='zlib')
    Image.fromarray(colour).save(tmp_path / 'c.tif', compression='tiff_lzw')
    _lzw(tmp_path / 'd.tif', planes)
    tifffile.imwrite(tmp_path / 'e.tif', planes[None], photometric='rgb', planarconfig='separate', ome=True)
    for name in 'abcde':
        found = read_image(tmp_path / f'{name}.tif')
        assert found.kind == 'rgb', name
        np.testing.assert_array_equal(found.array, colour, err_msg=name)


def test_grey_in_equal_colour_planes_is_grey(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / 'a.tif', np.stack([GREY] * 3), photometric='rgb', planarconfig='separate')
    found = read_image(tmp_path / 'a.tif')
    assert found.kind == 'grey'
    np.testing.assert_array_equal(found.array, GREY)


# --- TIFF: what a value is -------------------------------------------------------------------------------------------


def test_white_is_zero_does_not_depend_on_the_compression(tmp_path: Path) -> None:
    picture = np.where(GREY > 200, 255, 0).astype(np.uint8)
    tifffile.imwrite(tmp_path / 'plain.tif', picture, photometric='miniswhite')
    tifffile.imwrite(tmp_path / 'zip.tif', picture, photometric='miniswhite', compression='zlib')
    # Pillow turns the values round as it writes, too.
    Image.fromarray(255 - picture).save(tmp_path / 'lzw.tif', compression='tiff_lzw', tiffinfo={262: 0})
    Image.fromarray(255 - picture).convert('1').save(tmp_path / 'fax.tif', compression='group4', tiffinfo={262: 0})
    for name in ('plain', 'zip', 'lzw', 'fax'):
        with tifffile.TiffFile(tmp_path / f'{name}.tif') as file:
            assert int(file.pages.first.photometric) == 0, name
        found = read_image(tmp_path / f'{name}.tif')
        np.testing.assert_array_equal(found.array > 0, picture > 0, err_msg=name)
        assert ('0 is shown as white' in found.note) == (name != 'fax'), name


def _packed(path: Path, values: np.ndarray, bits: int, compression: int = 1, rows: int = 7) -> Path:
    """A TIFF of so many bits a value, as cameras write it; tifffile itself writes none without imagecodecs."""
    import struct
    import zlib

    strips = []
    for start in range(0, len(values), rows):
        part = values[start : start + rows]
        digits = (part[..., None] >> np.arange(bits - 1, -1, -1)) & 1
        raw = np.packbits(digits.reshape(len(part), -1).astype(np.uint8), axis=1).tobytes()
        strips.append(zlib.compress(raw) if compression == 8 else raw)
    offsets = [8 + sum(map(len, strips[:i])) for i in range(len(strips))]
    body = b''.join(strips)
    lists = struct.pack(f'<{len(strips)}I', *offsets), struct.pack(f'<{len(strips)}I', *map(len, strips))
    at = 8 + len(body)
    tags = [(256, 3, 1, values.shape[1]), (257, 3, 1, len(values)), (258, 3, 1, bits), (259, 3, 1, compression),
            (262, 3, 1, 1), (273, 4, len(strips), at), (277, 3, 1, 1), (278, 3, 1, rows),
            (279, 4, len(strips), at + len(lists[0]))]  # fmt: skip
    directory = struct.pack('<H', len(tags)) + b''.join(struct.pack('<HHII', *tag) for tag in tags) + bytes(4)
    path.write_bytes(struct.pack('<2sHI', b'II', 42, at + sum(map(len, lists))) + body + b''.join(lists) + directory)
    return path


@pytest.mark.parametrize('compression', [1, 8])
@pytest.mark.parametrize('bits', [2, 4, 10, 12, 14])
def test_packed_values_are_read(tmp_path: Path, bits: int, compression: int) -> None:
    values = RNG.integers(0, 2**bits, (40, 51)).astype(np.uint16)
    found = read_image(_packed(tmp_path / 'a.tif', values, bits, compression))
    np.testing.assert_array_equal(found.array, values)
    cut = (tmp_path / 'a.tif').read_bytes()
    (tmp_path / 'b.tif').write_bytes(cut[:8] + bytes(20) + cut[28:])
    if compression == 8:
        with pytest.raises(InputError, match='damaged|unpacks'):
            read_image(tmp_path / 'b.tif')


def test_packing_that_cannot_be_read_is_named_with_a_way_out(tmp_path: Path) -> None:
    path = _packed(tmp_path / 'a.tif', RNG.integers(0, 4096, (40, 51)), 12, compression=5)  # said to be LZW
    with pytest.raises(InputError, match=r'packed as LZW of 12 bit.*imagecodecs'):
        read_image(path)


# --- TIFF: sizes beside the picture ----------------------------------------------------------------------------------


def _with_tag(path: Path, code: int, text: str) -> Path:
    tifffile.imwrite(path, GREY, photometric='minisblack', resolution=(72, 72), resolutionunit='INCH',
                     extratags=[(code, 's', 0, text, True)])  # fmt: skip
    return path


def test_pixel_size_of_an_fei_microscope(tmp_path: Path) -> None:
    text = '[User]\r\nUser=x\r\n[Beam]\r\nHV=2000\r\n[Scan]\r\nPixelWidth=4.88281e-009\r\nPixelHeight=5e-009\r\n'
    found = read_image(_with_tag(tmp_path / 'a.tif', 34682, text)).voxel_size
    assert found.unit == 'nm'
    assert found.zyx == (4.88281, 5, 4.88281)
    text = '[EScan]\r\nPixelWidth=1.5e-006\r\nPixelHeight=1.5e-006\r\n'
    assert read_image(_with_tag(tmp_path / 'b.tif', 34682, text)).voxel_size.agrees_with(VoxelSize.cube(1.5, 'um'))
    text = '[Scan]\r\nPixelWidth=\r\n'
    assert read_image(_with_tag(tmp_path / 'c.tif', 34682, text)).voxel_size == VoxelSize()


def test_pixel_size_of_a_zeiss_microscope(tmp_path: Path) -> None:
    text = '0\r\n1\r\n2\r\n1.117e-008\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 11.17 nm\r\n'
    assert read_image(_with_tag(tmp_path / 'a.tif', 34118, text)).voxel_size.agrees_with(VoxelSize.cube(11.17, 'nm'))
    text = 'AP_PIXEL_SIZE\r\nPixel Size = 1.3 µm\r\n'
    path = _with_tag(tmp_path / 'b.tif', 34118, text.replace('µ', 'u'))
    assert read_image(path).voxel_size.agrees_with(VoxelSize.cube(1.3, 'um'))
    text = '0\r\n0\r\n0\r\n2.5e-009\r\nAP_WD\r\nWD = 5.1 mm\r\n'
    assert read_image(_with_tag(tmp_path / 'c.tif', 34118, text)).voxel_size.agrees_with(VoxelSize.cube(2.5, 'nm'))


@pytest.mark.parametrize(
    ('resolution', 'unit', 'expected'),
    [
        (1e4 / 42.0, 'CENTIMETER', 42.0),  # 604.8 dpi
        (25.4e3 / 42.0, 'INCH', 42.0),
        (1e4 / 84.5, 'CENTIMETER', 84.5),  # 300.6 dpi
        (600, 'INCH', None),
        (236.22, 'CENTIMETER', None),  # 600 dpi as cameras round it
        (118, 'CENTIMETER', None),
        (28.35, 'CENTIMETER', None),
    ],
)
def test_voxels_near_a_printers_dots_are_voxels(
    tmp_path: Path, resolution: float, unit: str, expected: float | None
) -> None:
    tifffile.imwrite(
        tmp_path / 'a.tif', GREY, photometric='minisblack', resolution=(resolution, resolution), resolutionunit=unit
    )
    found = read_image(tmp_path / 'a.tif').voxel_size
    assert found.is_known == (expected is not None)
    if expected is not None:
        assert found.to('um').x == pytest.approx(expected, rel=1e-6)
