"""`slice-count` from the command line: table, JSON, file, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., tuple[int, str, str]]


def test_the_table_and_the_file_tell_the_same(cli: Cli, rocks: Path, tmp_path: Path) -> None:
    output = tmp_path / 'counts.json'
    code, out, err = cli(
        'slice-count', rocks / 'rock.tif', '--counts', '4', '--normal', 'x', '--edge', 32, '--device', 'cpu',
        '--output', output,
    )  # fmt: skip
    assert code == 0, err
    data = json.loads(output.read_text())
    assert data['crop'] == {'start': [16, 16, 16], 'shape': [32, 32, 32]}
    assert data['normal'] == 'x'
    (one,) = data['counts']
    assert one['slices'] == 4
    assert 'the middle 32 x 32 x 32 voxels of rock' in out
    for method, score in one['methods'].items():
        line = next(line for line in out.splitlines() if f' {method} ' in line)
        assert f'{score["ssim"]:.3f}' in line
        assert ('-' in line.split()) == (score['psnr'] is None)
    assert 'window 7' in out
    assert f'wrote {output}' in out


def test_json_is_one_object(cli: Cli, rocks: Path) -> None:
    code, out, err = cli(
        'slice-count', rocks / 'rock.tif', '--counts', '3', '--edge', 32, '--realisations', 1, '--device', 'cpu',
        '--json',
    )  # fmt: skip
    assert code == 0, err
    data = json.loads(out)
    assert [one['slices'] for one in data['counts']] == [3]
    assert data['counts'][0]['spread'] is None


@pytest.mark.parametrize(
    ('arguments', 'told'),
    [
        (('--counts', 'three'), "--counts: 'three' is not understood"),
        (('--counts', '1'), 'counts: 1 slices of'),
        (('--normal', 'z,y'), "--normal: 'z,y' is not one axis"),
        (('--output', 'counts.txt'), 'counts.txt'),
    ],
)
def test_bad_input_is_one_line(cli: Cli, rocks: Path, arguments: tuple[str, str], told: str) -> None:
    code, _, err = cli('slice-count', rocks / 'rock.tif', *arguments)
    assert code == 2
    assert told in err
