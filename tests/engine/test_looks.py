"""Maps of numbered regions and labels that were blurred are known from grey pictures, and not thresholded."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom
from scipy.spatial import cKDTree

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import read_image, read_slice, read_volume
from napari_microrecon.engine.looks import blurred_labels, count_of_regions
from napari_microrecon.engine.preparation import Preparation
from napari_microrecon.engine.raw_image import RawImage
from napari_microrecon.engine.segmentation import segment
from napari_microrecon.session import Session, inputs
from napari_microrecon.session.task import run_now

RNG = np.random.default_rng(8)
_ROWS, _COLUMNS = np.mgrid[:200, :200]
GRAINS = cKDTree(RNG.random((90, 2)) * 200).query(np.c_[_ROWS.ravel(), _COLUMNS.ravel()])[1].reshape(200, 200) + 1
TILES = np.kron(np.arange(1, 301).reshape(15, 20), np.ones((20, 20), int))
FIELDS = [gaussian_filter(RNG.normal(size=(150, 150)), 5) for _ in range(2)]
PHASES = np.where(FIELDS[0] > 0.02, 2, np.where(FIELDS[1] > 0.01, 1, 0)).astype(np.uint8)


@pytest.mark.parametrize(
    ('ids', 'count'),
    [
        (TILES.astype(np.uint16), 300),
        (GRAINS.astype(np.uint8), 90),
        (GRAINS.astype(np.float32), 90),
        (RNG.permutation(5000)[GRAINS].astype(np.int32), 90),
        (np.where(GRAINS < 60, 0, GRAINS).astype(np.uint16), 32),  # particles in a background
        (np.stack([GRAINS] * 20).astype(np.uint16), 90),
    ],
)
def test_a_map_of_ids_is_not_thresholded(ids: np.ndarray, count: int) -> None:
    assert count_of_regions(ids) == count
    image = RawImage(ids, kind='stack' if ids.ndim == 3 else 'grey')
    with pytest.raises(InputError, match=f'map of {count} numbered regions.*--segment boundaries.*id:7.*otsu'):
        segment(image)
    with pytest.raises(InputError, match='numbered regions'):
        segment(image, 2)
    assert segment(image, method='otsu').method == 'otsu'  # whoever insists


def test_boundaries_and_one_region_of_a_map() -> None:
    image = RawImage(TILES.astype(np.uint16))
    done = segment(image, method='boundaries')
    wanted = np.zeros_like(TILES)
    wanted[19:-1:20] = 1
    wanted[:, 19:-1:20] = 1
    np.testing.assert_array_equal(done.labels, wanted)
    np.testing.assert_array_equal(segment(image, method='region', region=17).labels, TILES == 17)
    with pytest.raises(InputError, match='no region 301'):
        segment(image, method='region', region=301)
    with pytest.raises(InputError, match='ask for 2'):
        segment(image, 3, 'boundaries')


def test_coloured_grains_are_a_map_too() -> None:
    colours = RNG.integers(0, 255, (91, 3), np.uint8)[GRAINS]
    image = RawImage(colours, kind='rgb')
    with pytest.raises(InputError, match='numbered regions'):
        segment(image)
    assert 0.05 < segment(image, method='boundaries').labels.mean() < 0.3


def test_doors_of_a_map(tmp_path: Path) -> None:
    np.save(tmp_path / 'ids.npy', TILES.astype(np.uint16))
    np.save(tmp_path / 'v.npy', np.stack([TILES] * 18).astype(np.uint16))
    with pytest.raises(InputError, match='numbered regions'):
        read_slice(tmp_path / 'ids.npy')
    chosen = Preparation.of(method='region', region=7)
    assert read_slice(tmp_path / 'ids.npy', preparation=chosen).fractions[1] == 1 / 300
    with pytest.raises(InputError, match='numbered regions'):
        read_volume(tmp_path / 'v.npy')
    with pytest.raises(InputError, match='numbered regions'):
        read_volume(tmp_path / 'v.npy', 2)
    assert read_volume(tmp_path / 'v.npy', method='region', region=7).fractions[1] == 1 / 300


def test_the_window_takes_boundaries_and_says_so(tmp_path: Path) -> None:
    np.save(tmp_path / 'ids.npy', TILES.astype(np.uint16))
    session = Session()
    run_now(session, inputs.open_files(session, [tmp_path / 'ids.npy']))
    draft = session.material.drafts[0]
    assert draft.preparation is not None
    assert draft.preparation.method == 'boundaries'
    assert draft.is_doubtful
    assert 'map of 300 numbered regions' in draft.note


def _grey(noise: float) -> np.ndarray:
    return np.clip(60 + 60 * PHASES + RNG.normal(0, noise, PHASES.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    'grey',
    [
        _grey(6),
        gaussian_filter(_grey(20), 2),
        np.tile(np.arange(256, dtype=np.uint8), (200, 1)),  # a ramp
        np.repeat(np.tile(np.arange(256, dtype=np.uint8), (200, 1)), 3, 1),
        gaussian_filter(RNG.normal(100, 900, (200, 200)), 6).astype(np.uint8),
    ],
)
def test_grey_values_are_neither(grey: np.ndarray) -> None:
    assert count_of_regions(grey) == 0
    assert blurred_labels(grey) == ()


def test_real_micrographs_are_neither(shared_data: Path) -> None:
    from napari_microrecon.engine.greys import grey_of

    pictures = [p for p in sorted((shared_data / 'micrographs').rglob('*')) if p.suffix in ('.png', '.jpg', '.tif')]
    for path in pictures[::4]:
        grey = grey_of(read_image(path))
        assert (count_of_regions(grey), len(blurred_labels(grey)) > 2) == (0, False), path


def _resized(values: tuple[int, int, int], order: int) -> np.ndarray:
    return np.clip(np.round(zoom(np.array(values, float)[PHASES], 2, order=order)), 0, 255).astype(np.uint8)


def _jpeg(values: tuple[int, int, int], quality: int) -> np.ndarray:
    out = io.BytesIO()
    Image.fromarray(np.kron(np.array(values, np.uint8)[PHASES], np.ones((2, 2), np.uint8))).save(
        out, format='jpeg', quality=quality
    )
    return np.asarray(Image.open(out))


@pytest.mark.parametrize(
    'picture',
    [
        _resized((0, 127, 255), 1),
        _resized((0, 127, 255), 3),
        _resized((10, 20, 30), 1),
        _resized((0, 2, 4), 1),  # five values
        _jpeg((0, 127, 255), 90),
        _jpeg((40, 128, 220), 70),
        _resized((0, 127, 255), 1).astype(np.float32) / 255,
    ],
)
def test_blurred_labels_are_told_and_snapped(picture: np.ndarray) -> None:
    truth = np.kron(PHASES, np.ones((2, 2), np.uint8))
    image = RawImage(picture, kind='grey')
    assert len(blurred_labels(picture)) == 3
    assert 'looks like 3 labels' in segment(image).warning
    assert '--phases 3' in segment(image).warning
    done = segment(image, 3)
    assert (done.method, done.warning) == ('snap', '')
    assert np.mean(done.labels != truth) < 0.04  # a resize by splines moves the picture by half a pixel
    np.testing.assert_array_equal(segment(image, method='snap').labels, done.labels)
    # No film of the middle phase around the highest one: it borders on the lowest where it did.
    films = {(0, 2), (2, 0)}
    pairs = set(zip(done.labels[:, :-1].ravel().tolist(), done.labels[:, 1:].ravel().tolist(), strict=True))
    assert films <= pairs


def test_labels_and_masks_are_not_blurred() -> None:
    for picture in (PHASES, PHASES * 80, (PHASES > 0).astype(np.uint8) * 255):
        assert blurred_labels(picture) == ()
    with pytest.raises(InputError, match='does not look like labels'):
        segment(RawImage(_grey(6)), method='snap')
