"""The demo without a display writes what it promises and says what the numbers mean."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_microrecon.cli.demo import has_display, meaning
from napari_microrecon.cli.window_picture import WindowPicture
from napari_microrecon.engine.analysis import compare
from napari_microrecon.engine.files import read_volume
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.volume import Volume

Cli = Callable[..., tuple[int, str, str]]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform in ('win32', 'darwin'), reason='these always have a display')
def test_headless_demo(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('PATH', str(tmp_path))  # no Xvfb here: the picture is tested with the window
    code, out, err = cli('demo', '--headless', '--edge', 64, '--output', tmp_path / 'out')
    assert code == 0, err
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == ['report.html', 'report.json', 'volume.tif']
    assert 'No window.png: xvfb-run, Xvfb, xauth missing' in out
    assert 'of the reconstruction is pore' in out
    volume = read_volume(tmp_path / 'out' / 'volume.tif')
    assert volume.shape == (64, 64, 64)
    assert volume.voxel_size.is_known
    report = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert report['schema'] == 1
    assert report['statistics']['phase_fraction']['value'] == pytest.approx(volume.fractions[1])
    assert {'tortuosity_z', 'tortuosity_y', 'tortuosity_x'} <= set(report['statistics'])
    assert 's2_radial' in report['curves']
    assert 'verdicts' in report['comparison']
    page = (tmp_path / 'out' / 'report.html').read_text()
    assert '<svg' in page or 'data:image/png' in page
    assert 'src="http' not in page


def test_meaning(rock: Callable[..., Volume]) -> None:
    comparison = drain(compare(rock(32), rock(64, 1), in_process=True))
    sentences = meaning(comparison)
    assert sentences[0].startswith('30.0 % of the reconstruction is pore, 30.0 % of the reference (inside the band')
    assert any('times in the reference' in s or 'no path leads' in s for s in sentences)
    assert any('two-point correlation' in s for s in sentences)
    # Sparse isolated pores: no path, and that is said once for all axes.
    sentences = meaning(drain(compare(rock(32, 2, (0.95, 0.05)), rock(64, 1), in_process=True)))
    assert 'Along z and y and x no path leads through the pore in the reconstruction: no tortuosity.' in sentences


@pytest.mark.skipif(sys.platform in ('win32', 'darwin'), reason='these always have a display')
def test_display_and_missing_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    assert not has_display()
    monkeypatch.setenv('WAYLAND_DISPLAY', 'wayland-0')
    assert has_display()
    monkeypatch.setenv('PATH', str(tmp_path))
    with WindowPicture('sandstone', tmp_path / 'window.png') as picture:
        remark = picture.wait()
    assert not picture.path.exists()
    assert 'apt-get install xvfb xauth' in remark


@pytest.mark.skipif(sys.platform in ('win32', 'darwin'), reason='without Xvfb')
def test_a_window_that_fails_says_why(tmp_path: Path) -> None:
    with WindowPicture('granite', tmp_path / 'window.png') as picture:
        remark = picture.wait()
    assert not picture.path.exists()
    assert remark.startswith('No window.png: ')
    assert 'granite' in remark or 'missing' in remark


@pytest.mark.skipif(sys.platform in ('win32', 'darwin'), reason='without Xvfb')
def test_leaving_early_ends_the_window(tmp_path: Path) -> None:
    with WindowPicture('sandstone', tmp_path / 'window.png') as picture:
        child = picture._child
        if child is None:
            pytest.skip(picture.wait())
    assert child.returncode is not None
    deadline = time.monotonic() + 10
    while _group_lives(child.pid):  # nothing of its group is left
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
