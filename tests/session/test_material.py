"""What of a material becomes stale when a part of it changes: the rules are the methods of `Material`."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.matching import Reordering
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.run.reference import Origin
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.session import Findings, Material, Session, SliceDraft
from napari_microrecon.session.likelihood import Likelihood
from napari_microrecon.session.material import MOST_KEPT, PARTS

PHASES = Phases.named('grain', 'pore', pore=1)
LABELS = (np.random.default_rng(0).random((24, 24, 24)) < 0.4).astype(np.uint8)
UM, BARE = VoxelSize.cube(2, 'um'), VoxelSize()


def _volume(name: str = 'made', size: VoxelSize = UM) -> Volume:
    return Volume(LABELS, PHASES, size, name=name)


def _draft(size: VoxelSize = UM) -> SliceDraft:
    return SliceDraft(Slice(LABELS[3], PHASES, voxel_size=size, name='slice'))


def _everything(size: VoxelSize = UM) -> Material:
    """Material with slices, volume and reference of which all has been found out."""
    made = Material().with_drafts([_draft(size)]).with_volumes([_volume('made', size)])
    made = made.with_reference(_volume('real', size), Origin('file', 'real.tif'))
    return made.with_findings(**{one.name: object() for one in fields(Findings)})


def _left(material: Material) -> set[str]:
    return {one.name for one in fields(Findings) if getattr(material.findings, one.name) is not None}


ALL = {one.name for one in fields(Findings)}
MEASURED = {'report', 'comparison', 'ensemble', 'face'}


@pytest.mark.parametrize(
    ('change', 'dropped'),
    [
        (lambda one: one.with_drafts([_draft()]), {'novelty', 'repeats', 'shape', 'held_back', 'representativity'}),
        (lambda one: one.with_volumes([_volume('next')]), MEASURED | {'novelty', 'repeats', 'shape'}),
        (lambda one: one.with_subject(_volume('layer')), MEASURED),
        (lambda one: one.with_subject(None), MEASURED),
        (lambda one: one.with_reference(_volume('other')), {'comparison', 'experiment'}),
        (lambda one: one.without_reference(), {'comparison', 'experiment'}),
        (lambda one: one.with_scale(UM), set()),
    ],
    ids=['slices', 'volumes', 'subject', 'no subject', 'reference', 'no reference', 'the same scale'],
)
def test_what_becomes_stale(change, dropped) -> None:
    whole = _everything()
    assert _left(change(whole)) == ALL - dropped
    assert _left(whole) == ALL, 'the former value is as it was'


def test_a_material_cannot_be_changed_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        Material().sample = None  # pyright: ignore[reportAttributeAccessIssue]


def test_slices_that_do_not_belong_together_change_nothing() -> None:
    session = Session()
    session.add_drafts([_draft()])
    before = session.material
    with pytest.raises(InputError):
        session.add_drafts([_draft(VoxelSize.cube(5, 'um'))])
    assert session.material is before


def test_the_scale_is_that_of_the_slices_and_what_has_none_follows_it() -> None:
    made = _everything(BARE)
    maps = Likelihood(made.volumes[0], (), LABELS)
    made = made.with_volumes(made.volumes, likelihood=maps).with_findings(report=object(), comparison=object())
    assert not made.scale.is_known
    sized = made.with_drafts([_draft(UM)]).with_scale(UM)
    assert sized.scale == UM
    assert sized.volume.voxel_size == sized.reference.voxel_size == sized.likelihood.volume.voxel_size == UM
    assert sized.likelihood.volume is sized.volume
    assert sized.reference in sized.kept
    assert len(sized.kept) == 1
    assert sized.origin_of(sized.reference) == Origin('file', 'real.tif')
    assert not _left(sized) & MEASURED, 'its lengths were in voxels'
    again = sized.with_scale(VoxelSize.cube(7, 'nm'))  # what has once followed follows again
    assert again.volume.voxel_size == again.reference.voxel_size == VoxelSize.cube(7, 'nm')


def test_what_has_a_voxel_size_of_its_own_keeps_it_and_is_checked() -> None:
    made = Material().with_drafts([_draft()]).with_reference(_volume('real', UM))
    assert made.with_scale(VoxelSize.cube(9, 'nm')) is made
    with pytest.raises(InputError, match='check both numbers and units'):
        made.check_scale(VoxelSize.cube(9, 'm'))
    borrowed = Material().with_reference(_volume('real', UM), borrows=True)
    borrowed.check_scale(VoxelSize.cube(9, 'm'))
    assert borrowed.with_scale(VoxelSize.cube(9, 'nm')).reference.voxel_size == VoxelSize.cube(9, 'nm')


def test_another_description_stands_where_the_reference_stood() -> None:
    first, second = _volume('first'), _volume('second')
    made = Material().with_reference(first, Origin('file', 'a.tif'), borrows=True).with_reference(second)
    made = made.with_reference(first)
    order = Reordering((1, 0), (0.6, 0.4), (0.4, 0.6))
    made = replace(made, reordering=order)
    renamed = _volume('renamed')
    described = made.with_other_description(first, renamed)
    assert described.kept == (renamed, second)
    assert described.reference is renamed
    assert described.reordering is order
    assert described.origin_of(renamed).where == 'a.tif'
    assert renamed in described.borrowers
    assert described.with_other_description(second, first).reference is renamed


def test_nothing_is_remembered_of_volumes_that_are_gone() -> None:
    made = Material()
    for i in range(MOST_KEPT + 3):
        made = made.with_reference(_volume(str(i)), Origin('file', f'{i}.tif'), borrows=True)
    assert len(made.kept) == MOST_KEPT
    assert set(made.origins) == set(made.kept) == made.borrowers


def test_symmetry_and_evidence_of_a_sample_stay_with_its_slices() -> None:
    like = SliceSet.of([_draft().slice], 'orthotropic')
    assert Material().with_drafts([_draft()], like).slices.symmetry == 'orthotropic'
    assert Material().with_drafts([_draft()]).slices.symmetry == 'isotropic'


def test_own_work_is_what_was_made_since_it_was_opened() -> None:
    assert Material().is_empty
    assert not Material().as_given().is_own
    opened = Material().with_reference(_volume()).with_drafts([_draft()]).as_given()
    assert not opened.is_own
    assert not opened.with_findings(report=object()).is_own, 'numbers can be had again'
    assert opened.with_volumes([_volume()]).is_own
    assert opened.with_volumes([_volume()]).holds == '1 slice, a reconstruction, a reference volume'
    assert opened.name == 'slice'


def test_all_of_a_material_is_new_before_the_first_of_its_parts_is_told() -> None:
    session, told = Session(), []
    for name in PARTS:
        session.events[name].connect(lambda value, name=name: told.append((name, value, session.material)))
    made = _everything()
    session.material = made
    assert {name for name, _, _ in told} == {
        'drafts',
        'slices',
        'volumes',
        'volume',
        'reference',
        'kept',
        'origins',
        'training',
    } | ALL
    assert all(seen is made for _, _, seen in told)
    told.clear()
    session.material = made.with_drafts(made.drafts)  # the same drafts in another tuple
    assert {name for name, _, _ in told} == {'slices', 'novelty', 'repeats', 'shape', 'held_back', 'representativity'}
    assert all(value is None for name, value, _ in told if name != 'slices')
