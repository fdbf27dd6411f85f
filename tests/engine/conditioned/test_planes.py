"""Slices in their places: any order, twice the same, contradictions, crossings."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microrecon.engine.conditioned.planes import UNKNOWN, Planes
from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice, SliceSet

PHASES = Phases.default(2)
SHAPE = (48, 48, 52)


def at(rock: np.ndarray, *places: tuple[str, int]) -> list[Slice]:
    """Slices of a volume: at(rock, ('z', 3), ('y', 9))."""
    axes = {'z': 0, 'y': 1, 'x': 2}
    return [Slice(np.take(rock, p, axes[n]), PHASES, n, p, name=f'{n}={p}') for n, p in places]  # type: ignore[arg-type]


def test_order_and_repetition_do_not_matter(rock: np.ndarray) -> None:
    sorted_ = Planes.of(SliceSet.of(at(rock, ('z', 3), ('z', 20), ('y', 9))), SHAPE)
    mixed = Planes.of(SliceSet.of(at(rock, ('z', 20), ('y', 9), ('z', 3), ('z', 20))), SHAPE)
    assert [s.name for s in mixed.slices] == [s.name for s in sorted_.slices] == ['z=3', 'z=20', 'y=9']
    assert np.array_equal(mixed.known(), sorted_.known())
    assert mixed.normals == ('z', 'y')


def test_given_voxels_and_distances(rock: np.ndarray) -> None:
    planes = Planes.of(SliceSet.of(at(rock, ('z', 3), ('x', 10))), SHAPE)
    known = planes.known()
    given = known != UNKNOWN
    assert given.sum() == 48 * 52 + 48 * 48 - 48
    assert np.array_equal(known[given], rock[given])
    distances = planes.distances()
    assert np.array_equal(distances == 0, given)
    assert distances[10, 5, 12] == 2
    assert distances[5, 40, 40] == 2
    assert np.array_equal(planes.distances(7, 9), distances[7:9])


def test_contradictions_are_refused_by_name(rock: np.ndarray) -> None:
    twice = [*at(rock, ('z', 8)), Slice(rock[30], PHASES, 'z', 8, name='other')]
    with pytest.raises(InputError, match='other: contradicts z=8 at z=8; keep one'):
        Planes.of(SliceSet.of(twice), SHAPE)
    crossing = [*at(rock, ('z', 8)), Slice(1 - rock[:, 9], PHASES, 'y', 9, name='inverted')]
    with pytest.raises(InputError, match='inverted: disagrees with z=8 in 100% of the line'):
        Planes.of(SliceSet.of(crossing), SHAPE)
    with pytest.raises(InputError, match='position 48 lies outside the shape'):
        Planes.of(SliceSet.of([Slice(rock[3], PHASES, 'z', 48)]), SHAPE)


def test_a_few_voxels_of_disagreement_go_to_the_first_slice(rock: np.ndarray) -> None:
    first, second = at(rock, ('y', 9), ('z', 8))
    other = second.labels.copy()
    other[9, :3] = 1 - other[9, :3]
    second = Slice(other, PHASES, 'z', 8, name='z=8')
    planes = Planes.of(SliceSet.of([first, second]), SHAPE)
    assert planes.notes == ('z=8 disagrees with y=9 in 5.8% of their line: y=9 holds there',)
    assert np.array_equal(planes.known()[8, 9], rock[8, 9])
    assert np.array_equal(planes.along('z')[0].labels[9], rock[8, 9])
    reverse = Planes.of(SliceSet.of([second, first]), SHAPE)
    assert np.array_equal(reverse.known()[8, 9], other[9])
