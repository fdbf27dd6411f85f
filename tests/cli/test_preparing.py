"""Grey pictures on the command line: crop, filter and thresholds are obeyed, recorded and replayed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from napari_microrecon.engine.run import Run

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope='session')
def micrograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey picture of 96 x 96 pixels of 0.5 um with noise, and a black data bar of 16 rows below."""
    rng = np.random.default_rng(0)
    field = gaussian_filter(rng.normal(size=(96, 96)), 3, mode='wrap')
    grey = np.where(field > np.quantile(field, 0.6), 160, 80) + rng.normal(0, 20, field.shape)
    bar = np.zeros((16, 96))
    bar[5:11, 10:40:3] = 255
    path = tmp_path_factory.mktemp('grey') / 'sem.tif'
    array = np.clip(np.vstack([grey, bar]), 0, 255).astype(np.uint8)
    tifffile.imwrite(path, array, imagej=True, resolution=(2.0, 2.0), metadata={'unit': 'um', 'axes': 'YX'})
    return path


PREPARED = ['--crop', 'auto', '--denoise', 'median:2', '--thresholds', '115', '--least-size', '12']


def test_what_was_asked_for_is_recorded_and_replayed(cli: Cli, micrograph: Path, tmp_path: Path) -> None:
    output = tmp_path / 'out.tif'
    code, _, err = cli(
        'reconstruct', micrograph, *PREPARED, '--shape', 24, 24, 24, '--weights', 'prior', '--device', 'cpu',
        '--output', output,
    )  # fmt: skip
    assert code == 0, err
    told = 'rows 0 to 95 and columns 0 to 95 kept; median over a disc of radius 2 pixels; 2 phases by the threshold 115'
    assert f'sem.tif: {told}' in err
    run = Run.open(tmp_path / 'out.run')
    item = next(iter(run.load_slices()))
    assert item.labels.shape == (96, 96)
    assert item.fractions[1] == pytest.approx(0.4, abs=0.01)
    preparation = item.provenance.parameters['preparation']
    assert preparation['crop'] == {'rows': [0, 96], 'columns': [0, 96]}
    assert (preparation['radius'], preparation['thresholds'], preparation['least_size']) == (2, [115.0], 12)
    assert run.record.results['segmentation'][0].startswith(told)
    code, out, _ = cli('replay', tmp_path / 'out.run', '--json')
    assert code == 0
    assert json.loads(out)['same'] is True
    code, out, _ = cli('methods', tmp_path / 'out.run')
    assert 'median over a disc' in out


@pytest.mark.parametrize(
    ('options', 'expected', 'told'),
    [
        (('--turn', 90), lambda a: np.rot90(a), 'turned by 90 degrees counterclockwise'),
        (('--turn', 270), lambda a: np.rot90(a, 3), 'turned by 270 degrees counterclockwise'),
        (('--mirror', 'up-down'), lambda a: a[::-1], 'flipped up-down'),
        (('--turn', 180, '--mirror', 'left-right'), lambda a: np.rot90(a, 2)[:, ::-1], 'flipped left-right'),
    ],
)
def test_a_picture_is_turned_and_mirrored_recorded_and_replayed(
    cli: Cli, tmp_path: Path, options: tuple[object, ...], expected: Callable[[np.ndarray], np.ndarray], told: str
) -> None:
    labels = np.zeros((40, 64), np.uint8)
    labels[:10, :20] = 1  # one corner, so that no turn is its own mirror image
    labels[30:36, 40:60] = 1
    for k in range(5):
        labels[2 + 7 * k : 8 + 7 * k, 22 + 8 * k : 27 + 8 * k] = 1
    path = tmp_path / 'wide.tif'
    tifffile.imwrite(path, labels)
    output = tmp_path / 'out.tif'
    code, _, err = cli(
        'reconstruct', path, *options, '--shape', 24, 24, 24, '--weights', 'prior', '--device', 'cpu',
        '--output', output,
    )  # fmt: skip
    assert code == 0, err
    assert told in err
    item = next(iter(Run.open(tmp_path / 'out.run').load_slices()))
    np.testing.assert_array_equal(item.labels, expected(labels))
    assert told in item.provenance.description
    code, out, _ = cli('replay', tmp_path / 'out.run', '--json')
    assert code == 0
    assert json.loads(out)['same'] is True


def test_finetuning_takes_the_same_options(cli: Cli, micrograph: Path, tmp_path: Path) -> None:
    code, _, err = cli(
        'finetune', micrograph, *PREPARED, '--resample', 1, '--from', 'scratch', '--steps', 1, '--device', 'cpu',
        '--output', tmp_path / 'w.safetensors',
    )  # fmt: skip
    assert code == 0, err
    item = next(iter(Run.open(tmp_path / 'w.run').load_slices()))
    assert item.labels.shape == (48, 48)
    assert item.voxel_size.x == 1
    assert 'resampled from 0.5 to 1 um' in item.provenance.description


def test_representativity_is_that_of_the_thresholds(cli: Cli, micrograph: Path) -> None:
    def fraction(*options: object) -> float:
        code, out, err = cli('representativity', micrograph, '--json', *options)
        assert code == 0, err
        return json.loads(out)['fraction']['value']

    whole, cropped = fraction('--crop', 'none'), fraction('--crop', ':-16,:')
    assert fraction() == cropped  # unasked
    assert cropped == pytest.approx(0.4, abs=0.03)
    assert whole < cropped  # the black bar counts as the dark phase
    assert fraction(*PREPARED) == pytest.approx(0.4, abs=0.01)
    assert fraction('--crop', '0:96,:', '--thresholds', '60') > 0.8
    assert fraction('--crop', '0:96,:', '--thresholds', '60,140', '--phase', 0) < 0.2


@pytest.mark.parametrize(
    ('options', 'problem'),
    [
        (['--thresholds', 'dark'], "--thresholds: 'dark' is not understood"),
        (['--thresholds', '120,60'], '--thresholds: thresholds must rise'),
        (['--thresholds', '60,120', '--phases', '2'], 'thresholds: 2 were given for 2 phases'),
        (['--thresholds', '400'], 'thresholds: 400 leave a single phase in sem.tif'),
        (['--denoise', 'magic'], "--denoise: 'magic' is not understood"),
        (['--denoise', 'median:0'], '--denoise: '),
        (['--denoise', 'tv:x'], '--denoise: '),
        (['--least-size', '-1'], '--least-size: '),
        (['--crop', '1:2:3'], "--crop: '1:2:3' is not understood"),
        (['--crop', '50:20,:'], '--crop: rows 50:20 keep nothing'),
        (['--crop', ':500,:'], 'crop: rows 0:500 of a picture with 112 rows'),
        (['--resample', '0'], '--resample: '),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    cli: Cli, micrograph: Path, tmp_path: Path, options: list[str], problem: str
) -> None:
    code, out, err = cli(
        'reconstruct', micrograph, *options, '--shape', 32, 32, 32, '--output', tmp_path / 'out.tif'
    )  # fmt: skip
    assert (code, out) == (2, '')
    assert problem in err
    assert err.count('\n') == 1
    assert not list(tmp_path.iterdir())


def test_a_data_bar_is_cut_off_and_told(cli: Cli, micrograph: Path) -> None:
    code, _, err = cli('representativity', micrograph)
    assert code == 0, err
    assert 'a data bar at the bottom was cut off (rows from 96 on); --crop none keeps it' in err
    for crop in ('auto', 'none', ':-16,:'):
        code, _, err = cli('representativity', micrograph, '--crop', crop)
        assert code == 0, err
        assert 'was cut off' not in err
