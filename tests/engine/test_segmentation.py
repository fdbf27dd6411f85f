"""Segmentation finds known phases again, keeps labels, and says what it did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import read_image, read_slice
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.raw_image import MOST_LABELS, RawImage, few_values
from napari_microrecon.engine.segmentation import is_labelled, remove_specks, segment

RNG = np.random.default_rng(3)
TRUTH = np.kron(RNG.integers(0, 3, (8, 9)), np.ones((8, 8))).astype(np.uint8)


def _grey(truth: np.ndarray, noise: float = 6) -> RawImage:
    return RawImage(np.clip(40 + 80 * truth + RNG.normal(0, noise, truth.shape), 0, 255).astype(np.uint8), kind='grey')


def _labels(array: np.ndarray) -> RawImage:
    return RawImage(array, kind='labels')


def test_grey_is_two_phases_unless_told() -> None:
    done = segment(_grey(TRUTH > 0))
    np.testing.assert_array_equal(done.labels, TRUTH > 0)
    assert done.labels.dtype == np.uint8
    assert (done.method, done.phases.count) == ('otsu', 2)
    assert 50 < done.thresholds[0] < 110  # the dark phase lies at 40, the bright one at 120
    assert '2 phases by Otsu threshold' in done.note


def test_three_grey_phases_by_multi_otsu() -> None:
    done = segment(_grey(TRUTH), 3)
    np.testing.assert_array_equal(done.labels, TRUTH)
    assert (done.method, len(done.thresholds)) == ('multi-otsu', 2)


def test_bright_first_turns_the_order() -> None:
    done = segment(_grey(TRUTH), 3, order='bright-first')
    np.testing.assert_array_equal(done.labels, 2 - TRUTH)
    assert done.note.endswith('bright = phase 0')


def test_threshold_of_float_and_16_bit_images() -> None:
    grey = _grey(TRUTH > 0).array
    for array in (grey.astype(np.float32) / 255, grey.astype(np.uint16) * 200):
        # Otsu puts the threshold at the edge of the gap between the phases: a stray pixel may fall on the other side.
        assert np.mean(segment(RawImage(array)).labels == (TRUTH > 0)) > 0.999


def test_distinct_values_become_labels_in_rising_order() -> None:
    done = segment(_labels(np.array([85, 170, 255], np.uint8)[TRUTH]))
    np.testing.assert_array_equal(done.labels, TRUTH)
    assert '85 -> 0, 170 -> 1, 255 -> 2' in done.note
    done = segment(_labels(np.array([-1, 5, 1000], np.int32)[TRUTH]))
    np.testing.assert_array_equal(done.labels, TRUTH)


def test_labels_stay_where_a_phase_is_absent() -> None:
    without = np.where(TRUTH == 1, 0, TRUTH)
    np.testing.assert_array_equal(segment(_labels(without), 3).labels, without)
    with pytest.raises(InputError, match=r'2 distinct values \(0, 200\) and 3 phases'):
        segment(_labels(np.where(without > 0, 200, 0)), 3)


def test_more_values_than_phases_are_thresholded() -> None:
    done = segment(_labels(np.array([0, 10, 250], np.uint8)[TRUTH]), 2)
    np.testing.assert_array_equal(done.labels, TRUTH == 2)
    assert done.method == 'otsu'


def test_given_phases_are_kept() -> None:
    phases = Phases.named('grain', 'pore', pore=1)
    assert segment(_grey(TRUTH > 0), phases).phases == phases
    assert segment(RawImage((TRUTH > 0).astype(np.uint8), phases=phases, kind='labels')).phases == phases


def test_few_colours_are_labels_by_brightness() -> None:
    colours = np.array([[255, 255, 0], [0, 0, 90], [200, 0, 0]], np.uint8)  # luminance: high, low, middle
    done = segment(RawImage(colours[TRUTH], kind='rgb'))
    np.testing.assert_array_equal(done.labels, np.array([2, 0, 1])[TRUTH])
    assert '#00005a -> 0, #c80000 -> 1, #ffff00 -> 2' in done.note


def test_colours_of_equal_brightness_need_k_means() -> None:
    red, green = np.array([200.0, 0, 0]), np.array([0.0, 59.4, 0])  # equal luminance: 42.5
    noisy = np.where((TRUTH > 0)[..., None], red, green) + RNG.normal(0, 4, (*TRUTH.shape, 3))
    image = RawImage(np.clip(noisy, 0, 255).astype(np.uint8), kind='rgb')
    grey = segment(image)
    assert 0.3 < np.mean(grey.labels == (TRUTH > 0)) < 0.9
    done = segment(image, 2, 'colours')
    agreement = np.mean(done.labels == (TRUTH > 0))
    assert max(agreement, 1 - agreement) > 0.99
    np.testing.assert_array_equal(done.labels, segment(image, 2, 'colours').labels)


def test_specks_take_the_label_around_them() -> None:
    noisy = np.kron(RNG.integers(0, 2, (4, 4)), np.ones((16, 16))).astype(np.uint8)
    clean = noisy.copy()
    noisy[5, 5] ^= 1
    noisy[20, 20:22] ^= 1
    labels, changed = remove_specks(noisy, 2, 3)
    np.testing.assert_array_equal(labels, clean)
    assert changed == 3
    assert remove_specks(clean, 2, 3) == (clean, 0)
    assert remove_specks(noisy, 2, 10**6) == (noisy, 0)  # there is nothing that they could be given to


def test_given_thresholds_take_the_place_of_otsu() -> None:
    ramp = RawImage(np.tile(np.arange(100, dtype=np.float32), (20, 1)), name='ramp')
    done = segment(ramp, thresholds=(9, 59.5))
    assert done.phases.fractions(done.labels) == pytest.approx([0.1, 0.5, 0.4])  # 0..9 lie at or below the first
    assert (done.method, done.thresholds) == ('given', (9.0, 59.5))
    assert 'thresholds 9 and 59.5 of the grey value (set by the user)' in done.note
    assert segment(_labels(TRUTH), thresholds=[0.5]).phases.count == 2  # also where the values could be labels


@pytest.mark.parametrize(
    ('image', 'options', 'problem'),
    [
        (_labels(np.zeros((20, 20), np.uint8)), {}, 'single value 0: one phase only'),
        (RawImage(np.full((20, 20), 0.3), kind='grey'), {}, 'one grey value'),
        (RawImage(np.full((20, 20, 3), 7, np.uint8), kind='rgb'), {}, 'one grey value'),
        (_grey(TRUTH), {'phases': 1}, '1 is not possible'),
        (_grey(TRUTH), {'phases': MOST_LABELS + 1}, 'is not possible'),
        (_grey(TRUTH), {'method': 'labels'}, 'more values than'),
        (_grey(TRUTH), {'method': 'colours'}, 'no colours'),
        (_grey(TRUTH), {'phases': 3, 'method': 'otsu'}, 'otsu makes 2 phases'),
        (_grey(TRUTH), {'thresholds': [90, 60]}, 'do not rise'),
        (_grey(TRUTH), {'thresholds': [60], 'phases': 3}, 'thresholds: 1 were given for 3 phases; give 2'),
        (_grey(TRUTH), {'thresholds': [999]}, 'thresholds: 999 leave a single phase'),
        (_labels(np.arange(400).reshape(20, 20) % 2), {'phases': 3, 'method': 'multi-otsu'}, 'too few grey values'),
    ],
)
def test_what_cannot_be_segmented(image: RawImage, options: dict, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        segment(image, **options)


def test_what_counts_as_labelled() -> None:
    assert is_labelled(_labels(TRUTH))
    assert is_labelled(_labels(TRUTH), 3)
    assert not is_labelled(_labels(TRUTH), 2)
    assert not is_labelled(_labels(TRUTH), 3, 'multi-otsu')
    assert not is_labelled(_grey(TRUTH))
    assert is_labelled(RawImage(np.eye(3, dtype=np.uint8)[TRUTH] * 200, kind='rgb'))


def test_few_values() -> None:
    assert few_values(np.array([[0.0, 2.0]])) == (0, 2)
    assert few_values(np.array([[0.0, 0.5]])) == ()
    assert few_values(np.array([[True, False]])) == (0, 1)
    assert few_values(np.arange(9)) == ()
    # A rare ninth value must not be missed by the thin sample.
    rare = np.zeros(100_000, np.uint16)
    rare[:8] = np.arange(1, 9)
    assert few_values(rare) == ()


def test_real_micrographs(shared_data: Path) -> None:
    folder = shared_data / 'micrographs'
    steel = read_image(folder / 'steel_rgba.png')
    assert (steel.kind, steel.array.shape) == ('grey', (418, 795))
    assert 'alpha channel ignored' in steel.note
    done = segment(steel)
    assert done.method == 'otsu'
    assert 0.3 < done.labels.mean() < 0.7
    three = segment(read_image(folder / 'three_phase_895x1024.tif'))
    assert (three.labels.shape, three.phases.count) == ((896, 1024), 3)
    assert three.phases.fractions(three.labels) == pytest.approx([0.4177, 0.5737, 0.0087], abs=1e-3)
    assert read_slice(folder / 'alloy_resized.npy').fractions == pytest.approx([0.1349, 0.8651], abs=1e-3)
    assert read_slice(folder / 'composite_resized.npy').phases.count == 3


def _two_levels(hot: int, value: float, dtype: type = np.float32) -> tuple[RawImage, np.ndarray]:
    """A fifth of the picture at 1.0, the rest at 0.4, noise of 0.02, and some pixels far outside."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(4)
    field = gaussian_filter(rng.normal(size=(400, 400)), 4)
    bright = field > np.quantile(field, 0.8)
    grey = np.where(bright, 1.0, 0.4) + rng.normal(0, 0.02, bright.shape)
    grey.flat[rng.integers(0, grey.size, hot)] = value
    return RawImage((grey * 1000 if np.dtype(dtype).kind in 'ui' else grey).astype(dtype)), bright


@pytest.mark.parametrize(('hot', 'value'), [(5, 50.0), (5, -30.0), (1, 1e6), (100, 20.0)])
@pytest.mark.parametrize('dtype', [np.float32, np.int32])
def test_stray_pixels_do_not_set_the_threshold(hot: int, value: float, dtype: type) -> None:
    if dtype is np.int32 and value == 1e6:
        value = 1e5
    image, bright = _two_levels(hot, value, dtype)
    assert np.mean(segment(image).labels == bright) > 0.999
    stack = RawImage(np.stack([image.array] * 2), kind='stack')
    assert segment(stack, 2).phases.fractions(segment(stack, 2).labels)[1] == pytest.approx(0.2, abs=0.002)


def test_stray_pixels_leave_room_for_three_phases() -> None:
    truth = np.kron(np.random.default_rng(5).integers(0, 3, (40, 40)), np.ones((10, 10))).astype(np.uint8)
    grey = (0.2 + 0.3 * truth + np.random.default_rng(6).normal(0, 0.02, truth.shape)).astype(np.float32)
    grey[0, :5] = 60
    assert np.mean(segment(RawImage(grey), 3).labels == truth) > 0.999


def test_pictures_without_stray_pixels_keep_their_thresholds() -> None:
    from skimage.filters import threshold_otsu

    for image in (_grey(TRUTH > 0), _two_levels(0, 0)[0]):
        assert segment(image).thresholds == (float(threshold_otsu(image.array)),)


def test_a_phase_of_hardly_any_pixels_is_doubted() -> None:
    image, _ = _two_levels(5, 50.0)
    assert segment(image).warning == ''
    done = segment(image, thresholds=(20.0,))
    assert 'phase 1 holds 0.0031 % of the pixels' in done.warning
    labels = np.zeros((200, 200), np.uint8)
    labels[3, 4] = 1
    assert 'phase 1 holds' in segment(_labels(labels)).warning
