"""What the user has made stays: no command deletes or overwrites anything but what it made itself."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_microrecon.engine.files import read_slice, read_volume
from napari_microrecon.engine.provenance import hash_file
from napari_microrecon.engine.run import Run

from .conftest import Cli

Refused = Callable[..., str]
QUICK = ('--shape', 32, 32, 32, '--weights', 'noise', '--device', 'cpu')
BRIEF = ('--from', 'noise', '--steps', 2, '--device', 'cpu')


@pytest.fixture
def desk(rocks: Path, tmp_path: Path) -> Path:
    """Folder with the user's slice.tif and rock.tif."""
    for name in ('slice.tif', 'rock.tif'):
        shutil.copy(rocks / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def refused(cli: Cli, desk: Path) -> Refused:
    """Run a command that must be refused in one line, with everything on the desk as it was."""

    def run(*arguments: object) -> str:
        before = _content(desk)
        code, out, err = cli(*arguments)
        assert code == 2, out + err
        assert err.count('\n') == 1, err
        assert _content(desk) == before
        return err

    return run


def _content(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob('*') if path.is_file())
    return {path.relative_to(folder).as_posix(): hash_file(path) for path in paths}


def _foreign_run(folder: Path) -> None:
    folder.mkdir()
    (folder / 'run.json').write_text('{"name": "another program", "status": "done"}')
    (folder / 'results.csv').write_text('1,2')


def test_an_output_that_is_an_input_is_refused(refused: Refused, desk: Path) -> None:
    picture, rock = desk / 'slice.tif', desk / 'rock.tif'
    assert 'is the input' in refused('reconstruct', picture, *QUICK, '-o', picture)
    assert 'is the input' in refused('reconstruct', picture, *QUICK, '-o', picture, '--overwrite')
    assert 'is the input' in refused('reconstruct', f'{rock}@z=3', *QUICK, '-o', rock, '--overwrite')
    (desk / 'sub').mkdir()
    assert 'is the input' in refused('reconstruct', picture, *QUICK, '-o', desk / 'sub' / '..' / 'slice.tif')
    (desk / 'link.tif').symlink_to(picture)
    assert 'is the input' in refused('reconstruct', picture, *QUICK, '-o', desk / 'link.tif')
    assert 'is the input' in refused('reconstruct', desk / 'link.tif', *QUICK, '-o', picture)
    os.link(picture, desk / 'hard.tif')
    assert 'is the input' in refused('reconstruct', picture, *QUICK, '-o', desk / 'hard.tif')
    picture.rename(desk / 'out_001.tif')
    assert 'is the input' in refused(
        'reconstruct', desk / 'out_001.tif', *QUICK, '--realisations', 2, '-o', desk / 'out.tif'
    )
    assert 'is the input' in refused(
        'reconstruct', desk / 'out_001.tif', *QUICK, '-o', desk / 'v.tif', '--probabilities', desk / 'v.tif'
    )
    assert 'is the input' in refused(
        'reconstruct', desk / 'out_001.tif', *QUICK, '-o', rock, '--training-volume', rock, '--overwrite'
    )
    assert 'is the input' in refused(
        'hold-back', f'{rock}@z=3', '--shape', 32, 32, 32, '--realisations', 1, '--volume', rock
    )
    assert 'is the input' in refused('export', rock, '--to', 'tiff', '-o', rock)


def test_files_and_folders_of_other_programs_are_not_replaced(refused: Refused, cli: Cli, desk: Path) -> None:
    import numpy as np
    import tifffile
    import zarr

    picture = desk / 'slice.tif'
    tifffile.imwrite(desk / 'ct.tif', np.zeros((4, 5, 6), np.uint8), photometric='minisblack')
    assert 'not written by napari-microrecon' in refused('reconstruct', picture, *QUICK, '-o', desk / 'ct.tif')
    assert 'not written by napari-microrecon' in refused('samples', 'fetch', 'sandstone', '-o', desk / 'ct.tif')
    zarr.create_array(desk / 'ct.zarr', shape=(4, 4, 4), dtype='uint8')
    assert 'not written by napari-microrecon' in refused('reconstruct', picture, *QUICK, '-o', desk / 'ct.zarr')
    (desk / 'photos.zarr').mkdir()
    (desk / 'photos.zarr' / 'a.jpg').write_text('x')
    assert 'is a folder' in refused('reconstruct', picture, *QUICK, '-o', desk / 'photos.zarr')
    _foreign_run(desk / 'theirs.run')
    for arguments in (
        ('reconstruct', picture, *QUICK, '-o', desk / 'v.tif'),
        ('finetune', picture, *BRIEF, '-o', desk / 'w.safetensors'),
    ):
        assert 'another program' in refused(*arguments, '--run', desk / 'theirs.run')
        assert 'another program' in refused(*arguments, '--run', desk / 'theirs.run', '--overwrite')
        assert 'something else than a run' in refused(*arguments, '--run', desk)
        assert 'something else than a run' in refused(*arguments, '--run', picture)
    # With a word it may be replaced; and a default name gives way of itself.
    before = _content(desk / 'theirs.run')
    (desk / 'theirs.run').rename(desk / 'ct.run')
    code, _, err = cli('reconstruct', picture, *QUICK, '-o', desk / 'ct.tif', '--overwrite')
    assert code == 0, err
    assert _content(desk / 'ct.run') == before
    assert Run.open(desk / 'ct-2.run').record.status == 'done'


def test_a_zarr_of_ours_is_replaced_unless_something_else_is_in_it(cli: Cli, refused: Refused, desk: Path) -> None:
    command = ('reconstruct', desk / 'slice.tif', *QUICK, '-o', desk / 'v.ome.zarr')
    assert cli(*command)[0] == 0
    assert cli(*command, '--seed', 5)[0] == 0
    for place in ('notes.txt', '0/notes.txt', '0/c/0/notes.txt', 'mine/x'):
        path = desk / 'v.ome.zarr' / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('x')
        assert 'no part of the volume' in refused(*command)
        path.unlink()
    assert 'no part of the volume' in refused(*command)  # the empty folder
    (desk / 'v.ome.zarr' / 'mine').rmdir()
    assert cli(*command)[0] == 0


def test_links_are_followed(cli: Cli, desk: Path) -> None:
    (desk / 'far').mkdir()
    (desk / 'v.tif').symlink_to(desk / 'far' / 'v.tif')
    (desk / 'v.run').symlink_to(desk / 'far' / 'v.run')
    for seed in (0, 1):
        code, _, err = cli('reconstruct', desk / 'slice.tif', *QUICK, '--seed', seed, '-o', desk / 'v.tif')
        assert code == 0, err
        assert (desk / 'v.tif').is_symlink()
        assert read_volume(desk / 'far' / 'v.tif').provenance.seed == seed
    assert sorted(path.name for path in (desk / 'far').iterdir()) == ['v.run', 'v.tif']
    assert sorted(path.name for path in desk.iterdir() if path.name.startswith('.')) == []


def test_a_repeat_that_fails_leaves_the_earlier_result_whole(
    cli: Cli, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ('reconstruct', desk / 'slice.tif', *QUICK, '--realisations', 2, '-o', desk / 'v.tif')
    assert cli(*command)[0] == 0
    (desk / 'v.run' / 'notes.txt').write_text('etched 5 s')
    before = _content(desk)
    calls: list[Path] = []
    from napari_microrecon.cli import reconstruct
    from napari_microrecon.engine.errors import NoSpaceError

    write = reconstruct.write_volume

    def full(volume, path):  # the disk is full at the second volume
        calls.append(path)
        if len(calls) == 2:
            raise NoSpaceError(str(path), 'cannot be written: no space left', 'free some space')
        return write(volume, path)

    with monkeypatch.context() as patch:
        patch.setattr(reconstruct, 'write_volume', full)
        code, _, err = cli(*command, '--seed', 7)
    assert code == 1
    assert 'no space left' in err
    assert _content(desk) == before
    assert cli(*command, '--seed', 7)[0] == 0
    assert (desk / 'v.run' / 'notes.txt').read_text() == 'etched 5 s'
    assert Run.open(desk / 'v.run').record.seed == 7
    assert Run.open(desk / 'v.run').load_volumes()


@pytest.mark.slow
def test_trainings_are_not_replaced_by_repeating_the_command(cli: Cli, refused: Refused, desk: Path) -> None:
    output = desk / 'w.safetensors'
    command = ('finetune', desk / 'slice.tif', *BRIEF, '-o', output)
    assert cli(*command)[0] == 0
    assert 'is there already' in refused(*command)
    output.rename(desk / 'mine.safetensors')
    assert 'finished training' in refused(*command)
    run = Run.open(desk / 'w.run')
    run.finish('stopped')
    assert '--resume' in refused(*command)
    run.checkpoint.write_bytes(b'damaged')
    assert 'checkpoint.safetensors' in refused('finetune', '--resume', desk / 'w.run', '-o', output)
    shutil.rmtree(desk / 'w.run')
    assert cli(*command)[0] == 0
    (desk / 'w.run' / 'notes.txt').write_text('etched 5 s')
    code, out, err = cli(*command, '--overwrite', '--seed', 4, '--json')
    assert code == 0, err
    assert json.loads(out)['run'] == str(desk / 'w.run')
    assert (desk / 'w.run' / 'notes.txt').exists()
    assert Run.open(desk / 'w.run').record.seed == 4
    assert sorted(p.name for p in desk.iterdir() if p.suffix == '.run') == ['w.run']
    # A reconstruction of the same name has a run of its own.
    assert cli('reconstruct', desk / 'slice.tif', *QUICK, '-o', desk / 'w.tif')[0] == 0
    assert Run.open(desk / 'w-2.run').record.command == 'reconstruct'
    assert Run.open(desk / 'w.run').record.command == 'finetune'


@pytest.mark.slow
def test_a_training_stopped_before_its_first_evaluation_can_be_resumed(cli: Cli, desk: Path) -> None:
    command = ('finetune', desk / 'slice.tif', *BRIEF, '-o', desk / 'w.safetensors')
    assert cli(*command)[0] == 0
    whole = Run.open(desk / 'w.run').outputs('weights')[0].content_sha256
    run = Run.open(desk / 'w.run')
    run.checkpoint.unlink()
    run.finish('stopped')
    (desk / 'w.safetensors').unlink()
    code, _, err = cli('finetune', '--resume', desk / 'w.run', '-o', desk / 'w.safetensors')
    assert code == 0, err
    assert Run.open(desk / 'w.run').outputs('weights')[0].content_sha256 == whole


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == 'win32', reason='Windows has no limit on the size of files, no /dev/full')
@pytest.mark.parametrize(
    ('ending', 'code', 'there'),
    [
        ('2>&-', 0, True), ('2>/dev/full', 0, True), ('>&-', 0, True), ('>/dev/full', 1, True),
        ('LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0', 0, True), ('PYTHONIOENCODING=ascii', 0, True),
        ('ulimit -f 1', 1, False),
    ],
)  # fmt: skip
def test_neither_a_closed_terminal_nor_its_letters_cost_the_work(
    desk: Path, ending: str, code: int, there: bool
) -> None:
    words = ['reconstruct', 'slice.tif', *map(str, QUICK), '--no-run', '-o', 'grün.tif']
    command = shlex.join([sys.executable, '-m', 'napari_microrecon', *words])
    before, after = (f'{ending}; ', '') if 'ulimit' in ending else (ending, '') if '=' in ending else ('', ending)
    done = subprocess.run(['bash', '-c', f'{before} {command} {after}'], cwd=desk, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert 'Traceback' not in done.stderr
    assert (desk / 'grün.tif').exists() == there
    if not there:
        assert 'no space left' in done.stderr
    assert sorted(path.name for path in desk.iterdir() if path.name.startswith('.')) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == 'win32', reason='Windows has no SIGTERM')
def test_a_terminated_training_keeps_its_latest_step(desk: Path) -> None:
    command = [sys.executable, '-m', 'napari_microrecon', 'finetune', 'slice.tif', '--from', 'noise', '--steps', '9']
    command += ['--device', 'cpu', '-o', 'w.safetensors']
    with subprocess.Popen(command, cwd=desk, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith('training'):
                process.terminate()
                break
        rest = process.stderr.read()
        assert process.wait(120) == 143, rest
    assert '--resume w.run' in rest
    assert Run.open(desk / 'w.run').record.status == 'stopped'
    assert Run.open(desk / 'w.run').checkpoint.is_file()


def test_names_that_cannot_be_written_are_refused_before_the_work(refused: Refused, cli: Cli, desk: Path) -> None:
    picture = desk / 'slice.tif'
    assert 'too long' in refused('reconstruct', picture, *QUICK, '-o', desk / f'{"n" * 252}.tif')
    long = desk / f'{"n" * 245}.tif'
    code, _, err = cli('reconstruct', picture, *QUICK, '-o', long)
    assert code == 0, err
    assert read_volume(long).shape == (32, 32, 32)
    odd = desk / os.fsdecode(b'gr\xfcn.tif')
    code, _, err = cli('reconstruct', picture, *QUICK, '-o', odd)
    assert code == 0, err
    assert read_volume(odd).shape == (32, 32, 32)
    shutil.copy(picture, desk / os.fsdecode(b'\xfcber.tif'))
    code, _, err = cli('reconstruct', desk / os.fsdecode(b'\xfcber.tif'), *QUICK, '-o', desk / 'plain.tif')
    assert code == 0, err
    assert read_slice(picture).labels.shape == (64, 64)


@pytest.mark.slow
def test_no_output_becomes_a_part_of_a_run(cli: Cli, refused: Refused, desk: Path) -> None:
    picture = desk / 'slice.tif'
    assert cli('reconstruct', picture, *QUICK, '-o', desk / 'a.tif')[0] == 0
    run, volume = desk / 'a.run', desk / 'a.tif'
    for place in ('inputs/slice_000.tif', 'inputs/new.tif'):
        assert 'a part of the run' in refused('reconstruct', picture, *QUICK, '--no-run', '-o', run / place)
        assert 'a part of the run' in refused('replay', run, '-o', run / place)
        assert 'a part of the run' in refused('export', run, '--to', 'tiff', '-o', run / place)
        assert 'a part of the run' in refused('samples', 'fetch', 'sandstone', '-o', run / place)
    assert 'a part of the run' in refused('analyze', volume, '--no-tortuosity', '-o', run / 'run.json')
    assert 'a part of the run' in refused('export', run, '--to', 'weights', '-o', run / 'checkpoint.safetensors')
    assert 'in its own run' in refused('reconstruct', picture, *QUICK, '-o', run / 'x.tif', '--run', run)
    assert 'in its own run' in refused(
        'reconstruct', picture, *QUICK, '-o', desk / 'n.run' / 'x.tif', '--run', desk / 'n.run'
    )
    assert 'is the input' in refused('replay', run, '-o', volume)
    assert 'is the input' in refused('export', run, '--to', 'tiff', '-o', volume)
    shutil.copy(desk / 'rock.tif', desk / 'v@1.tif')
    assert 'is the input' in refused('reconstruct', desk / 'v@1.tif@z=3', *QUICK, '-o', desk / 'v@1.tif')
    (desk / 'loop.tif').symlink_to('loop.tif')
    assert 'leads to itself' in refused('reconstruct', picture, *QUICK, '-o', desk / 'loop.tif')
    (desk / 'loop.tif').unlink()
    for _ in range(2):
        assert cli('replay', run)[0] == 0


def test_what_lies_in_a_run_beside_its_own_files_comes_along(cli: Cli, desk: Path) -> None:
    command = ('reconstruct', desk / 'slice.tif', *QUICK, '-o', desk / 'b.tif')
    assert cli(*command)[0] == 0
    run = desk / 'b.run'
    for name in ('reference.tif', 'checkpoint.safetensors'):
        (run / name).write_text('mine')
    (run / 'data').symlink_to(desk)
    (run / 'empty').mkdir()
    assert cli(*command, '--seed', 2)[0] == 0
    assert Run.open(run).record.seed == 2
    assert (run / 'reference.tif').read_text() == (run / 'checkpoint.safetensors').read_text() == 'mine'
    assert (run / 'data').is_symlink()
    assert (run / 'empty').is_dir()
    assert [path.name for path in desk.iterdir() if path.name.startswith('.')] == []
