"""Export: what other programs read is the volume, in physical units; meshes are closed; jobs can be cancelled."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from napari_microrecon.engine.diffusion._porespy import quiet_porespy
from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.export import export, our_formats, surface_mesh
from napari_microrecon.engine.files import read_volume
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.provenance import Provenance
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

PHASES = Phases.named('grain', 'pore', pore=1)


def volume_of(mask: np.ndarray, size: VoxelSize = VoxelSize.cube(2, 'um')) -> Volume:
    return Volume(mask.astype(np.uint8), PHASES, size, Provenance(kind='synthetic', seed=4), 'body')


def rock(edge: int = 40, seed: int = 0, sigma: float = 2.0) -> Volume:
    field = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((edge, edge + 6, edge + 12)), sigma)
    return volume_of(field > np.quantile(field, 0.7))


def ball(radius: float, edge: int) -> Volume:
    grid = np.indices((edge,) * 3) - (edge - 1) / 2
    return volume_of((grid**2).sum(0) <= radius**2)


# -- images --------------------------------------------------------------------------------------


def test_tiff_and_zarr_carry_labels_and_voxel_size(tmp_path: Path) -> None:
    volume = rock()
    for key, name in (('tiff', 'v.tif'), ('ome-zarr', 'v.ome.zarr')):
        done = drain(export(volume, key, tmp_path / name))
        again = read_volume(done.path)
        np.testing.assert_array_equal(again.labels, volume.labels)
        assert again.voxel_size == volume.voxel_size
        assert again.provenance == volume.provenance


def test_the_zarr_pyramid_is_valid_and_each_level_lies_on_the_one_below(tmp_path: Path) -> None:
    import zarr
    from ome_zarr_models.v05.image import Image

    labels = np.random.default_rng(1).integers(0, 2, (150, 40, 260), np.uint8)
    path = drain(export(volume_of(labels, VoxelSize(z=4, y=2, x=2, unit='um')), 'ome-zarr', tmp_path / 'v.zarr')).path
    group = zarr.open_group(path, mode='r')
    datasets = Image.from_zarr(group).ome_attributes.multiscales[0].datasets
    assert [group[one.path].shape for one in datasets] == [(150, 40, 260), (75, 40, 130), (38, 40, 65), (38, 40, 33)]
    scales = [one.coordinateTransformations[0].scale for one in datasets]
    assert scales == [[4, 2, 2], [8, 2, 4], [16, 2, 8], [16, 2, 16]]
    np.testing.assert_array_equal(group['2'][...], labels[::4, :, ::4])


@pytest.mark.parametrize('size', [VoxelSize(z=3, y=2, x=1.5, unit='um'), VoxelSize()])
def test_vtk_reads_the_image(tmp_path: Path, size: VoxelSize) -> None:
    vtk = pytest.importorskip('pyvista')
    # more than one block of a MiB, the last one not full
    labels = np.random.default_rng(2).integers(0, 2, (101, 110, 120), np.uint8)
    done = drain(export(volume_of(labels, size), 'vti', tmp_path / 'v.vti'))
    image = vtk.read(done.path)
    assert image.dimensions == (121, 111, 102)
    np.testing.assert_allclose(image.spacing, size.zyx[::-1])
    np.testing.assert_array_equal(np.asarray(image.cell_data['phase']).reshape(labels.shape), labels)
    assert image.field_data['unit'][0] == size.unit
    assert image.field_data['phases'][0] == '0 grain, 1 pore'
    assert Provenance.model_validate_json(image.field_data['provenance'][0]).seed == 4


# -- meshes --------------------------------------------------------------------------------------


@pytest.mark.parametrize('field', ['rock', 'white noise'])
@pytest.mark.parametrize('label', [0, 1])
def test_every_surface_is_closed(field: str, label: int) -> None:
    labels = np.random.default_rng(3).random((30, 40, 50)) < 0.5
    volume = rock() if field == 'rock' else volume_of(labels)
    mesh = drain(surface_mesh(volume, label))
    assert mesh.open_edges == 0
    assert len(np.unique(mesh.vertices, axis=0)) == len(mesh.vertices)
    # cut off at the border: exactly the box of the volume, in units
    np.testing.assert_allclose(mesh.vertices.min(0), 0)
    np.testing.assert_allclose(mesh.vertices.max(0), np.multiply(volume.shape, 2)[::-1])


def test_slabs_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = rock(24)
    whole = drain(surface_mesh(volume, 1))
    monkeypatch.setattr('napari_microrecon.engine.export.mesh._SLAB_VOXELS', 1)
    thin = drain(surface_mesh(volume, 1))
    assert thin.open_edges == 0
    assert len(thin.faces) == len(whole.faces)
    assert sorted(map(tuple, thin.vertices)) == sorted(map(tuple, whole.vertices))
    assert thin.volume == pytest.approx(whole.volume)


def test_a_ball_has_the_volume_and_surface_of_a_ball() -> None:
    volume = ball(14, 36)
    mesh = drain(surface_mesh(volume, 1))
    true = 4 / 3 * np.pi * (14 * 2) ** 3
    assert mesh.volume == pytest.approx(true, rel=0.02)
    # marching cubes of a binary ball finds some 8 % too much surface (steps of a voxel)
    assert mesh.area == pytest.approx(4 * np.pi * (14 * 2) ** 2, rel=0.1)
    np.testing.assert_allclose(mesh.vertices.mean(0), 36, atol=0.1)


def test_unequal_edges_and_axes_are_kept() -> None:
    labels = np.zeros((6, 8, 10), bool)
    labels[1:3, 2:6, 3:9] = True
    mesh = drain(surface_mesh(volume_of(labels, VoxelSize(z=3, y=2, x=1, unit='nm')), 1))
    np.testing.assert_allclose(mesh.vertices.min(0), [3, 4, 3])
    np.testing.assert_allclose(mesh.vertices.max(0), [9, 12, 9])
    assert mesh.unit == 'nm'
    assert 0 < mesh.volume < 2 * 4 * 6 * 6


def test_bodies_that_touch_in_an_edge_or_corner_stay_apart() -> None:
    labels = np.zeros((8, 8, 8), bool)
    labels[2:4, 2:4, 2:4] = labels[4:6, 4:6, 4:6] = labels[2:4, 4:6, 4:6] = True
    mesh = drain(surface_mesh(volume_of(labels), 1))
    count, _ = _bodies(mesh.faces, len(mesh.vertices))
    assert count == ndimage.label(labels)[1] == 2


def _bodies(faces: np.ndarray, count: int) -> tuple[int, np.ndarray]:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    return connected_components(coo_matrix((np.ones(len(pairs)), pairs.T), (count, count)), directed=False)


@pytest.mark.parametrize('key', ['stl', 'ply'])
def test_others_read_the_mesh(tmp_path: Path, key: str) -> None:
    vtk = pytest.importorskip('pyvista')
    volume = rock(24)
    done = drain(export(volume, key, tmp_path / f'm.{key}'))
    mesh = vtk.read(done.path)
    assert mesh.n_cells == done.details['triangles']
    assert ' µm², enclosing ' in done.sentence
    assert done.sentence.endswith(' µm³')
    assert 'e+' not in done.sentence  # numbers as people read them
    if key == 'stl':
        mesh = mesh.clean()
    assert mesh.is_manifold
    assert mesh.n_open_edges == 0
    assert mesh.volume == pytest.approx(done.details['enclosed'], rel=1e-4)
    assert mesh.area == pytest.approx(done.details['area'], rel=1e-4)
    assert b'um' in done.path.read_bytes()[:200]
    # the mesh's volume is that of the voxels, less what marching cubes cuts off edges
    assert done.details['enclosed'] == pytest.approx(8 * np.count_nonzero(volume.mask(1)), rel=0.05)


# -- pore network --------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def two_pores() -> Volume:
    """Two balls of radius 9 voxels, 20 apart along x, joined by a channel of radius 3; 2 um a voxel."""
    z, y, x = np.indices((30, 32, 50))
    balls = [(z - 15) ** 2 + (y - 16) ** 2 + (x - at) ** 2 <= 81 for at in (14, 34)]
    channel = ((z - 15) ** 2 + (y - 16) ** 2 <= 9) & (x > 14) & (x < 34)
    return volume_of(balls[0] | balls[1] | channel)


def test_two_pores_and_a_throat(tmp_path: Path, two_pores: Volume) -> None:
    done = drain(export(two_pores, 'network', tmp_path / 'n.csv'))
    assert (done.details['pores'], done.details['throats']) == (2, 1)
    with quiet_porespy():
        import openpnm

    network = openpnm.io.network_from_csv(tmp_path / 'n.csv')
    coords = np.asarray(network['pore.coords'])
    assert sorted(map(tuple, np.round(coords * 1e6, 0))) == [(29, 33, 31), (69, 33, 31)]  # um, at voxel centres
    np.testing.assert_allclose(network['pore.inscribed_diameter'], 36e-6, rtol=0.12)
    np.testing.assert_allclose(network['throat.inscribed_diameter'], 12e-6, rtol=0.35)
    np.testing.assert_array_equal(np.sort(network['throat.conns']), [[0, 1]])


def test_paraview_reads_the_network(tmp_path: Path, two_pores: Volume) -> None:
    vtk = pytest.importorskip('pyvista')
    drain(export(two_pores, 'network', tmp_path / 'n.vtp'))
    mesh = vtk.read(tmp_path / 'n.vtp')
    assert (mesh.n_points, mesh.n_cells) == (2, 1)
    assert any('inscribed_diameter' in name for name in mesh.array_names)


def test_cancelling_a_network_kills_its_process(tmp_path: Path) -> None:
    before = set(_children())  # the X server of the tests
    job = export(rock(48), 'network', tmp_path / 'n.csv')
    progress = [next(job) for _ in range(4)]
    assert progress[-1].stage == 'Extracting the pore network'
    assert len(set(_children()) - before) == 1
    began = time.monotonic()
    job.close()
    assert time.monotonic() - began < 1
    assert set(_children()) == before
    assert list(tmp_path.iterdir()) == []


def _children() -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(os.getpid()).children() if child.status() != psutil.STATUS_ZOMBIE]


# -- refusals, report, weights -------------------------------------------------------------------


@pytest.mark.parametrize(
    ('key', 'name', 'phase', 'match'),
    [
        ('stl', 'm.obj', None, 'end the output in .stl'),
        ('stl', 'm.stl', 5, 'phase: 5 is not in the volume'),
        ('stl', 'm.stl', 2, 'holds no binder'),
        ('network', 'n.csv', 2, 'holds no binder'),
        ('network', 'n.csv', 1, 'cubes only'),
        ('obj', 'm.obj', None, 'use one of tiff'),
        ('weights', 'w.safetensors', None, 'not at hand'),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(
    tmp_path: Path, key: str, name: str, phase: int | None, match: str
) -> None:
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[2:5] = 1
    cubes = VoxelSize.cube(1, 'um') if phase == 2 else VoxelSize(z=2, y=1, x=1, unit='um')
    volume = Volume(labels, Phases.named('grain', 'pore', 'binder', pore=1), cubes)
    with pytest.raises(InputError, match=match):
        drain(export(volume, key, tmp_path / name, phase))
    assert list(tmp_path.iterdir()) == []


def test_cancelling_a_mesh_leaves_nothing(tmp_path: Path) -> None:
    job = export(rock(), 'ply', tmp_path / 'm.ply')
    next(job)
    next(job)
    job.close()
    assert list(tmp_path.iterdir()) == []


def test_a_report_is_measured_where_nobody_has(tmp_path: Path) -> None:
    import json

    volume = rock(24)
    drain(export(volume, 'report', tmp_path / 'r.json', 0))
    report = json.loads((tmp_path / 'r.json').read_text())
    assert report['phase'] == 0
    assert report['statistics']['phase_fraction']['value'] == pytest.approx(float(volume.fractions[0]), abs=1e-6)


def test_every_format_has_its_words() -> None:
    assert len({one.key for one in our_formats()}) == len(our_formats()) == 8
    for one in our_formats():
        assert one.title
        assert one.opens
        assert all(ending.startswith('.') for ending in one.endings)
