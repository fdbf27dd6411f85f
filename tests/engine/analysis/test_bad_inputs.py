"""Every input that made other tools print a wrong number silently: the right answer or a refusal by name."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from napari_microrecon.engine.analysis import compare, measure
from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import read_volume
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.volume import Volume

PHASES = Phases.named('grain', 'pore', pore=1)
BLOBS = np.random.default_rng(0).random((12, 12, 12)) < 0.5


def test_a_mask_of_0_and_255_is_read_as_two_phases_and_gives_the_same_numbers(tmp_path):
    tifffile.imwrite(tmp_path / 'mask.tif', (BLOBS * 255).astype(np.uint8))
    tifffile.imwrite(tmp_path / 'labels.tif', BLOBS.astype(np.uint8))
    one, other = (drain(measure(read_volume(str(tmp_path / name)), 1)) for name in ('mask.tif', 'labels.tif'))
    assert one.value('phase_fraction') == BLOBS.mean()
    assert one.statistics == other.statistics


def test_a_mask_of_0_and_255_is_refused_as_labels():
    with pytest.raises(InputError, match='holds label 255; labels must be 0..1'):
        Volume((BLOBS * 255).astype(np.uint8), PHASES, name='mask')


@pytest.mark.parametrize('value', [np.nan, 0.5])
def test_values_that_are_no_labels_are_refused(value, tmp_path):
    grey = BLOBS.astype(np.float32)
    grey[3, 4, 5] = value
    with pytest.raises(InputError, match='segment'):
        Volume(grey, PHASES)
    tifffile.imwrite(tmp_path / 'grey.tif', grey)
    with pytest.raises(InputError, match='grey.tif'):
        read_volume(str(tmp_path / 'grey.tif'))


def test_a_grey_volume_is_refused(tmp_path):
    grey = np.random.default_rng(0).integers(0, 250, (12, 12, 12)).astype(np.uint8)
    tifffile.imwrite(tmp_path / 'grey.tif', grey)
    with pytest.raises(InputError, match='grey.tif'):
        read_volume(str(tmp_path / 'grey.tif'))


def test_three_labels_are_kept_apart():
    labels = np.random.default_rng(1).integers(0, 3, (14, 14, 14)).astype(np.uint8)
    with pytest.raises(InputError, match='holds label 2'):
        Volume(labels, PHASES)
    volume = Volume(labels, Phases.default(3))
    found = [drain(measure(volume, phase, tortuosity=False)).value('phase_fraction') for phase in range(3)]
    assert found == pytest.approx(volume.fractions)
    assert sum(found) == pytest.approx(1)


def test_all_pore_and_all_solid():
    for fill in (0, 1):
        report = drain(measure(Volume(np.full((16, 16, 16), fill, dtype=np.uint8), PHASES)))
        assert report.value('phase_fraction') == fill
        assert report.value('tortuosity_z') == (pytest.approx(1) if fill else None)
        assert report.value('effective_diffusivity_x') == (pytest.approx(1) if fill else None)
        for key in (
            'thickness', 'specific_surface', 'specific_surface_s2', 'critical_diameter_z', 'permeability_kozeny_carman',
            'permeability_katz_thompson_z', 'correlation_length_z', 'anisotropy_index',
        ):  # fmt: skip
            statistic = report.statistics[key]
            assert statistic.value is None, key
            assert 'pore' in statistic.note or 'phase' in statistic.note, key
        assert not report.curves
        json.loads(report.to_json(), parse_constant=lambda name: pytest.fail(name))


def test_a_phase_that_does_not_percolate_has_no_transport():
    labels = np.zeros((20, 20, 20), dtype=np.uint8)
    labels[4:9, 4:9, 4:9] = labels[12:16, 12:16, 12:16] = 1
    report = drain(measure(Volume(labels, PHASES)))
    for axis in 'zyx':
        for stem in ('tortuosity', 'tortuosity_total', 'effective_diffusivity', 'permeability_katz_thompson'):
            assert report.statistics[f'{stem}_{axis}'].note == f'no path along {axis}'
        assert f'tortuosity_residual_{axis}' not in report.statistics
    assert report.value('clusters') == 2
    assert report.value('isolated_fraction') == 1


@pytest.mark.parametrize('shape', [(1, 20, 20), (20, 1, 20), (20, 20, 1)])
@pytest.mark.parametrize('count', [2, 3])
def test_a_slab_of_one_voxel(shape, count):
    labels = np.random.default_rng(2).integers(0, count, shape).astype(np.uint8)
    report = drain(measure(Volume(labels, Phases.default(count)), 1))
    for key in ('thickness', 'specific_surface', 'particle_size', 'specific_surface_s2'):
        assert report.value(key) is None, key
        assert 'thi' in report.statistics[key].note, key
    assert report.value('phase_fraction') == pytest.approx((labels == 1).mean())
    json.loads(report.to_json())


def test_other_dimensions_and_lists_are_refused(tmp_path):
    with pytest.raises(InputError, match='4 dimensions; give a 3D'):
        Volume(np.zeros((2, 8, 8, 8), dtype=np.uint8), PHASES)
    with pytest.raises(InputError, match='2 dimensions; give a 3D'):
        Volume(np.zeros((8, 8), dtype=np.uint8), PHASES)
    with pytest.raises(InputError, match='empty'):
        Volume(np.zeros((0, 8, 8), dtype=np.uint8), PHASES)
    with pytest.raises(InputError, match='is a list, not an array'):
        Volume([[[0, 1], [1, 0]]], PHASES)  # pyright: ignore[reportArgumentType]
    tifffile.imwrite(tmp_path / 'four.tif', np.zeros((2, 8, 8, 8), dtype=np.uint8), metadata={'axes': 'TZYX'})
    with pytest.raises(InputError, match='four.tif'):
        read_volume(str(tmp_path / 'four.tif'))


def test_no_number_is_ever_infinite_or_nan():
    rng = np.random.default_rng(3)
    for shape in ((2, 2, 2), (3, 9, 4), (8, 8, 8)):
        for fraction in (0.02, 0.5, 0.98):
            volume = Volume((rng.random(shape) < fraction).astype(np.uint8), PHASES)
            for phase in (0, 1):
                report = drain(measure(volume, phase))
                values = [s.value for s in report.statistics.values() if s.value is not None]
                values += [v for curve in report.curves.values() for v in (*curve.lag, *curve.value)]
                assert values
                assert np.isfinite(values).all(), (shape, fraction, phase)
                assert 'NaN' not in report.to_json()


def test_comparing_what_has_nothing_to_compare():
    empty = Volume(np.zeros((24, 24, 24), dtype=np.uint8), PHASES, name='empty')
    real = Volume((np.random.default_rng(4).random((48, 48, 48)) < 0.5).astype(np.uint8), PHASES, name='real')
    found = drain(compare(empty, real, tortuosity=False))
    assert found.verdicts['phase_fraction'].verdict == 'outside'
    assert found.verdicts['specific_surface'].sentence.startswith('outside: no pore in the volume')
    numbers = [s.value for s in found.compared.values() if s.value is not None]
    assert np.isfinite(numbers).all()
    assert 'NaN' not in found.to_json()
