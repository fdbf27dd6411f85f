"""`representativity` and `novelty` on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from napari_microrecon.engine.files import write_slice, write_volume
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume

Cli = Callable[..., tuple[int, str, str]]
Rock = Callable[..., Volume]


@pytest.fixture(scope='module')
def large(rock: Rock, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with rock.tif and other.tif (112^3), slice.tif of the first, and grey.tif, a blurred picture of it."""
    folder = tmp_path_factory.mktemp('large')
    volume = rock(112)
    write_volume(volume, folder / 'rock.tif')
    write_volume(rock(112, 1), folder / 'other.tif')
    write_slice(Slice.of_volume(volume, 'z', 50), folder / 'slice.tif')
    grey = gaussian_filter(volume.slice_labels('z', 50).astype(float), 0.7)
    grey += np.random.default_rng(0).normal(0, 0.05, grey.shape)
    tifffile.imwrite(folder / 'grey.tif', np.clip(60 + 120 * grey, 0, 255).round().astype(np.uint8))
    return folder


def test_a_slice_and_the_size_for_a_precision(cli: Cli, large: Path) -> None:
    code, out, err = cli('representativity', large / 'slice.tif', '--precision', '0.01', '--json')
    assert code == 0, err
    data = json.loads(out)
    assert (data['verdict'], data['phase_name']) == ('large enough', 'pore')
    assert data['interval']['low'] < 0.3 < data['interval']['high']
    assert data['threshold_sd'] is None
    assert data['needed']['edge']['unit'] == 'um'
    code, out, _ = cli('representativity', large / 'slice.tif', '--precision', '0.01')
    assert 'large enough: 0.' in out
    assert f'{data["needed"]["images"]["value"]:.0f} images' in out


def test_several_slices_narrow_it(cli: Cli, large: Path) -> None:
    def width(*slices: str) -> float:
        _, out, _ = cli('representativity', *(f'{large / "rock.tif"}@{plane}' for plane in slices), '--json')
        interval = json.loads(out)['interval']
        return interval['high'] - interval['low']

    assert width('z=20', 'z=60', 'z=100') < 0.75 * width('z=20')
    assert width('z=20', 'z=21') == pytest.approx(width('z=20'), rel=0.2)


def test_a_grey_slice_carries_its_threshold(cli: Cli, large: Path) -> None:
    code, out, _ = cli('representativity', large / 'grey.tif', '--json')
    data = json.loads(out)
    assert code == 0
    assert data['threshold_sd']['value'] > 0
    low, high = data['interval']['low'], data['interval']['high']
    assert high - low > data['sampling_interval']['high'] - data['sampling_interval']['low']
    assert 'from the threshold' in cli('representativity', large / 'grey.tif')[1]


def test_too_small_is_said(cli: Cli, rocks: Path, tmp_path: Path) -> None:
    labels = tifffile.imread(rocks / 'slice.tif')[:32, :32]
    tifffile.imwrite(tmp_path / 'small.tif', labels)
    code, out, _ = cli('representativity', tmp_path / 'small.tif', '--precision', '0.01')
    assert code == 0
    assert 'too small' in out
    assert 'far apart' not in out


def test_a_volume_tells_more_than_its_slice(cli: Cli, large: Path) -> None:
    code, out, err = cli('representativity', large / 'rock.tif', '--precision', '0.01', '--json')
    assert code == 0, err
    data = json.loads(out)
    assert (data['verdict'], data['volume'], data['phase_name']) == ('large enough', 'rock', 'pore')
    assert data['threshold_sd'] is None
    assert data['integral_range']['unit'] == 'um^3'
    interval, needed = data['interval'], data['needed']
    assert interval['low'] < 0.3 < interval['high']
    assert data['fraction']['value'] == pytest.approx(0.3, abs=1e-4)
    half = (interval['high'] - interval['low']) / 2
    plane = json.loads(cli('representativity', f'{large / "rock.tif"}@z=50', '--json')[1])
    assert half < 0.4 * (plane['interval']['high'] - plane['interval']['low']) / 2
    # The half-width falls with the root of the volume: 112 voxels of 2 um gave `half`, the needed cube gives 0.01.
    assert needed['edge']['unit'] == 'um'
    assert needed['edge']['value'] == pytest.approx(224 * (half / 0.01) ** (2 / 3), rel=0.1)
    text = cli('representativity', large / 'rock.tif', '--phase', '0', '--precision', '0.01')[1]
    assert 'phase 0 (grain): large enough' in text
    assert f'{needed["edge"]["value"]:.4g}' in text
    assert 'for one cube' in text


def test_a_grey_volume_carries_its_threshold_and_a_small_one_is_too_small(
    cli: Cli, rock: Rock, large: Path, tmp_path: Path
) -> None:
    grey = gaussian_filter(rock(64).labels.astype(float), 0.7)
    grey += np.random.default_rng(0).normal(0, 0.05, grey.shape)
    tifffile.imwrite(tmp_path / 'grey.tif', np.clip(60 + 120 * grey, 0, 255).round().astype(np.uint8))
    code, out, err = cli('representativity', tmp_path / 'grey.tif', '--phases', '2', '--json')
    assert code == 0, err
    data = json.loads(out)
    assert data['threshold_sd']['value'] > 0
    low, high = data['interval']['low'], data['interval']['high']
    assert high - low > data['sampling_interval']['high'] - data['sampling_interval']['low']
    code, out, err = cli('representativity', tmp_path / 'grey.tif')
    assert (code, out) == (2, '')
    assert '--phases' in err
    write_volume(rock(20), tmp_path / 'small.tif')
    code, out, _ = cli('representativity', tmp_path / 'small.tif', '--precision', '0.01')
    assert code == 0
    assert 'too small: ' in out
    assert 'voxels' in out
    for extra in (['--normal', 'z'], ['--position', '3'], ['--denoise', 'median:1']):
        code, out, err = cli('representativity', large / 'rock.tif', *extra)
        assert (code, out) == (2, '')
        assert 'is a volume' in err
    code, out, err = cli('representativity', large / 'rock.tif', large / 'other.tif')
    assert code == 2
    assert 'name a plane of it' in err


def test_bad_wishes_are_told(cli: Cli, large: Path) -> None:
    for more, words in ((('--precision', '2'), 'precision'), (('--confidence', '1'), 'confidence')):
        code, out, err = cli('representativity', large / 'slice.tif', *more)
        assert (code, out) == (2, '')
        assert words in err
    assert cli('representativity')[0] == 2


def test_novelty_of_copies_and_of_another_draw(cli: Cli, large: Path, tmp_path: Path, rock: Rock) -> None:
    plane = tmp_path / 'plane.tif'
    tifffile.imwrite(plane, tifffile.imread(large / 'slice.tif'))
    code, out, err = cli('novelty', large / 'other.tif', plane, '--json')
    assert code == 0, err
    assert json.loads(out)['verdict'] == 'new'
    assert json.loads(out)['repeats']['verdict'] == 'none'
    code, out, _ = cli('novelty', large / 'rock.tif', plane)
    assert code == 0
    copied = rock(112, 1).labels.copy()
    copied[30:60] = tifffile.imread(plane)
    write_volume(Volume(copied, rock(112).phases), tmp_path / 'copied.tif')
    code, out, _ = cli('novelty', tmp_path / 'copied.tif', plane)
    assert code == 0
    assert ': copied: parts of the slices' in out
    assert 'repeats within the volume: ' in out
    assert cli('novelty', large / 'rock.tif')[0] == 2
