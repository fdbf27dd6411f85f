"""Volumes between placed slices from the command line: exact, with a training volume, and again from their Run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_microrecon.engine.files import read_volume, write_slice, write_volume
from napari_microrecon.engine.run import Run
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume

Cli = Callable[..., tuple[int, str, str]]


@pytest.mark.slow
def test_a_training_volume_travels_with_the_run(cli: Cli, rock: Callable[..., Volume], tmp_path: Path) -> None:
    sample = rock(32)
    for position in (4, 12, 24):
        write_slice(Slice.of_volume(sample, 'z', position), tmp_path / f'{position}.tif')
    write_volume(rock(40, 9), tmp_path / 'other.tif')
    arguments = [
        'reconstruct', *(tmp_path / f'{p}.tif' for p in (12, 4, 24)), '--position', '12,4,24', '--shape', 32, 32, 32,
        '--device', 'cpu', '--weights', 'prior', '--json',
    ]  # fmt: skip
    code, out, err = cli(*arguments, '--training-volume', tmp_path / 'other.tif', '--output', tmp_path / 'o.tif')
    assert code == 0, err
    assert 'between the slices: slices of one plane only' in err
    assert 0.01 < json.loads(out)['spread'] < 0.5
    made = read_volume(tmp_path / 'o.tif')
    np.testing.assert_array_equal(made.labels[[4, 12, 24]], sample.labels[[4, 12, 24]])
    record = Run.open(tmp_path / 'o.run').record
    assert [item.role for item in record.inputs] == ['slice', 'slice', 'slice', 'weights', 'training volume']

    (tmp_path / 'other.tif').unlink()
    code, out, err = cli('replay', tmp_path / 'o.run', '--json')
    assert code == 0, err
    assert json.loads(out)['same'] is True

    code, _, err = cli(*arguments, '--training-volume', tmp_path / '4.tif', '--output', tmp_path / 'p.tif')
    assert code == 2
    assert '4.tif: is a 2D image; give a 3D volume' in err
