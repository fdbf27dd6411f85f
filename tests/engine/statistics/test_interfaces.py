"""Areas between phases and lines where three meet, against formulas."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_microrecon.engine.analysis import measure
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.statistics.catalogue import title
from napari_microrecon.engine.statistics.configurations import configuration_histogram, crofton_surface
from napari_microrecon.engine.statistics.correlation import finish
from napari_microrecon.engine.statistics.interfaces import interface_areas, triple_lines
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

CUBE = (1.0, 1.0, 1.0)


def cut_sphere(n: int, radius: float, normal: np.ndarray, spacing=CUBE) -> np.ndarray:
    """Matrix 0 around a sphere whose halves are phases 1 and 2, cut through its middle perpendicular to `normal`."""
    axes = [(np.arange(n) - (n - 1) / 2 + shift) * h for shift, h in zip((0.13, 0.27, 0.41), spacing, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1)
    side = grid @ (normal / np.linalg.norm(normal)) > 0
    return np.where((grid**2).sum(axis=-1) < radius**2, 1 + side, 0).astype(np.uint8)


def directions(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 3))


def test_halves_of_a_sphere():
    n, radius = 40, 15.0
    areas, lines = [], []
    for normal in directions(40):
        labels = cut_sphere(n, radius, normal)
        areas.append(finish(interface_areas(labels, 3, CUBE)))
        lines.append(finish(triple_lines(labels, 3, CUBE))[0, 1, 2])
    # Counted between voxel centres, and nothing is near the faces.
    volume, planes = float((n - 0.5) ** 3), float(n * (n - 1) ** 2)
    half, disc, rim = 2 * np.pi * radius**2, np.pi * radius**2, 2 * np.pi * radius
    # A plane has one orientation, so the mean over orientations is what 13 directions get right.
    assert np.mean([a[0, 1] for a in areas]) * volume == pytest.approx(half, rel=0.03)
    assert np.mean([a[0, 2] for a in areas]) * volume == pytest.approx(half, rel=0.03)
    assert np.mean([a[1, 2] for a in areas]) * volume == pytest.approx(disc, rel=0.04)
    # Voxels zigzag about the line, which its method says.
    assert np.mean(lines) * planes == pytest.approx(1.05 * rim, rel=0.03)


def test_pairs_add_up_to_the_surface_of_each_phase():
    labels = np.random.default_rng(1).integers(0, 4, (14, 15, 16)).astype(np.uint8)
    padded = np.pad(labels, 3)  # so that both ways of counting at the faces agree
    spacing = (1.0, 1.0, 1.5)
    areas = finish(interface_areas(padded, 4, spacing))
    for phase in range(4):
        whole = crofton_surface(finish(configuration_histogram(padded == phase)), spacing)
        assert sum(area for pair, area in areas.items() if phase in pair) == pytest.approx(whole, rel=0.12)


def test_slabs_change_nothing(monkeypatch):
    labels = np.random.default_rng(2).integers(0, 3, (17, 9, 8)).astype(np.uint8)
    areas, lines = finish(interface_areas(labels, 3, CUBE)), finish(triple_lines(labels, 3, CUBE))
    monkeypatch.setattr('napari_microrecon.engine.statistics.interfaces._SLAB_VOXELS', 200)
    assert finish(interface_areas(labels, 3, CUBE)) == pytest.approx(areas)
    assert finish(triple_lines(labels, 3, CUBE)) == pytest.approx(lines)


def test_lines_equal_brute_force():
    labels = np.random.default_rng(3).integers(0, 4, (6, 7, 5)).astype(np.uint8)
    found = finish(triple_lines(labels, 4, (2.0, 1.0, 1.0)))
    z, y, x = labels.shape
    expected = 0.0
    for axis, (cells, area) in enumerate(((z * (y - 1) * (x - 1), 1), ((z - 1) * y * (x - 1), 2), (
        (z - 1) * (y - 1) * x, 2))):  # fmt: skip
        lines = np.moveaxis(labels, axis, 0)
        points = sum(
            {0, 1, 3} <= set(lines[i, j : j + 2, k : k + 2].ravel().tolist())
            for i in range(lines.shape[0])
            for j in range(lines.shape[1] - 1)
            for k in range(lines.shape[2] - 1)
        )
        expected += 2 / 3 * points / (cells * area)
    assert found[0, 1, 3] == pytest.approx(expected)


def test_three_phases_in_the_report():
    labels = cut_sphere(32, 12, np.array([1.0, 0.4, 0.2]))
    volume = Volume(labels, Phases.named('pore', 'active', 'binder', pore=0), VoxelSize.cube(0.5, 'um'))
    found = drain(measure(volume, 1, tortuosity=False))
    assert found.statistics['interface_0_1'].unit == '1/um'
    assert found.statistics['triple_line_0_1_2'].unit == '1/um^2'
    plain = drain(measure(Volume(labels, volume.phases), 1, tortuosity=False))
    assert found.value('interface_1_2') == pytest.approx(2 * plain.value('interface_1_2'))
    assert found.value('triple_line_0_1_2') == pytest.approx(4 * plain.value('triple_line_0_1_2'))
    assert title('interface_0_1') == 'Interfacial area, phases 0–1'
    assert title('triple_line_0_1_2') == 'Triple-phase boundary length, phases 0–1–2'
    assert 'permeability_kozeny_carman' not in found.statistics  # active material is no pore
    assert 'not made of particles' in found.statistics['particle_size'].note or found.value('particle_size') is None
    json.loads(found.to_json())
    thin = drain(measure(Volume(labels[:1], volume.phases), 1, tortuosity=False))
    assert thin.value('interface_0_1') is None
    assert thin.value('triple_line_0_1_2') is None


def test_many_phases_tell_the_pairs_of_the_measured_one():
    labels = np.random.default_rng(0).integers(0, 6, (16, 16, 16)).astype(np.uint8)
    found = drain(measure(Volume(labels, Phases.default(6)), 2, tortuosity=False))
    keys = [key for key in found.statistics if key.startswith(('interface', 'triple'))]
    assert keys == ['interface_0_2', 'interface_1_2', 'interface_2_3', 'interface_2_4', 'interface_2_5']
