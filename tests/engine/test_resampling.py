"""Resampling in bands against the whole picture at once."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.transform import resize

from napari_microrecon.engine import resampling
from napari_microrecon.engine.picture_steps import resampling as resample_picture
from napari_microrecon.engine.raw_image import RawImage
from napari_microrecon.engine.voxels import VoxelSize


@pytest.mark.parametrize('shape', [(50, 40), (170, 333), (100, 61), (90, 120), (37, 200)])
@pytest.mark.parametrize('channels', [(), (3,)])
def test_bands_give_the_numbers_of_the_whole(shape, channels, monkeypatch):
    image = np.random.default_rng(0).integers(0, 255, (100, 120, *channels)).astype(np.uint8)
    whole = resize(image.astype(np.float32), shape + channels, order=1, anti_aliasing=True, preserve_range=True)
    monkeypatch.setattr(resampling, '_BAND', 2000)
    steps, job = [], resampling.resample(image, shape)
    while True:
        try:
            steps.append(next(job))
        except StopIteration as end:
            found = end.value
            break
    assert len(steps) > 3
    assert all(total == shape[0] for _, total in steps)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, whole, atol=0.01)


def test_a_large_picture_can_be_stopped():
    image = RawImage(np.zeros((4000, 3000), np.uint8), VoxelSize.cube(1, 'um'), name='large.tif')
    job = resample_picture(image, 0.4)
    assert next(job).stage == 'Resampling large.tif'
    job.close()
