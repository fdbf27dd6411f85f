"""The session's rules: what a change of slices, volumes or reference does to what depends on it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import Progress
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.session import Session, SliceDraft
from napari_microrecon.session.jobs import Job, JobState


def _labels(*shape: int) -> np.ndarray:
    return (np.indices(shape).sum(0) // 4 % 2).astype(np.uint8)


def _draft(normal='z', phases: int = 2, size: VoxelSize | None = None) -> SliceDraft:
    return SliceDraft(
        Slice(_labels(32, 32), Phases.default(phases), normal=normal, voxel_size=size or VoxelSize(), name=normal)
    )


def _volume(name: str = 'volume') -> Volume:
    return Volume(_labels(16, 16, 16), Phases.default(2), name=name)


def test_slices_follow_the_drafts_and_are_announced_once():
    session = Session()
    heard = []
    session.events.slices.connect(lambda slices: heard.append(slices))
    session.add_drafts([_draft('z')])
    session.add_drafts([_draft('y')])
    assert [s.normal for s in session.need_slices()] == ['z', 'y']
    assert session.need_slices().symmetry == 'transverse'
    assert len(heard) == 2
    session.remove_draft(0)
    assert [s.normal for s in session.need_slices()] == ['y']
    session.remove_draft(0)
    assert session.material.slices is None


def test_slices_that_do_not_belong_together_are_refused_and_the_former_kept():
    session = Session()
    session.add_drafts([_draft(size=VoxelSize.cube(3, 'um'))])
    before = session.material.slices
    with pytest.raises(InputError, match='phases'):
        session.add_drafts([_draft(phases=3)])
    with pytest.raises(InputError, match='voxels'):
        session.add_drafts([_draft(size=VoxelSize.cube(5, 'um'))])
    assert session.material.slices is before
    assert len(session.material.drafts) == 1


def test_placing_a_slice_keeps_its_pixels():
    session = Session()
    session.add_drafts([_draft()])
    session.edit_draft(0, session.material.drafts[0].placed('x', 7).sized(VoxelSize.cube(2, 'nm')))
    made = session.need_slices().slices[0]
    assert (made.normal, made.position, str(made.voxel_size)) == ('x', 7, '2 nm')
    np.testing.assert_array_equal(made.labels, _labels(32, 32))


def test_new_volumes_drop_the_numbers_of_the_former_ones():
    session = Session()
    session.find(report=object(), comparison=object())
    session.set_volumes([_volume('a'), _volume('b')])
    assert session.material.volume is not None
    assert session.material.volume.name == 'a'
    assert session.findings.report is None
    assert session.findings.comparison is None


def test_asking_for_what_is_not_there_says_what_to_do():
    with pytest.raises(InputError, match='open a slice in step 1'):
        Session().need_slices()
    with pytest.raises(InputError, match='press Reconstruct'):
        Session().need_volume()


def test_a_superseded_job_changes_nothing():
    session = Session()
    old = session.begin_job('reconstruct', 'old')
    new = session.begin_job('reconstruct', 'new')
    assert not session.advance_job(old, Progress('late', preview=_volume()))
    assert session.preview is None
    assert not session.end_job(old, JobState.DONE)
    assert session.is_current(new)
    assert session.advance_job(new, Progress('now', preview=_volume()))
    assert session.preview is not None
    assert session.end_job(new, JobState.DONE)
    assert not session.is_current(new)


def test_a_job_that_is_being_stopped_takes_no_more_progress():
    session = Session()
    job = session.begin_job('finetune', 'training')
    session.stop_job()
    assert session.job.state is JobState.STOPPING
    assert not session.advance_job(job, Progress('late', 1, 2, {'loss': 1.0}))
    assert session.material.training.steps == ()
    assert session.end_job(job, JobState.CANCELLED)


@pytest.mark.parametrize('end', [JobState.DONE, JobState.CANCELLED, JobState.FAILED])
def test_an_ended_job_stays_ended(end):
    job = Job.begin('load', 'x').moved(end)
    for state in JobState:
        with pytest.raises(ValueError, match='cannot go'):
            job.moved(state)


def test_training_curves_grow_by_step_and_skip_what_is_not_a_number():
    session = Session()
    job = session.begin_job('finetune', 'training')
    session.advance_job(job, Progress('t', 1, 9, {'loss': 2.0, 'seconds_left': 8.0}))
    session.advance_job(job, Progress('t', 2, 9, {'loss': float('nan'), 's2': 0.5, 'seconds_left': 7.0}))
    training = session.material.training
    assert training.curves == {'loss': ((1, 2.0),), 's2': ((2, 0.5),)}
    assert training.latest('loss') == 2.0
    assert training.latest('critic') is None
    assert training.seconds_left == 7.0
