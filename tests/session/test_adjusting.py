"""Adjusting pictures without a window: previews agree with the result, and tasks change the drafts they name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from napari_microrecon.engine.crop import Crop
from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.preparation import Preparation
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.raw_image import RawImage
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.session import Session
from napari_microrecon.session.adjusting import EDGE, glimpse, looking
from napari_microrecon.session.analysing import judge_slices
from napari_microrecon.session.inputs import draft_of, open_files, prepare_slices, resegment
from napari_microrecon.session.task import run_now


def _grey(edge: int = 96, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=(edge, edge)), 3, mode='wrap')
    return np.clip(np.where(field > 0, 160, 80) + rng.normal(0, 15, field.shape), 0, 255).astype(np.uint8)


def test_what_is_seen_at_once_is_what_comes_where_nothing_is_filtered() -> None:
    image = RawImage(_grey(), name='sem')
    asked = Preparation(crop=Crop(rows=(8, -8)), quarter_turns=3, flip='up-down', order='bright-first')
    whole = drain(looking(image, asked, 2))
    grey, labels = glimpse(image, asked, whole.thresholds)
    np.testing.assert_array_equal(grey, whole.grey)
    np.testing.assert_array_equal(labels, whole.labels)
    assert whole.fractions == pytest.approx([np.mean(whole.labels == 0), np.mean(whole.labels == 1)])
    assert whole.counts.sum() == pytest.approx(1)
    assert glimpse(image, asked, ())[1] is None


def test_a_large_picture_is_seen_small_and_counted_whole() -> None:
    array = _grey(1000)
    found = drain(looking(RawImage(array), Preparation(thresholds=(120,)), 2))
    assert max(found.grey.shape) <= EDGE
    assert found.labels.shape == found.grey.shape
    assert found.fractions[1] == np.mean(array > 120)


def test_a_look_can_be_stopped_between_its_steps() -> None:
    """Resampling tells how far it is; what comes after it is not waited for."""
    job = looking(RawImage(_grey(), name='sem'), Preparation(pixel_size=2.0), 2)
    stages = []
    for progress in job:
        stages.append(progress.stage)
        if progress.stage == 'Counting grey values':
            break
    job.close()
    assert list(dict.fromkeys(stages)) == ['Preparing sem', 'Resampling sem', 'Counting grey values']
    with pytest.raises(StopIteration):
        next(job)


def test_thresholds_do_not_filter_the_picture_again() -> None:
    image = RawImage(_grey())
    first = drain(looking(image, Preparation(denoise='median', radius=2), 2))
    assert first.thresholds == first.automatic
    again = drain(looking(image, Preparation(denoise='median', radius=2, thresholds=(130,), least_size=9), 2, first))
    assert again.picture.image is first.picture.image
    assert again.automatic == first.automatic
    assert 'threshold 130' in again.note
    assert 'smaller than 9' in again.note
    other = drain(looking(image, Preparation(denoise='median', radius=3), 2, again))
    assert other.picture.image is not first.picture.image
    assert other.automatic != first.automatic
    assert len(drain(looking(image, Preparation(denoise='median', radius=3), 3, other)).automatic) == 2
    # Another picture takes nothing from the former one.
    assert (
        drain(looking(RawImage(_grey(seed=1)), Preparation(denoise='median', radius=3), 2, other)).fractions
        != other.fractions
    )


def test_a_dropped_file_keeps_its_picture_and_can_be_prepared(tmp_path: Path) -> None:
    for i in range(2):
        tifffile.imwrite(
            tmp_path / f'{i}.tif', _grey(seed=i), imagej=True, resolution=(2, 2), metadata={'unit': 'um', 'axes': 'YX'}
        )
    np.save(tmp_path / 'labels.npy', (_grey() > 120).astype(np.uint8))
    session = Session()
    run_now(session, open_files(session, [tmp_path / '0.tif', tmp_path / '1.tif', tmp_path / 'labels.npy']))
    assert [draft.is_adjustable for draft in session.material.drafts] == [True, True, False]
    session.edit_draft(1, session.material.drafts[1].placed('y', 4))
    former = session.material.drafts
    run_now(session, prepare_slices(session, {1: Preparation(thresholds=(140,))}, 2))
    assert session.material.drafts[0] is former[0]
    made = session.material.drafts[1]
    np.testing.assert_array_equal(made.slice.labels, _grey(seed=1) > 140)
    assert (made.slice.normal, made.slice.position, made.slice.voxel_size.x) == ('y', 4, 0.5)
    assert 'threshold 140' in session.status.text
    with pytest.raises(InputError, match='has 3 phases while'):
        run_now(session, prepare_slices(session, {1: Preparation()}, 3))
    assert session.material.drafts[1] is made  # what was there stays
    session.remove_draft(2)
    run_now(session, resegment(session, 3))
    assert session.need_slices().phases.count == 3
    assert [draft.preparation for draft in session.material.drafts] == [Preparation()] * 2


def test_labels_cannot_be_segmented_again() -> None:
    session = Session()
    draft = drain(draft_of(RawImage((_grey() > 120).astype(np.uint8), kind='labels')))
    session.set_drafts([type(draft)(draft.slice)])
    with pytest.raises(InputError, match='already labelled'):
        resegment(session, 3)
    with pytest.raises(InputError, match='came as labels'):
        run_now(session, prepare_slices(session, {0: Preparation()}, 2))


def test_the_uncertainty_is_that_of_the_threshold_chosen() -> None:
    image = RawImage(_grey(256), VoxelSize.cube(1, 'um'))
    (_, found), _ = drain(judge_slices([drain(draft_of(image, 2, Preparation(denoise='median', thresholds=(121,))))]))
    assert found.threshold is not None
    assert 'chosen 121' in found.threshold.note
    (_, automatic), _ = drain(judge_slices([drain(draft_of(image))]))
    assert automatic.threshold is not None
    assert 'otsu' in automatic.threshold.note
