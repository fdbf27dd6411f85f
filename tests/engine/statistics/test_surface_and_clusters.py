"""Surface area, Euler number, clusters and chords against formulas."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microrecon.engine.statistics.chords import lineal_path, mean_chord, run_lengths
from napari_microrecon.engine.statistics.configurations import (
    configuration_histogram,
    crofton_surface,
    euler_number,
    face_densities,
    specific_surface,
)
from napari_microrecon.engine.statistics.correlation import finish
from napari_microrecon.engine.statistics.percolation import Clusters

CUBE = (1.0, 1.0, 1.0)


def ball(radius: float, spacing: tuple[float, float, float] = CUBE) -> np.ndarray:
    shape = [int(2 * radius / h) + 7 for h in spacing]
    centre = [(n - 1) / 2 + shift for n, shift in zip(shape, (0.13, 0.27, 0.41), strict=True)]
    grid = np.indices(shape)
    squared = sum(((g - c) * h) ** 2 for g, c, h in zip(grid, centre, spacing, strict=True))
    return np.asarray(squared) < radius**2


def cells_volume(mask: np.ndarray, spacing: tuple[float, float, float] = CUBE) -> float:
    return float(np.prod([(n - 1) * h for n, h in zip(mask.shape, spacing, strict=True)]))


@pytest.mark.parametrize('seed', [0, 1])
def test_marching_cubes_is_that_of_scikit_image(seed):
    from skimage.measure import marching_cubes, mesh_surface_area

    mask = np.random.default_rng(seed).random((12, 11, 13)) < 0.4
    spacing = (2.0, 1.0, 1.5)
    vertices, faces, *_ = marching_cubes(mask.astype(np.float32), 0.5, spacing=spacing)
    expected = mesh_surface_area(vertices, faces) / cells_volume(mask, spacing)
    assert specific_surface(finish(configuration_histogram(mask)), spacing) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize('radius', [10, 20])
def test_sphere(radius):
    mask = ball(radius)
    histogram = finish(configuration_histogram(mask))
    area = 4 * np.pi * radius**2 / cells_volume(mask)
    # Stair-steps make marching cubes read 8 to 9 % high, which its method says.
    assert specific_surface(histogram, CUBE) == pytest.approx(1.085 * area, rel=0.01)
    assert crofton_surface(histogram, CUBE) == pytest.approx(area, rel=0.01)


def test_sphere_of_flat_voxels():
    spacing = (2.0, 1.0, 1.0)
    mask = ball(20, spacing)
    histogram = finish(configuration_histogram(mask))
    area = 4 * np.pi * 20**2 / cells_volume(mask, spacing)
    assert crofton_surface(histogram, spacing) == pytest.approx(area, rel=0.02)


def test_plate_on_the_open_domain():
    # Two faces inside; the rims where the plate meets the domain's faces are no surface.
    mask = np.zeros((21, 20, 20), dtype=bool)
    mask[5:11] = True
    assert specific_surface(finish(configuration_histogram(mask)), CUBE) == pytest.approx(2 / 20)
    mask[:] = False
    mask[:5] = True
    assert specific_surface(finish(configuration_histogram(mask)), (3.0, 3.0, 3.0)) == pytest.approx(1 / 60)
    assert face_densities(mask) == pytest.approx((1 / 20, 0, 0))


def test_slabs_change_nothing(monkeypatch):
    mask = np.random.default_rng(0).random((30, 9, 8)) < 0.5
    whole = finish(configuration_histogram(mask))
    monkeypatch.setattr('napari_microrecon.engine.statistics.configurations._SLAB_VOXELS', 300)
    np.testing.assert_array_equal(finish(configuration_histogram(mask)), whole)
    assert whole.sum() == 29 * 8 * 7


def test_euler_number():
    mask = np.zeros((12, 12, 12), dtype=bool)
    mask[1:4, 1:4, 1:4] = True
    assert euler_number(mask) == 1
    mask[2, 2, 2] = False  # a cavity
    assert euler_number(mask) == 2
    mask[6:9, 6:9, 6:9] = True
    mask[6:9, 7, 7] = False  # a ring
    assert euler_number(mask) == 2 + 0
    mask[:] = False
    mask[0, 0, 0] = mask[1, 1, 1] = True  # joined by a corner only: two clusters
    assert euler_number(mask) == 2


def test_clusters_are_joined_by_faces_only():
    mask = np.zeros((4, 4, 4), dtype=bool)
    mask[:, 0, 0] = True
    mask[0, 1, 1] = True
    found = Clusters.of(mask)
    assert found.count == 2
    assert [found.percolating_fraction(axis) for axis in range(3)] == pytest.approx([0.8, 0, 0])
    assert found.percolating_mask(0).sum() == 4


def test_runs_and_lineal_path_equal_brute_force():
    mask = np.random.default_rng(5).random((9, 10, 14)) < 0.6
    for axis in range(3):
        lines = np.moveaxis(mask, axis, 0)
        n = len(lines)
        expected = [np.all([lines[k : n - r + k] for k in range(r + 1)], axis=0).mean() for r in range(n // 2 + 1)]
        np.testing.assert_allclose(lineal_path(mask, axis, n // 2), expected, atol=1e-12)
        assert run_lengths(mask, axis).sum() == mask.sum()


def test_mean_chord_of_stripes():
    mask = np.broadcast_to((np.arange(200) % 10 < 3)[None, None, :], (4, 4, 200))
    crossings = face_densities(mask)[2]
    assert mean_chord(float(mask.mean()), crossings) == pytest.approx(3, rel=0.03)
    assert mean_chord(0.3, 0.0) is None
