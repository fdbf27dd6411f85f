"""The report: keys, units, refusals, schema, streaming and cancelling."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest

from napari_microrecon.engine.analysis import measure
from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.provenance import Provenance
from napari_microrecon.engine.results import Report, Statistic
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

PHASES = Phases.named('grain', 'pore', pore=1)
PROMISED = {
    'phase_fraction', 'specific_surface', 'face_density', 'clusters', 'anisotropy_index',
    *(f'{stem}_{axis}' for axis in 'zyx' for stem in (
        'percolating_fraction', 'correlation_length', 'tortuosity', 'tortuosity_total', 'effective_diffusivity',
        'tortuosity_residual', 'critical_diameter', 'permeability_katz_thompson')),
    'specific_surface_s2', 'isolated_fraction', 'thickness', 'permeability_kozeny_carman',
}  # fmt: skip


def volume_of(mask: np.ndarray, **options) -> Volume:
    return Volume(mask.astype(np.uint8), PHASES, **options)


def sponge(n: int = 40, fraction: float = 0.4) -> Volume:
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(0).standard_normal((n, n, n)), 1.5)
    return volume_of(field < np.quantile(field, fraction), voxel_size=VoxelSize.cube(2, 'um'), name='sponge')


@pytest.fixture(scope='module')
def sponge_report() -> Report:
    return drain(measure(sponge()))


def test_every_promised_statistic_has_a_value_in_a_sponge(sponge_report):
    assert set(sponge_report.statistics) >= PROMISED
    for key in PROMISED:
        statistic = sponge_report.statistics[key]
        assert statistic.valid, (key, statistic.note)
        assert statistic.method
        assert statistic.unit
    curves = {f'{stem}_{tail}' for stem in ('s2', 'autocovariance') for tail in ('z', 'y', 'x', 'radial')}
    assert set(sponge_report.curves) >= curves | {f'lineal_path_{axis}' for axis in 'zyx'}
    assert sponge_report.complete


def test_units_are_physical(sponge_report):
    voxels = drain(measure(volume_of(sponge().labels), tortuosity=False))
    in_um = sponge_report
    for key, power in (('specific_surface', -1), ('correlation_length_z', 1), ('chord_length_x', 1), ('clusters', 0)):
        assert in_um.value(key) == pytest.approx(voxels.value(key) * 2.0**power, rel=1e-6)
    assert in_um.value('cluster_density') == pytest.approx(voxels.value('cluster_density') / 8)
    assert in_um.value('face_density') == voxels.value('face_density')
    assert in_um.statistics['specific_surface'].unit == '1/um'
    assert voxels.statistics['specific_surface'].unit == '1/voxel'
    curve = in_um.curves['s2_z']
    assert (curve.lag_unit, curve.lag[1], curve.lag[-1]) == ('um', 2, 40)
    assert 'tortuosity_z' not in voxels.statistics


def test_face_density_is_about_1_4_times_the_surface(sponge_report):
    ratio = sponge_report.value('face_density') / (2 * sponge_report.value('specific_surface'))
    assert 1.25 < ratio < 1.5


def test_json_is_the_documented_schema(sponge_report):
    data = json.loads(sponge_report.to_json(), parse_constant=lambda name: pytest.fail(f'{name} in JSON'))
    assert data['schema'] == 1
    assert data['volume']['shape'] == [40, 40, 40]
    assert data['volume']['voxel_size'] == [2, 2, 2]
    assert data['volume']['unit'] == 'um'
    assert data['phase'] == 1
    for statistic in data['statistics'].values():
        assert set(statistic) == {'value', 'unit', 'sd', 'method', 'valid', 'note'}
    for key, curve in data['curves'].items():
        # half of 40 voxels of 2 um, but for profiles, which show all layers
        assert curve['lag'][-1] == 79 if key.startswith('profile_') else curve['lag'][-1] <= 40, key
        assert set(curve) == {'lag', 'lag_unit', 'value'}
        assert len(curve['lag']) == len(curve['value'])
    assert data['curves']['s2_x']['value'][0] == data['statistics']['phase_fraction']['value']


def test_numbers_that_are_not_finite_cannot_enter():
    assert not Statistic.of(math.nan, '1', '').valid
    assert Statistic.of(math.inf, '1', '', note='why').note == 'why'
    assert Statistic.of(1.0, '1', '', sd=math.nan).sd is None
    with pytest.raises(ValueError, match='finite'):
        Statistic(value=math.nan, unit='1')
    with pytest.raises(ValueError, match='valid'):
        Statistic(value=None, unit='1')


@pytest.mark.parametrize('fill', [0, 1])
def test_one_phase_only(fill):
    report = drain(measure(volume_of(np.full((20, 20, 20), fill)), in_process=True))
    assert report.value('phase_fraction') == fill
    for key, statistic in report.statistics.items():
        if statistic.value is None:
            assert statistic.note, key
    assert not report.curves
    for key in ('specific_surface', 'correlation_length_z', 'anisotropy_index', 'face_density'):
        assert report.value(key) is None
    # a full volume does conduct, an empty one does not
    assert report.value('tortuosity_y') == (pytest.approx(1) if fill else None)
    assert report.value('percolating_fraction_x') == (1 if fill else None)
    json.loads(report.to_json())


def test_blocked_duct_is_refused_along_its_axis_only():
    mask = np.zeros((24, 24, 24), dtype=bool)
    mask[:, 8:16, :] = True
    mask[12] = False
    report = drain(measure(volume_of(mask), in_process=True))
    for key in ('tortuosity_z', 'tortuosity_total_z'):
        assert report.value(key) is None
        assert report.statistics[key].note == 'no path along z'
    assert report.value('percolating_fraction_z') == 0
    assert report.value('tortuosity_x') == pytest.approx(1)
    assert report.statistics['tortuosity_y'].note == 'no path along y'


@pytest.mark.parametrize('shape', [(1, 32, 32), (32, 1, 32), (2, 20, 20), (1, 1, 20)])
def test_thin_slabs_give_no_meaningless_number(shape):
    rng = np.random.default_rng(0)
    mask = rng.random(shape) < 0.8
    report = drain(measure(volume_of(mask), in_process=True))
    for axis, n in zip('zyx', shape, strict=True):
        if n == 1:
            for stem in ('tortuosity', 'percolating_fraction', 'correlation_length'):
                statistic = report.statistics[f'{stem}_{axis}']
                assert statistic.value is None, stem
                assert 'thi' in statistic.note
    if 1 in shape:
        assert report.value('specific_surface') is None
    assert 'thick' in report.statistics['anisotropy_index'].note
    json.loads(report.to_json())


def test_uncorrelated_lag_is_refused():
    mask = np.broadcast_to((np.arange(20) < 10)[:, None, None], (20, 20, 20))
    report = drain(measure(volume_of(mask), tortuosity=False))
    assert report.value('correlation_length_x') is None
    assert 'too thin' in report.statistics['correlation_length_x'].note


def test_unknown_phase_is_refused():
    with pytest.raises(InputError, match='phase'):
        drain(measure(sponge(8), 2))


def test_phase_by_default_is_the_pore_and_others_can_be_asked_for():
    labels = np.zeros((12, 12, 12), dtype=np.uint8)
    labels[:4], labels[4:6] = 1, 2
    cathode = Volume(labels, Phases.named('pore', 'active', 'binder', pore=0))
    assert drain(measure(cathode, tortuosity=False)).phase_name == 'pore'
    report = drain(measure(cathode, 2, tortuosity=False))
    assert (report.phase_name, report.value('phase_fraction')) == ('binder', pytest.approx(1 / 6))


def test_cheap_statistics_come_first_and_tortuosity_axis_by_axis():
    previews: list[Report] = []
    report = drain(measure(sponge(24), in_process=True), lambda p: previews.append(p.preview))
    assert 'phase_fraction' in previews[0].statistics
    assert not any(p.complete for p in previews)
    firsts = {
        key: next(i for i, p in enumerate(previews) if key in p.statistics)
        for key in ('phase_fraction', 'clusters', 'anisotropy_index', 'tortuosity_z', 'tortuosity_y', 'tortuosity_x')
    }
    assert list(firsts.values()) == sorted(firsts.values())
    assert len(set(firsts.values())) == 6
    assert report.complete


def test_max_lag_shortens_the_curves():
    report = drain(measure(sponge(24), tortuosity=False, max_lag=5))
    assert len(report.curves['s2_z'].lag) == 6
    assert drain(measure(sponge(24), tortuosity=False, max_lag=500)).curves['s2_z'].lag[-1] == 24


def test_porespy_can_be_asked_for():
    ours, theirs = (drain(measure(sponge(24), in_process=True, solver=solver)) for solver in ('own', 'porespy'))
    assert theirs.value('tortuosity_z') == pytest.approx(ours.value('tortuosity_z'), rel=0.005)
    assert 'PoreSpy 3' in theirs.statistics['tortuosity_z'].method
    assert 'own solver' in ours.statistics['tortuosity_z'].method
    flat = volume_of(sponge(12).labels, voxel_size=VoxelSize(z=2, y=1, x=1))
    refused = drain(measure(flat, in_process=True, solver='porespy'))
    assert 'cubic' in refused.statistics['tortuosity_z'].note


def test_closing_ends_a_solve_within_a_second():
    job = measure(volume_of(np.random.default_rng(0).random((90, 90, 90)) < 0.8))
    for progress in job:
        if progress.stage.startswith('tortuosity'):
            break
    next(job)
    began = time.monotonic()
    job.close()
    assert time.monotonic() - began < 1


def test_provenance_travels_along():
    volume = volume_of(sponge(12).labels, provenance=Provenance(kind='synthetic', seed=7))
    report = drain(measure(volume, tortuosity=False))
    assert report.provenance.seed == 7
    assert json.loads(report.to_json())['provenance']['kind'] == 'synthetic'
