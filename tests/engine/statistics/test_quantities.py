"""Declarations of the statistics: complete, true to what is measured, and the same in the documentation."""

from __future__ import annotations

import math
import runpy
from functools import reduce
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from napari_microrecon.engine.analysis import measure
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.results import Report
from napari_microrecon.engine.statistics.catalogue import (
    curve_of,
    ours,
    quantities,
    quantity_of,
    short_table,
    short_title,
    title,
)
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize


@pytest.fixture(scope='module', params=[0, 1], ids=['pore', 'grain'])
def report(request: pytest.FixtureRequest) -> Report:
    """Three phases, smooth, with voxels that are no cubes."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(3)
    field = gaussian_filter(rng.standard_normal((40, 40, 40)), 2.0, mode='wrap')
    labels = np.digitize(field, np.quantile(field, [0.4, 0.8])).astype(np.uint8)
    phases = Phases.named('pore', 'grain', 'binder', pore=0)
    volume = Volume(labels=labels, voxel_size=VoxelSize(z=1.0, y=0.5, x=0.5, unit='um'), phases=phases)
    return drain(measure(volume, request.param))


def test_what_is_measured_is_declared_with_its_unit_and_its_range(report):
    assert len(report.statistics) > 25
    for key, statistic in report.statistics.items():
        quantity = quantity_of(key)
        assert quantity in ours(), key
        assert statistic.unit == quantity.unit_in('um'), key
        if statistic.value is not None:
            slack = 1e-3 * abs(statistic.value)  # a solve ends at a residual
            assert quantity.low - slack <= statistic.value <= quantity.high + slack, key


def test_curves_are_declared_and_stay_in_their_range(report):
    assert {'s2_radial', 'lineal_path_x', 'profile_y', 'thickness_distribution'} <= set(report.curves)
    for key, curve in report.curves.items():
        quantity = quantity_of(key)
        assert quantity in ours(), key
        assert quantity.axes is not None, key
        assert quantity.low - 1e-6 <= min(curve.value), key
        assert max(curve.value) <= quantity.high + 1e-6, key


def test_curves_to_show_beside_a_statistic_exist(report):
    shown = [curve_of(key) for key in report.statistics]
    assert {'profile_z', 'autocovariance_y', 'thickness_distribution'} <= set(shown)
    for key in filter(None, shown):
        assert key in report.curves or quantity_of(key).axes is not None, key


@pytest.mark.parametrize('quantity', ours(), ids=lambda quantity: quantity.key)
def test_declarations_are_complete(quantity):
    assert quantity.title
    assert quantity.low < quantity.high
    if isinstance(quantity.function, str):
        package, module, *names = quantity.function.split('.')
        found = reduce(getattr, names, import_module(f'napari_microrecon.engine.{package}.{module}'))
        assert callable(found)
    else:
        assert callable(quantity.function)
        assert quantity.method


def test_names():
    assert title('tortuosity_z') == 'Tortuosity factor, z'
    assert title('tortuosity_total_x') == 'Tortuosity factor (total phase), x'
    assert title('interface_0_2') == 'Interfacial area, phases 0–2'
    assert title('s2_radial') == 'Two-point probability S₂, radial'
    assert short_title('percolating_fraction_y') == 'Percolating y'
    assert short_table()[:2] == ('phase_fraction', 's2_error')


def test_an_undeclared_key_keeps_its_name():
    """As in a report that was made where another package was installed."""
    assert title('somebody_elses_number') == 'somebody_elses_number'
    assert quantity_of('somebody_elses_number').low == -math.inf
    assert 'somebody_elses_number' not in quantities()


def test_the_documentation_is_written_from_the_declarations(root: Path):
    script = runpy.run_path(str(root / 'scripts' / 'statistics_page.py'))
    assert script['PAGE'].read_text(encoding='utf-8') == script['page'](), 'run scripts/statistics_page.py'
