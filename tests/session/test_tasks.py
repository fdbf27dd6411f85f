"""Tasks without a window: the same ones that the widget runs, drained here and now."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import read_volume, write_volume
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.samples import get_sample
from napari_microrecon.session import Session, exporting, inputs, reporting, saving
from napari_microrecon.session.jobs import JobState
from napari_microrecon.session.task import run_now


@pytest.fixture
def loaded() -> Session:
    """A session with the sandstone open."""
    session = Session()
    run_now(session, inputs.load_sample(session, 'sandstone'))
    return session


def test_a_sample_brings_slices_reference_and_symmetry(loaded):
    sample = get_sample('sandstone')
    assert loaded.job.state is JobState.DONE
    assert loaded.material.reference is not None
    np.testing.assert_array_equal(loaded.material.reference.labels, sample.load_volume().labels)
    slices, known = loaded.need_slices(), sample.load_slices()
    assert (slices.symmetry, slices.evidence) == (known.symmetry, known.evidence)


def test_own_files_replace_a_sample(loaded, tmp_path):
    grey = np.random.default_rng(1).integers(0, 255, (40, 50), dtype=np.uint8)
    tifffile.imwrite(tmp_path / 'mine.tif', grey)
    run_now(loaded, inputs.open_files(loaded, [tmp_path / 'mine.tif']))
    assert [d.slice.name for d in loaded.material.drafts] == ['mine.tif']
    assert loaded.material.reference is None
    assert loaded.material.sample is None
    assert 'Otsu' in loaded.status.text


def test_a_volume_becomes_the_reference_and_lends_its_middle_slice(tmp_path):
    volume = get_sample('cathode').load_volume().crop((0, 0, 0), (20, 24, 28))
    write_volume(volume, tmp_path / 'ct.tif')
    session = Session()
    run_now(session, inputs.open_files(session, [tmp_path / 'ct.tif']))
    assert session.material.reference is not None
    np.testing.assert_array_equal(session.material.reference.labels, volume.labels)
    made = session.need_slices().slices[0]
    np.testing.assert_array_equal(made.labels, volume.labels[10])
    assert (made.normal, made.position) == ('z', 10)


def test_renaming_phases_reaches_slices_and_reference(loaded):
    phases = Phases.named('quartz', 'void', pore=1)
    inputs.describe_phases(loaded, phases)
    assert loaded.need_slices().phases == phases
    assert loaded.material.reference is not None
    assert loaded.material.reference.phases == phases
    with pytest.raises(InputError, match='3 are described'):
        inputs.describe_phases(loaded, Phases.default(3))


def test_a_failing_task_leaves_its_reason(loaded, tmp_path):
    with pytest.raises(InputError, match=r'nothing\.tif'):
        run_now(loaded, inputs.open_files(loaded, [tmp_path / 'nothing.tif']))
    assert loaded.job.state is JobState.FAILED
    assert 'nothing.tif' in loaded.job.message


def test_saving_needs_something_to_save(loaded, tmp_path):
    for save in (saving.save_volume, reporting.save_report, saving.save_weights):
        with pytest.raises(InputError, match='press'):
            save(loaded, tmp_path / 'file')
    loaded.set_volumes([get_sample('sandstone').load_volume().crop((0, 0, 0), (16, 16, 16))])
    run_now(loaded, saving.save_volume(loaded, tmp_path / 'v.tif'))
    assert read_volume(tmp_path / 'v.tif').shape == (16, 16, 16)


def test_what_is_compared_with_is_not_overwritten_by_an_export(tmp_path):
    volume = get_sample('sandstone').load_volume().crop((0, 0, 0), (32, 32, 32))
    write_volume(volume, tmp_path / 'ct.tif')
    session = Session()
    run_now(session, inputs.open_files(session, [tmp_path / 'ct.tif']))
    session.set_volumes((volume,))
    with pytest.raises(InputError, match='is the input'):
        exporting.export(session, 'tiff', tmp_path / 'ct.tif')
    with pytest.raises(InputError, match='is the input'):
        saving.save_volume(session, tmp_path / 'ct.tif')
    run_now(session, exporting.export(session, 'tiff', tmp_path / 'made.tif'))
    assert read_volume(tmp_path / 'made.tif').shape == (32, 32, 32)
