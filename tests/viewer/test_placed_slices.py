"""Slices in place before there is a volume: where they lie, in which colours, and when they come and go."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.session import Session, SliceDraft
from napari_microrecon.viewer import placed_slices
from napari_microrecon.viewer.layers import layer_data
from napari_microrecon.viewer.stage import Stage

PHASES = Phases.named('grain', 'pore', pore=1)
ROCK = Volume(
    np.random.default_rng(0).integers(0, 2, (20, 22, 24), dtype=np.uint8), PHASES, VoxelSize(z=3, y=2, x=1, unit='um')
)


def _slice(normal='z', position: int | None = 5) -> Slice:
    made = Slice.of_volume(ROCK, normal, position or 0)
    return made if position is not None else Slice(made.labels, PHASES, normal, None, ROCK.voxel_size, 'somewhere')


@pytest.fixture
def staged() -> tuple[ViewerModel, Session, Stage]:
    viewer, session = ViewerModel(), Session()
    return viewer, session, Stage(viewer, session)


def test_planes_hold_what_the_volume_shows_there_and_nothing_else():
    made = [_slice('z', 3), _slice('z', 15), _slice('y', 7), _slice('x', 20)]
    labels, keywords, kind = layer_data(placed_slices.placed_spec(made))
    assert kind == 'labels'
    assert labels.shape == (20, 22, 24)
    assert tuple(keywords['scale']) == (3, 2, 1)
    given = np.zeros(ROCK.shape, bool)
    given[[3, 15]] = given[:, 7] = given[:, :, 20] = True
    np.testing.assert_array_equal(labels[given], ROCK.labels[given] + 1)
    assert not labels[~given].any()


def test_where_slices_cross_the_first_one_holds():
    other = Slice(1 - ROCK.labels[:, 7], PHASES, 'y', 7, ROCK.voxel_size)
    labels = placed_slices.placed_labels([_slice('z', 3), other])
    np.testing.assert_array_equal(labels[3, 7], ROCK.labels[3, 7] + 1)


def test_placed_slices_appear_in_3d_in_phase_colours_and_follow_every_change(staged):
    viewer, session, stage = staged
    session.set_drafts([SliceDraft(_slice('z', 4))])
    assert viewer.dims.ndisplay == 2  # one slice is an image
    session.add_drafts([SliceDraft(_slice('z', 16))])
    (layer,) = stage.layers_of('slice')
    assert viewer.dims.ndisplay == 3
    assert layer.visible
    assert layer.name == placed_slices.NAME
    assert [str(unit) for unit in layer.units] == ['micrometer'] * 3
    assert np.flatnonzero(layer.data.any((1, 2))).tolist() == [4, 16]
    for phase in PHASES.items:
        color = layer.get_color(phase.label + 1)
        assert [round(c * 255) for c in color] == [*(int(phase.color[i : i + 2], 16) for i in (1, 3, 5)), 255]
    assert layer.get_color(0) is None  # nothing is drawn between the planes

    session.edit_draft(1, session.material.drafts[1].placed('z', 9))
    assert stage.layers_of('slice') == [layer]  # filled anew, not replaced
    assert np.flatnonzero(layer.data.any((1, 2))).tolist() == [4, 9]
    assert layer.metadata['microrecon']['planes'] == [('z', 4), ('z', 9)]
    session.set_drafts([draft.sized(VoxelSize.cube(5, 'nm')) for draft in session.material.drafts])
    assert tuple(layer.scale) == (5, 5, 5)

    viewer.dims.ndisplay = 2  # the user's choice stays
    session.add_drafts([SliceDraft(_slice('x', 8)).sized(VoxelSize.cube(5, 'nm'))])
    assert viewer.dims.ndisplay == 2

    session.set_drafts([])
    assert not stage.layers_of('slice')
    assert not viewer.layers


def test_slices_without_a_place_do_not_pretend_to_have_one(staged):
    _, session, stage = staged
    session.set_drafts([SliceDraft(_slice('z', None))])
    (alone,) = stage.layers_of('slice')
    assert alone.visible
    session.add_drafts([SliceDraft(_slice('z', 4)), SliceDraft(_slice('y', 7))])
    shown = {layer.name: layer.visible for layer in stage.layers_of('slice')}
    assert shown == {placed_slices.NAME: True, 'somewhere': False}


def test_the_reference_stands_beside_the_slices_until_there_is_a_volume(staged):
    viewer, session, stage = staged
    session.set_drafts([SliceDraft(_slice('z', 4)), SliceDraft(_slice('z', 16))])
    session.set_reference(ROCK)
    (placed,) = stage.layers_of('slice')
    (reference,) = stage.layers_of('reference')
    assert viewer.canvas.grid.enabled
    cells = {one: viewer.canvas.grid.position(i, viewer.layers) for i, one in enumerate(viewer.layers) if one.visible}
    assert cells == {placed: (0, 0), reference: (0, 1)}
    session.set_volumes([ROCK])
    assert not placed.visible
    session.set_volumes(())
    session.set_reference(None)
    assert placed.visible
    assert not viewer.canvas.grid.enabled


def test_an_extent_too_large_for_one_layer_falls_back_to_plates(monkeypatch):
    monkeypatch.setattr(placed_slices, 'LARGEST', 1000)
    made = placed_slices.slice_specs([_slice('z', 4), _slice('z', 16)])
    assert [spec.make().shape for spec in made] == [(1, 22, 24)] * 2
