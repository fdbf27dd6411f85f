"""What sections tell of a structure, by shapes whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microrecon.engine.generator.priors.grains import GrainField
from napari_microrecon.engine.generator.priors.sections import areas_per_pixel, curvatures
from napari_microrecon.engine.statistics.percolation import Clusters


def _discs(radius: float, size: int = 96) -> np.ndarray:
    at = np.arange(size) - size / 2 + 0.5
    return (at[:, None] ** 2 + at**2) < radius**2


def test_a_straight_boundary_has_no_curvature() -> None:
    half = np.zeros((64, 64), bool)
    half[:, :32] = True
    assert curvatures([half]) == pytest.approx(np.full((3, 50), 0.5), abs=0.02)


def test_a_disc_is_convex_and_its_hole_is_hollow() -> None:
    disc = _discs(12)
    inside, outside = curvatures([disc]), curvatures([~disc])
    assert inside.mean() < 0.48
    assert outside.mean() > 0.52
    # A wider disc of the measure sees more of the bend; a larger body has less of it.
    assert inside[2].mean() < inside[0].mean()
    assert curvatures([_discs(40)])[2].mean() > inside[2].mean() + 0.02


def test_nothing_to_measure_is_told_as_straight() -> None:
    assert (curvatures([np.zeros((20, 20), bool)]) == 0.5).all()


def test_the_matrix_is_no_separate_area_and_areas_at_the_edge_count_half() -> None:
    section = np.ones((40, 40), bool)
    section[10:14, 10:14] = section[0:4, 20:24] = False
    assert areas_per_pixel([~section]) * section.size == pytest.approx(1.5)
    # The matrix around them would be one area, whatever the size of the section.
    section[11:13, 11:13] = True
    assert areas_per_pixel([section]) * section.size == pytest.approx(1)


def test_percolating_fractions_and_none_without_the_phase() -> None:
    mask = np.zeros((10, 10, 10), bool)
    mask[:, 2, 2] = True
    mask[5, 7, 7] = True
    assert Clusters.of(mask).percolating_fractions() == pytest.approx((10 / 11, 0, 0))
    assert Clusters.of(np.zeros((4, 4, 4), bool)).percolating_fractions() == (0, 0, 0)


def test_sized_grains_have_the_faces_they_were_asked_for() -> None:
    edges = (0.05, 0.05, 0.05)
    closed = GrainField.fit(0.2, edges)
    sized = closed.sized(0.2, edges)

    def faces(field: GrainField) -> float:
        drawn = [field.sample((88, 88, 88), np.random.default_rng(100 + i), periodic=False) for i in range(8)]
        masks = [values > np.quantile(values, 0.8) for values in drawn]
        return float(np.mean([np.diff(mask, axis=axis).mean() for mask in masks for axis in range(3)]))

    assert faces(sized) == pytest.approx(0.05, rel=0.04)
    assert sized.density * sized.radius**3 == pytest.approx(closed.density * closed.radius**3)
