"""Files keep what makes a volume meaningful: labels, phases, voxel size, provenance; foreign files are understood."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import (
    open_slice,
    read_image,
    read_slice,
    read_slices,
    read_volume,
    write_slice,
    write_volume,
)
from napari_microrecon.engine.files import tiff as tiff_module
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.provenance import Provenance, Source
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import AXES, IMAGE_AXES, Axis, VoxelSize

RNG = np.random.default_rng(0)


@pytest.fixture
def volume() -> Volume:
    """Three phases, three different edges, a full provenance."""
    return Volume(
        labels=RNG.integers(0, 3, (20, 24, 28), np.uint8),
        phases=Phases.named('pore', 'active material', 'binder µ', pore=0),
        voxel_size=VoxelSize(z=1.25, y=0.5, x=0.325, unit='um'),
        provenance=Provenance(
            kind='reconstruction', inputs=(Source(name='a.tif', sha256='0' * 64),), seed=7, parameters={'shape': [1, 2]}
        ),
        name='cell µ',
    )


@pytest.mark.parametrize('ending', ['.tif', '.tiff', '.ome.zarr', '.zarr'])
def test_a_volume_comes_back_whole(volume: Volume, tmp_path: Path, ending: str) -> None:
    path = write_volume(volume, tmp_path / f'cell µ{ending}')
    again = read_volume(path)
    np.testing.assert_array_equal(again.labels, volume.labels)
    assert again.phases == volume.phases
    assert again.voxel_size == volume.voxel_size
    assert again.provenance == volume.provenance
    assert again.name == 'cell µ'
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_fiji_and_napari_see_the_voxel_size(volume: Volume, tmp_path: Path) -> None:
    path = write_volume(volume, tmp_path / 'v.tif')
    with tifffile.TiffFile(path) as file:
        assert file.is_imagej
        details = file.imagej_metadata
        assert details is not None
        assert (details['unit'], details['spacing'], details['slices']) == ('um', 1.25, 20)
        x, y = (file.pages.first.tags[name].value for name in ('XResolution', 'YResolution'))
        assert (x[1] / x[0], y[1] / y[0]) == (pytest.approx(0.325), pytest.approx(0.5))
        assert file.series[0].axes == 'ZYX'


def test_labels_are_compressed(tmp_path: Path) -> None:
    labels = np.zeros((64, 64, 64), np.uint8)
    labels[20:40] = 1
    path = write_volume(Volume(labels, Phases.default(2)), tmp_path / 'v.tif')
    assert path.stat().st_size < labels.nbytes / 3


def test_volumes_beyond_classic_tiff_are_ome_tiff(
    volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiff_module, '_IMAGEJ_LIMIT', 1000)
    path = write_volume(volume, tmp_path / 'v.tif')
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        assert file.is_bigtiff
    again = read_volume(path)
    np.testing.assert_array_equal(again.labels, volume.labels)
    assert (again.phases, again.voxel_size, again.provenance) == (volume.phases, volume.voxel_size, volume.provenance)


def test_ome_zarr_is_valid_ngff(volume: Volume, tmp_path: Path) -> None:
    path = write_volume(volume, tmp_path / 'v.ome.zarr')
    attributes = json.loads((path / 'zarr.json').read_text())['attributes']['ome']
    assert attributes['version'] == '0.5'
    image = attributes['multiscales'][0]
    assert [axis['name'] for axis in image['axes']] == ['z', 'y', 'x']
    assert {axis['unit'] for axis in image['axes']} == {'micrometer'}
    assert image['datasets'][0]['coordinateTransformations'] == [{'type': 'scale', 'scale': [1.25, 0.5, 0.325]}]
    models = pytest.importorskip('ome_zarr_models.v05.image', reason='the NGFF models are a test aid only')
    models.ImageAttrs.model_validate({'multiscales': attributes['multiscales'], 'version': '0.5'})


def test_a_file_is_replaced_whole_or_not_at_all(volume: Volume, tmp_path: Path) -> None:
    for ending in ('.tif', '.ome.zarr'):
        path = write_volume(volume, tmp_path / f'v{ending}')
        other = Volume(1 - (volume.labels > 0).astype(np.uint8), Phases.default(2))
        write_volume(other, path)
        np.testing.assert_array_equal(read_volume(path).labels, other.labels)


def test_edited_pixels_lose_their_provenance(volume: Volume, tmp_path: Path) -> None:
    path = write_volume(volume, tmp_path / 'v.tif')
    with tifffile.TiffFile(path) as file:
        details = dict(file.imagej_metadata or {})
    edited = np.array(volume.labels)
    edited[0] = 0
    info = {'axes': 'ZYX', 'unit': 'um', 'spacing': 1.25, 'Info': details['Info']}
    tifffile.imwrite(path, edited, imagej=True, resolution=(1 / 0.325, 1 / 0.5), metadata=info)
    again = read_volume(path)
    assert again.phases == volume.phases
    assert again.provenance.kind == 'unknown'
    assert 'edited' in again.provenance.description
    assert again.voxel_size == volume.voxel_size
    # Resampled: the newer tags count.
    tifffile.imwrite(path, edited[::2], imagej=True, resolution=(1 / 0.65, 1 / 1.0), metadata=info | {'spacing': 2.5})
    assert read_volume(path).voxel_size.agrees_with(VoxelSize(z=2.5, y=1, x=0.65, unit='um'))


@pytest.mark.parametrize('normal', AXES)
def test_a_slice_comes_back_with_plane_position_and_pixel_size(volume: Volume, tmp_path: Path, normal: Axis) -> None:
    original = Slice.of_volume(volume, normal, 5)
    path = write_slice(original, tmp_path / 's.tif')
    again = read_slice(path)
    np.testing.assert_array_equal(again.labels, original.labels)
    assert (again.normal, again.position) == (normal, 5)
    assert (again.voxel_size, again.phases) == (volume.voxel_size, volume.phases)
    with tifffile.TiffFile(path) as file:
        x = file.pages.first.tags['XResolution'].value
        assert x[1] / x[0] == pytest.approx(getattr(volume.voxel_size, IMAGE_AXES[normal][1]))


@pytest.mark.parametrize('normal', AXES)
def test_a_plane_of_a_volume_can_be_named_as_a_slice(volume: Volume, tmp_path: Path, normal: Axis) -> None:
    path = write_volume(volume, tmp_path / 'v.tif')
    found = read_slice(f'{path}@{normal}=7')
    np.testing.assert_array_equal(found.labels, volume.slice_labels(normal, 7))
    assert (found.normal, found.position, found.voxel_size) == (normal, 7, volume.voxel_size)
    with pytest.raises(InputError, match=rf'no plane {normal}=99.*choose 0\.\.'):
        read_slice(f'{path}@{normal}=99')


def test_a_plane_keeps_the_labels_of_its_volume(tmp_path: Path) -> None:
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[:, ::2] = 2
    labels[3] = 1
    np.save(tmp_path / 'v.npy', labels)
    assert set(np.unique(read_slice(tmp_path / 'v.npy@z=0').labels)) == {0, 2}


def test_a_bare_slice_spans_the_axes_that_its_normal_says(tmp_path: Path) -> None:
    image = RNG.integers(0, 2, (20, 30), np.uint8)
    tifffile.imwrite(tmp_path / 's.tif', image, imagej=True, resolution=(1 / 2, 1 / 3), metadata={'unit': 'micron'})
    assert read_slice(tmp_path / 's.tif', 'z').voxel_size == VoxelSize(z=3, y=3, x=2, unit='um')
    assert read_slice(tmp_path / 's.tif', 'y').voxel_size == VoxelSize(z=3, y=3, x=2, unit='um')
    assert read_slice(tmp_path / 's.tif', 'x').voxel_size == VoxelSize(z=3, y=2, x=3, unit='um')


STACK = RNG.integers(0, 2, (5, 20, 30), np.uint8)


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        ({'resolutionunit': 'CENTIMETER', 'resolution': (5000, 2500)}, (2, 4, 2, 'um')),
        ({'resolutionunit': 'INCH', 'resolution': (25400, 25400)}, (1, 1, 1, 'um')),
        ({'resolutionunit': 'INCH', 'resolution': (300, 300)}, None),
        ({'resolutionunit': 'CENTIMETER', 'resolution': (72 / 2.54, 72 / 2.54)}, None),
        ({'resolutionunit': 'NONE', 'resolution': (5, 5)}, None),
        ({}, None),
        ({'imagej': True, 'resolution': (2, 2), 'metadata': {'unit': 'um', 'spacing': 1.5}}, (1.5, 0.5, 0.5, 'um')),
        ({'imagej': True, 'resolution': (2, 2), 'metadata': {'unit': '\\u00B5m', 'spacing': 1}}, (1, 0.5, 0.5, 'um')),
        ({'imagej': True, 'resolution': (2, 2), 'metadata': {'unit': 'cm', 'spacing': 1}}, (10, 5, 5, 'mm')),
        ({'imagej': True, 'resolution': (1, 1), 'metadata': {'unit': 'pixel'}}, None),
        ({'imagej': True, 'resolution': (1, 1), 'metadata': {'unit': 'parsec'}}, None),
        (
            {'ome': True, 'metadata': {'axes': 'ZYX', 'PhysicalSizeX': 3, 'PhysicalSizeY': 4, 'PhysicalSizeZ': 5}},
            (5, 4, 3, 'um'),
        ),
        ({'ome': True, 'metadata': {'PhysicalSizeX': 3, 'PhysicalSizeXUnit': 'nm'}}, (3, 3, 3, 'nm')),
        ({'ome': True, 'metadata': {'axes': 'ZYX'}}, None),
    ],
)
def test_voxel_sizes_of_foreign_tiffs(tmp_path: Path, options: dict, expected: tuple | None) -> None:
    tifffile.imwrite(tmp_path / 'v.tif', STACK, photometric='minisblack', **options)
    found = read_image(tmp_path / 'v.tif').voxel_size
    if expected is None:
        assert found == VoxelSize()
    else:
        z, y, x, unit = expected
        assert found.agrees_with(VoxelSize(z=z, y=y, x=x, unit=unit), 1e-6)
        assert found.unit == unit


@pytest.mark.parametrize('shape', [(1, 20, 30), (1, 1, 1, 20, 30), (20, 30)])
def test_leading_axes_of_length_one_are_dropped(tmp_path: Path, shape: tuple[int, ...]) -> None:
    image = RNG.integers(0, 2, shape, np.uint8)
    np.save(tmp_path / 'a.npy', image)
    tifffile.imwrite(tmp_path / 'a.tif', image, photometric='minisblack')
    for name in ('a.npy', 'a.tif'):
        found = read_image(tmp_path / name)
        assert (found.array.shape, found.kind) == ((20, 30), 'labels')


def test_frames_of_a_stack_are_planes(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / 'v.tif', STACK, imagej=True, metadata={'axes': 'TYX'})
    found = read_image(tmp_path / 'v.tif')
    assert (found.kind, found.array.shape) == ('stack', STACK.shape)
    assert 'time axis' in found.note


def test_kinds(tmp_path: Path) -> None:
    grey = RNG.integers(0, 255, (40, 50), np.uint8)
    colour = RNG.integers(0, 255, (40, 50, 3), np.uint8)
    cases = {
        'labels': np.where(grey > 99, 255, 0).astype(np.uint8),
        'grey': grey,
        'rgb': colour,
        'stack': STACK,
    }
    for kind, array in cases.items():
        np.save(tmp_path / 'a.npy', array)
        assert read_image(tmp_path / 'a.npy').kind == kind
        tifffile.imwrite(tmp_path / 'a.tif', array, photometric='rgb' if kind == 'rgb' else 'minisblack')
        assert read_image(tmp_path / 'a.tif').kind == kind
    np.save(tmp_path / 'a.npy', grey.astype(np.float32) / 255)
    assert read_image(tmp_path / 'a.npy').kind == 'grey'
    np.save(tmp_path / 'a.npy', grey > 99)
    assert read_image(tmp_path / 'a.npy').values == (0, 1)


@pytest.mark.parametrize(
    ('mode', 'ending'),
    [(m, e) for m in ('1', 'L', 'P', 'RGB', 'RGBA') for e in ('.png', '.bmp', '.tif')]
    + [(m, e) for m in ('LA', 'I;16') for e in ('.png', '.tif')],
)
def test_pictures_of_every_mode(tmp_path: Path, mode: str, ending: str) -> None:
    binary = np.zeros((30, 40), np.uint8)
    binary[10:20] = 255
    if mode == 'I;16':
        picture = Image.fromarray(binary.astype(np.uint16) * 200)
    else:
        picture = Image.fromarray(binary).convert(mode)
    path = tmp_path / f'a{ending}'
    picture.save(path)
    found = read_slice(path)
    np.testing.assert_array_equal(found.labels, binary > 0)


def test_lzw_compressed_tiff_is_read(tmp_path: Path) -> None:
    frames = [Image.fromarray(plane * 255) for plane in STACK]
    frames[0].save(tmp_path / 'v.tif', save_all=True, append_images=frames[1:], compression='tiff_lzw')
    np.testing.assert_array_equal(read_image(tmp_path / 'v.tif').array, STACK * 255)
    frames[0].save(tmp_path / 's.tif', compression='tiff_lzw')
    np.testing.assert_array_equal(read_image(tmp_path / 's.tif').array, STACK[0] * 255)


def test_jpeg_is_grey_whatever_it_showed(tmp_path: Path) -> None:
    binary = np.kron(RNG.integers(0, 2, (8, 8)), np.ones((8, 8))).astype(np.uint8) * 255
    Image.fromarray(binary).save(tmp_path / 'a.jpg', quality=70)
    found = read_slice(tmp_path / 'a.jpg')
    assert np.mean(found.labels == binary // 255) > 0.99


def test_grey_volumes_are_segmented_only_on_request(tmp_path: Path) -> None:
    grey = RNG.normal(80, 5, (20, 20, 20)).astype(np.float32)
    grey[:10] += 60
    np.save(tmp_path / 'v.npy', grey)
    with pytest.raises(InputError, match='grey values.*--phases 2'):
        read_volume(tmp_path / 'v.npy')
    assert read_volume(tmp_path / 'v.npy', 2).fractions == pytest.approx([0.5, 0.5], abs=0.01)


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    nan = np.ones((20, 20), np.float32)
    nan[3, 3] = np.nan
    np.save(folder / 'nan.npy', nan)
    np.save(folder / 'objects.npy', np.array([{}, {}], object), allow_pickle=True)
    np.save(folder / 'complex.npy', np.ones((20, 20), complex))
    np.save(folder / 'line.npy', np.arange(20))
    np.save(folder / 'five.npy', np.zeros((2, 2, 2, 20, 20)))
    tifffile.imwrite(folder / 'full.tif', RNG.integers(0, 255, (64, 64), np.uint8))
    tifffile.imwrite(folder / 'packed.tif', RNG.integers(0, 255, (64, 64), np.uint8), compression='zlib')
    tifffile.imwrite(folder / 'channels.tif', STACK[:3], imagej=True, metadata={'axes': 'CYX'})
    Image.fromarray(STACK[0] * 255).save(folder / 'full.png')
    (folder / 'folder.tif').mkdir()
    full, packed = (folder / 'full.tif').read_bytes(), (folder / 'packed.tif').read_bytes()
    (folder / 'not.ome.zarr').mkdir()
    (folder / 'not.ome.zarr' / 'zarr.json').write_text('{"zarr_format": 3, "node_type": "group", "attributes": {}}')
    return {
        'missing': (folder / 'none.tif', 'does not exist'),
        'empty': (_write(folder / 'empty.tif', b''), 'is empty'),
        'text': (_write(folder / 'text.tif', b'hello world, no image'), 'not a TIFF.*hello'),
        'text png': (_write(folder / 'text.png', b'hello world'), 'not a PNG'),
        'text npy': (_write(folder / 'text.npy', b'hello world'), 'not a NumPy array'),
        'zip npy': (_write(folder / 'zip.npy', b'PK\x03\x04 nothing'), 'not a NumPy array'),
        'cut': (_write(folder / 'cut.tif', full[: len(full) // 2]), 'ends early|damaged'),
        'cut packed': (_write(folder / 'cut2.tif', packed[: len(packed) // 2]), 'ends early|damaged'),
        'cut png': (_write(folder / 'cut.png', (folder / 'full.png').read_bytes()[:60]), 'not a PNG'),
        'garbage': (
            _write(folder / 'g.tif', struct.pack('<2sHI', b'II', 42, 8) + b'\xff' * 60),
            'damaged|no image|TIFF',
        ),
        'ending': (_write(folder / 'a.docx', b'x'), 'no image ending'),
        'folder': (folder / 'folder.tif', 'is a folder'),
        'zarr': (folder / 'not.ome.zarr', 'not an OME-Zarr'),
        'nan': (folder / 'nan.npy', '1 values that are NaN'),
        'objects': (folder / 'objects.npy', 'not a NumPy array'),
        'complex': (folder / 'complex.npy', 'complex128'),
        'line': (folder / 'line.npy', '1 dimensions'),
        'five': (folder / 'five.npy', '5 dimensions'),
        'channels': (folder / 'channels.tif', '3 channels'),
    }


def test_bad_files_are_told_in_one_line_with_their_name(tmp_path: Path) -> None:
    for case, (path, problem) in _bad_files(tmp_path).items():
        with pytest.raises(InputError, match=problem) as caught:
            read_image(path)
        message = str(caught.value)
        assert path.name in message, case
        assert '\n' not in message, case
        assert caught.value.remedy, case


def test_a_stack_given_as_a_slice_is_offered_plane_by_plane(tmp_path: Path) -> None:
    np.save(tmp_path / 'v.npy', STACK)
    with pytest.raises(InputError, match=r'v\.npy@z=2 \(planes z 0\.\.4, y 0\.\.19, x 0\.\.29\)'):
        read_slice(tmp_path / 'v.npy')
    assert open_slice(tmp_path / 'v.npy@z=2').array.shape == (20, 30)


def test_slices_that_disagree_are_refused(tmp_path: Path) -> None:
    two, three = STACK[0], RNG.integers(0, 3, (20, 30), np.uint8)
    for name, array, size in (('two', two, 1.0), ('three', three, 1.0), ('coarse', two, 2.0)):
        tifffile.imwrite(
            tmp_path / f'{name}.tif', array, imagej=True, resolution=(1 / size, 1 / size), metadata={'unit': 'um'}
        )
    with pytest.raises(InputError, match=r'three\.tif.*3 phases while two\.tif has 2'):
        read_slices([tmp_path / 'two.tif', tmp_path / 'three.tif'])
    with pytest.raises(InputError, match=r'coarse\.tif.*2 um while two\.tif has 1 um'):
        read_slices([tmp_path / 'two.tif', tmp_path / 'coarse.tif'])
    with pytest.raises(InputError, match='normal: 2 were given for 3 slices'):
        read_slices([tmp_path / 'two.tif'] * 3, ['z', 'y'])
    with pytest.raises(InputError, match='position: 3 were given for 2 slices'):
        read_slices([tmp_path / 'two.tif'] * 2, ['z'], [1, 2, 3])
    with pytest.raises(InputError, match='none were given'):
        read_slices([])
    # A section without one of three phases is fine where the number is said.
    assert read_slices([tmp_path / 'two.tif', tmp_path / 'three.tif'], phases=3).phases.count == 3


def test_one_normal_and_position_serve_all(tmp_path: Path) -> None:
    np.save(tmp_path / 'a.npy', STACK[0])
    found = read_slices([tmp_path / 'a.npy'] * 2, ['y'], [4])
    assert [(s.normal, s.position) for s in found] == [('y', 4), ('y', 4)]


def test_materials_are_not_mixed(tmp_path: Path) -> None:
    for name, phases in (('rock', Phases.named('grain', 'pore')), ('steel', Phases.named('ferrite', 'cementite'))):
        write_slice(Slice(STACK[0], phases), tmp_path / f'{name}.tif')
    with pytest.raises(InputError, match=r'steel\.tif: has the phases ferrite, cementite while rock\.tif'):
        read_slices([tmp_path / 'rock.tif', tmp_path / 'steel.tif'])


def test_outputs_that_cannot_be_written(volume: Volume, tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('x')
    (tmp_path / 'folder.tif').mkdir()
    for path, problem in (
        (tmp_path / 'v.npy', r'\.npy cannot be written.*\.tif'),
        (tmp_path / 'v', 'without ending'),
        (tmp_path / 'file' / 'v.tif', 'cannot be written'),
        (Path('/proc/v.tif'), 'cannot be written'),
    ):
        with pytest.raises(InputError, match=problem) as caught:
            write_volume(volume, path)
        assert path.name in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['file', 'folder.tif']


def test_real_volumes(shared_data: Path) -> None:
    volume = read_volume(shared_data / 'ct' / 'battery_cathode.tif')
    assert (volume.shape, volume.phases.count) == ((128, 256, 256), 3)
    assert volume.fractions == pytest.approx([0.4502, 0.4002, 0.1496], abs=1e-3)
    plane = read_slice(f'{shared_data / "ct" / "ketton_limestone.tif"}@z=64')
    assert plane.labels.shape == (256, 256)
    assert 0.1 < plane.fractions[1] < 0.2
