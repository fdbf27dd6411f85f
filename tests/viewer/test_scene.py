"""What is to be shown of a material: layers and their arrangement as values, without napari."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.session import Material, SliceDraft
from napari_microrecon.viewer.scene import Scene, View, scene_of

PHASES = Phases.named('grain', 'pore', pore=1)
LABELS = np.random.default_rng(0).integers(0, 2, (20, 22, 24), dtype=np.uint8)


def _volume(name: str = 'made', edge: float = 2) -> Volume:
    return Volume(LABELS, PHASES, VoxelSize.cube(edge, 'um'), name=name)


def _drafts(*positions: int | None, normal='z') -> list[SliceDraft]:
    size = VoxelSize.cube(2, 'um')
    whole = Volume(LABELS, PHASES, size)
    return [
        SliceDraft(Slice(whole.slice_labels(normal, at or 0), PHASES, normal, at, size, f'{normal} {at}'))
        for at in positions
    ]


def _shown(scene: Scene) -> list[str]:
    return [one.name for one in scene.layers if one.shown]


PLACED = Material().with_drafts(_drafts(4, 16))
PICTURE = Material().with_drafts(_drafts(None, normal='x'))


def test_napari_has_no_part_in_a_scene() -> None:
    code = (
        'import sys; from napari_microrecon.viewer.scene import View, scene_of; '
        'from napari_microrecon.session import Material; scene_of(Material(), View()); '
        "print([one for one in ('napari', 'qtpy', 'vispy') if one in sys.modules])"
    )
    told = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    assert (told.stdout.strip(), told.stderr) == ('[]', '')


def test_without_a_material_there_is_nothing() -> None:
    scene = scene_of(Material(), View())
    assert scene.layers == ()
    assert (scene.cells, scene.flat, scene.plane) == ((None, None), None, None)


def test_a_picture_is_shown_flat() -> None:
    scene = scene_of(PICTURE, View())
    assert _shown(scene) == ['x None']
    assert (scene.flat, scene.are_placed, scene.plane) == ('x', False, ('x', 0.0))
    assert scene.layers[0].make().shape == (20, 22, 1)


def test_placed_slices_stand_together_and_pictures_without_a_place_wait() -> None:
    scene = scene_of(Material().with_drafts([*_drafts(4, 16), *_drafts(None)]), View())
    assert [one.boxed for one in scene.layers] == [True, False]
    assert _shown(scene) == ['slices in place']
    assert (scene.flat, scene.are_placed, scene.plane) == (None, True, ('z', 8.0))
    labels = scene.layers[0].make()
    assert np.flatnonzero(labels.any((1, 2))).tolist() == [4, 16]
    np.testing.assert_array_equal(labels[4], LABELS[4] + 1)


def test_a_reconstruction_hides_the_slices_and_only_the_first_of_several_is_shown() -> None:
    material = PLACED.with_volumes([_volume('a'), _volume('b')])
    scene = scene_of(material, View())
    assert [one.role for one in scene.layers] == ['volume', 'volume', 'slice']
    assert _shown(scene) == ['a']
    assert scene.cells == ('volume', None)


@pytest.mark.parametrize(
    ('side_by_side', 'cells', 'shown'),
    [(True, ('volume', 'reference'), ['made', 'reference: ct']), (False, None, ['made'])],
)
def test_reconstruction_and_reference(side_by_side, cells, shown) -> None:
    material = PLACED.with_volumes([_volume()]).with_reference(_volume('ct'))
    scene = scene_of(material, View(side_by_side=side_by_side))
    assert (scene.cells, _shown(scene), scene.is_pair) == (cells, shown, True)


def test_slices_in_place_stand_beside_a_reference_alone_in_two_cells_only() -> None:
    material = PLACED.with_reference(_volume('ct'))
    beside, one_view = (scene_of(material, View(side_by_side=on)) for on in (True, False))
    assert beside.cells == ('slice', 'reference')
    assert _shown(beside) == ['reference: ct', 'slices in place']
    assert _shown(one_view) == ['reference: ct']
    assert scene_of(PICTURE.with_reference(_volume('ct')), View()).cells == (None, 'reference')


def test_a_preview_takes_the_place_of_the_first_volume() -> None:
    material = Material().with_volumes([_volume('a'), _volume('b')])
    scene = scene_of(material, View(preview=_volume('coarse')))
    assert [(one.role, one.name) for one in scene.layers] == [('preview', 'coarse'), ('volume', 'b')]
    assert _shown(scene) == ['coarse']
    alone = scene_of(Material().with_reference(_volume('ct')), View(preview=_volume('coarse')))
    assert (alone.cells, alone.is_pair) == (('preview', 'reference'), True)


def test_the_middle_of_the_reference_is_as_large_as_the_reconstruction_in_its_unit() -> None:
    material = Material().with_volumes([_volume(edge=1)]).with_reference(_volume('ct', edge=2))
    (reference,) = scene_of(material, View(same_size=True)).of('reference')
    assert reference.name == 'reference: middle of ct'
    assert reference.make().shape == (10, 11, 12)
    np.testing.assert_array_equal(reference.make(), LABELS[5:15, 5:16, 6:18] + 1)
    (whole,) = scene_of(material, View()).of('reference')
    assert whole.make().shape == LABELS.shape


def test_a_layer_has_another_content_only_where_what_it_shows_is_another() -> None:
    material = PLACED.with_volumes([_volume()]).with_reference(_volume('ct'))

    def content(one: Material, view: View = View()) -> list[tuple]:  # noqa: B008 frozen
        return [spec.content for spec in scene_of(one, view).layers]

    former = content(material)
    assert content(material.with_findings(report=object())) == former
    assert content(material, View(side_by_side=False)) == former, 'what is visible is no content'
    assert content(material.with_drafts(_drafts(4, 9)))[:2] == former[:2]
    assert content(material.with_drafts(_drafts(4, 9)))[2] != former[2]
    renamed = replace(material.reference, phases=Phases.named('quartz', 'void', pore=1))
    assert content(material.with_other_description(material.reference, renamed))[1] != former[1]
