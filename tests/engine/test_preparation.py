"""Preparing a picture: every step does what geometry says it must, in the order told, and again the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_microrecon.engine.crop import Crop, suggest_crop
from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import read_image, read_slice, write_slice
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.preparation import Preparation, prepare
from napari_microrecon.engine.raw_image import RawImage
from napari_microrecon.engine.voxels import VoxelSize

ROWS, COLUMNS = 120, 160


def _grains(noise: float = 8, seed: int = 0) -> np.ndarray:
    """Bright discs on dark ground; uint8, both phases with noise."""
    y, x = np.mgrid[:ROWS, :COLUMNS]
    inside = ((y % 40 - 20) ** 2 + (x % 40 - 20) ** 2) < 144
    grey = np.where(inside, 170, 70) + np.random.default_rng(seed).normal(0, noise, (ROWS, COLUMNS))
    return np.clip(grey, 0, 255).astype(np.uint8)


def _picture(array: np.ndarray, size: VoxelSize | None = None) -> RawImage:
    return RawImage(array, size or VoxelSize.cube(0.5, 'um'), name='sem.tif', kind='rgb' if array.ndim == 3 else 'grey')


def _with_bar(array: np.ndarray, ground: int, height: int = 18, text: int = 255) -> np.ndarray:
    """Write a data bar below: a rule, ground and strokes of text in its middle."""
    bar = np.full((height, array.shape[1]), ground, array.dtype)
    bar[0] = text
    bar[5:-5, 20:60:3] = text
    bar[height // 2, 90:140] = text
    return np.vstack([array, bar])


def test_the_default_does_what_segment_does() -> None:
    made = prepare(_picture(_grains()))
    assert made.slice.fractions[1] == pytest.approx(np.pi * 144 / 1600, abs=0.01)
    assert made.slice.voxel_size == VoxelSize.cube(0.5, 'um')
    assert made.slice.provenance.description == made.segmentation.note
    assert made.slice.provenance.description.startswith('2 phases by Otsu threshold')


def test_crop_keeps_the_rows_and_columns_named() -> None:
    array = np.arange(ROWS * COLUMNS, dtype=np.uint16).reshape(ROWS, COLUMNS)
    made = prepare(_picture(array), Preparation(crop=Crop(rows=(10, -20), columns=(5, 100))))
    np.testing.assert_array_equal(made.picture.image.array, array[10:-20, 5:100])
    assert made.picture.steps == ('rows 10 to 99 and columns 5 to 99 kept',)
    assert made.picture.preparation.crop == Crop(rows=(10, 100), columns=(5, 100))


def test_turns_and_flips_are_exact_and_swap_the_pixel_size() -> None:
    array = _grains()
    size = VoxelSize(z=3, y=2, x=1, unit='um')
    for turns in range(4):
        for flip, axis in (('none', None), ('up-down', 0), ('left-right', 1)):
            made = prepare(_picture(array, size), Preparation.of(quarter_turns=turns, flip=flip))
            expected = np.rot90(array, turns)
            expected = expected if axis is None else np.flip(expected, axis)
            np.testing.assert_array_equal(made.picture.image.array, expected)
            assert made.slice.voxel_size.pixel('z') == ((1, 2) if turns % 2 else (2, 1))
            assert made.slice.voxel_size.z == 3


def test_median_removes_salt_and_keeps_a_straight_edge() -> None:
    clean = np.tile(np.where(np.arange(64) < 32, 50, 200) + np.arange(64) % 9, (64, 1)).astype(np.uint8)
    salted = clean.copy()
    salted[np.random.default_rng(1).random(clean.shape) < 0.02] = 255
    made = prepare(_picture(salted), Preparation(denoise='median', radius=2))
    np.testing.assert_array_equal(made.slice.labels, clean > 100)
    assert not np.array_equal(prepare(_picture(salted)).picture.image.array, made.picture.image.array)


def test_total_variation_lowers_the_noise_and_keeps_the_grey_levels() -> None:
    array = _grains(noise=30)
    inside = _grains(noise=0) > 100
    made = prepare(_picture(array), Preparation(denoise='total-variation', weight=0.2))
    grey = made.picture.image.array
    assert grey[~inside].std() < 0.3 * array[~inside].std()
    assert grey.mean() == pytest.approx(array.mean(), abs=1)  # the filter moves grey about, it makes none
    assert 100 < made.segmentation.thresholds[0] < 140  # in the numbers of the picture, not in 0..1
    wrong = np.mean(made.slice.labels != inside)
    assert wrong < 0.3 * np.mean(prepare(_picture(array)).slice.labels != inside)


def test_given_thresholds_and_their_number() -> None:
    ramp = np.tile(np.linspace(0, 200, 201, dtype=np.float32), (40, 1))
    made = prepare(_picture(ramp), Preparation(thresholds=(49.5, 149.5)))
    assert made.slice.fractions == pytest.approx([50 / 201, 100 / 201, 51 / 201])
    with pytest.raises(InputError, match='thresholds: 2 were given for 2 phases'):
        prepare(_picture(ramp), Preparation(thresholds=(50, 100)), 2)
    with pytest.raises(InputError, match='thresholds: 900 leave a single phase'):
        prepare(_picture(ramp), Preparation(thresholds=(900,)))


def test_small_regions_are_given_to_what_surrounds_them() -> None:
    labels = np.zeros((60, 60), np.uint8)
    labels[10:30, 10:30] = 1
    clean = labels.copy()
    labels[40:43, 40:43] = 1  # 9 pixels in phase 0
    labels[20:22, 20:22] = 0  # 4 pixels in phase 1
    image = RawImage(labels, kind='labels', name='map.png')
    np.testing.assert_array_equal(prepare(image, Preparation(least_size=10)).slice.labels, clean)
    kept = prepare(image, Preparation(least_size=9)).slice.labels  # regions of 9 pixels are not smaller than 9
    assert kept[41, 41] == 1
    assert kept[20, 20] == 1


def test_resampling_keeps_the_physical_size_and_the_area() -> None:
    made = prepare(_picture(_grains()), Preparation(pixel_size=1.0))
    assert made.slice.labels.shape == (ROWS // 2, COLUMNS // 2)
    assert made.slice.voxel_size == VoxelSize.cube(1, 'um')
    assert made.slice.fractions[1] == pytest.approx(prepare(_picture(_grains())).slice.fractions[1], abs=0.01)
    assert made.picture.image.array.dtype == np.uint8
    assert made.picture.steps == ('resampled from 0.5 to 1 um a pixel',)
    oblong = prepare(_picture(_grains(), VoxelSize(z=1, y=1, x=0.5, unit='um')), Preparation(pixel_size=0.5))
    assert oblong.slice.labels.shape == (2 * ROWS, COLUMNS)


def test_labels_are_resampled_by_the_nearest_pixel() -> None:
    labels = np.kron(np.array([[0, 2], [1, 0]]), np.ones((20, 20))).astype(np.uint8)
    made = prepare(RawImage(labels, VoxelSize.cube(2, 'um'), kind='labels'), Preparation(pixel_size=1))
    np.testing.assert_array_equal(made.slice.labels, np.kron(labels, np.ones((2, 2))))  # no value in between
    assert made.slice.voxel_size == VoxelSize.cube(1, 'um')
    unknown = prepare(RawImage(labels, kind='labels'), Preparation(pixel_size=2))
    np.testing.assert_array_equal(unknown.slice.labels, labels[::2, ::2])
    assert not unknown.slice.voxel_size.is_known


def test_the_provenance_tells_all_steps_in_order_and_is_enough_to_repeat_them(tmp_path: Path) -> None:
    asked = Preparation(
        crop='auto', quarter_turns=1, flip='up-down', pixel_size=1, denoise='median', thresholds=(120,), least_size=5
    )
    image = _picture(_with_bar(_grains(noise=25), 0))
    made = prepare(image, asked)
    words = [
        'rows 0 to 119', 'turned by 90', 'flipped up-down', 'resampled', 'median', 'threshold 120', 'smaller than 5',
    ]  # fmt: skip
    places = [made.slice.provenance.description.index(word) for word in words]
    assert places == sorted(places)
    assert made.slice.provenance.inputs[0].name == 'sem.tif'
    path = write_slice(made.slice, tmp_path / 'slice.tif')
    again = read_slice(path)
    np.testing.assert_array_equal(again.labels, made.slice.labels)
    assert again.provenance == made.slice.provenance  # what is recorded is the whole way from the picture
    recorded = Preparation.of(**again.provenance.parameters['preparation'])
    assert recorded.crop == Crop(rows=(0, 120), columns=(0, COLUMNS))
    np.testing.assert_array_equal(prepare(image, recorded).slice.labels, made.slice.labels)


def test_colours_are_thresholded_by_brightness() -> None:
    grey = _grains()
    colour = np.stack([grey, grey // 2, grey // 3], axis=-1)
    made = prepare(_picture(colour), Preparation(denoise='median', quarter_turns=2))
    assert made.slice.fractions[1] == pytest.approx(np.pi * 144 / 1600, abs=0.01)
    assert prepare(_picture(colour), Preparation(pixel_size=1)).slice.labels.shape == (60, 80)


def test_a_part_of_a_labelled_picture_keeps_its_labels() -> None:
    labels = np.zeros((60, 60), np.uint8)
    labels[:, 30:] = 100
    labels[50:] = 200
    made = prepare(RawImage(labels, kind='labels'), Preparation(crop=Crop(rows=(0, 50))))
    assert made.slice.phases.count == 3  # the third lies in the rows that were cut off
    np.testing.assert_array_equal(np.unique(made.slice.labels), [0, 1])


@pytest.mark.parametrize('ground', [0, 128, 255])
@pytest.mark.parametrize('height', [8, 18, 40])
def test_a_data_bar_is_found_to_the_row(ground: int, height: int) -> None:
    found = suggest_crop(_picture(_with_bar(_grains(), ground, height, text=255 if ground < 200 else 0)))
    assert found == Crop(rows=(0, ROWS))


def test_a_noisy_bar_and_a_coloured_one_are_found() -> None:
    noise = np.random.default_rng(2).integers(-2, 3, (ROWS + 18, COLUMNS))
    noisy = np.clip(_with_bar(_grains(), 20).astype(int) + noise, 0, 255).astype(np.uint8)
    assert suggest_crop(_picture(noisy)) == Crop(rows=(0, ROWS))
    assert suggest_crop(_picture(np.repeat(_with_bar(_grains(), 0)[..., None], 3, axis=2))) == Crop(rows=(0, ROWS))


def test_no_bar_is_found_where_there_is_none(shared_data: Path) -> None:
    assert suggest_crop(_picture(_grains())) is None
    assert suggest_crop(_picture(np.full((80, 80), 3, np.uint8))) is None
    assert suggest_crop(_picture(np.where(_grains() > 120, 255, 0).astype(np.uint8))) is None  # black ground throughout
    clipped = np.clip(_grains(noise=60).astype(int) - 60, 0, 255).astype(np.uint8)  # many pixels of exactly 0
    assert suggest_crop(_picture(clipped)) is None
    for name in ('steel_rgba.png', 'three_phase_895x1024.tif', 'alloy_resized.npy', 'composite_resized.npy'):
        assert suggest_crop(read_image(shared_data / 'micrographs' / name)) is None, name


def test_a_bar_under_a_real_micrograph_is_found(shared_data: Path) -> None:
    steel = read_image(shared_data / 'micrographs' / 'steel_rgba.png').array
    assert suggest_crop(_picture(_with_bar(steel, 0, 40))) == Crop(rows=(0, len(steel)))


@pytest.mark.parametrize(
    ('values', 'subject'),
    [
        ({'quarter_turns': 4}, 'quarter_turns'),
        ({'radius': 0}, 'radius'),
        ({'weight': 0}, 'weight'),
        ({'pixel_size': -1}, 'pixel_size'),
        ({'least_size': -1}, 'least_size'),
        ({'denoise': 'magic'}, 'denoise'),
        ({'thresholds': (5, 5)}, 'thresholds'),
        ({'thresholds': ()}, 'thresholds'),
        ({'thresholds': (float('nan'),)}, 'thresholds'),
        ({'crop': {'rows': (9, 4)}}, 'crop'),
        ({'colour': 1}, 'colour'),
    ],
)
def test_bad_values_name_their_field(values: dict, subject: str) -> None:
    with pytest.raises(InputError) as caught:
        Preparation.of(**values)
    assert caught.value.subject == subject


@pytest.mark.parametrize(
    ('asked', 'problem'),
    [
        (Preparation(crop=Crop(rows=(0, 500))), 'crop: rows 0:500 of a picture with 120 rows'),
        (Preparation(crop=Crop(columns=(150, None))), 'crop: columns 150: of a picture with 160'),
        (Preparation(pixel_size=50), 'pixel_size: 50 um makes 1 x 2 pixels'),
        (Preparation(pixel_size=1e-6), 'pixel_size'),
    ],
)
def test_what_does_not_fit_the_picture_is_refused(asked: Preparation, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        prepare(_picture(_grains()), asked)


def test_labels_cannot_be_denoised_and_stacks_are_no_pictures() -> None:
    labels = RawImage(np.eye(40, dtype=np.uint8), kind='labels')
    with pytest.raises(InputError, match='denoise: image holds labels'):
        prepare(labels, Preparation(denoise='median'))
    with pytest.raises(InputError, match='is a 3D stack'):
        prepare(RawImage(np.zeros((20, 20, 20)), kind='stack'), None, Phases.default(2))
