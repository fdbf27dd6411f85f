"""The public interface in Python: examples run, forms of input, what notebooks get, bars and jobs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import napari_microrecon as mr
from napari_microrecon.api import making, measuring, reading, results, steps, writing
from napari_microrecon.engine import volume as volumes
from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import Progress, drain
from napari_microrecon.engine.provenance import hash_array
from napari_microrecon.engine.samples import get_sample
from napari_microrecon.engine.voxels import VoxelSize

FUNCTIONS = [name for name in mr.__all__ if inspect.isfunction(getattr(mr, name))]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def blobs(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Mask of about a third of the picture with features of some pixels."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2, mode='wrap')
    return field > np.quantile(field, 0.65)


def micrograph(path: Path, *, bar: bool) -> Path:
    """Grey picture of blobs with noise, above a data bar if wanted."""
    mask = blobs((96, 96))
    grey = np.where(mask, 180, 60) + np.random.default_rng(1).normal(0, 8, mask.shape)
    if bar:
        ground = np.zeros((16, 96))
        ground[5:11, 30:60:3] = 255
        grey = np.vstack([grey, ground])
    Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize('module', [making, measuring, reading, results, writing, volumes], ids=lambda m: m.__name__)
def test_examples_in_docstrings(module: object) -> None:
    failed, tried = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)  # pyright: ignore[reportArgumentType]
    assert tried
    assert not failed


@pytest.mark.parametrize('name', FUNCTIONS)
def test_every_function_has_an_example(name: str) -> None:
    text = inspect.getdoc(getattr(mr, name)) or ''
    assert 'Examples' in text
    assert '>>> import' in text


@pytest.mark.parametrize('name', [name for name in steps.__all__ if name != 'Progress'])
def test_jobs_take_the_parameters_of_the_functions(name: str) -> None:
    public, job = inspect.signature(getattr(mr, name)), inspect.signature(getattr(steps, name))
    without = {key: p.replace(annotation=p.empty) for key, p in public.parameters.items() if key != 'progress'}
    assert without == {key: p.replace(annotation=p.empty) for key, p in job.parameters.items()}


def test_importing_the_package_is_light() -> None:
    """Nothing of what it offers is loaded; names load what is behind them."""
    code = 'import sys, napari_microrecon as mr; print(len(dir(mr)), "numpy" in sys.modules, "torch" in sys.modules)'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == [str(len(mr.__all__)), 'False', 'False']
    assert set(mr.__all__) == set(dir(mr))
    with pytest.raises(AttributeError, match='reconstrcut'):
        _ = mr.reconstrcut  # pyright: ignore[reportAttributeAccessIssue]


def test_three_lines() -> None:
    """What the top of the package promises: slices in, numbers and a page out."""
    real = get_sample('sandstone').load_volume()
    tifffile.imwrite('sem.tif', np.asarray(real)[64] * np.uint8(100) + np.uint8(50))
    mr.export(real.crop((0, 0, 0), (64, 64, 64)), 'ct.tif')
    names, size = real.phases.names, real.voxel_size
    volume = mr.reconstruct('sem.tif', shape=(32, 32, 32), voxel_size=size.x, unit=size.unit, phases=names, seed=1)
    report = mr.measure(volume, phase='pore', tortuosity=False)
    page = mr.compare(volume, mr.read_volume('ct.tif'), tortuosity=False).to_html('report.html')
    assert volume.voxel_size == VoxelSize.cube(size.x, size.unit)
    assert report.value('phase_fraction') == pytest.approx(np.mean(np.asarray(real)[64] == 1), abs=0.005)
    assert page.read_text(encoding='utf-8').count('data:image/png') >= 6  # pictures of both volumes
    assert volume.note.startswith('weights: ')


def test_slices_in_every_form(caplog: pytest.LogCaptureFixture) -> None:
    path = micrograph(Path('a.png'), bar=False)
    array = np.asarray(Image.open(path))
    forms = [path, str(path), [path], array, [array], mr.read_slices(path), mr.read_slices(path).slices[0]]
    hashes = {hash_array(mr.read_slices(form).slices[0].labels) for form in forms}
    assert len(hashes) == 1
    two = mr.read_slices([array, array[::-1]], normal=['z', 'x'], position=[3, 4], voxel_size=(2, 1, 1), unit='nm')
    assert [(s.normal, s.position) for s in two] == [('z', 3), ('x', 4)]
    assert two.voxel_size == VoxelSize(z=2, y=1, x=1, unit='nm')
    assert not caplog.records
    mask = mr.read_slices(blobs((64, 64)), phases=('grain', 'pore'))
    assert mask.phases.pore == 1
    assert mask.fractions[1] == pytest.approx(0.35, abs=0.01)


def test_a_data_bar_is_cut_off_and_told(caplog: pytest.LogCaptureFixture) -> None:
    path = micrograph(Path('bar.png'), bar=True)
    array = np.asarray(Image.open(path))
    for given in (path, array):
        caplog.clear()
        assert mr.read_slices(given).slices[0].labels.shape == (96, 96)
        assert [(r.levelno, 'data bar' in r.message) for r in caplog.records] == [(logging.WARNING, True)]
    assert mr.read_slices(path, crop='none').slices[0].labels.shape == (112, 96)
    assert mr.read_slices(path, crop={'rows': (0, 80)}).slices[0].labels.shape == (80, 96)


@pytest.mark.parametrize(
    ('call', 'told'),
    [
        (lambda: mr.reconstruct(np.zeros((32, 32, 32))), 'give a plane of it, such as array[16]'),
        (lambda: mr.reconstruct(blobs((64, 64)), shape=(8, 8, 8)), 'shape'),
        (lambda: mr.reconstruct('nothing.tif'), 'does not exist'),
        (lambda: mr.read_slices(mr.read_slices(blobs((64, 64))), normal='x'), 'in a SliceSet already'),
        (lambda: mr.read_slices(blobs((64, 64)), phases='pore'), 'is one name'),
        (lambda: mr.read_slices(blobs((64, 64)), colour=3), 'colour'),
        (lambda: mr.read_slices([blobs((64, 64))] * 3, normal=['z', 'x']), '2 were given for 3 slices'),
        (lambda: mr.measure(blobs((32, 32, 32)).astype(int), phase='pore'), "phases=('pore', 'solid')"),
        (lambda: mr.measure(np.random.default_rng(0).random((32, 32, 32))), 'grey values'),
        (lambda: mr.segment(blobs((32, 32, 32)), denoise='median'), 'is for pictures'),
        (lambda: mr.export(blobs((32, 32, 32)), 'volume.docx'), 'no ending that is known'),
        (lambda: mr.compare(blobs((32, 32, 32)), np.arange(32**3).reshape(32, 32, 32) % 3), '2 phases'),
        (lambda: mr.finetune(blobs((64, 64)), steps=1, minutes=1), 'give one of them'),
        (lambda: mr.load_weights('granite'), 'no such weights file'),
        (lambda: mr.compare(blobs((32, 32, 32)), blobs((32, 32, 32)), tortuosity=False).to_html('a.txt'), 'a.html'),
    ],
)
def test_what_cannot_be_is_refused_with_a_way_out(call: object, told: str) -> None:
    with pytest.raises(InputError) as refused:
        call()  # pyright: ignore[reportCallIssue]
    assert told in str(refused.value)


def test_masks_and_labels_are_measured() -> None:
    mask = blobs((32, 32, 32))
    pore = mr.measure(mask, phase='pore', tortuosity=False)
    assert (pore.phase, pore.phase_name, pore.value('phase_fraction')) == (1, 'pore', pytest.approx(mask.mean()))
    labels = mr.measure(mask * 7, 1, tortuosity=False)
    assert labels.value('specific_surface') == pore.value('specific_surface')
    named = mr.measure(mask * 7, 'grain', phases=('void', 'grain'), tortuosity=False)
    assert named.value('phase_fraction') == pytest.approx(mask.mean())
    assert mr.measure(mask * 7, 'pore', phases=('void', 'grain'), tortuosity=False).phase == 0  # declared by its name


def test_an_array_of_a_volume_is_its_labels() -> None:
    volume = mr.segment(blobs((16, 20, 24)), ('grain', 'pore'))
    assert isinstance(volume, mr.Volume)
    assert np.shares_memory(np.asarray(volume), volume.labels)
    assert np.asarray(volume, dtype=float).dtype == float
    assert np.array(volume).flags.writeable
    assert np.mean(volume) == pytest.approx(volume.fractions[1])


def test_an_xarray_carries_phases_coordinates_and_unit() -> None:
    volume = mr.segment(blobs((16, 20, 24)), ('grain', 'pore'), voxel_size=(2, 1, 0.5), unit='nm')
    assert isinstance(volume, mr.Volume)
    array = volume.to_xarray()
    assert array.dims == ('z', 'y', 'x')
    assert array.shape == volume.shape
    assert array['z'].values[:2].tolist() == [1.0, 3.0]
    assert array['x'].attrs['units'] == 'nm'
    assert array.attrs['phases'] == ['grain', 'pore']
    assert array.attrs['pore'] == 1
    assert float(array.mean()) == pytest.approx(volume.fractions[1])


def test_frames_hold_the_columns_of_the_csv() -> None:
    made, real = blobs((32, 32, 32), 1), blobs((64, 64, 64), 2)
    report = mr.measure(made, phase='pore', voxel_size=2, tortuosity=False)
    frame = report.to_frame()
    assert frame.loc['phase_fraction', 'value'] == report.value('phase_fraction')
    assert frame.loc['specific_surface', 'unit'] == '1/um'
    comparison = mr.compare(made, real, phase='pore', voxel_size=2, tortuosity=False)
    table = comparison.to_frame()
    assert table.loc['phase_fraction', 'real_mean'] == comparison.band['phase_fraction'].mean
    assert set(table['verdict'].dropna()) <= {'inside', 'cannot tell', 'volume too small to tell'} | {
        v.words for v in comparison.verdicts.values()
    }
    assert comparison.generated.to_frame().loc['phase_fraction', 'value'] == pytest.approx(made.mean())


@pytest.mark.parametrize(('package', 'use'), [('pandas', 'to_frame'), ('xarray', 'to_xarray')])
def test_a_missing_extra_is_named(package: str, use: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def absent(name: str, *rest: object) -> object:
        if name == package:
            raise ModuleNotFoundError(name)
        return real(name, *rest)  # pyright: ignore[reportArgumentType]

    subject = (
        mr.segment(blobs((16, 16, 16))) if package == 'xarray' else mr.measure(blobs((16, 16, 16)), tortuosity=False)
    )
    monkeypatch.setattr('napari_microrecon.engine.optional.import_module', absent)
    with pytest.raises(InputError, match=r'napari-microrecon\[notebook\]'):
        getattr(subject, use)()


def test_what_a_notebook_shows() -> None:
    volume = mr.segment(blobs((32, 32, 32)), ('gr<ain', 'pore'), voxel_size=0.5)
    assert isinstance(volume, mr.Volume)
    shown = volume._repr_html_()
    assert shown.count('data:image/png') == 3
    assert 'gr&lt;ain' in shown
    assert '0.5 um' in shown
    comparison = mr.compare(volume, blobs((64, 64, 64)), 1, voxel_size=0.5, tortuosity=False)
    assert comparison.summary.split(';')[0] in comparison._repr_html_()
    report = comparison.generated._repr_html_()
    assert 'Phase fraction' in report
    assert '<script' not in shown + report


def test_a_bar_shows_the_stages(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = mr.measure(blobs((32, 32, 32)), tortuosity=False)
    assert capsys.readouterr().err == ''
    loud = mr.measure(blobs((32, 32, 32)), tortuosity=False, progress=True)
    assert 'done' in capsys.readouterr().err
    assert loud == quiet or loud.to_dict()['statistics'] == quiet.to_dict()['statistics']


def test_a_job_can_be_driven_and_stopped() -> None:
    job = steps.measure(blobs((32, 32, 32)), tortuosity=False)
    first = next(job)
    assert isinstance(first, Progress)
    assert drain(job).value('phase_fraction') == pytest.approx(0.35, abs=0.01)
    stopped = mr.steps.measure(blobs((32, 32, 32)), tortuosity=False)
    next(stopped)
    stopped.close()
    assert list(stopped) == []


def test_phases_by_name() -> None:
    assert Phases.of_names(('solid', 'Pore')).pore == 1
    assert Phases.of_names(('a', 'b', 'c')).pore is None
