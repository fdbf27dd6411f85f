"""Slices and volumes as layers: position, scale, unit, colours; and back. No window is needed."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Image, Labels
from napari.layers._source import layer_source

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.session import Session, SliceDraft
from napari_microrecon.viewer import layers
from napari_microrecon.viewer.foreign_size import give_size
from napari_microrecon.viewer.readwrite import volume_of
from napari_microrecon.viewer.stage import Stage

PHASES = Phases.named('grain', 'pore', pore=1)


def _volume(shape=(16, 18, 20), size=None, name='rock', seed=0) -> Volume:
    labels = np.random.default_rng(seed).integers(0, 2, shape, dtype=np.uint8)
    return Volume(labels, PHASES, size or VoxelSize(z=3, y=2, x=1, unit='um'), name=name)


def _layer(data: layers.LayerData) -> Labels:
    array, keywords, kind = data
    assert kind == 'labels'
    return Labels(array, **keywords)


def test_a_volume_layer_carries_scale_unit_axes_and_every_phase():
    layer = _layer(layers.volume_layer(_volume()))
    assert layer.data.dtype == np.uint8
    assert tuple(layer.scale) == (3, 2, 1)
    assert [str(u) for u in layer.units] == ['micrometer'] * 3
    assert layer.axis_labels == ('z', 'y', 'x')
    # napari draws nothing for label 0: the first phase must be another, and opaque
    assert layer.data.min() == 1
    for phase in PHASES.items:
        color = layer.get_color(phase.label + 1)
        assert color is not None
        assert color[3] == 1
        assert [round(c * 255) for c in color[:3]] == [int(phase.color[i : i + 2], 16) for i in (1, 3, 5)]


@pytest.mark.parametrize(
    ('normal', 'shape', 'corner'),
    [('z', (1, 18, 20), (15, 0, 0)), ('y', (16, 1, 20), (0, 10, 0)), ('x', (16, 18, 1), (0, 0, 5))],
)
def test_a_slice_lies_in_its_plane_at_its_position(normal, shape, corner):
    volume = _volume()
    made = Slice.of_volume(volume, normal, 5)
    layer = _layer(layers.slice_layer(made))
    assert layer.data.shape == shape
    assert tuple(layer.translate) == corner
    # the layer shows what the volume shows at the same world coordinates
    whole = _layer(layers.volume_layer(volume))
    for world in [(corner[0], 8, 9), (6, corner[1], 9), (6, 8, corner[2])]:
        point = tuple(c if n == 1 else w for c, n, w in zip(corner, shape, world, strict=True))
        shown, expected = (tuple(np.rint(one.world_to_data(point)).astype(int)) for one in (layer, whole))
        assert layer.data[shown] == whole.data[expected]


def test_a_phase_can_be_hidden():
    layer = _layer(layers.volume_layer(_volume()))
    layer.colormap = layers.phase_colormap(PHASES, {0: 0.0})
    colors = layer.get_color(1), layer.get_color(2)
    assert colors[0] is not None
    assert colors[1] is not None
    assert (colors[0][3], colors[1][3]) == (0, 1)


def test_a_layer_of_ours_becomes_the_same_labels_again():
    volume = _volume()
    layer = _layer(layers.volume_layer(volume))
    raw = layers.raw_image_of(layer)
    np.testing.assert_array_equal(raw.array, volume.labels)
    assert (raw.kind, raw.phases, raw.voxel_size) == ('stack', PHASES, volume.voxel_size)
    made = Slice.of_volume(volume, 'y', 3)
    raw = layers.raw_image_of(_layer(layers.slice_layer(made)))
    np.testing.assert_array_equal(raw.array, made.labels)
    assert (raw.normal, raw.position) == ('y', 3)


def test_a_saved_layer_has_its_labels_from_zero():
    volume = _volume()
    data, attributes, _ = _layer(layers.volume_layer(volume)).as_layer_data_tuple()
    back = volume_of(data, attributes)
    np.testing.assert_array_equal(back.labels, volume.labels)
    assert (back.phases, back.voxel_size) == (volume.phases, volume.voxel_size)


def test_foreign_layers_are_read_as_what_they_show():
    grey = np.random.default_rng(1).integers(0, 255, (40, 50), dtype=np.uint8)
    assert layers.raw_image_of(Image(grey)).kind == 'grey'
    assert layers.raw_image_of(Image(grey[None])).array.shape == (40, 50)
    assert layers.raw_image_of(Labels(grey // 128)).kind == 'labels'
    assert layers.raw_image_of(Image(np.stack([grey] * 3, -1), rgb=True)).kind == 'rgb'
    assert layers.raw_image_of(Image(np.stack([grey] * 5))).kind == 'stack'
    sized = layers.raw_image_of(Image(grey, scale=(2, 2), units=('nm', 'nm')))
    assert sized.voxel_size.unit == 'nm'
    assert sized.voxel_size.x == 2


@pytest.mark.parametrize(
    ('units', 'expected'),
    [
        (('um', 'nm', 'nm'), VoxelSize(z=2000, y=500, x=500, unit='nm')),
        (('inch', 'inch', 'inch'), VoxelSize(z=50.8, y=12700, x=12700, unit='mm')),
        (('pixel', 'pixel', 'pixel'), VoxelSize(z=2, y=500, x=500)),
        (('second', 'um', 'um'), VoxelSize()),
    ],
)
def test_every_axis_of_a_layer_has_its_own_unit(units, expected):
    data = np.random.default_rng(2).integers(0, 2, (4, 5, 6), np.uint8)
    layer = Image(data, scale=(2, 500, 500), units=units)
    assert layers.voxel_size_of(layer).agrees_with(expected, 1e-9)
    assert layers.voxel_size_of(layer).unit == expected.unit
    labels = Labels(data, scale=(2, 500, 500), units=units)
    written = volume_of(data, labels.as_layer_data_tuple()[1])
    assert written.voxel_size.agrees_with(expected, 1e-9)


def test_layers_without_pixels_or_with_nan_are_refused_in_one_line():
    with pytest.raises(InputError, match='NaN'):
        layers.raw_image_of(Image(np.full((20, 20), np.nan, np.float32)))
    with pytest.raises(InputError, match='4 dimensions'):
        layers.raw_image_of(Image(np.zeros((2, 3, 20, 20))))


def test_a_layer_opened_by_napari_keeps_the_voxel_size_of_its_file(tmp_path):
    path = tmp_path / 'slice.tif'
    grey = np.random.default_rng(1).integers(0, 255, (40, 50), dtype=np.uint8)
    tifffile.imwrite(path, grey, imagej=True, resolution=(1 / 2.5, 1 / 2.5), metadata={'unit': 'um'})
    with layer_source(path=str(path)):  # as napari's own reader leaves it
        layer = Image(grey)
    raw = layers.raw_image_of(layer)
    assert raw.voxel_size.unit == 'um'
    assert raw.voxel_size.x == pytest.approx(2.5)
    np.testing.assert_array_equal(raw.array, grey)
    give_size(layer, raw)  # beside a layer in pixels napari shows no unit for ours
    np.testing.assert_allclose(layer.scale, 2.5)
    assert {str(unit) for unit in layer.units} == {'micrometer'}
    again = layers.raw_image_of(layer)
    assert again.voxel_size.agrees_with(raw.voxel_size)
    np.testing.assert_array_equal(again.array, grey)
    scaled = Image(grey, scale=(3, 3))
    give_size(scaled, raw)  # the user knows better
    np.testing.assert_allclose(scaled.scale, 3)


def test_the_stage_puts_the_reconstruction_beside_its_reference():
    viewer, session = ViewerModel(), Session()
    stage = Stage(viewer, session)
    reference = _volume(name='ct')
    session.set_reference(reference)
    session.set_drafts([SliceDraft(Slice.of_volume(reference, 'z', 4))])
    assert not viewer.canvas.grid.enabled
    session.set_volumes([_volume(name='made', seed=1), _volume(name='second', seed=2)])
    grid = viewer.canvas.grid
    assert grid.enabled
    shown = [layer for layer in viewer.layers if layer.visible]
    assert [layer.name for layer in shown] == ['made', 'reference: ct']
    assert [grid.position(viewer.layers.index(one), viewer.layers) for one in shown] == [(0, 0), (0, 1)]
    assert viewer.dims.ndisplay == 3
    stage.set_3d(False)
    assert viewer.dims.ndisplay == 2
    stage.compare(False)
    assert not grid.enabled
    stage.compare(True)
    session.set_reference(None)
    assert not grid.enabled


def test_the_camera_is_set_on_what_is_shown():
    viewer, session = ViewerModel(), Session()
    stage = Stage(viewer, session)
    picture = np.zeros((64, 64), np.uint8)
    picture[:32] = 1
    session.set_drafts([SliceDraft(Slice(picture, Phases.default(2), voxel_size=VoxelSize.cube(2, 'um')))])
    volume = _volume(name='made')
    session.set_volumes([volume])  # smaller than the slice, which is hidden now
    assert stage.layers_of('volume')
    middle = [(n - 1) * edge / 2 for n, edge in zip(volume.shape, volume.voxel_size.zyx, strict=True)]
    np.testing.assert_allclose(viewer.scene.camera.center, middle)


def test_volumes_are_shown_beside_a_layer_of_more_dimensions():
    """The user's time series makes the viewer four-dimensional; napari alone cannot fit to our three."""
    viewer, session = ViewerModel(), Session()
    stage = Stage(viewer, session)
    viewer.add_image(np.zeros((2, 5, 20, 20)))
    picture = np.zeros((64, 64), np.uint8)
    picture[:32] = 1
    session.set_drafts([SliceDraft(Slice(picture, Phases.default(2), normal='x', position=5))])
    assert viewer.dims.point[3] == 5  # x is the last axis, whatever the others are
    session.set_reference(_volume())
    session.set_volumes([_volume(name='made')])
    stage.set_3d(False)
    stage.compare(False)
    assert len(stage.layers_of('volume', 'reference')) == 2


def test_what_is_shown_already_is_not_shown_again():
    """napari slices and draws a layer anew whenever it is made visible, also where it is: a tenth of a second each."""
    viewer, session = ViewerModel(), Session()
    stage = Stage(viewer, session)
    labels = np.zeros((64, 64), np.uint8)
    labels[:32] = 1
    placed = [Slice(labels, Phases.default(2), normal='z', position=k) for k in (0, 9)]
    session.set_reference(_volume())
    session.set_drafts([SliceDraft(one) for one in placed])
    shown = [layer.name for layer in viewer.layers if layer.visible]
    assert len(shown) == 2, 'the slices in place stand beside the reference'
    told: list[str] = []
    for layer in viewer.layers:
        layer.events.visible.connect(lambda event: told.append(event.source.name))
    session.edit_draft(0, session.material.drafts[0].placed('z', 3))
    assert told == []
    session.set_volumes([_volume(name='made')])
    told.clear()
    session.preview = _volume(seed=1, name='preview')
    session.set_volumes([_volume(seed=2, name='made')])
    assert told == []
    assert len(stage.layers_of('volume')) == 1


def test_the_stage_replaces_its_own_layers_and_leaves_others_alone():
    viewer, session = ViewerModel(), Session()
    stage = Stage(viewer, session)
    mine = viewer.add_image(np.zeros((8, 8)), name='mine')
    session.set_volumes([_volume(seed=1)])
    session.set_volumes([_volume(seed=2)])
    assert {layer.name for layer in viewer.layers} == {'mine', 'rock'}
    assert not mine.visible  # it would lie in front of the first volume
    mine.visible = True
    session.set_volumes([_volume(seed=3)])
    assert mine.visible  # but the user may show it again
    session.preview = _volume(shape=(16, 16, 16), name='coarse')
    session.preview = None
    session.set_volumes([])
    assert list(viewer.layers) == [mine]
    assert stage.layers_of('volume', 'preview') == []


def test_the_stage_survives_the_user_deleting_a_layer():
    viewer, session = ViewerModel(), Session()
    stage = Stage(viewer, session)
    session.set_volumes([_volume(seed=1)])
    viewer.layers.clear()
    session.set_volumes([_volume(seed=2)])
    assert len(stage.layers_of('volume')) == 1


def test_a_closed_viewer_is_not_kept_alive():
    import gc
    import weakref

    viewer, session = ViewerModel(), Session()
    stage = Stage(viewer, session)
    gone = weakref.ref(viewer)
    del viewer
    gc.collect()
    assert gone() is None
    assert stage.viewer is None
    session.set_volumes([_volume()])


def test_a_preview_takes_the_place_of_the_volume_and_gives_it_back():
    viewer, session = ViewerModel(), Session()
    stage = Stage(viewer, session)
    session.set_reference(_volume(name='ct'))
    session.set_volumes([_volume(name='made', seed=1)])
    (layer,) = stage.layers_of('volume')
    session.preview = _volume(shape=(8, 8, 8), name='coarse', seed=2)
    assert layers.role_of(layer) == 'preview'
    assert layer.data.shape == (8, 8, 8)
    assert layer.visible
    session.preview = None  # cancelled
    assert layers.role_of(layer) == 'volume'
    assert layer.name == 'made'
    assert layer.data.shape == (16, 18, 20)
    session.preview = _volume(shape=(8, 8, 8), name='coarse', seed=2)
    session.set_volumes([_volume(name='next', seed=3)])
    assert stage.layers_of('volume') == [layer]  # the same layer all the time: adding one takes napari long
    assert layer.name == 'next'
    np.testing.assert_array_equal(layer.data, _volume(seed=3).labels + 1)


def test_a_hidden_phase_stays_hidden_in_the_next_volume():
    viewer, session = ViewerModel(), Session()
    stage = Stage(viewer, session)
    session.set_volumes([_volume(seed=1)])
    stage.set_opacity({0: 0.0, 1: 1.0})
    session.set_volumes([])
    session.set_volumes([_volume(seed=2)])
    (layer,) = stage.layers_of('volume')
    color = layer.get_color(1)
    assert color is not None
    assert color[3] == 0


def test_what_reading_remarked_on_a_volume_is_shown_once(monkeypatch):
    from dataclasses import replace

    from napari_microrecon.viewer import notices

    shown: list[str] = []
    monkeypatch.setattr(notices, 'show_warning', shown.append)
    session = Session()
    remarks = notices.Remarks(session)
    odd = replace(_volume(), note='3 of the 27 chunks of its array 0 are missing')
    session.set_reference(_volume())
    session.set_reference(odd)
    session.set_reference(replace(odd, voxel_size=VoxelSize.cube(2, 'um')))
    session.set_volumes([odd, _volume(name='other')])
    assert shown == ['rock: 3 of the 27 chunks of its array 0 are missing']
    assert remarks is not None  # the session holds it weakly
