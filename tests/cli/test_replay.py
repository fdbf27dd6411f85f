"""Replay names the build that made a run; a run is trusted with what lies beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from napari_microrecon.engine.provenance import BUILD, build

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(cli: Cli, rocks: Path, tmp_path: Path) -> Path:
    """Run of a small volume, work/o.run, with its volume beside it."""
    output = tmp_path / 'work' / 'o.tif'
    small = ['--shape', 32, 32, 32, '--weights', 'prior', '--device', 'cpu']
    assert cli('reconstruct', rocks / 'slice.tif', *small, '--output', output)[0] == 0
    return output.with_name('o.run')


def change(run: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    record = json.loads((run / 'run.json').read_text())
    edit(record)
    (run / 'run.json').write_text(json.dumps(record))


def test_another_build_is_named(cli: Cli, run: Path) -> None:
    def of_another_build(record: dict[str, Any]) -> None:
        record['versions'][BUILD] = 'abcdef012345'
        record['outputs'][0]['content_sha256'] = '0' * 64

    change(run, of_another_build)
    code, out, _ = cli('replay', run)
    assert code == 0
    assert 'NOT the same volume' in out
    assert f'made by build abcdef012345 (0.1.0), this is build {build()}: other builds may give other results' in out
    assert 'versions and build are those of the run' not in out

    change(run, lambda record: record['versions'].pop(BUILD))
    assert f'that has no name (0.1.0), this is build {build()}' in cli('replay', run)[1]

    change(run, lambda record: record['versions'].update({BUILD: build()}))
    code, out, _ = cli('replay', run, '--json')
    told = json.loads(out)
    assert (told['same'], told['build'], told['build_of_run']) == (False, build(), build())
    assert 'device, versions and build are those of the run' in cli('replay', run)[1]


def test_parameters_of_another_version_name_who_can_replay_them(cli: Cli, run: Path) -> None:
    change(run, lambda record: record['parameters'].update(quality=7))
    code, _, err = cli('replay', run)
    assert code == 2
    last = err.strip().splitlines()[-1]
    assert 'parameters that this version does not have (quality: ' in last
    assert 'can replay it' in last


def test_a_volume_elsewhere_takes_the_users_word(cli: Cli, run: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / 'elsewhere.tif'
    (run.parent / 'o.tif').rename(elsewhere)
    change(run, lambda record: record['outputs'][0].update(path='../../elsewhere.tif'))
    code, _, err = cli('export', run, '--to', 'stl', '--output', tmp_path / 'o.stl')
    assert code == 2
    assert 'was not opened' in err
    assert '--trust-paths' in err
    for trusted in (elsewhere, tmp_path):
        code, _, err = cli('export', run, '--to', 'stl', '--output', tmp_path / 'o.stl', '--trust-paths', trusted)
        assert code == 0, err
    assert cli('methods', run)[0] == 2
    assert cli('methods', run, '--trust-paths', elsewhere)[0] == 0
    assert cli('replay', run)[0] == 0  # opens no result
