"""The package in `examples/plugin`, installed beside the program: seen by command line, window and docs, and missed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_microrecon.engine.files import write_slice, write_volume
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

NAME, PACKAGE = 'lamellae', 'microrecon-example 0.1.0'


@pytest.fixture(scope='module')
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that the package is installed into, without the network."""
    folder = tmp_path_factory.mktemp('site')
    source = tmp_path_factory.mktemp('source') / 'plugin'
    shutil.copytree(root / 'examples' / 'plugin', source)  # building leaves files behind
    run_python(
        '-m', 'pip', 'install', '-q', '--no-deps', '--no-build-isolation', '--no-index', '--target', folder, source
    )
    return folder


@pytest.fixture(scope='module')
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stacks of parallel plates, 8 pixels a period, in four colonies that differ in direction."""
    rows, columns = np.indices((96, 96))
    labels = np.zeros((96, 96), np.uint8)
    for index, (a, b) in enumerate([(1.0, 0.1), (0.7, 0.7), (0.2, -1.0), (-0.6, 0.8)]):
        colony = (rows // 48 == index // 2) & (columns // 48 == index % 2)
        labels[colony] = (np.cos(2 * np.pi * (a * rows + b * columns) / 8) > 0.4)[colony]
    path = tmp_path_factory.mktemp('pearlite') / 'slice.tif'
    write_slice(Slice(labels, Phases.named('ferrite', 'cementite'), 'z'), path)
    return path


@pytest.fixture(scope='module')
def rock_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random volume of two phases."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(1).standard_normal((48, 48, 48)), 1.5, mode='wrap')
    labels = (field > np.quantile(field, 0.6)).astype(np.uint8)
    size = VoxelSize(z=0.5, y=0.5, x=0.5, unit='um')
    path = tmp_path_factory.mktemp('rock') / 'rock.tif'
    return write_volume(Volume(labels, Phases.named('grain', 'pore', pore=1), size), path)


@pytest.fixture(scope='module')
def made(site: Path, picture: Path) -> Path:
    """Folder with a volume made of the plug-in's prior, and its run."""
    command(
        'reconstruct', picture, '--shape', 24, 28, 32, '--prior', NAME, '--device', 'cpu',
        '--output', picture.parent / 'volume.tif', site=site,
    )  # fmt: skip
    return picture.parent


def run_python(*arguments: object, site: Path | None = None, fails: bool = False) -> tuple[str, str]:
    """Run Python with or without the package; stdout and stderr."""
    source = str(Path(__file__).resolve().parents[1] / 'src')
    paths = [source] if site is None else [source, str(site)]
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(paths), 'QT_QPA_PLATFORM': 'offscreen'},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert 'Traceback' not in done.stderr
    assert done.returncode == (2 if fails else 0), f'{arguments}\n{done.stdout}\n{done.stderr}'
    return done.stdout, done.stderr


def command(*arguments: object, site: Path | None = None, fails: bool = False) -> tuple[str, str]:
    """Run the command line with or without the package; stdout and stderr."""
    return run_python('-m', 'napari_microrecon', *arguments, site=site, fails=fails)


def test_a_family_of_another_package_is_listed(site: Path) -> None:
    listed = {row['name']: row for row in json.loads(command('priors', '--json', site=site)[0])['priors']}
    assert listed[NAME]['package'] == PACKAGE
    assert listed['dendrites']['package'] == ''
    assert NAME not in command('priors')[0]


def test_the_window_and_the_docs_offer_it(site: Path, root: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(root / 'scripts')!r})
from qtpy.QtWidgets import QApplication
app = QApplication([])
from napari_microrecon.panels.weights_combo import WeightsCombo
from napari_microrecon.session import Session
from docs_tables import on_page_markdown
combo = WeightsCombo(Session())
print(combo.itemText(combo.findData('prior:{NAME}')))
print(on_page_markdown('before <!-- table of priors --> after'))
"""
    first, *page = run_python('-c', script, site=site)[0].splitlines()
    assert first == 'Untrained: lamellae in colonies'
    assert any(line.startswith(f'| `{NAME}` ({PACKAGE}) |') for line in page)
    assert any(line.startswith('| `grains` |') for line in page)


def test_it_reconstructs_and_the_run_replays(made: Path, site: Path) -> None:
    text = command('methods', made / 'volume.run', site=site)[0]
    assert 'a field of lamellae in colonies' in text
    record = json.loads((made / 'volume.run' / 'run.json').read_text(encoding='utf-8'))
    assert 'lamellae' in record['weights_reason']
    out, _ = command('replay', made / 'volume.run', '--output', made / 'again.tif', site=site)
    assert 'the same volume as in the run, voxel by voxel' in out


def test_what_needs_it_is_refused_by_name_without_it(made: Path, picture: Path) -> None:
    weights = made / 'volume.run' / 'inputs' / 'weights.safetensors'
    told = f"needs the structural prior '{NAME}', of {PACKAGE}: no installed package brings it"
    tried = ('reconstruct', picture, '--shape', 16, 16, 16, '--output', made / 'none.tif')
    for arguments in ((*tried, '--weights', weights), ('replay', made / 'volume.run', '--output', made / 'no.tif')):
        err = command(*arguments, fails=True)[1]
        assert told in err
        assert len(err.splitlines()) == 1
    err = command(*tried, '--prior', NAME, fails=True)[1]
    assert f"--prior: '{NAME}' is not known" in err


def test_a_statistic_of_another_package_is_measured_and_shown(site: Path, rock_file: Path) -> None:
    page, record = rock_file.with_suffix('.html'), rock_file.with_suffix('.json')
    out, _ = command('analyze', rock_file, '--no-tortuosity', '--output', page, site=site)
    assert 'chord_variation_z' in out
    assert '<th scope="row">Variation of the chord lengths, z</th>' in page.read_text(encoding='utf-8')
    assert 'near 1 where boundaries come at random' in page.read_text(encoding='utf-8')
    command('analyze', rock_file, '--no-tortuosity', '--output', record, site=site)
    statistic = json.loads(record.read_text(encoding='utf-8'))['statistics']['chord_variation_x']
    assert 0.2 < statistic['value'] < 2
    assert statistic['method'].endswith(f'; {PACKAGE}')
    assert 'chord_variation' not in command('analyze', rock_file, '--no-tortuosity')[0]


def test_it_stands_in_the_comparison_the_csv_and_the_window(site: Path, rock_file: Path) -> None:
    script = f"""
from napari_microrecon.engine.analysis import compare
from napari_microrecon.engine.files import read_volume
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.report_output import table_csv
from napari_microrecon.panels.statistics_table import StatisticsTable
from qtpy.QtWidgets import QApplication
app = QApplication([])
real = read_volume({str(rock_file)!r})
found = drain(compare(real.crop((0, 0, 0), (24, 24, 24)), real, tortuosity=False, in_process=True))
print([line for line in table_csv(found).splitlines() if 'chord_variation_y' in line][0])
table = StatisticsTable()
table.fill(found.generated, found, None)
print(table.item(table.keys.index('chord_variation_y'), 0).text())
"""
    csv, name = run_python('-c', script, site=site)[0].splitlines()
    assert csv.startswith('chord_variation_y,"Variation of the chord lengths, y",')
    assert name == 'Chord variation y'


def test_an_export_of_another_package_writes_its_file(site: Path, rock_file: Path) -> None:
    target = rock_file.with_suffix('.mha')
    assert 'of other packages: mha' in ' '.join(command('export', '--help', site=site)[0].replace('│', '').split())
    out, _ = command('export', rock_file, '--to', 'mha', '--output', target, site=site)
    assert 'labels, 48 x 48 x 48 voxels' in out
    header, voxels = target.read_bytes().split(b'LOCAL\n')
    assert b'ElementSpacing = 0.5 0.5 0.5' in header
    assert len(voxels) == 48**3
    err = command('export', rock_file, '--to', 'mha', '--output', target, fails=True)[1]
    assert "'mha' is not known" in err


def test_broken_statistics_and_exports_are_named_and_left_out(site: Path, rock_file: Path, tmp_path: Path) -> None:
    broken = tmp_path / 'site'
    shutil.copytree(site, broken)
    package = broken / 'microrecon_example'
    (package / 'metaimage.py').write_text('MetaImage = 3\n', encoding='utf-8')
    text = (package / 'chord_variation.py').read_text(encoding='utf-8')
    (package / 'chord_variation.py').write_text(
        text.replace('found = []', 'raise OSError("no disk")'), encoding='utf-8'
    )
    out, err = command('analyze', rock_file, '--no-tortuosity', site=broken)
    assert 'could not be computed: OSError: no disk' in out
    assert 'specific_surface' in out
    assert 'Variation of the chord lengths is left out: OSError: no disk' in err
    (package / 'chord_variation.py').write_text(text.replace('unit=', 'units='), encoding='utf-8')
    out, err = command('analyze', rock_file, '--no-tortuosity', site=broken)
    assert 'chord_variation' not in out
    assert 'a plug-in is left out: microrecon-example adds chord_variation' in err
    err = command('export', rock_file, '--to', 'mha', '--output', tmp_path / 'x.mha', site=broken, fails=True)[1]
    assert 'microrecon-example adds mha' in err
    assert 'is no Format' in err
    assert "'mha' is not known" in err


def test_a_broken_package_is_named_and_left_out(site: Path, tmp_path: Path) -> None:
    broken = tmp_path / 'site'
    shutil.copytree(site, broken)
    (broken / 'microrecon_example' / 'lamellae.py').write_text('import no_such_module\n', encoding='utf-8')
    out, err = command('priors', site=broken)
    assert 'dendrites' in out
    assert NAME not in out
    (line,) = err.splitlines()
    assert line.startswith(f'napari-microrecon: a plug-in is left out: microrecon-example adds {NAME}')
    assert 'no_such_module' in line
