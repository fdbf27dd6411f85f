"""The benchmarks' own machinery: materials, scorers, bars, cache, the SliceGAN-style baseline and the tables."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice, SliceSet

EDGE = 40


@pytest.fixture(autouse=True)
def _on_the_path(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / 'benchmarks'))


@pytest.fixture
def volume():
    from bench.synthetic import spinodal

    return spinodal(80, wavelength=12.0)


@pytest.fixture
def slices(volume):
    return SliceSet.of([Slice(labels=volume[40], phases=Phases.default(2))])


@pytest.fixture
def reference(volume):
    from bench.bars import Reference
    from scoring import Band, blocks, figures

    real = tuple(figures(block, 2, transport=[1]) for block in blocks(volume, (EDGE,) * 3))
    fractions = np.array([0.6, 0.4])
    slice_figures = {'faces 1': real[0]['faces 1'], 's2 1': real[0]['s2 1'], 'fraction 1': np.array(0.4)}
    return Reference(real, Band.of(real), np.array([0.02, 0.02]), fractions, slice_figures)


def test_synthetic_materials_are_what_they_say():
    from bench.synthetic import ellipsoids, spinodal

    pores = ellipsoids(64)
    assert 0.15 < pores.mean() < 0.35
    assert (pores == ellipsoids(64)).all()
    level = spinodal(64)
    assert level.mean() == pytest.approx(0.4, abs=1e-3)
    spectrum = np.abs(np.fft.fftn(level - level.mean())) ** 2
    k = np.sqrt(sum(f**2 for f in np.meshgrid(*[np.fft.fftfreq(64)] * 3, indexing='ij')))
    assert 1 / np.average(k, weights=spectrum * (k < 0.1)) == pytest.approx(24, rel=0.2)


def test_materials_by_name_and_without_data(monkeypatch, tmp_path):
    from bench.materials import MATERIALS, get_material

    other = get_material('berea@z=20', edge=64)
    assert (other.planes, other.edge, other.bars) == (('z=20',), 64, MATERIALS['berea'].bars)
    with pytest.raises(InputError, match='is not known'):
        get_material('granite')
    monkeypatch.setenv('MICRORECON_DATA', str(tmp_path / 'nowhere'))
    with pytest.raises(InputError, match='MICRORECON_DATA'):
        _ = other.path


def test_materials_say_where_they_come_from(monkeypatch, tmp_path):
    import tifffile
    from bench.grey_volumes import segment
    from bench.materials import MATERIALS, get_material

    origins = {name: material.origin for name, material in MATERIALS.items()}
    assert [name for name in origins if origins[name] == 'measured'] == ['berea', 'ketton', 'nmc', 'bone']
    assert [name for name in origins if origins[name] == 'computed'] == ['cathode', 'foam']
    nmc = get_material('nmc')
    assert (nmc.phases, nmc.measured) == (3, (0, 1)), 'the binder was added by computer and proves nothing'
    assert {bar.phase for bar in nmc.bars} == {0, 1}
    assert nmc.blocks == 'measured blocks'
    # A grey volume is segmented on first use, outside the project and beside no data of others.
    grey = np.random.default_rng(0).normal(40, 10, (20, 160, 20))
    grey[:, 60:] += 60
    grey = grey.astype(np.uint8)
    data, kept = tmp_path / 'data', tmp_path / 'kept'
    data.mkdir(), kept.mkdir()
    tifffile.imwrite(data / 'trabecular_bone_grey.tif', grey)
    monkeypatch.setenv('MICRORECON_DATA', str(data))
    monkeypatch.setattr('bench.grey_volumes.cache_folder', lambda: kept)
    bone = get_material('bone@z=10')
    assert not bone.volume()[:, :59].any()
    assert bone.volume()[:, 61:].all()
    assert (bone.slices().slices[0].labels == bone.volume()[10]).all()
    assert [path.name for path in data.iterdir()] == ['trabecular_bone_grey.tif']
    (labels,) = kept.iterdir()
    assert (np.load(labels) == segment(grey)).all()


def test_measured_materials_are_held_to_one_block(reference):
    from bench.bars import BAND, EITHER, FLOOR, WITHIN, Bar, Result

    def judged(bar, **changes):
        found = tuple(
            {**one, **{key.replace('_', ' '): f(one) for key, f in changes.items()}} for one in reference.real
        )
        return bar.judge(Result(found, np.zeros((2, 2)), np.zeros((2, 2))), reference)

    value, limit = judged(Bar('s2', 1, kind=FLOOR))
    assert value <= limit == reference.band.own['s2 1'] < judged(Bar('s2', 1, kind=BAND))[1]
    value, limit = judged(Bar('s2', 1, kind=FLOOR), s2_1=lambda one: one['s2 1'] * 1.5)
    assert value > limit
    # 15 % of the mean or two standard deviations of the blocks, whichever is kinder.
    bar, sd = Bar('tau', 1, 0.15, EITHER), reference.band.sd['tau 1']
    for factor in (1.0, 1.1, 1.2, 2.0):
        shifted = reference.band.mean['tau 1'] * factor
        value, limit = judged(bar, tau_1=lambda _, tau=shifted: tau)
        near = factor - 1 <= 0.15 + 1e-9
        inside = (abs(shifted - reference.band.mean['tau 1']) <= 2 * sd).all()
        assert (value <= limit) == (near or inside), factor
    assert judged(Bar('tau', 1, 0.15, WITHIN), tau_1=lambda one: one['tau 1'] * np.nan)[0] != 0
    value, limit = judged(bar, tau_1=lambda one: one['tau 1'] * np.nan)
    assert not value <= limit


def test_every_bar_judges_volumes_of_its_material(reference):
    from bench.bars import BAND, Bar, Result
    from bench.materials import MATERIALS

    same = Result(reference.real, np.tile(reference.slices, (10, 1)), np.tile(reference.slices, (10, 1)))
    for bar in {bar for name in ('berea', 'ketton', 'foam') for bar in MATERIALS[name].bars} - {Bar('spread', 1, 0.5)}:
        value, limit = bar.judge(same, reference)
        assert value <= limit, bar.title
    assert Bar('spread', 1, 0.5).judge(same, reference) == (pytest.approx(1.0), 0.5), 'all alike is no natural spread'
    half = tuple({**one, 'faces 1': one['faces 1'] * 0.8, 's2 1': one['s2 1'] * 2} for one in reference.real)
    worse = Result(half, same.fractions, same.cropped)
    assert Bar('surface', 1, 0.05).judge(worse, reference)[0] == pytest.approx(0.2)
    for bar in (Bar('s2', 1, 0.05), Bar('s2', 1, kind=BAND)):
        value, limit = bar.judge(worse, reference)
        assert value > limit


def test_a_phase_that_never_percolates_meets_no_tau_bar(reference):
    from bench.bars import Bar, Result

    broken = tuple({**one, 'tau 1': np.full(3, np.nan)} for one in reference.real)
    value, limit = Bar('tau', 1, 0.15).judge(Result(broken, np.zeros((2, 2)), np.zeros((2, 2))), reference)
    assert not value <= limit


def test_finished_work_is_not_done_again(tmp_path, capsys):
    from bench.runs import Recipe, Settings, Task, run

    done = []

    def work(task, keep):
        done.append(task.seed)
        assert keep.parent == tmp_path
        return {'rows': {'x': {'found': [np.arange(3.0)]}}}

    tasks = [Task('berea', Recipe('ours', params=(('learning_rate', 1e-3),)), seed, Settings()) for seed in (0, 1)]
    first = run(tasks[:1], work, tmp_path, jobs=0)
    both = run(tasks, work, tmp_path, jobs=0)
    assert done == [0, 1]
    assert both[tasks[0]] == first[tasks[0]]
    assert json.loads(tasks[1].file(tmp_path).read_text())['rows']['x']['found'] == [[0.0, 1.0, 2.0]]
    other = Task('berea', tasks[0].recipe, 0, Settings(volumes=5))
    assert other.file(tmp_path) != tasks[0].file(tmp_path), 'another question is another record'
    capsys.readouterr()


def test_slicegan_style_trains_and_makes_any_shape(slices):
    from bench.slicegan_style import STRIDE, SliceGanStyle, cells_for

    assert STRIDE * (cells_for(66) - 2) + 2 == 66
    baseline = SliceGanStyle(slices, seed=0)
    before = [p.clone() for p in baseline.generator.parameters()]
    assert baseline.train(60, steps=1) == 1
    assert any((a != b).any() for a, b in zip(before, baseline.generator.parameters(), strict=True))
    (labels,) = baseline.volumes((33, 48, 70), 1)
    assert labels.shape == (33, 48, 70)
    calibrated = baseline.volumes((64, 64, 64), 2, calibrated=True)
    assert np.mean([one.mean() for one in calibrated]) == pytest.approx(slices.fractions[1], abs=0.05)


def test_tables_of_a_material(reference, monkeypatch, tmp_path, volume):
    import bench.materials
    import generator_bars
    from bench.contenders import measure, slice_figures
    from bench.runs import Recipe, Settings, Task, _plain
    from scoring import blocks

    np.save(tmp_path / 'spinodal.npy', volume)
    monkeypatch.setattr(bench.materials, 'reference_file', lambda name: tmp_path / f'{name}.npy')
    name, settings = 'spinodal@z=40', Settings(steps=1, volumes=2, more=3, edge=EDGE, spread_edge=EDGE)
    material = bench.materials.get_material(name, EDGE)
    known = {
        'found': reference.real,
        'spread': reference.spread,
        'slices': reference.slices,
        'slice_figures': slice_figures(material.slices(), material),
    }
    records = {}
    for recipe in (Recipe('prior', 'prior'), Recipe('slicegan', 'slicegan'), Recipe('ours', 'auto')):
        task = Task(name, recipe, 0, settings)
        title = {'slicegan': 'SliceGAN-style'}.get(recipe.name, recipe.name)
        rows = {title: measure(list(blocks(volume, material.shape, 3)), task)}
        record = {'rows': rows, 'cpu_seconds': 1.0, 'wall_seconds': 1.0, 'steps': 1, 'threads': 1, 'told': 'a test'}
        records[task] = json.loads(json.dumps(record, default=_plain))
    text = generator_bars.section(name, json.loads(json.dumps(known, default=_plain)), records, settings)
    for told in ('S2 error of the mean', 'clusters', 'tau z y x', 'met', 'twice as good as SliceGAN-style', 'a test'):
        assert told in text
    widths = {line.count('|') for line in text.splitlines() if line.startswith('| S2 error')}
    assert len(widths) == 1


def test_sections_of_a_volume_against_a_picture(volume):
    from bench.pictures import meets_all, score, section_figures

    rng = np.random.default_rng(0)
    stripes = np.tile(np.arange(64) // 4 % 2 == 0, (3, 64, 1))
    found = section_figures(stripes)
    assert found.fraction == 0.5
    assert found.s2[0] == pytest.approx(0.5)
    assert found.s2[8] == pytest.approx(0.5), 'after a period along rows, and anywhere down a stripe'
    assert found.faces == pytest.approx(15 / 63)
    assert found.areas * 64 * 64 == pytest.approx(8)
    picture, other = volume[40], volume[:64, :64, :64]
    scores = score(other, picture)
    assert [one.phase for one in scores] == [0, 1], 'the commonest phase comes first'
    assert all('faces' not in one.missed and one.s2 < 0.2 for one in scores)
    assert scores[0].faces == pytest.approx(scores[1].faces, rel=0.05), 'two phases have one boundary'
    noise = (rng.random(other.shape) < picture.mean()).astype(np.uint8)
    rough = score(noise, picture)
    assert all({'faces', 'areas'} <= set(one.missed) for one in rough)
    assert not meets_all(rough)
    assert rough[0].fraction_error < 0.01 < rough[0].s2_plain
    with pytest.raises(ValueError, match='cube'):
        score(other[:, :, :32], picture)


@pytest.mark.skipif(sys.platform != 'linux', reason='limits of memory are set as Linux has them')
def test_micrographs_runs_the_product_once_per_picture(tmp_path, monkeypatch, capsys, volume, root):
    import micrographs
    from bench.picture_runs import PictureTask, find_pictures, made_of
    from PIL import Image

    folder, cache, sheets = tmp_path / 'swnn', tmp_path / 'cache', tmp_path / 'sheets'
    folder.mkdir()
    Image.fromarray(volume[40] * np.uint8(255)).save(folder / 'made.png')
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(folder / 'one_phase.png')

    def run(*more):
        asked = ['micrographs.py', '--pictures', str(folder), '--contenders', 'sandstone', '--edge', '32', *more]
        monkeypatch.setattr(sys, 'argv', [*asked, '--cache', str(cache)])
        micrographs.main()
        return capsys.readouterr().out

    told = run('--jobs', '2')
    assert '## swnn, --weights sandstone' in told
    row = next(line for line in told.splitlines() if line.startswith('| made '))
    assert 'sandstone' in row, 'what was taken is named'
    assert '**no volume**' in next(line for line in told.splitlines() if line.startswith('| one_phase'))
    assert ' of 2 meet all bars' in told
    assert 'Mean over pictures: plain S2 error' in told
    task = PictureTask(folder / 'made.png', 'sandstone', edge=32)
    made, picture = made_of(task, cache)
    assert made.shape == (32, 32, 32)
    assert (picture == volume[40]).all(), 'scored against what the run recorded'
    kept = json.loads(task.stem(cache).with_suffix('.json').read_text())
    assert kept['cpu_seconds'] > 0.5
    before = task.stem(cache).with_suffix('.tif').stat().st_mtime_ns
    assert run('--sheet', str(sheets)) == told, 'kept results are not made again'
    assert task.stem(cache).with_suffix('.tif').stat().st_mtime_ns == before
    (sheet,) = sheets.iterdir()
    with Image.open(sheet) as image:
        assert image.height == 32 * 4
        crop = np.asarray(image)[::4, : 32 * 4 : 4] > 0
    assert (crop == volume[40, 24:56, 24:56]).all(), 'the middle of the picture comes first'
    with pytest.raises(InputError, match='lies in the project'):
        run('--sheet', str(root / 'docs' / 'sheets'))
    with pytest.raises(InputError, match='is no picture'):
        find_pictures([str(folder / 'none.png')])


def test_the_products_own_verdict_is_set_against_the_bars():
    from bench.picture_runs import PictureResult
    from bench.pictures import PhaseScore

    good = PhaseScore(0, s2=0.01, s2_limit=0.05, faces=1.0, areas=1.0, areas_limit=0.25, s2_plain=0, fraction_error=0)
    bad = PhaseScore(1, s2=0.01, s2_limit=0.05, faces=1.2, areas=1.3, areas_limit=0.25, s2_plain=0, fraction_error=0)
    assert bad.missed == ('faces', 'areas')
    for scores, verdict, agrees in (
        ((good, good), {'level': 'fits'}, True),
        ((good, bad), {'level': 'fits'}, False),
        ((good, bad), {'level': 'fits in part'}, True),
        ((good, good), {'level': 'does not fit'}, False),
        ((good, good), None, None),
    ):
        assert PictureResult('', 1.0, 0.1, shape=verdict, scores=scores).agrees is agrees


def test_every_variant_of_the_ablation_is_accepted_by_the_generator():
    import ablation

    from napari_microrecon.engine.generator import Architecture, FinetuneParams, LossWeights

    recipes = [recipe for group in ablation.GROUPS.values() for recipe in group]
    assert len({recipe.name for recipe in recipes}) == len(recipes)
    for recipe in recipes:
        Architecture(**dict(recipe.architecture))
        FinetuneParams(steps=1, loss=LossWeights(**dict(recipe.loss)), **dict(recipe.params))
