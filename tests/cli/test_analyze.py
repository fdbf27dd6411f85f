"""`analyze` and `compare`: several volumes, reduced volumes, solvers, and what they refuse."""

from __future__ import annotations

import json

import pytest

from napari_microrecon.engine.files import write_volume


@pytest.fixture(scope='module')
def folder(rock, tmp_path_factory):
    folder = tmp_path_factory.mktemp('analyze')
    for seed in range(2):
        write_volume(rock(32, seed), folder / f'rock{seed}.tif')
    write_volume(rock(32, 2, (0.4, 0.35, 0.25)), folder / 'three.tif')
    return folder


def test_the_report_has_the_new_statistics(cli, folder, tmp_path):
    code, out, _ = cli('analyze', folder / 'rock0.tif', '--phases', 'grain,pore', '--output', tmp_path / 'r.json')
    assert code == 0
    data = json.loads((tmp_path / 'r.json').read_text())
    for key in ('thickness', 'specific_surface_s2', 'effective_diffusivity_z', 'permeability_katz_thompson_x'):
        assert key in data['statistics'], key
        assert key in out
    assert data['statistics']['permeability_kozeny_carman']['unit'] == 'um^2'
    assert 'no flow is solved' in data['statistics']['permeability_katz_thompson_z']['method']
    assert {'profile_z', 'thickness_distribution', 'chord_distribution_x'} <= set(data['curves'])


def test_three_phases(cli, folder):
    code, out, _ = cli('analyze', folder / 'three.tif', '--phase', 2, '--no-tortuosity', '--json')
    assert code == 0
    statistics = json.loads(out)['statistics']
    assert {'interface_0_1', 'interface_0_2', 'interface_1_2', 'triple_line_0_1_2'} <= set(statistics)


@pytest.mark.parametrize('suffix', ['json', 'html'])
def test_several_volumes_have_a_mean_and_a_spread(cli, folder, tmp_path, suffix):
    target = tmp_path / f'both.{suffix}'
    code, out, _ = cli(
        'analyze', folder / 'rock0.tif', folder / 'rock1.tif', '--no-tortuosity', '--workers', 2, '--output', target
    )
    assert code == 0
    assert '2 volumes: phase 1' in out
    assert '95 % of further volumes: ' in out
    text = target.read_text()
    if suffix == 'json':
        data = json.loads(text)
        assert data['count'] == 2
        assert data['statistics']['specific_surface']['sd'] > 0
        assert [r['volume']['shape'] for r in data['reports']] == [[32, 32, 32]] * 2
    else:
        assert 'Microstructure of 2 volumes' in text
        assert '<svg' in text


def test_crop_and_coarser_grid(cli, folder):
    code, out, _ = cli('analyze', folder / 'rock0.tif', '--crop', 24, '--coarsen', 2, '--no-tortuosity', '--json')
    assert code == 0
    volume = json.loads(out)['volume']
    assert volume['shape'] == [12, 12, 12]
    assert volume['voxel_size'] == [4, 4, 4]


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (('--crop', 'large'), '--crop'),
        (('--crop', '48'), 'smaller crop'),
        (('--coarsen', '50'), 'smaller factor'),
        (('--solver', 'magic'), 'use one of auto, own, gpu, porespy'),
    ],
)
def test_bad_options_are_told_in_one_line(cli, folder, options, words):
    code, _, err = cli('analyze', folder / 'rock0.tif', *options)
    assert code == 2
    assert words in err
    assert len(err.strip().splitlines()) == 1


def test_a_volume_that_does_not_fit_into_memory_is_refused_with_a_way_out(cli, folder, monkeypatch):
    monkeypatch.setattr('napari_microrecon.engine.analysis.memory.free_memory', lambda: 1.5e8)
    code, _, err = cli('analyze', folder / 'rock0.tif')
    assert code == 2
    assert 'are free' in err


def test_verdicts_are_worded(cli, folder, rock, tmp_path):
    write_volume(rock(64, 5), tmp_path / 'real.tif')
    code, out, _ = cli(
        'compare', folder / 'rock0.tif', tmp_path / 'real.tif', '--no-tortuosity', '--output', tmp_path / 'c.html'
    )
    assert code == 0
    lines = [line for line in out.splitlines() if line.startswith('  ')]
    told = [line.split(': ', 2)[2] for line in lines]
    assert len(told) > 15
    assert all(t.startswith(('inside', 'outside', 'volume too small to tell', 'cannot tell')) for t in told), told
