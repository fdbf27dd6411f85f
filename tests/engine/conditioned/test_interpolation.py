"""The baselines on shapes whose interpolation is known."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microrecon.engine.conditioned.interpolation import linear, nearest, signed_distances
from napari_microrecon.engine.conditioned.planes import Planes
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice, SliceSet


def edge_at(column: int) -> np.ndarray:
    """A straight border: phase 1 from this column on."""
    return np.tile((np.arange(32) >= column).astype(np.uint8), (24, 1))


@pytest.fixture
def inclined() -> Planes:
    """Borders at columns 10 and 18 in slices eight layers apart: an inclined wall."""
    phases = Phases.default(2)
    slices = [Slice(edge_at(10), phases, 'z', 4), Slice(edge_at(18), phases, 'z', 12)]
    return Planes.of(SliceSet.of(slices), (20, 24, 32))


def test_signed_distances_follow_an_inclined_wall(inclined: Planes) -> None:
    labels = signed_distances(inclined).argmax(0)
    assert np.array_equal(labels[8], edge_at(14))
    assert np.array_equal(labels[6], edge_at(12))
    assert np.array_equal(labels[0], edge_at(10)), 'constant beyond the first slice'
    assert np.array_equal(labels[19], edge_at(18))


def test_linear_and_nearest(inclined: Planes) -> None:
    shares = linear(inclined)
    assert shares.sum(0) == pytest.approx(1)
    assert shares[1, 6, 0] == pytest.approx(np.where(np.arange(32) >= 18, 1, np.where(np.arange(32) >= 10, 0.75, 0)))
    labels = nearest(inclined)
    assert np.array_equal(labels[7], edge_at(10))
    assert np.array_equal(labels[9], edge_at(18))


def test_crossing_planes_rule_beside_themselves() -> None:
    phases = Phases.default(2)
    rock = np.zeros((20, 24, 32), np.uint8)
    rock[:, :, 16:] = 1
    slices = [Slice(rock[4], phases, 'z', 4), Slice(rock[:, 20], phases, 'y', 20)]
    planes = Planes.of(SliceSet.of(slices), (20, 24, 32))
    for labels in (nearest(planes), linear(planes).argmax(0), signed_distances(planes).argmax(0)):
        assert np.array_equal(labels, rock)
