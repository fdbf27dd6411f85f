"""Bad input: exit code 2, one line on stderr that names file or field and the way out, nothing left behind."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import check_target, read_slice

Cli = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]
SHAPE = ('--shape', 32, 32, 32)


@pytest.fixture
def refused(cli: Cli, tmp_path: Path) -> Refused:
    """Run a command that must be refused; return its one line after checking that it left no file."""

    def run(*arguments: object) -> str:
        before = sorted(tmp_path.rglob('*'))
        code, out, err = cli(*arguments)
        assert (code, out) == (2, ''), err
        assert err.count('\n') == 1, err
        assert err.startswith('napari-microrecon: ')
        assert ': ' in err
        assert '; ' in err, 'the way out is missing'
        assert sorted(tmp_path.rglob('*')) == before, 'something was left behind'
        return err

    return run


@pytest.fixture
def reconstruct(refused: Refused, tmp_path: Path) -> Refused:
    """Refused reconstruction of the given slice."""
    return lambda *arguments: refused('reconstruct', *arguments, *SHAPE, '--output', tmp_path / 'out.tif')


def _save(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


BLOBS = (np.random.default_rng(0).random((40, 40)) > 0.5).astype(np.uint8)


# -- slices --------------------------------------------------------------------------------------------


def test_missing_file(reconstruct: Refused) -> None:
    assert 'none.tif: does not exist; check the path' in reconstruct('none.tif')


@pytest.mark.parametrize('ending', ['tif', 'png', 'npy', 'jpg', 'bmp'])
def test_empty_file(reconstruct: Refused, tmp_path: Path, ending: str) -> None:
    (tmp_path / f'a.{ending}').touch()
    assert f'a.{ending}: is empty' in reconstruct(tmp_path / f'a.{ending}')


def test_text_renamed(reconstruct: Refused, tmp_path: Path) -> None:
    (tmp_path / 'a.tif').write_text('not an image\nat all\n')
    assert 'a.tif: is not a TIFF image' in reconstruct(tmp_path / 'a.tif')


def test_folder_and_unknown_ending(reconstruct: Refused, tmp_path: Path) -> None:
    assert 'is a folder' in reconstruct(tmp_path)
    (tmp_path / 'a.doc').write_text('x')
    assert 'use one of .tif' in reconstruct(tmp_path / 'a.doc')


def test_a_stack_as_one_slice_offers_its_planes(reconstruct: Refused, rocks: Path) -> None:
    line = reconstruct(rocks / 'rock.tif')
    assert f'{rocks / "rock.tif"}@z=32' in line
    assert 'planes z 0..63' in line
    assert 'choose 0..63' in reconstruct(f'{rocks / "rock.tif"}@y=64')
    assert 'is a single image' in reconstruct(f'{rocks / "slice.tif"}@z=1')
    assert 'does not exist' in reconstruct('none.tif@z=1')


def test_one_phase(reconstruct: Refused, tmp_path: Path) -> None:
    for name, array in (('u', np.zeros((40, 40), np.uint8)), ('f', np.full((40, 40), 0.25))):
        assert 'one phase only' in reconstruct(_save(tmp_path / f'{name}.npy', array))


def test_nan(reconstruct: Refused, tmp_path: Path) -> None:
    grey = BLOBS.astype(np.float32)
    grey[3, 4] = np.nan
    assert 'a.npy: holds 1 values that are NaN' in reconstruct(_save(tmp_path / 'a.npy', grey))


@pytest.mark.parametrize('shape', [(1, 200), (200, 1), (1, 1), (15, 200)])
def test_too_narrow(reconstruct: Refused, tmp_path: Path, shape: tuple[int, int]) -> None:
    image = (np.arange(shape[0] * shape[1]) % 2).reshape(shape).astype(np.uint8)
    line = reconstruct(_save(tmp_path / 'a.npy', image))
    assert 'a.npy' in line
    assert shape == (1, 1) or f'{shape[0]} x {shape[1]} pixels' in line


def test_slices_that_disagree(reconstruct: Refused, rocks: Path, tmp_path: Path) -> None:
    line = reconstruct(rocks / 'slice.tif', rocks / 'three.tif')
    assert 'three.tif: has 3 phases while slice.tif has 2' in line
    tifffile.imwrite(
        tmp_path / 'fine.tif', BLOBS, imagej=True, resolution=(1.0, 1.0), metadata={'unit': 'um', 'axes': 'YX'}
    )
    tifffile.imwrite(
        tmp_path / 'coarse.tif', BLOBS, imagej=True, resolution=(0.5, 0.5), metadata={'unit': 'um', 'axes': 'YX'}
    )
    line = reconstruct(tmp_path / 'fine.tif', tmp_path / 'coarse.tif')
    assert 'coarse.tif: has voxels of 2 um while fine.tif has 1 um' in line


# -- options -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('options', 'problem'),
    [
        (['--normal', 'z,y'], 'normal: 2 were given for 1 slices'),
        (['--normal', 'w'], "--normal: 'w' is not an axis"),
        (['--position', '1,2,3'], 'position: 3 were given for 1 slices'),
        (['--position', 'a'], "--position: 'a' is not understood"),
        (['--position', '-3'], '--position'),
        (['--phases', '1'], 'phases: 1 is not possible'),
        (['--phases', 'grain,'], '--phases'),
        (['--phases', '0'], 'phases: 0'),
        (['--voxel-size', '0'], 'voxel size'),
        (['--voxel-size', '1,2'], 'voxel size'),
        (['--voxel-size', '3', '--unit', 'furlong'], 'unit'),
        (['--target-fraction', '0.2'], '--target-fraction'),
        (['--target-fraction', '7=0.2'], 'phase: 7 is not in the volume'),
        (['--target-fraction', '1=1.5'], '--target-fractions'),
        (['--realisations', '0'], '--realisations'),
        (['--tile', '3'], '--tile'),
        (['--seed', '-1'], '--seed'),
        (['--mode', 'conditioned', '--position', '40'], 'position 40 lies outside'),
        (['--mode', 'conditioned', '--position', '4'], 'crop it to 32 x 32'),
        (['--position', '4'], 'is 64 x 64 while the shape asks for 32 x 32'),
        (['--weights', 'granite'], 'weights granite: are not known'),
        (['--weights', 'none.safetensors'], 'none.safetensors'),
        (['--device', 'abacus'], 'device'),
    ],
)
def test_options(reconstruct: Refused, rocks: Path, options: list[str], problem: str) -> None:
    assert problem in reconstruct(rocks / 'slice.tif', *options)


@pytest.mark.parametrize('shape', [(15, 64, 64), (64, 64, 1), (0, 64, 64), (-64, 64, 64)])
def test_shape_too_small(refused: Refused, rocks: Path, tmp_path: Path, shape: tuple[int, int, int]) -> None:
    line = refused('reconstruct', rocks / 'slice.tif', '--shape', *shape, '--output', tmp_path / 'o.tif')
    assert '--shape' in line
    assert '16' in line


def test_conditioned_without_positions(reconstruct: Refused, rocks: Path, tmp_path: Path) -> None:
    bare = _save(tmp_path / 'bare.npy', read_slice(rocks / 'slice.tif').labels[:32, :32])
    assert 'bare.npy: has no position; give --position' in reconstruct(bare, '--mode', 'conditioned')


def test_cuda_where_there_is_none(reconstruct: Refused, rocks: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip('this machine has CUDA')
    line = reconstruct(rocks / 'slice.tif', '--device', 'cuda')
    assert 'device: CUDA was asked for' in line
    assert 'device auto or cpu' in line


def test_weights_of_another_phase_count_and_no_weights(
    reconstruct: Refused, refused: Refused, rocks: Path, tuned: Path, tmp_path: Path
) -> None:
    line = reconstruct(rocks / 'three.tif', '--weights', tuned)
    assert 'make 2 phases while the slices have 3' in line
    line = refused(
        'finetune', rocks / 'three.tif', '--from', tuned, '--steps', 2, '--output', tmp_path / 'w.safetensors'
    )
    assert 'make 2 phases while the slices have 3' in line
    (tmp_path / 'fake.safetensors').write_text('no weights')
    assert 'fake.safetensors' in reconstruct(rocks / 'slice.tif', '--weights', tmp_path / 'fake.safetensors')


@pytest.mark.parametrize(
    ('options', 'problem'),
    [
        (['--steps', 2, '--minutes', 1], '--minutes: was given together with --steps'),
        (['--steps', 0], '--steps'),
        (['--minutes', 0], '--minutes'),
        (['--from', 'granite'], 'weights granite: are not known'),
        (['--recipe', 'poster'], '--recipe'),
        (['--resume', 'none.run'], 'none.run: does not exist'),
    ],
)
def test_finetune_options(refused: Refused, rocks: Path, tmp_path: Path, options: list, problem: str) -> None:
    line = refused('finetune', rocks / 'slice.tif', *options, '--output', tmp_path / 'w.safetensors')
    assert problem in line


def test_what_is_no_run(refused: Refused, tmp_path: Path) -> None:
    assert 'no.run: does not exist' in refused('replay', tmp_path / 'no.run')
    assert 'holds no run.json' in refused('replay', tmp_path)


def test_volumes(refused: Refused, rocks: Path, tmp_path: Path) -> None:
    report = tmp_path / 'r.json'
    assert 'does not exist' in refused('analyze', 'none.tif', '--output', report)
    assert 'is a 2D image' in refused('analyze', rocks / 'slice.tif', '--output', report)
    assert 'phase: 5 is not in the volume' in refused('analyze', rocks / 'rock.tif', '--phase', 5, '--output', report)
    grey = _save(tmp_path / 'grey.npy', np.random.default_rng(0).random((20, 20, 20)))
    assert '--phases 2' in refused('analyze', grey, '--output', report)
    three = _save(tmp_path / 'three.npy', np.random.default_rng(0).integers(0, 3, (20, 20, 20), np.uint8))
    line = refused('compare', rocks / 'rock.tif', three, '--output', report)
    assert 'has 2 phases while' in line
    coarse = tmp_path / 'coarse.tif'
    tifffile.imwrite(
        coarse, np.random.default_rng(0).integers(0, 2, (20, 20, 20), np.uint8), imagej=True, resolution=(1.0, 1.0),
        metadata={'unit': 'um', 'spacing': 1.0, 'axes': 'ZYX'},
    )  # fmt: skip
    assert 'has voxels of 2 um while' in refused('compare', rocks / 'rock.tif', coarse, '--output', report)
    assert 'sample' in refused('demo', 'granite', '--headless', '--output', tmp_path / 'd')
    assert 'sample' in refused('samples', 'fetch', 'granite', '--output', tmp_path / 'd.tif')


# -- outputs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize('name', ['out.npy', 'out.png', 'out', 'out.safetensors', 'out.zip'])
def test_endings_that_are_not_written(refused: Refused, rocks: Path, tmp_path: Path, name: str) -> None:
    line = refused('reconstruct', rocks / 'slice.tif', *SHAPE, '--output', tmp_path / name)
    assert name in line
    assert '.tif or ' in line
    assert '.json or .html' in refused('analyze', rocks / 'rock.tif', '--output', tmp_path / 'r.txt')
    assert '.safetensors' in refused('finetune', rocks / 'slice.tif', '--steps', 2, '--output', tmp_path / 'w.pt')


def test_places_that_cannot_be_written(refused: Refused, rocks: Path, tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('x')
    (tmp_path / 'folder.tif').mkdir()
    for place in (tmp_path / 'file' / 'o.tif', Path('/proc/o.tif'), tmp_path / 'folder.tif'):
        line = refused('reconstruct', rocks / 'slice.tif', *SHAPE, '--output', place)
        assert str(place) in line
    assert 'is a file' in refused('demo', '--headless', '--output', tmp_path / 'file')
    place = tmp_path / 'file' / 'w.safetensors'
    assert str(place) in refused('finetune', rocks / 'slice.tif', '--steps', 2, '--output', place)
    assert 'file' in refused('samples', 'fetch', 'sandstone', '--output', tmp_path / 'file' / 's.tif')
    assert 'file' in refused('analyze', rocks / 'rock.tif', '--output', tmp_path / 'file' / 'r.json')
    # A folder of the user's must not be taken for an old run.
    (tmp_path / 'photos').mkdir()
    (tmp_path / 'photos' / 'a.jpg').write_text('x')
    line = refused(
        'finetune', rocks / 'slice.tif', '--from', 'scratch', '--steps', 2, '--run', tmp_path / 'photos',
        '--output', tmp_path / 'w.safetensors',
    )  # fmt: skip
    assert 'holds something else than a run' in line


@pytest.mark.skipif(sys.platform == 'win32', reason='Windows has no such permissions')
def test_read_only_folder() -> None:
    import os

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        # Root may write anywhere: become somebody else for this check.
        mine = os.geteuid()
        if mine == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(InputError, match='permission denied.*choose another output folder'):
                check_target(folder / 'o.tif', ('.tif',))
        finally:
            if mine == 0:
                os.seteuid(0)
        folder.chmod(0o755)


def test_no_space_is_seen_before_the_work(cli: Cli, rocks: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        'reconstruct', rocks / 'slice.tif', '--shape', 200000, 200000, 200000, '--output', tmp_path / 'o.tif'
    )
    assert (code, out) == (1, ''), 'the input was good'
    assert 'no space left' in err
    assert err.count('\n') == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == 'win32', reason='Windows has no limit on the size of files')
@pytest.mark.parametrize('ending', ['.tif', '.ome.zarr'])
def test_no_space_while_writing(tmp_path: Path, ending: str) -> None:
    script = (
        'import resource, sys; from napari_microrecon.cli import main; '
        'resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); sys.exit(main(sys.argv[1:]))'
    )
    arguments = ['samples', 'fetch', 'sandstone', '--output', str(tmp_path / f'o{ending}')]
    done = subprocess.run(
        [sys.executable, '-c', script, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout) == (1, '')
    assert done.stderr.count('\n') == 1
    assert 'no space left' in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == 'win32', reason='Windows has no limit on the size of files')
def test_no_space_for_a_reconstruction_keeps_the_old_file(rocks: Path, tmp_path: Path) -> None:
    (tmp_path / 'o.tif').write_text('precious')
    script = (
        'import resource, sys; from napari_microrecon.cli import main; '
        'resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500)); sys.exit(main(sys.argv[1:]))'
    )
    arguments = [
        'reconstruct', str(rocks / 'slice.tif'), '--shape', '32', '32', '32', '--weights', 'prior', '--device', 'cpu',
        '--overwrite', '--output', str(tmp_path / 'o.tif'),
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, '-c', script, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith('napari-microrecon: ')
    assert 'no space left' in done.stderr
    assert 'Traceback' not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ['o.tif']
    assert (tmp_path / 'o.tif').read_text() == 'precious'
