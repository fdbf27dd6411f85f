"""The verdict on shapes on the command line: told, recorded, and never at the price of the volume."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from napari_microrecon.engine.run import Run

from .conftest import Cli


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    field = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal((96, 96)), 2, mode='wrap')
    path = tmp_path / 'picture.tif'
    tifffile.imwrite(path, (field > np.quantile(field, 0.6)).astype(np.uint8))
    return path


def test_the_verdict_is_told_and_recorded(cli: Cli, picture: Path, tmp_path: Path) -> None:
    output = tmp_path / 'out.tif'
    code, out, err = cli('reconstruct', picture, '--shape', 32, 32, 32, '--prior', 'parametric', '--output', output)
    assert code == 0, err
    verdict = Run.open(tmp_path / 'out.run').record.results['shape']
    assert f'shapes in section: {verdict["words"]}' in out
    assert (verdict['level'] == 'fits') == ('shape: ' not in err)


def test_a_grown_volume_is_replayed_voxel_by_voxel(cli: Cli, picture: Path, tmp_path: Path) -> None:
    output = tmp_path / 'out.tif'
    code, out, err = cli(
        'reconstruct', picture, '--shape', 24, 32, 40, '--prior', 'exemplar', '--seed', 3, '--output', output, '--json'
    )
    assert code == 0, err
    assert json.loads(out)['shape'] == [24, 32, 40]
    code, out, err = cli('replay', tmp_path / 'out.run')
    assert code == 0, err
    assert 'the same volume as in the run' in out


def test_prior_and_weights_exclude_each_other(cli: Cli, picture: Path, tmp_path: Path) -> None:
    code, _, err = cli(
        'reconstruct', picture, '--shape', 32, 32, 32, '--prior', 'exemplar', '--weights', 'berea',
        '--output', tmp_path / 'out.tif',
    )  # fmt: skip
    assert code == 2
    assert '--prior: was given together with --weights berea' in err


def test_stopping_while_the_shapes_are_judged_keeps_the_volume(
    cli: Cli, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr('napari_microrecon.engine.generator.selection.judging_shape', interrupt)
    output = tmp_path / 'out.tif'
    code, _, _ = cli('reconstruct', picture, '--shape', 32, 32, 32, '--prior', 'parametric', '--output', output)
    assert code != 0
    assert tifffile.imread(output).shape == (32, 32, 32)
    assert Run.open(tmp_path / 'out.run').record.status == 'done'


def test_a_slice_that_is_hardly_larger_than_allowed_makes_a_volume(cli: Cli, tmp_path: Path) -> None:
    picture = tmp_path / 'small.npy'
    np.save(picture, (np.indices((17, 19)).sum(0) % 5 < 2).astype(np.uint8))
    code, _, err = cli(
        'reconstruct', picture, '--shape', 16, 16, 16, '--prior', 'exemplar', '--output', tmp_path / 'out.tif'
    )
    assert code == 0, err
