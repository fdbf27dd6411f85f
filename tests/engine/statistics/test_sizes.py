"""Local thickness, the sphere that passes, particles and permeability estimates."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microrecon.engine.statistics.correlation import finish
from napari_microrecon.engine.statistics.particles import MOST_CUT, find_particles
from napari_microrecon.engine.statistics.permeability import katz_thompson, kozeny_carman
from napari_microrecon.engine.statistics.thickness import (
    critical_diameters,
    distances,
    local_thickness,
    middle,
    size_distribution,
    thickness_radii,
)

CUBE = (1.0, 1.0, 1.0)


def ball(n: int, radius: float, spacing=CUBE) -> np.ndarray:
    axes = [(np.arange(int(n / h)) - int(n / h) / 2 + 0.3) * h for h in spacing]
    z, y, x = np.meshgrid(*axes, indexing='ij')
    return z**2 + y**2 + x**2 < radius**2


def test_distances_are_those_of_scipy_for_any_voxel():
    from scipy.ndimage import distance_transform_edt

    mask = np.random.default_rng(0).random((20, 17, 24)) < 0.9
    for spacing in (CUBE, (2.0, 1.0, 0.5)):
        expected = distance_transform_edt(mask, sampling=spacing)
        np.testing.assert_allclose(distances(mask, spacing), expected, rtol=1e-5)
    full = distances(np.ones((5, 6, 7), dtype=bool), CUBE)
    assert np.isfinite(full).all()


def test_local_thickness_by_brute_force():
    rng = np.random.default_rng(4)
    mask = rng.random((14, 13, 12)) < 0.93
    distance = distances(mask, CUBE)
    found = finish(local_thickness(mask, CUBE))
    radii = thickness_radii(distance)
    points = np.argwhere(mask)
    expected = np.zeros(mask.shape)
    for centre in points:
        radius = radii[radii <= distance[tuple(centre)] * (1 + 1e-6)].max()
        for point in points[np.linalg.norm(points - centre, axis=1) < radius * (1 - 1e-6)]:
            expected[tuple(point)] = max(expected[tuple(point)], 2 * radius)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_thickness_of_a_ball_in_flat_voxels():
    for spacing in (CUBE, (2.0, 1.0, 1.0)):
        mask = ball(44, 14, spacing)
        found = finish(local_thickness(mask, spacing))
        assert found.max() == pytest.approx(28, rel=0.1)
        assert found[mask].mean() == pytest.approx(28, rel=0.15)
        assert (found[~mask] == 0).all()


def test_two_sizes_are_told_apart():
    mask = np.zeros((40, 40, 80), dtype=bool)
    mask[:, :, :40] = ball(40, 16)
    mask[8:32, 8:32, 46:70] = ball(24, 7)
    found = finish(local_thickness(mask, CUBE))
    assert found[:, :, 42:].max() < 17 < 28 < found[:, :, :40].max()


def test_radii_are_thinned_but_keep_the_largest():
    distance = np.sqrt(np.arange(900.0))
    radii = thickness_radii(distance, 12)
    assert len(radii) <= 12
    assert radii[0] == 1
    assert radii[-1] == distance.max()
    assert np.all(np.isin(radii, distance))


def test_middle_is_bounded_and_centred():
    mask = np.zeros((10, 100, 60), dtype=bool)
    mask[5, 50, 30] = True
    part = middle(mask, 10 * 40 * 40)
    assert part.size <= 10 * 40 * 40
    assert part.shape[0] == 10
    assert part.any()
    assert middle(mask).shape == mask.shape


def test_size_distribution():
    found = size_distribution(np.array([1.0, 2.0, 2.0, 5.0]), np.arange(7.0))
    assert found == pytest.approx([1, 1, 0.75, 0.25, 0.25, 0.25, 0])
    weighted = size_distribution(np.array([3.0, 1.0]), np.array([0.0, 2.0]), np.array([3.0, 1.0]))
    assert weighted == pytest.approx([1, 0.75])


def test_the_sphere_that_passes_is_as_wide_as_the_throat():
    mask = np.zeros((30, 31, 31), dtype=bool)
    z, y, x = np.indices(mask.shape)
    away = np.hypot(y - 15.2, x - 14.9)
    mask[away < 12] = True
    mask[(np.abs(z - 15) < 4) & (away >= 4.6)] = False  # a throat
    distance = distances(mask, CUBE)
    found = finish(critical_diameters(distance, (0, 1)))
    assert found[0] == pytest.approx(9.2, abs=1)
    assert found[1] is None
    # nothing wider passes, by the definition
    from scipy.ndimage import label

    wide = label(distance >= 5.3)[0]
    assert not set(wide[0].ravel()) & set(wide[-1].ravel()) - {0}


def scattered_balls(count: int, radius: float, n: int, seed: int) -> tuple[np.ndarray, int]:
    rng = np.random.default_rng(seed)
    centres: list[np.ndarray] = []
    for centre in rng.uniform(0, n, (20000, 3)):
        if all(np.linalg.norm(centre - c) > 1.9 * radius for c in centres):  # they may overlap a little
            centres.append(centre)
        if len(centres) == count:
            break
    grid = np.indices((n, n, n)).reshape(3, -1).T
    mask = np.zeros(n**3, dtype=bool)
    for centre in centres:
        mask |= ((grid - centre) ** 2).sum(axis=1) < radius**2
    return mask.reshape(n, n, n), len(centres)


def test_touching_balls_are_told_apart_and_the_cut_ones_do_not_bias():
    mask, count = scattered_balls(45, 7.5, 64, 0)
    found = finish(find_particles(mask, CUBE))
    assert found.count == pytest.approx(count, abs=2)
    assert found.cut < 0.15
    assert np.average(found.diameters, weights=found.weights) == pytest.approx(15, rel=0.05)
    assert len(found.volumes) < count
    # each whole one stands for those that the faces cut as well
    assert found.weights.sum() == pytest.approx(count, rel=0.25)


def test_a_network_is_not_cut_into_particles():
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(0).standard_normal((64, 64, 64)), 3)
    assert finish(find_particles(field > 0, CUBE)).cut > MOST_CUT


def test_permeability_formulas():
    # Carman's form for a bed of spheres of diameter d: d^2 phi^3 / (180 (1 - phi)^2)
    phi, d = 0.4, 3.0
    surface = 6 * (1 - phi) / d
    assert kozeny_carman(phi, surface) == pytest.approx(d**2 * phi**3 / (180 * (1 - phi) ** 2))
    assert katz_thompson(10.0, 0.05) == pytest.approx(100 * 0.05 / 226)
