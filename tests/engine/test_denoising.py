"""Filters in pieces give the numbers of the whole, and can be stopped in the middle."""

from __future__ import annotations

import time
from collections.abc import Generator

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, median_filter
from skimage.restoration import denoise_tv_chambolle

from napari_microrecon.engine import denoising
from napari_microrecon.engine.denoising import median, total_variation
from napari_microrecon.engine.picture_steps import denoising as filtered
from napari_microrecon.engine.progress import Progress, drain
from napari_microrecon.engine.raw_image import RawImage


def _picture(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    blobs = gaussian_filter(rng.normal(size=shape), 4) > 0
    return (blobs * 0.5 + 0.25 + rng.normal(0, 0.1, shape)).clip(0, 1).astype(np.float32)


def _end(steps: Generator[tuple[int, int], None, np.ndarray]) -> np.ndarray:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


@pytest.mark.parametrize('shape', [(90, 200), (201, 64), (1, 40), (40, 1)])
@pytest.mark.parametrize('weight', [0.05, 0.5])
def test_total_variation_in_strips_is_that_of_scikit_image(monkeypatch, shape, weight):
    monkeypatch.setattr(denoising, '_STRIP', 7 * shape[1])  # many strips, the last one shorter
    picture = _picture(shape)
    np.testing.assert_array_equal(_end(total_variation(picture, weight)), denoise_tv_chambolle(picture, weight=weight))


@pytest.mark.parametrize('radius', [1, 2, 5])
@pytest.mark.parametrize('dtype', [np.uint8, np.uint16, np.float32])
def test_median_in_tiles_is_that_of_the_whole(monkeypatch, radius, dtype):
    monkeypatch.setattr(denoising, '_MEDIAN_TILE', 3000)
    picture = (_picture((61, 90)) * 200).astype(dtype)
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    whole = median_filter(picture, footprint=x**2 + y**2 <= radius**2, mode='nearest')
    found = _end(median(picture, radius))
    np.testing.assert_array_equal(found, whole)
    assert found.dtype == dtype


@pytest.mark.parametrize(('denoise', 'radius'), [('total-variation', 1), ('median', 15)])
def test_a_large_picture_answers_within_a_second_and_says_how_far_it_is(denoise, radius):
    """4096 x 4096 pixels: half a minute, or minutes, if nobody stops it."""
    image = RawImage((np.tile(_picture((1024, 1024)), (4, 4)) * 255).astype(np.uint8), name='large.tif', kind='grey')
    job = filtered(image, denoise, radius, 0.5)
    heard, longest = [], 0.0
    next(job)
    began = time.thread_time()
    while time.thread_time() - began < 3:
        before = time.thread_time()
        heard.append(next(job))
        longest = max(longest, time.thread_time() - before)
    before = time.thread_time()
    job.close()
    assert time.thread_time() - before < 0.5
    assert longest < 1
    assert all(isinstance(one, Progress) and 'large.tif' in one.stage for one in heard)
    assert heard[-1].step > heard[0].step
    assert heard[-1].step < heard[-1].total


def test_the_filtered_picture_keeps_the_numbers_of_the_camera():
    grey = (_picture((64, 64)) * 4000 + 300).astype(np.uint16)
    done, words = drain(filtered(RawImage(grey, name='sem', kind='grey'), 'total-variation', 1, 0.2))
    assert 'total-variation filter of weight 0.2' in words
    assert done.array.dtype == np.float32
    assert abs(done.array.mean() - grey.mean()) < 1
    assert np.diff(done.array, axis=1).std() < 0.5 * np.diff(grey.astype(float), axis=1).std()
