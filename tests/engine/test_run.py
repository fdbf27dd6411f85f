"""A Run keeps copies of its inputs, notices changes, and can be opened after everything else has moved."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from napari_microrecon.engine.errors import InputError, NoSpaceError
from napari_microrecon.engine.files import write_volume
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.provenance import hash_array, hash_file
from napari_microrecon.engine.run import Run, RunExistsError
from napari_microrecon.engine.run.replacing import check_place, remove_run
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

RNG = np.random.default_rng(5)
PHASES = Phases.named('grain', 'pore', pore=1)


@dataclass
class StoredWeights:
    """The part of weights that a run needs: a name, a hash and a file."""

    name: str = 'prior'
    sha256: str = 'f' * 64
    tensors: dict = field(default_factory=dict)

    def save(self, path: Path) -> None:
        path.write_bytes(b'weights')


class Parameters(BaseModel):
    shape: tuple[int, int, int] = (32, 32, 32)
    seed: int = 11


@pytest.fixture
def slices() -> SliceSet:
    size = VoxelSize(z=1, y=2, x=3, unit='um')
    images = RNG.integers(0, 2, (2, 20, 24), np.uint8)
    return SliceSet.of(
        [Slice(images[0], PHASES, 'z', 4, size, 'a.tif'), Slice(images[1], PHASES, 'y', None, size, 'b.tif@y=3')]
    )


def _create(folder: Path, slices: SliceSet) -> Run:
    return Run.create(folder, 'reconstruct', slices, StoredWeights(), Parameters(), device='cpu', weights_reason='why')


def test_a_run_can_be_opened_after_it_was_moved(tmp_path: Path, slices: SliceSet) -> None:
    run = _create(tmp_path / 'out.run', slices)
    volume = Volume(RNG.integers(0, 2, (20, 20, 20), np.uint8), PHASES)
    output = write_volume(volume, tmp_path / 'out.tif')
    run.add_output('volume', output, hash_array(volume.labels))
    run.finish(seconds=1.5)
    (tmp_path / 'out.run').rename(tmp_path / 'moved.run')
    output.unlink()

    again = Run.open(tmp_path / 'moved.run')
    found = again.load_slices()
    assert found.symmetry == slices.symmetry
    for mine, theirs in zip(found, slices, strict=True):
        np.testing.assert_array_equal(mine.labels, theirs.labels)
        assert (mine.normal, mine.position, mine.phases, mine.voxel_size) == (
            theirs.normal, theirs.position, theirs.phases, theirs.voxel_size,
        )  # fmt: skip
    weights = again.input_path('weights')
    assert weights is not None
    assert weights.read_bytes() == b'weights'
    assert Parameters(**again.record.parameters) == Parameters()
    assert (again.record.seed, again.record.device, again.record.status) == (11, 'cpu', 'done')
    assert again.record.results == {'seconds': 1.5}
    (recorded,) = again.outputs('volume')
    assert (recorded.path, recorded.content_sha256) == ('../out.tif', hash_array(volume.labels))


def test_the_record_is_plain_json(tmp_path: Path, slices: SliceSet) -> None:
    run = _create(tmp_path / 'out.run', slices)
    record = json.loads((run.folder / 'run.json').read_text())
    assert (record['schema'], record['command'], record['status']) == (1, 'reconstruct', 'started')
    assert [i['name'] for i in record['inputs']] == ['a.tif', 'b.tif@y=3', 'prior']
    for item in record['inputs']:
        assert item['sha256'] == hash_file(run.folder / item['path'])
    assert record['weights'] == {'name': 'prior', 'sha256': 'f' * 64}
    assert 'numpy' in record['versions']


def test_inputs_that_changed_are_noticed(tmp_path: Path, slices: SliceSet) -> None:
    run = _create(tmp_path / 'out.run', slices)
    weights = run.folder / 'inputs' / 'weights.safetensors'
    weights.write_bytes(b'other')
    with pytest.raises(InputError, match='not the file that the run recorded'):
        run.input_path('weights')
    (run.folder / 'inputs' / 'slice_001.tif').unlink()
    with pytest.raises(InputError, match=r'slice_001\.tif: is missing'):
        run.load_slices()


def test_a_new_run_takes_no_folder_with_content(tmp_path: Path, slices: SliceSet) -> None:
    first = _create(tmp_path / 'out.run', slices)
    other = tmp_path / 'photos'
    other.mkdir()
    (other / 'a.jpg').write_text('x')
    for folder in (first.folder, other, other / 'a.jpg'):
        with pytest.raises(RunExistsError, match='holds something already'):
            _create(folder, slices)
    assert (other / 'a.jpg').read_text() == 'x'
    assert len(Run.open(first.folder).load_slices()) == 2
    (tmp_path / 'empty').mkdir()
    assert _create(tmp_path / 'empty', slices).folder == tmp_path / 'empty'
    assert sorted(p.name for p in tmp_path.iterdir()) == ['empty', 'out.run', 'photos']


def test_a_finished_run_takes_the_place_of_an_earlier_one_and_keeps_what_is_not_the_runs(
    tmp_path: Path, slices: SliceSet
) -> None:
    home = tmp_path / 'out.run'
    _create(home, slices)
    (home / 'notes.txt').write_text('etched 5 s')
    (home / 'inputs' / 'photo.jpg').write_text('x')
    (home / 'inputs' / 'slice_000.tif.bak').write_text('y')
    new = _create(tmp_path / 'out-2.run', SliceSet.of([slices.slices[0]]))
    new.settle(home)
    assert [p.name for p in tmp_path.iterdir()] == ['out.run']
    assert new.folder == home
    found = sorted(p.relative_to(home).as_posix() for p in home.rglob('*') if p.is_file())
    assert found == [
        'inputs/photo.jpg', 'inputs/slice_000.tif', 'inputs/slice_000.tif.bak', 'inputs/weights.safetensors',
        'notes.txt', 'run.json',
    ]  # fmt: skip
    assert len(Run.open(home).load_slices()) == 1


@pytest.mark.parametrize('moment', ['before', 'after'])
def test_an_exchange_that_was_killed_is_completed_or_undone(tmp_path: Path, slices: SliceSet, moment: str) -> None:
    home = tmp_path / 'out.run'
    _create(home, slices)
    (home / 'notes.txt').write_text('etched 5 s')
    gone = f'.out.run.{_dead_process()}.old'
    home.rename(tmp_path / gone)
    (tmp_path / f'.out.run.{_dead_process()}.part').mkdir()
    if moment == 'after':
        _create(home, SliceSet.of([slices.slices[0]]))
    (tmp_path / '.out.run.1.part').mkdir()  # of a process that runs
    assert check_place(home) is not None
    assert sorted(p.name for p in tmp_path.iterdir()) == ['.out.run.1.part', 'out.run']
    assert (home / 'notes.txt').read_text() == 'etched 5 s'
    assert len(Run.open(home).load_slices()) == (1 if moment == 'after' else 2)


def _dead_process() -> int:
    done = subprocess.Popen([sys.executable, '-c', ''])
    done.wait()
    return done.pid


@pytest.mark.parametrize(
    'text', ['', 'no json', '[]', '{}', '{"name": "another program"}', '{"command": "finetune", "status": "done"}']
)
def test_a_run_json_of_another_program_protects_its_folder(tmp_path: Path, text: str) -> None:
    (tmp_path / 'run.json').write_text(text)
    (tmp_path / 'thesis.tex').write_text('x')
    with pytest.raises(InputError, match='damaged or of another program'):
        check_place(tmp_path)
    remove_run(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['run.json', 'thesis.tex']


def test_a_record_that_names_files_elsewhere_removes_none(tmp_path: Path, slices: SliceSet) -> None:
    run = _create(tmp_path / 'out.run', slices)
    precious = tmp_path / 'precious.tif'
    precious.write_text('x')
    run.add_output('volume', precious)
    run.discard()
    assert [p.name for p in tmp_path.iterdir()] == ['precious.tif']


def test_a_run_that_resumes_has_a_checkpoint_from_the_first_moment(tmp_path: Path, slices: SliceSet) -> None:
    run = _create(tmp_path / 'out.run', slices)
    run.checkpoint.write_bytes(b'half trained')
    again = Run.create(
        tmp_path / 'again.run', 'finetune', slices, StoredWeights(), Parameters(), device='cpu', resume=run.checkpoint
    )
    assert again.checkpoint.read_bytes() == b'half trained'
    resumed = again.input_path('resume')
    assert resumed is not None
    assert resumed.read_bytes() == b'half trained'


def test_what_is_no_run(tmp_path: Path, slices: SliceSet) -> None:
    with pytest.raises(InputError, match='does not exist'):
        Run.open(tmp_path / 'none.run')
    with pytest.raises(InputError, match=r'holds no run\.json'):
        Run.open(tmp_path)
    run = _create(tmp_path / 'out.run', slices)
    assert Run.open(run.folder / 'run.json').folder == run.folder
    (run.folder / 'run.json').write_text('{"schema": 9}')
    with pytest.raises(InputError, match='newer version'):
        Run.open(run.folder)
    with pytest.raises(InputError, match='cannot be written'):
        _create(Path('/proc/out.run'), slices)


def test_discard_leaves_nothing(tmp_path: Path, slices: SliceSet) -> None:
    _create(tmp_path / 'out.run', slices).discard()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_cannot_be_completed_leaves_the_old_one(tmp_path: Path, slices: SliceSet) -> None:
    class Broken(StoredWeights):
        def save(self, path: Path) -> None:
            raise OSError(28, 'No space left on device')

    before = _create(tmp_path / 'out.run', slices)
    for folder in (before.folder, tmp_path / 'new.run'):
        with pytest.raises(NoSpaceError, match=rf'{folder.name}: cannot be written: no space left'):
            Run.create(folder, 'reconstruct', slices, Broken(), Parameters())
    assert [p.name for p in tmp_path.iterdir()] == ['out.run']
    assert len(Run.open(before.folder).load_slices()) == 2


def test_what_followed_from_the_planes_is_not_called_the_users_word(tmp_path: Path, slices: SliceSet) -> None:
    """The methods paragraph tells the symmetry's evidence; runs of earlier versions did not keep it."""
    by_default = _create(tmp_path / 'default.run', slices)
    assert by_default.load_slices().evidence == slices.evidence
    told = SliceSet.of(slices.slices, 'orthotropic')
    assert _create(tmp_path / 'told.run', told).load_slices().evidence == 'as told by the user'
    for folder, symmetry, evidence in (
        ('default.run', slices.symmetry, slices.evidence),
        ('told.run', 'orthotropic', 'as told by the user'),
    ):
        path = tmp_path / folder / 'run.json'
        record = json.loads(path.read_text())
        del record['evidence'], record['reference']  # as an earlier version wrote it
        path.write_text(json.dumps(record))
        found = Run.open(tmp_path / folder).load_slices()
        assert (found.symmetry, found.evidence) == (symmetry, evidence)


def test_of_many_that_begin_at_the_same_moment_one_gets_the_name(tmp_path: Path, slices: SliceSet) -> None:
    for attempt in range(5):
        folder = tmp_path / f'{attempt}.run'
        barrier = threading.Barrier(6)

        def begin(folder: Path = folder, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            try:
                _create(folder, slices)
            except RunExistsError:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            got = [task.result() for task in [pool.submit(begin) for _ in range(6)]]
        assert sum(got) == 1
        assert len(Run.open(folder).load_slices()) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [f'{attempt}.run' for attempt in range(5)]
