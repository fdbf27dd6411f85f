"""What the manifest promises to napari: reader, writer and preferences, through napari's own doors."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microrecon.engine.files import read_volume, write_volume
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.viewer.layers import volume_layer
from napari_microrecon.viewer.settings import Preferences, preferences

PLUGIN = 'napari-microrecon'


@pytest.fixture
def volume() -> Volume:
    labels = np.random.default_rng(3).integers(0, 3, (16, 17, 18), dtype=np.uint8)
    phases = Phases.named('pore', 'active', 'binder', pore=0)
    return Volume(labels, phases, VoxelSize(z=2, y=1, x=1, unit='nm'), name='cathode')


@pytest.mark.parametrize('name', ['cathode.ome.zarr', 'cathode.microrecon.tif'])
def test_a_file_of_ours_opens_with_colours_and_scale(make_napari_viewer, volume, tmp_path, name):
    write_volume(volume, tmp_path / name)
    (layer,) = make_napari_viewer().open(tmp_path / name, plugin=PLUGIN)
    np.testing.assert_array_equal(layer.data, volume.labels + 1)
    assert tuple(layer.scale) == (2, 1, 1)
    assert {str(unit) for unit in layer.units} == {'nanometer'}
    assert layer.metadata['microrecon']['phases'] == volume.phases.model_dump()


@pytest.mark.parametrize('name', ['saved.tif', 'saved.ome.zarr'])
def test_a_layer_saved_by_napari_is_the_volume(make_napari_viewer, volume, tmp_path, name):
    viewer = make_napari_viewer()
    array, keywords, _ = volume_layer(volume)
    viewer.add_labels(array, **keywords)
    assert viewer.layers.save(str(tmp_path / name), plugin=PLUGIN) == [str(tmp_path / name)]
    again = read_volume(tmp_path / name)
    np.testing.assert_array_equal(again.labels, volume.labels)
    assert (again.phases, again.voxel_size) == (volume.phases, volume.voxel_size)


def test_preferences_come_from_the_manifest_and_can_be_set(make_napari_viewer):
    from napari.settings import get_plugin_settings

    make_napari_viewer()
    assert preferences() == Preferences()  # the manifest's defaults are those of the dataclass
    stored = get_plugin_settings(PLUGIN)
    try:
        stored.compute.edge = 64
        stored.display.start_in_3d = False
        assert preferences() == Preferences(edge=64, start_in_3d=False)
    finally:
        stored.compute.edge = 128
        stored.display.start_in_3d = True
