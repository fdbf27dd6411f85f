"""A run from elsewhere brings its own files and tells of the others; a run that a window has made brings all."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import write_slice, write_volume
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.provenance import hash_array
from napari_microrecon.engine.run import Run
from napari_microrecon.engine.run.reference import Origin, describe_reference
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.volume import Volume
from napari_microrecon.session import Session
from napari_microrecon.session.runs import open_run, runs_folder

PHASES = Phases.named('grain', 'pore', pore=1)
LABELS = np.random.default_rng(2).integers(0, 2, (32, 32, 32), np.uint8)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose volume lies beside it, and what that was compared with elsewhere."""
    from napari_microrecon.engine.generator import ReconstructParams
    from napari_microrecon.engine.generator.choice import untrained
    from napari_microrecon.engine.generator.priors import noise_prior

    volume = Volume(LABELS, PHASES, name='made')
    ct = write_volume(Volume(LABELS[::-1], PHASES, name='ct'), tmp_path / 'data' / 'ct.tif')
    slices = SliceSet.of([Slice(LABELS[4], PHASES, 'z', 4, name='a.tif')])
    write_slice(slices.slices[0], tmp_path / 'a.tif')
    home = tmp_path / 'work' / 'out.run'
    weights = untrained(slices, noise_prior(2))
    made = Run.create(home, 'reconstruct', slices, weights, ReconstructParams(shape=(32, 32, 32)), device='cpu')
    made.add_output('volume', write_volume(volume, home.parent / 'out.tif'), hash_array(volume.labels))
    made.set_reference(describe_reference(Volume(LABELS[::-1], PHASES, name='ct'), Origin('file', str(ct))))
    made.finish()
    return home


def opened(folder: Path) -> Session:
    session = Session()
    task = open_run(session, folder)
    task.accept(drain(task.run()))
    return session


def test_the_reference_of_a_run_from_elsewhere_is_told_of_but_not_opened(run: Path) -> None:
    session = opened(run)
    assert len(session.material.volumes) == 1
    assert session.material.reference is None
    assert 'ct.tif' in session.status.text
    assert 'was not opened' in session.status.text
    assert '\n' not in session.status.text


def test_a_run_that_a_window_has_made_brings_its_reference_back(run: Path) -> None:
    runs_folder().mkdir(parents=True, exist_ok=True)
    shutil.copytree(run, runs_folder() / 'mine.run')
    shutil.copy(run.parent / 'out.tif', runs_folder() / 'out.tif')
    session = opened(runs_folder() / 'mine.run')
    assert session.material.reference is not None
    np.testing.assert_array_equal(session.material.reference.labels, LABELS[::-1])


def test_a_volume_elsewhere_is_named(run: Path, tmp_path: Path) -> None:
    (run.parent / 'out.tif').rename(tmp_path / 'out.tif')
    record = run / 'run.json'
    record.write_text(record.read_text().replace('"../out.tif"', '"../../out.tif"'))
    with pytest.raises(InputError, match='was not opened'):
        opened(run)
