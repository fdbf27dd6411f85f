"""`reconstruct`, `finetune` and `replay`: real volumes and weights, the same again from their Run."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_microrecon.cli.outputs import beside, numbered
from napari_microrecon.engine.files import read_slice, read_volume
from napari_microrecon.engine.run import Run

Cli = Callable[..., tuple[int, str, str]]
SMALL = ('--shape', 32, 32, 32, '--device', 'cpu', '--weights', 'prior')


def test_names_of_outputs() -> None:
    assert beside(Path('a/out.ome.zarr')) == Path('a/out.run')
    assert beside(Path('a/out.v2.tif')) == Path('a/out.v2.run')
    assert numbered(Path('out.tif'), 1) == [Path('out.tif')]
    assert numbered(Path('a/out.ome.zarr'), 2) == [Path('a/out_000.ome.zarr'), Path('a/out_001.ome.zarr')]


def test_reconstruct_and_replay_after_the_inputs_are_gone(cli: Cli, rocks: Path, tmp_path: Path) -> None:
    shutil.copy(rocks / 'slice.tif', tmp_path / 'mine.tif')
    code, out, err = cli('reconstruct', tmp_path / 'mine.tif', *SMALL, '--seed', 3, '--output', tmp_path / 'o.tif')
    assert code == 0, err
    assert 'weights: ' in err
    assert 'pore (label 1): fraction' in out
    volume = read_volume(tmp_path / 'o.tif')
    assert volume.shape == (32, 32, 32)
    assert volume.phases.names == ('grain', 'pore')
    assert str(volume.voxel_size) == '2 um'
    assert (volume.provenance.kind, volume.provenance.seed) == ('reconstruction', 3)
    assert volume.provenance.inputs[0].name == 'mine.tif'

    (tmp_path / 'mine.tif').unlink()
    (tmp_path / 'o.run').rename(tmp_path / 'kept')
    code, out, err = cli('replay', tmp_path / 'kept', '--json')
    assert code == 0, err
    result = json.loads(out)
    assert result['same'] is True
    again = read_volume(tmp_path / 'kept' / 'replay' / 'o.tif')
    np.testing.assert_array_equal(again.labels, volume.labels)


def test_replay_says_when_the_result_differs(cli: Cli, rocks: Path, tmp_path: Path) -> None:
    assert cli('reconstruct', rocks / 'slice.tif', *SMALL, '--output', tmp_path / 'o.tif')[0] == 0
    record = tmp_path / 'o.run' / 'run.json'
    changed = json.loads(record.read_text())
    changed['parameters']['seed'] = 99
    changed['versions']['numpy'] = '1.0'
    record.write_text(json.dumps(changed))
    code, out, _ = cli('replay', tmp_path / 'o.run', '--output', tmp_path / 'again.tif')
    assert code == 0
    assert 'NOT the same volume' in out
    assert '(was 1.0)' in out
    assert (tmp_path / 'again.tif').is_file()


def test_realisations_probabilities_and_zarr(cli: Cli, rocks: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        'reconstruct', rocks / 'slice.tif', rocks / 'slice_y.tif', '--normal', 'z,y', '--position', '8,20',
        '--shape', 64, 64, 64, '--weights', 'prior', '--realisations', 2, '--no-run', '--json',
        '--probabilities', tmp_path / 'p.npy', '--output', tmp_path / 'o.ome.zarr',
    )  # fmt: skip
    assert code == 0, err
    result = json.loads(out)
    assert [Path(o['path']).name for o in result['outputs']] == ['o_000.ome.zarr', 'o_001.ome.zarr']
    assert result['run'] is None
    assert sorted(p.name for p in tmp_path.iterdir()) == ['o_000.ome.zarr', 'o_001.ome.zarr', 'p.npy']
    first, second = (read_volume(tmp_path / f'o_00{i}.ome.zarr') for i in (0, 1))
    # Positions mean conditioned: the slices lie in the volumes, which differ elsewhere.
    for volume in (first, second):
        np.testing.assert_array_equal(volume.slice_labels('z', 8), read_slice(rocks / 'slice.tif').labels)
        np.testing.assert_array_equal(volume.slice_labels('y', 20), read_slice(rocks / 'slice_y.tif').labels)
    assert np.any(first.labels != second.labels)
    probabilities = np.load(tmp_path / 'p.npy')
    assert probabilities.shape == (2, 64, 64, 64)
    np.testing.assert_allclose(probabilities.sum(axis=0), 1, atol=2e-3)


def test_most_likely_with_probabilities_as_tiff(cli: Cli, rocks: Path, tmp_path: Path) -> None:
    code, _, err = cli(
        'reconstruct', f'{rocks / "rock.tif"}@z=8', f'{rocks / "rock.tif"}@z=40', '--mode', 'most-likely',
        '--shape', 64, 64, 64, '--weights', 'prior', '--probabilities', tmp_path / 'p.tif',
        '--output', tmp_path / 'o.tif',
    )  # fmt: skip
    assert code == 0, err
    rock, made = read_volume(rocks / 'rock.tif'), read_volume(tmp_path / 'o.tif')
    np.testing.assert_array_equal(made.labels[[8, 40]], rock.labels[[8, 40]])
    with tifffile.TiffFile(tmp_path / 'p.tif') as file:
        assert (file.series[0].axes, file.series[0].shape) == ('ZCYX', (64, 2, 64, 64))


def test_a_named_plane_alone_does_not_condition(cli: Cli, rocks: Path, tmp_path: Path) -> None:
    # Its position counts voxels of another volume: here it would lie outside.
    code, _, err = cli('reconstruct', f'{rocks / "rock.tif"}@z=60', *SMALL, '--no-run', '--output', tmp_path / 'o.tif')
    assert code == 0, err


def test_options_reach_the_volume(cli: Cli, rocks: Path, tmp_path: Path) -> None:
    code, _, err = cli(
        'reconstruct', rocks / 'slice.tif', '--shape', 48, 48, 48, '--weights', 'prior', '--no-run',
        '--target-fraction', 'pore=0.5', '--voxel-size', '0.5', '--unit', 'mm', '--output', tmp_path / 'o.tif',
    )  # fmt: skip
    assert code == 0, err
    volume = read_volume(tmp_path / 'o.tif')
    assert str(volume.voxel_size) == '0.5 mm'
    assert volume.fractions[1] == pytest.approx(0.5, abs=0.1)
    np.save(tmp_path / 'grey.npy', np.where(read_slice(rocks / 'slice.tif').labels, 30.0, 200.0) + np.eye(64))
    code, _, err = cli(
        'reconstruct', tmp_path / 'grey.npy', *SMALL, '--phases', 'grain,pore', '--order', 'bright-first', '--no-run',
        '--output', tmp_path / 'g.tif',
    )  # fmt: skip
    assert code == 0, err
    assert read_volume(tmp_path / 'g.tif').phases.pore == 1
    assert 'grey.npy: 2 phases by Otsu threshold' in err


def test_finetune_writes_weights_that_reconstruct(cli: Cli, rocks: Path, tuned: Path, tmp_path: Path) -> None:
    record = Run.open(tuned.with_suffix('.run')).record
    assert (record.command, record.status) == ('finetune', 'done')
    assert 0 < record.results['steps'] <= record.results['plan'][-1][1]
    assert record.parameters['minutes'] == 0.02
    code, out, err = cli(
        'reconstruct', rocks / 'slice.tif', '--shape', 32, 32, 32, '--weights', tuned, '--json',
        '--output', tmp_path / 'o.tif',
    )  # fmt: skip
    assert code == 0, err
    assert 'tuned' in json.loads(out)['weights_reason']
    assert read_volume(tmp_path / 'o.tif').provenance.weights is not None


def test_a_training_on_the_clock_is_replayed_step_by_step(cli: Cli, tuned: Path, tmp_path: Path) -> None:
    shutil.copytree(tuned.with_suffix('.run'), tmp_path / 'moved.run')
    code, out, err = cli('replay', tmp_path / 'moved.run')
    assert code == 0, err
    assert 'the same weights as in the run' in out


@pytest.mark.slow
def test_the_recipe_of_the_paper_trains_from_the_slices_alone(cli: Cli, rocks: Path, tmp_path: Path) -> None:
    output = tmp_path / 'paper.safetensors'
    code, out, err = cli(
        'finetune', rocks / 'slice.tif', '--recipe', 'paper', '--steps', 1, '--device', 'cpu', '--json', '-o', output
    )
    assert code == 0, err
    assert 'untrained structural prior' in json.loads(out)['start_reason']
    parameters = Run.open(output.with_suffix('.run')).record.parameters
    assert (parameters['recipe'], parameters['critic_start']) == ('paper', 0.0)
    assert {name for name, weight in parameters['loss'].items() if weight} == {'surface', 'critic', 'penalty'}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == 'win32', reason='Windows has no SIGINT to send to another process')
def test_ctrl_c_keeps_the_training_and_resume_ends_it_alike(cli: Cli, rocks: Path, tmp_path: Path) -> None:
    arguments = ['finetune', str(rocks / 'slice.tif'), '--from', 'noise', '--steps', '6', '--device', 'cpu']
    command = [sys.executable, '-m', 'napari_microrecon', *arguments, '--output', str(tmp_path / 'stopped.safetensors')]
    # Who starts the tests in the background of a shell has them, and their children, ignore the signal.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith('training'):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
        assert process.wait(60) == 130, rest
    assert rest.endswith('napari-microrecon: stopped\n')
    assert '--resume' in rest
    assert 'Traceback' not in rest
    assert [p.name for p in tmp_path.iterdir()] == ['stopped.run']
    assert Run.open(tmp_path / 'stopped.run').record.status == 'stopped'

    code, _, err = cli('finetune', '--resume', tmp_path / 'stopped.run', '--output', tmp_path / 'stopped.safetensors')
    assert code == 0, err
    assert cli(*arguments, '--output', tmp_path / 'whole.safetensors')[0] == 0
    resumed, whole = (Run.open(tmp_path / f'{name}.run').outputs('weights')[0] for name in ('stopped', 'whole'))
    assert resumed.content_sha256 == whole.content_sha256
    # What is finished has nothing to go on with.
    code, _, err = cli('finetune', '--resume', tmp_path / 'whole.run', '--output', tmp_path / 'x.safetensors')
    assert code == 2
    assert 'is finished' in err
