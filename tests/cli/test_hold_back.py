"""`hold-back` from the command line: table, JSON, file, volume, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_microrecon.engine.files import read_volume, write_slice
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope='session')
def section(rock: Callable[..., Volume], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Section of 100 x 100 pixels."""
    path = tmp_path_factory.mktemp('section') / 'section.tif'
    write_slice(Slice.of_volume(rock(100), 'z', 50), path)
    return path


COMMON = ('--shape', 64, 64, 64, '--weights', 'prior', '--realisations', 1, '--device', 'cpu')


def test_table_file_and_volume_tell_the_same(cli: Cli, section: Path, tmp_path: Path) -> None:
    output, volume = tmp_path / 'held.json', tmp_path / 'made.tif'
    code, out, err = cli('hold-back', section, *COMMON, '--output', output, '--volume', volume)
    assert code == 0, err
    data = json.loads(output.read_text())
    assert data['window'] == [64, 33]
    assert data['held'] == ['section.tif, columns 67 to 99']
    assert data['rest'] == ['section.tif, columns 0 to 66']
    assert data['sentence'] in out
    for one in data['statistics']:
        line = next(x for x in out.splitlines() if x.startswith(f'  {one["phase_name"]:<12} {one["name"]}'))
        assert f'{one["held"]:.4g}' in line
    assert {one['verdict']['verdict'] for one in data['statistics']} <= {'inside', 'outside', 'cannot tell'}
    assert read_volume(volume).shape == (64, 64, 64)
    assert f'wrote {output}' in out


def test_training_on_the_rest(cli: Cli, section: Path) -> None:
    code, out, err = cli('hold-back', section, *COMMON, '--weights', 'scratch', '--steps', 1, '--json')
    assert code == 0, err
    data = json.loads(out)
    assert data['weights'].startswith('trained on the rest')
    assert data['volumes'] == 1


@pytest.mark.parametrize(
    ('arguments', 'told'),
    [
        (('--share', '0.7'), 'share: 0.7 cannot be held back'),
        (('--share', '0.4'), 'section.tif: would have 100 x 60 pixels left, fewer than 64 x 64'),
        (('--minutes', '1', '--steps', '1'), '--minutes: was given together with --steps'),
        (('--turn', '45'), '--turn: 45 is no quarter turn'),
        (('--output', 'held.txt'), 'held.txt'),
    ],
)
def test_bad_input_is_one_line(cli: Cli, section: Path, arguments: tuple[str, str], told: str) -> None:
    code, _, err = cli('hold-back', section, *COMMON, *arguments)
    assert code == 2
    assert told in err
