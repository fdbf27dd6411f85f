"""Shapes that differ are told apart at equal fractions; equal ones fit, however the picture is turned."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.shape import ShapeReference, ShapeVerdict


def _sections(volume: np.ndarray, count: int = 5) -> list[np.ndarray]:
    return [volume[i] for i in np.linspace(4, len(volume) - 5, count).astype(int)]


@pytest.fixture(scope='module')
def of_balls(bodies: SimpleNamespace) -> ShapeReference:
    return ShapeReference.of(bodies.slices_of(*_sections(bodies.balls(1))))


@pytest.fixture(scope='module')
def of_needles(bodies: SimpleNamespace) -> ShapeReference:
    return ShapeReference.of(bodies.slices_of(*_sections(bodies.needles(1))))


def test_other_draws_of_the_same_bodies_fit(
    bodies: SimpleNamespace, of_balls: ShapeReference, of_needles: ShapeReference
) -> None:
    for reference, volumes in (
        (of_balls, [bodies.balls(2), bodies.balls(3)]),
        (of_needles, [bodies.needles(2), bodies.needles(3)]),
    ):
        verdict = reference.judge(volumes)
        assert verdict.level == 'fits', verdict
        assert verdict.words == 'fits'
        assert verdict.error <= verdict.floor


def test_needles_do_not_fit_balls_at_equal_fraction(bodies: SimpleNamespace, of_balls: ShapeReference) -> None:
    verdict = of_balls.judge([bodies.needles(2)])
    assert verdict.level != 'fits'
    assert 'pieces of phase 1 too long' in verdict.worst
    assert verdict.ratios['aspect of phase 1'] > 1.5
    assert verdict.rank > of_balls.judge([bodies.balls(2)]).rank


def test_balls_do_not_fit_needles(bodies: SimpleNamespace, of_needles: ShapeReference) -> None:
    verdict = of_needles.judge([bodies.balls(2)])
    assert verdict.level != 'fits'
    assert 'pieces of phase 1 too compact' in verdict.worst


def test_parallel_needles_do_not_fit_needles_of_all_directions(
    bodies: SimpleNamespace, of_needles: ShapeReference
) -> None:
    assert of_needles.judge([bodies.needles(2, along=0)]).level == 'does not fit'


def test_too_many_pieces_are_told_with_their_ratio(bodies: SimpleNamespace, of_balls: ShapeReference) -> None:
    fine = bodies.balls(2, count=1200)
    verdict = of_balls.judge([fine])
    assert verdict.level == 'does not fit'
    assert verdict.numbers['areas of phase 1'] > 0.5
    assert verdict.numbers['faces'] > 0.3
    assert any('too many' in words or 'too much' in words for words in verdict.worst)
    assert verdict.words.startswith('does not fit: ')


def test_ratios_are_numbers_over_their_limits(bodies: SimpleNamespace, of_balls: ShapeReference) -> None:
    verdict = of_balls.judge([bodies.balls(2, count=450)])
    assert verdict.numbers.keys() == verdict.ratios.keys()
    assert verdict.ratios['faces'] == pytest.approx(verdict.numbers['faces'] / 0.10, rel=1e-2)
    assert (max(verdict.ratios.values()) <= 1) == (verdict.level == 'fits')


def test_thicker_walls_are_told(bodies: SimpleNamespace, of_balls: ShapeReference) -> None:
    verdict = of_balls.judge([ndimage.binary_dilation(bodies.balls(2), iterations=3).astype(np.uint8)])
    assert verdict.level == 'does not fit'
    assert verdict.numbers['depth of phase 1'] > 0.3


@pytest.mark.parametrize('turned', [np.fliplr, np.rot90])
def test_verdict_does_not_change_with_a_turned_picture(bodies: SimpleNamespace, turned) -> None:
    volume = bodies.balls(2, count=400)
    sections = _sections(bodies.balls(1), 2)
    straight = ShapeReference.of(bodies.slices_of(*sections)).judge([volume])
    other = ShapeReference.of(bodies.slices_of(*map(turned, sections))).judge([volume])
    assert other.level == straight.level
    assert other.error == pytest.approx(straight.error, abs=2e-3)
    assert other.floor == pytest.approx(straight.floor, rel=0.05)


def test_exchanged_labels_exchange_the_phases(bodies: SimpleNamespace, of_balls: ShapeReference) -> None:
    exchanged = ShapeReference.of(bodies.slices_of(*(1 - section for section in _sections(bodies.balls(1)))))
    a, b = of_balls.judge([bodies.needles(2)]), exchanged.judge([1 - bodies.needles(2)])
    assert a.error == pytest.approx(b.error, rel=0.1)
    assert a.numbers['aspect of phase 1'] == pytest.approx(b.numbers['aspect of phase 0'])


def test_planes_of_an_orthotropic_set_are_told_apart(bodies: SimpleNamespace) -> None:
    along = bodies.needles(1, along=0)
    reference = ShapeReference.of(bodies.planes_of(along))
    right, wrong = (reference.judge([v]) for v in (along, along.transpose(1, 0, 2)))
    assert right.error < 1
    assert wrong.level == 'does not fit'
    assert wrong.error > 5 * right.error
    assert all('normal to' in words for words in wrong.worst)


def test_three_phases_are_all_judged(bodies: SimpleNamespace) -> None:
    def phases(seed: int) -> np.ndarray:
        made = bodies.balls(seed, 0.3).copy()
        made[(bodies.needles(seed, 0.14) == 1) & (made == 0)] = 2
        return made

    reference = ShapeReference.of(bodies.slices_of(*_sections(phases(1)), phases=3))
    assert reference.judge([phases(2), phases(3)]).level == 'fits'
    rounded = phases(2)
    rounded[rounded == 2] = 0
    rounded[(bodies.balls(7, 0.14) == 1) & (rounded == 0)] = 2
    verdict = reference.judge([rounded])
    assert verdict.level != 'fits'
    assert max(verdict.ratios, key=verdict.ratios.__getitem__).endswith('of phase 2')


def test_verdict_goes_through_json(bodies: SimpleNamespace, of_balls: ShapeReference) -> None:
    verdict = of_balls.judge([bodies.needles(2)])
    text = json.dumps(verdict.model_dump(mode='json'))
    assert 'NaN' not in text
    assert 'Infinity' not in text
    assert ShapeVerdict.model_validate(json.loads(text)) == verdict


@pytest.mark.parametrize('shape', [(32, 32, 32), (16, 40, 70), (40, 130, 33)])
def test_any_shape_of_volume_is_judged(
    bodies: SimpleNamespace, of_balls: ShapeReference, shape: tuple[int, int, int]
) -> None:
    volume = np.tile(bodies.balls(2), (1, 3, 1))[: shape[0], : shape[1], : shape[2]]
    verdict = of_balls.judge([volume])
    assert np.isfinite([verdict.error, verdict.floor]).all()


@pytest.mark.parametrize(
    'picture',
    [
        np.random.default_rng(0).integers(0, 2, (64, 64), np.uint8),
        np.indices((64, 64)).sum(0).astype(np.uint8) % 2,
        (np.arange(2000) // 40 % 2).astype(np.uint8)[:, None].repeat(60, 1),
        np.eye(100, dtype=np.uint8),
        (np.indices((100, 100))[0] >= 50).astype(np.uint8),
        np.pad(np.ones((2, 2), np.uint8), 7),
    ],
    ids=['noise', 'checkerboard', 'strip', 'one per cent', 'halves', 'tiny'],
)
def test_extreme_pictures_give_finite_numbers(bodies: SimpleNamespace, picture: np.ndarray) -> None:
    reference = ShapeReference.of(bodies.slices_of(picture))
    for volume in (bodies.balls(2)[:32, :32, :32], np.ones((32, 32, 32), np.uint8)):
        verdict = reference.judge([volume])
        assert np.isfinite([verdict.error, verdict.floor, *verdict.numbers.values()]).all()
    assert verdict.level == 'does not fit'


def test_largest_picture_and_a_common_volume_take_three_seconds_each(bodies: SimpleNamespace) -> None:
    picture = np.tile(bodies.balls(1)[10], (64, 64))[:4096, :4096]
    slices, volume = bodies.slices_of(picture), bodies.balls(2)
    start = time.process_time()
    reference = ShapeReference.of(slices)
    measured = time.process_time()
    reference.judge([volume])
    assert measured - start < 3
    assert time.process_time() - measured < 3


def test_bad_volumes_are_refused(of_balls: ShapeReference) -> None:
    with pytest.raises(InputError, match='none were given'):
        of_balls.judge([])
    with pytest.raises(InputError, match='16 voxels or more'):
        of_balls.judge([np.zeros((8, 40, 40), np.uint8)])
    with pytest.raises(InputError, match='label 2'):
        of_balls.judge([np.full((40, 40, 40), 2, np.uint8)])
