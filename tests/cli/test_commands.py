"""The command line: help and errors come fast, results on stdout, files as promised."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_microrecon import __version__
from napari_microrecon.cli.options import parse_normals, parse_phases, parse_positions
from napari_microrecon.cli.terminal import describe, duration
from napari_microrecon.engine.files import read_volume, write_volume
from napari_microrecon.engine.progress import Progress
from napari_microrecon.engine.volume import Volume

Cli = Callable[..., tuple[int, str, str]]
Rock = Callable[..., Volume]

COMMANDS = ('demo', 'samples', 'reconstruct', 'finetune', 'analyze', 'compare', 'representativity', 'novelty', 'replay')


def test_every_command_has_help(cli: Cli) -> None:
    code, out, err = cli('--help')
    assert (code, err) == (0, '')
    for command in COMMANDS:
        assert command in out
        code, text, err = cli(command, '--help')
        assert (code, err) == (0, '')
        assert 'Usage' in text


def test_the_module_and_the_version(cli: Cli) -> None:
    assert cli('--version') == (0, f'{__version__}\n', '')
    done = subprocess.run(
        [sys.executable, '-m', 'napari_microrecon', '--version'], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == __version__


def test_help_and_errors_load_nothing_heavy() -> None:
    script = (
        'import sys; from napari_microrecon.cli import main; main(["--help"]); '
        'main(["reconstruct", "none.tif", "--shape", "32", "32", "32", "--output", "o.tif"]); '
        'heavy = {"torch", "porespy", "skimage", "napari", "qtpy", "matplotlib", "scipy"} & set(sys.modules); '
        'sys.exit(f"loaded {heavy}" if heavy else 0)'
    )
    began = time.process_time()
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert time.process_time() - began < 5
    assert 'none.tif: does not exist' in done.stderr


@pytest.mark.parametrize(
    ('arguments', 'problem'),
    [
        (['reconst'], "No such command 'reconst'"),
        (['reconstruct', 'a.tif'], 'Missing option'),
        (['reconstruct', 'a.tif', '--shape', '32', '32', '--output', 'o.tif'], '--shape'),
        (['reconstruct', 'a.tif', '--shape', '32', '32', 'x', '--output', 'o.tif'], 'valid integer'),
        (['reconstruct', 'a.tif', '--shape', '32', '32', '32', '--output', 'o.tif', '--mode', 'foo'], 'foo'),
        (['reconstruct', '--shape', '32', '32', '32', '--output', 'o.tif'], 'SLICE: no slice was given'),
        (['analyze'], 'VOLUME'),
        (['analyze', 'v.tif', '--wrong'], '--wrong'),
    ],
)
def test_wrong_usage_is_told_in_one_line(cli: Cli, arguments: list[str], problem: str) -> None:
    code, out, err = cli(*arguments)
    assert (code, out) == (2, '')
    assert err.count('\n') == 1
    assert problem in err


def test_lists() -> None:
    assert parse_normals('z, Y,x') == ['z', 'y', 'x']
    assert parse_normals('') == []
    assert parse_positions('0,8,16') == [0, 8, 16]
    phases = parse_phases('grain, pore')
    assert not isinstance(phases, int)
    assert phases is not None
    assert (phases.names, phases.pore) == (('grain', 'pore'), 1)
    assert parse_phases('3') == 3
    assert parse_phases(None) is None


def test_a_progress_line() -> None:
    progress = Progress('training', 5, 20, {'loss': 0.123456, 'seconds_left': 150, 'patches': 1.0})
    assert describe(progress) == 'training  5/20 (25 %)  about 2 min left  loss 0.123'
    assert describe(Progress('reading')) == 'reading'
    assert (duration(0.2), duration(99), duration(600), duration(9000)) == ('1 s', '99 s', '10 min', '2.5 h')


def test_analyze(cli: Cli, rock: Rock, tmp_path: Path) -> None:
    volume = rock(32)
    path = write_volume(volume, tmp_path / 'v.tif')
    code, out, err = cli('analyze', path, '--output', tmp_path / 'r.json')
    assert code == 0, err
    report = json.loads((tmp_path / 'r.json').read_text())
    assert (report['schema'], report['phase']) == (1, 1)
    assert report['volume']['shape'] == [32, 32, 32]
    assert (report['volume']['voxel_size'], report['volume']['unit']) == ([2.0, 2.0, 2.0], 'um')
    assert report['statistics']['phase_fraction']['value'] == pytest.approx(volume.fractions[1])
    for statistic in report['statistics'].values():
        assert {'value', 'unit', 'sd', 'method', 'valid', 'note'} <= set(statistic)
    assert {'lag', 'lag_unit', 'value'} == set(report['curves']['s2_z'])
    assert 'phase_fraction' in out
    assert 'r.json' in out


def test_analyze_as_json_and_of_another_phase(cli: Cli, rock: Rock, tmp_path: Path) -> None:
    volume = rock(32)
    path = write_volume(volume, tmp_path / 'v.ome.zarr')
    code, out, err = cli(
        'analyze', path, '--phase', 0, '--voxel-size', '3,2,1', '--unit', 'nm', '--no-tortuosity', '--json'
    )
    assert code == 0, err
    report = json.loads(out)
    assert (report['volume']['voxel_size'], report['volume']['unit']) == ([3, 2, 1], 'nm')
    assert report['statistics']['phase_fraction']['value'] == pytest.approx(volume.fractions[0])
    assert sorted(p.name for p in tmp_path.iterdir()) == ['v.ome.zarr']


@pytest.mark.parametrize('ending', ['.html', '.json'])
def test_compare_writes_both_reports(cli: Cli, rock: Rock, tmp_path: Path, ending: str) -> None:
    made = write_volume(rock(32, seed=1), tmp_path / 'made.tif')
    real = write_volume(rock(64, seed=2), tmp_path / 'real.tif')
    code, out, err = cli('compare', made, real, '--no-tortuosity', '--output', tmp_path / f'c{ending}')
    assert code == 0, err
    assert '<svg' in (tmp_path / 'c.html').read_text() or 'data:image/png' in (tmp_path / 'c.html').read_text()
    record = json.loads((tmp_path / 'c.json').read_text())
    assert 'phase_fraction' in json.dumps(record['verdicts'])
    assert 'c.html' in out
    assert 'c.json' in out


def test_samples_are_listed_and_written(cli: Cli, tmp_path: Path) -> None:
    code, out, err = cli('samples')
    assert code == 0, err
    assert 'sandstone' in out
    assert 'ketton' in out
    code, listed, err = cli('samples', 'list', '--json')
    names = {sample['name']: sample for sample in json.loads(listed)['samples']}
    assert names['sandstone']['kind'] == 'synthetic'
    code, out, err = cli('samples', 'fetch', 'sandstone', '--output', tmp_path / 's.tif')
    assert code == 0, err
    volume = read_volume(tmp_path / 's.tif')
    assert volume.phases.pore == 1
    assert volume.voxel_size.is_known
    assert volume.provenance.kind == 'synthetic'


def test_the_numbers_of_a_json_result_are_the_files(cli: Cli, tmp_path: Path) -> None:
    code, out, err = cli('samples', 'fetch', 'sandstone', '--output', tmp_path / 's.tif', '--json')
    assert code == 0, err
    result = json.loads(out)
    volume = read_volume(tmp_path / 's.tif')
    assert result['shape'] == list(volume.shape)
    np.testing.assert_allclose(result['fractions'], volume.fractions)
