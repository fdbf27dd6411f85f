"""One band: its ends are possible, its verdict and its cell agree in every medium."""

from __future__ import annotations

import csv
import io
import json
import math
import re

import numpy as np
import pytest

from napari_microrecon.cli.demo import _band
from napari_microrecon.cli.evaluate import verdicts
from napari_microrecon.engine.report_output import table_csv
from napari_microrecon.engine.report_output.html_tables import HTML, comparison_table
from napari_microrecon.engine.results import Band, Comparison, Curve, CurveBand, Report, Statistic, VolumeInfo
from napari_microrecon.engine.results.bands import band_reach
from napari_microrecon.engine.results.comparison import judge
from napari_microrecon.engine.results.writing import PLAIN, Medium
from napari_microrecon.engine.statistics.catalogue import ours, quantity_of
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.panels.numbers import PANEL

MEDIA = [pytest.param(medium, id=name) for name, medium in (('plain', PLAIN), ('html', HTML), ('panel', PANEL))]


def band_of(key: str, *values: float | None) -> Band:
    return Band.over(values, quantity_of(key))


def comparison_of(key: str, value: float, band: Band) -> Comparison:
    """A comparison of a single statistic."""
    info = VolumeInfo(name='a', shape=(32, 32, 32), voxel_size=VoxelSize(z=1, y=1, x=1, unit='um'))
    statistic = Statistic.of(value, quantity_of(key).unit_in('um'), 'as it is')
    report = Report(volume=info, phase=0, phase_name='pore', statistics={key: statistic})
    return Comparison(
        generated=report, real=report, block_shape=(32, 32, 32), basis='blocks', compared={key: statistic},
        band={key: band}, verdicts={key: judge(value, '', band, quantity_of(key))},
    )  # fmt: skip


def test_six_equal_blocks_have_the_band_that_their_verdict_is_about():
    band = band_of('percolating_fraction_z', *[1.0] * 6)
    assert band.sd == 0
    assert band.low == pytest.approx(1 - band_reach(6) * 0.005)
    assert band.high == 1
    assert judge(0.997, '', band, quantity_of('percolating_fraction_z')).verdict == 'inside'
    assert judge(0.98, '', band, quantity_of('percolating_fraction_z')).verdict == 'outside'
    assert PLAIN.ends(band) == '>= 0.9861'
    assert PANEL.ends(band) == '≥ 0.986'


def test_the_band_of_a_residual_is_the_right_way_round():
    band = band_of('tortuosity_residual_z', 0.001, 0.003, 0.002, 0.002)
    assert band.low == 0
    assert 0.002 < band.high < 0.01


@pytest.mark.parametrize(
    ('key', 'values', 'low', 'high'),
    [
        ('phase_fraction', (0.01, 0.03, 0.02, 0.05), 0.0, None),
        ('percolating_fraction_x', (0.9, 0.99, 0.95, 1.0), None, 1.0),
        ('isolated_fraction', (0.0, 1.0, 0.2, 0.5), 0.0, 1.0),
        ('tortuosity_y', (1.1, 2.0, 1.2, 1.6), 1.0, None),
        ('effective_diffusivity_y', (0.9, 0.99, 0.8, 0.85), None, 1.0),
        ('anisotropy_index', (1.0, 1.1, 1.05, 1.3), 1.0, None),
        ('euler_density', (-1.0, 1.0, 0.5, -0.5), None, None),
        ('s2_error', (0.2, 0.21, 0.22, 0.2), 0.0, None),  # no distance is too small
    ],
)
def test_no_end_lies_outside_the_possible_range(key, values, low, high):
    band = band_of(key, *values)
    half = band_reach(4) * np.std(values, ddof=1)
    assert band.low == pytest.approx(np.mean(values) - half if low is None else low)
    assert band.high == pytest.approx(np.mean(values) + half if high is None else high)


def test_all_bands_of_all_statistics_are_possible_and_in_order():
    rng = np.random.default_rng(1)
    for quantity in ours():
        for scale in (1e-3, 1.0, 30.0):
            values = [quantity.possible(float(v)) for v in rng.normal(0, scale, 5)]
            band = Band.over(values, quantity)
            assert quantity.low <= band.low <= band.mean <= band.high <= quantity.high, quantity.key


def test_few_values_have_no_band():
    assert band_of('thickness').low is None
    one = band_of('thickness', 2.0, None)
    assert (one.mean, one.sd, one.low, one.high, one.n, one.of) == (2.0, None, None, None, 1, 2)
    assert PLAIN.ends(one) == ''
    with pytest.raises(ValueError, match='no ends'):
        one.contains(2.0)


def test_more_windows_have_a_narrower_band():
    values = [1.0, 2.0, 3.0, 4.0]
    quantity = quantity_of('thickness')
    assert Band.over(values, quantity, further=4).high < Band.over(values, quantity).high


def test_a_value_beyond_the_possible_range_by_rounding_counts_as_at_its_end():
    band = band_of('tortuosity_x', 1.0, 1.0, 1.0, 1.0)
    assert band.contains(0.99999)
    assert judge(0.99999, '', band, quantity_of('tortuosity_x')).verdict == 'inside'


def test_a_standard_error_is_a_band_too():
    band = Band.of_error(0.99, 0.02, quantity_of('phase_fraction'))
    assert (band.low, band.high, band.kind) == (pytest.approx(0.99 - 1.96 * 0.02), 1.0, 'error')


def test_files_keep_their_names():
    band = band_of('thickness', 1.0, 2.0, None)
    told = json.loads(band.model_dump_json())
    assert {'mean', 'sd', 'count', 'blocks'} <= set(told)
    assert (told['count'], told['blocks']) == (2, 3)


def test_curves_stay_in_their_range():
    curves = [Curve(lag=(0.0, 1.0), lag_unit='um', value=(0.9, v)) for v in (0.0, 0.2, 0.5)]
    low, high = CurveBand.of(curves, 'lineal_path_z').limits
    assert low.min() >= 0
    assert high.max() <= 1
    assert CurveBand.of(curves, 'autocovariance_z').limits[0].min() < 0


def _ends(medium: Medium, text: str, band: Band) -> tuple[float, float]:
    """Ends as a reader takes them from a cell."""
    plain = re.sub(r'·10<sup>(.*?)</sup>', r'e\1', text).replace('−', '-')
    for sign, open_end in ((medium.at_least, 0), (medium.at_most, 1)):
        if plain.startswith(sign):
            number = float(plain.removeprefix(sign))
            return (number, math.inf) if open_end == 0 else (-math.inf, number)
    parts = re.split(r' to | – |(?<=\d)–', plain)
    low, high = (float(part) for part in (parts * 2)[:2])
    return low, high


def _value(text: str) -> float:
    return float(re.sub(r'·10<sup>(.*?)</sup>', r'e\1', text).replace('−', '-'))


@pytest.mark.parametrize('medium', MEDIA)
def test_verdict_and_cell_agree_to_the_last_digit(medium):
    """What a reader takes from the cells is what the verdict says, also next to the ends."""
    rng = np.random.default_rng(2)
    checked = {True: 0, False: 0}
    for key in ('phase_fraction', 'tortuosity_z', 'euler_density', 'specific_surface', 's2_error', 'cluster_density'):
        quantity = quantity_of(key)
        for _ in range(60):
            scale = 10 ** rng.uniform(-3, 2) if quantity.high > 1 else 0.3
            values = [
                quantity.possible(abs(float(v)) + quantity.possible(0)) for v in rng.normal(scale, 0.1 * scale, 6)
            ]
            band = Band.over(values, quantity)
            for end, sign in ((band.low, -1), (band.high, 1)):
                for step in (1e-2, 1e-3, 1e-5):
                    for value in (end - sign * step * scale, end + sign * step * scale):
                        value = quantity.possible(value)
                        digits = medium.digits_for(value, band)
                        low, high = _ends(medium, medium.ends(band, digits), band)
                        assert (low <= _value(medium.number(value, digits)) <= high) == band.contains(value)
                        checked[band.contains(value)] += 1
    assert min(checked.values()) > 300


@pytest.mark.parametrize(('value', 'word'), [(0.997, 'inside'), (0.986, 'outside'), (0.9, 'outside')])
def test_terminal_page_table_and_demo_write_the_same_band(value, word):
    band = band_of('percolating_fraction_z', *[1.0] * 6)
    comparison = comparison_of('percolating_fraction_z', value, band)
    line = verdicts(comparison)[1]
    assert 'real 1, 95 % >= 0.986' in line
    assert f': {word}' in line
    page = comparison_table(comparison)
    assert '≥ 0.986' in page
    assert f'badge {word}' in page
    (row,) = csv.DictReader(io.StringIO(table_csv(comparison)))
    assert float(row['real_low']) == band.low
    assert float(row['real_high']) == 1.0
    assert row['verdict'].startswith(word)
    assert _band(comparison, 'percolating_fraction_z').startswith(f' ({word} the band at least 0.986')
    for text in (line, page):
        assert '+-' not in text
        assert '±' not in text


def test_demo_counts_in_per_cent():
    band = band_of('phase_fraction', 0.01, 0.02, 0.03, 0.02)
    told = _band(comparison_of('phase_fraction', 0.02, band), 'phase_fraction', 100, ' %')
    assert told == f' (inside the band at most {100 * band.high:.3g} %)'
