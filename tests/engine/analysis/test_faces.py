"""What of the statistics can be shown as a layer."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microrecon.engine.analysis import Face, face_title, measure, spatial_face
from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

PHASES = Phases.named('grain', 'pore', pore=1)


@pytest.fixture(scope='module')
def volume() -> Volume:
    mask = np.zeros((16, 20, 24), dtype=bool)
    mask[:, 2:8, 2:8] = True  # a duct along z
    mask[:, 12, 2] = True  # a thinner one
    mask[5:9, 14:18, 12:16] = True  # closed
    return Volume(mask.astype(np.uint8), PHASES, VoxelSize.cube(2, 'um'), name='ducts')


def face(volume: Volume, key: str, **options) -> Face:
    return drain(spatial_face(volume, key, **options))


def test_largest_percolating_cluster(volume):
    found = face(volume, 'percolating_fraction_z')
    assert found.kind == 'labels'
    assert found.data.sum() == 16 * 36
    assert found.data[3, 4, 4] == 1
    assert '%' in found.note
    with pytest.raises(InputError, match='no path along x'):
        face(volume, 'percolating_fraction_x')


def test_isolated_clusters(volume):
    found = face(volume, 'clusters')
    assert (found.data > 0).sum() == 64
    assert found.data[6, 15, 13] > 0
    assert found.note.startswith('1 cluster')
    with pytest.raises(InputError, match='no isolated cluster'):
        face(Volume(np.ones((8, 8, 8), dtype=np.uint8), PHASES), 'isolated_fraction')


def test_local_thickness(volume):
    found = face(volume, 'thickness')
    assert (found.kind, found.unit) == ('image', 'um')
    mask = volume.mask(1)
    assert (found.data[~mask] == 0).all()
    report = drain(measure(volume, tortuosity=False))
    assert found.data[mask].mean() == pytest.approx(report.value('thickness'), rel=1e-6)
    assert found.limits == (found.data[mask].min(), found.data[mask].max())


@pytest.mark.parametrize('in_process', [True, False])
def test_concentration(volume, in_process):
    found = face(volume, 'tortuosity_z', in_process=in_process)
    assert found.kind == 'image'
    np.testing.assert_allclose(found.data[:, 4, 4], np.linspace(1, 0, 16), atol=1e-3)
    assert found.data[6, 15, 13] == 0  # the closed cluster takes no part
    assert np.isfinite(found.data).all()
    assert 'own solver' in found.note
    with pytest.raises(InputError, match='no path along y'):
        face(volume, 'effective_diffusivity_y', in_process=in_process)


def test_particles(volume):
    found = face(volume, 'particle_size')
    assert ((found.data > 0) == volume.mask(1)).all()
    assert found.data[6, 15, 13] != found.data[6, 4, 4]


def test_every_face_has_the_shape_of_the_volume_and_a_title(volume):
    for key in ('percolating_fraction_z', 'cluster_density', 'thickness', 'tortuosity_z'):
        found = face(volume, key, in_process=True)
        assert found.data.shape == volume.shape
        assert found.data.dtype == (np.int32 if found.kind == 'labels' else np.float32)
        assert found.voxel_size == volume.voxel_size
        assert found.title.startswith('pore: ')


def test_numbers_without_a_place_have_no_face(volume):
    assert face_title('phase_fraction') is None
    assert face_title('correlation_length_z') is None
    assert face_title('tortuosity_x') == 'concentration along x'
    with pytest.raises(InputError, match='no place'):
        face(volume, 'phase_fraction')
    with pytest.raises(InputError, match='no pore'):
        face(Volume(np.zeros((4, 4, 4), dtype=np.uint8), PHASES), 'thickness')
    with pytest.raises(InputError, match='not in the volume'):
        face(volume, 'thickness', phase=3)
