"""Whole reports of bodies that have formulas: ducts, plates, checkerboard, packed and overlapping spheres."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microrecon.engine.analysis import measure
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.results import Report
from napari_microrecon.engine.statistics.configurations import configuration_histogram, crofton_surface
from napari_microrecon.engine.statistics.correlation import (
    count_lags,
    finish,
    half_edges,
    radial_mean,
    surface_from_slope,
)
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

PHASES = Phases.named('grain', 'pore', pore=1)


def report_of(mask: np.ndarray, size: VoxelSize | None = None) -> Report:
    volume = Volume(mask.astype(np.uint8), PHASES, size or VoxelSize.cube(2, 'um'))
    return drain(measure(volume, in_process=True))


def test_open_duct():
    mask = np.zeros((20, 24, 28), dtype=bool)
    mask[:, 8:17, 8:17] = True  # 9 x 9 voxels of 2 um, along z
    found = report_of(mask)
    share = 81 / (24 * 28)
    assert found.value('phase_fraction') == pytest.approx(share)
    assert found.value('tortuosity_z') == pytest.approx(1, abs=1e-6)
    assert found.value('effective_diffusivity_z') == pytest.approx(share, rel=1e-6)
    assert found.value('tortuosity_residual_z') < 1e-5  # single precision
    assert found.value('percolating_fraction_z') == 1
    assert found.value('critical_diameter_z') == pytest.approx(2 * 5 * 2)  # centre to the nearest wall voxel's centre
    assert found.value('thickness') == pytest.approx(20, rel=0.12)  # narrower spheres in the corners
    assert found.value('permeability_katz_thompson_z') == pytest.approx(20**2 * share / 226, rel=1e-6)
    assert found.value('chord_length_y') == pytest.approx(18, rel=0.05)
    assert found.curves['chord_distribution_y'].value[9] == 1  # all chords are 9 voxels long
    assert found.curves['chord_distribution_y'].value[10] == 0
    assert found.curves['profile_z'].value == pytest.approx([share] * 20)
    assert found.curves['profile_y'].value[7:9] == pytest.approx([0, 9 / 28])
    for axis in 'yx':
        assert found.statistics[f'tortuosity_{axis}'].note == f'no path along {axis}'
        assert found.statistics[f'permeability_katz_thompson_{axis}'].note == f'no path along {axis}'


def test_blocked_duct():
    mask = np.zeros((20, 24, 28), dtype=bool)
    mask[:, 8:17, 8:17] = True
    mask[10] = False
    found = report_of(mask)
    assert found.value('clusters') == 2
    for axis in 'zyx':
        assert found.value(f'percolating_fraction_{axis}') == 0
        for stem in ('tortuosity', 'effective_diffusivity', 'critical_diameter', 'permeability_katz_thompson'):
            assert found.value(f'{stem}_{axis}') is None, stem
    assert found.value('permeability_kozeny_carman') is None
    assert found.value('isolated_fraction') == 0  # both halves end at a face


def test_parallel_plates():
    # Gaps of 4 voxels between plates of 8, perpendicular to y.
    mask = np.broadcast_to((np.arange(60) % 12 // 4 == 1)[None, :, None], (24, 60, 24)).copy()
    found = report_of(mask, VoxelSize.cube(1, 'um'))
    phi = 1 / 3
    assert found.value('tortuosity_z') == pytest.approx(1, abs=1e-6)
    assert found.value('effective_diffusivity_x') == pytest.approx(phi, rel=1e-6)
    assert found.value('tortuosity_y') is None
    assert found.value('specific_surface') == pytest.approx(10 / 59)  # ten walls between 60 layers
    assert found.value('chord_length_y') == pytest.approx(4, rel=0.03)
    assert found.value('anisotropy_index') > 2
    lags = np.asarray(found.curves['s2_z'].value)
    np.testing.assert_allclose(lags, phi, atol=1e-6)
    assert found.value('thickness') == pytest.approx(4, abs=0.6)
    assert found.curves['profile_y'].value == pytest.approx(np.tile([0.0] * 4 + [1.0] * 4 + [0.0] * 4, 5))


def test_checkerboard():
    z, y, x = np.indices((24, 24, 24)) // 4
    found = report_of((z + y + x) % 2 == 0, VoxelSize())
    assert found.value('phase_fraction') == pytest.approx(0.5)
    assert found.value('clusters') == 108  # cubes that touch along edges only
    assert found.value('percolating_fraction_z') == 0
    assert found.value('thickness') == pytest.approx(4, abs=0.6)
    assert found.value('face_density') == pytest.approx(3 * 5 / 23)
    # S2 falls linearly to zero over the edge of a cube and rises again, but for the ends of the open domain
    assert found.curves['s2_x'].value[8] == pytest.approx(0.5)
    assert found.curves['s2_x'].value[4] == pytest.approx(0, abs=1e-6)
    assert found.curves['s2_x'].value[2] == pytest.approx(0.25, abs=0.03)


def packed_spheres(cell: int, radius: float, cells: int) -> np.ndarray:
    """Simple cubic packing, the spheres' centres off the voxels so that no layer is special."""
    grid = (np.arange(cells * cell) + 0.37) % cell - cell / 2
    z, y, x = np.meshgrid(grid, grid + 0.21, grid - 0.17, indexing='ij')
    return z**2 + y**2 + x**2 < radius**2


def test_periodic_packing_of_spheres():
    cell, radius = 24, 9.0
    mask = packed_spheres(cell, radius, 3)
    found = drain(measure(Volume(mask.astype(np.uint8), PHASES), tortuosity=False))
    phi = 4 / 3 * np.pi * radius**3 / cell**3
    surface = 4 * np.pi * radius**2 / cell**3
    inner = surface * (72 / 71) ** 3  # counted between voxel centres, and no sphere reaches the faces
    assert found.value('phase_fraction') == pytest.approx(phi, rel=0.005)
    assert found.value('specific_surface') == pytest.approx(1.085 * inner, rel=0.02)
    assert found.value('specific_surface_crofton') == pytest.approx(inner, rel=0.02)
    assert found.value('specific_surface_s2') == pytest.approx(inner, rel=0.04)
    assert found.value('clusters') == 27
    assert found.value('isolated_fraction') == 1
    assert found.value('euler_density') == pytest.approx(27 / 72**3)
    assert found.value('thickness') == pytest.approx(
        2 * radius, rel=0.1
    )  # the rims of digital spheres are covered by smaller ones
    # Below the gap between the spheres, S2 is the volume that a sphere shares with itself shifted. No sphere reaches a
    # face, so that pairs across the faces are known to be none: n - r of n remain.
    for axis in 'zyx':
        s2 = np.asarray(found.curves[f's2_{axis}'].value)
        lag = np.arange(len(s2))
        near = lag < cell - 2 * radius
        shared = phi * (1 - 0.75 * lag / radius + (lag / radius) ** 3 / 16)
        np.testing.assert_allclose((s2 * (1 - lag / 72))[near], shared[near], atol=0.01 * phi)


def test_the_grains_between_packed_spheres_are_told_apart():
    touching = packed_spheres(20, 10.4, 5)  # necks of a quarter of the diameter
    volume = Volume((~touching).astype(np.uint8), PHASES)
    found = drain(measure(volume, 0, tortuosity=False))
    assert found.value('percolating_fraction_z') > 0.99
    volume_of_one = touching.sum() / 125
    assert found.value('particle_size') == pytest.approx(np.cbrt(6 * volume_of_one / np.pi), rel=0.02)
    assert '27 whole' in found.statistics['particle_size'].note
    assert 'particle_size' not in drain(measure(volume, 1, tortuosity=False)).statistics  # the pore has no particles


def overlapping_spheres(n: int, radius: float, phi: float, rng: np.random.Generator) -> np.ndarray:
    """Matrix (True) between spheres whose centres are a Poisson process, `phi` its expected fraction; open domain."""
    margin = radius + 1
    density = -np.log(phi) / (4 / 3 * np.pi * radius**3)
    count = rng.poisson(density * (n + 2 * margin) ** 3)
    matrix = np.ones((n, n, n), dtype=bool)
    for centre in rng.uniform(-margin, n + margin, (count, 3)):
        low = np.maximum(np.ceil(centre - radius), 0).astype(int)
        high = np.minimum(np.floor(centre + radius) + 1, n).astype(int)
        if np.any(high <= low):
            continue
        axes = [(np.arange(a, b) - c) ** 2 for a, b, c in zip(low, high, centre, strict=True)]
        inside = axes[0][:, None, None] + axes[1][:, None] + axes[2] < radius**2
        matrix[low[0] : high[0], low[1] : high[1], low[2] : high[2]] &= ~inside
    return matrix


def test_overlapping_spheres_by_torquato():
    """S2 of the matrix is exp(-rho v2(r)) with the union volume of two spheres (Torquato 2002, eq. 5.15 and 5.23)."""
    radius, phi, n, fields = 5.0, 0.6, 56, 24
    rng = np.random.default_rng(11)
    density = -np.log(phi) / (4 / 3 * np.pi * radius**3)
    axial, radial, surfaces, slopes = [], [], [], []
    for _ in range(fields):
        mask = overlapping_spheres(n, radius, phi, rng)
        counts = finish(count_lags(mask, half_edges(mask.shape, 20)))
        axial.append(np.mean([counts.along(axis) for axis in range(3)], axis=0))
        lag, s2 = radial_mean(counts, (1, 1, 1))
        radial.append(s2)
        surfaces.append(crofton_surface(finish(configuration_histogram(mask)), (1, 1, 1)))
        slopes.append(surface_from_slope(mask, counts, (1, 1, 1)))

    def theory(r: np.ndarray) -> np.ndarray:
        apart = np.minimum(r / (2 * radius), 1)
        shared = 1 - 1.5 * apart + 0.5 * apart**3
        return np.exp(-density * 4 / 3 * np.pi * radius**3 * (2 - shared))

    r = np.arange(21.0)
    error = np.std(axial, axis=0, ddof=1) / np.sqrt(fields)
    assert np.all(error < 0.012)  # so that three of them say something
    assert np.all(np.abs(np.mean(axial, axis=0) - theory(r)) < 3 * error)
    # The radial mean is that of the lags in each bin; the curve is nearly straight over one.
    error = np.std(radial, axis=0, ddof=1) / np.sqrt(fields)
    assert np.all(np.abs(np.mean(radial, axis=0) - theory(lag)) < 3 * error)
    surface = 3 * -np.log(phi) / radius * phi  # 4 pi R^2 rho exp(-rho v1)
    assert np.mean(slopes) == pytest.approx(surface, rel=0.03)
    # Crofton counts over a voxel's length and misses what the sharp edges between small spheres hide within one.
    assert np.mean(surfaces) == pytest.approx(surface, rel=0.06)
