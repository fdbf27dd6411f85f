"""The demo in a real, shown window, as its own process."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
from PIL import Image


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-m', 'napari_microrecon.panels.demo_window', *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=os.environ)


def test_a_picture_of_the_whole_window_is_taken(tmp_path):
    path = tmp_path / 'new folder' / 'window.png'
    done = _run('sandstone', '--edge', '64', '--size', '1366', '768', '--screenshot', str(path))
    assert done.returncode == 0, done.stderr
    picture = np.asarray(Image.open(path).convert('RGB')).astype(int)
    assert picture.shape == (768, 1366, 3)
    canvas = picture[100:600, 340:900]
    # pores of both volumes are drawn in the colour of the legend, in the left and in the right cell
    blue = (canvas[..., 2] > canvas[..., 0] + 60).sum(axis=0)
    assert blue[:280].sum() > 150
    assert blue[280:].sum() > 150


def test_an_unknown_sample_is_one_line():
    done = _run('granite')
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert 'sandstone' in done.stderr
