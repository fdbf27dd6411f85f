"""The wheel as users get it: built here, installed into an empty environment, asked for its samples and weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

PACKAGE = 'napari_microrecon'
MEGABYTE = 1_000_000
MATERIALS = {'sandstone', 'limestone', 'cathode', 'cast-iron', 'brass'}


def run(*command: object, cwd: Path) -> str:
    """Run a command outside the repository and return what it printed; fails with its whole output."""
    clean = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, f'{command}\n{done.stdout}\n{done.stderr}'
    return done.stdout


@pytest.fixture(scope='module')
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the working tree; built without the network."""
    folder = tmp_path_factory.mktemp('wheel')
    run(sys.executable, '-m', 'build', '--wheel', '--no-isolation', '--outdir', folder, root, cwd=folder)
    (built,) = folder.glob('*.whl')
    return built


@pytest.fixture(scope='module')
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Interpreter of an environment that holds the wheel, and borrows only its dependencies from this one."""
    home = tmp_path_factory.mktemp('empty')
    venv.create(home, with_pip=False, symlinks=os.name != 'nt')
    scripts = home / ('Scripts' if os.name == 'nt' else 'bin')
    python = scripts / Path(sys.executable).name
    run(sys.executable, '-m', 'pip', '--python', python, 'install', '-q', '--no-deps', '--no-index', wheel, cwd=home)
    # A .pth only appends a folder: the .pth of an editable install inside that folder is not followed.
    own = run(python, '-c', 'import sysconfig; print(sysconfig.get_path("purelib"))', cwd=home).strip()
    Path(own, 'dependencies.pth').write_text(sysconfig.get_path('purelib') + '\n', encoding='utf-8')
    return python


def test_wheel_holds_what_it_needs_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert f'{PACKAGE}/napari.yaml' in names
    assert f'{PACKAGE}/py.typed' in names
    assert f'{PACKAGE}/weights/sandstone.safetensors' in names
    assert any(name.startswith(f'{PACKAGE}/sample_data/') for name in names)
    assert any(name.endswith('licenses/LICENSE') for name in names)
    assert {name.partition('/')[0].partition('-')[0] for name in names} == {PACKAGE}
    unwanted = [name for name in names if 'test' in Path(name).name.split('_') or '/tests/' in name or '.pyc' in name]
    assert not unwanted


def test_metadata_for_the_hub(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [name for name in archive.namelist() if name.endswith('.dist-info/METADATA')]
        metadata = archive.read(path).decode()
        entry_points = archive.read(path.replace('METADATA', 'entry_points.txt')).decode()
    assert 'Classifier: Framework :: napari' in metadata
    assert 'License-Expression: BSD-3-Clause' in metadata
    base = [line for line in metadata.splitlines() if line.startswith('Requires-Dist:') and 'extra' not in line]
    assert not [line for line in base if 'qt5' in line.lower() or 'qt6' in line.lower() or 'pyside' in line.lower()]
    assert '[napari.manifest]\nnapari-microrecon = napari_microrecon:napari.yaml' in entry_points


def test_installed_wheel_finds_samples_and_weights(python: Path, tmp_path: Path) -> None:
    code = """
        import json, napari_microrecon
        from napari_microrecon.engine.generator import Weights, shipped_weights
        from napari_microrecon.engine.samples import bundled_samples
        samples = {sample.name: sample.load_volume().shape for sample in bundled_samples()}
        slices = {sample.name: len(list(sample.load_slices())) for sample in bundled_samples()}
        weights = {name: len(Weights.load(path).phases.items) for name, path in shipped_weights().items()}
        print(json.dumps([napari_microrecon.__file__, samples, slices, weights]))
    """
    code = '\n'.join(line.strip() for line in code.splitlines())
    file, samples, slices, weights = json.loads(run(python, '-c', code, cwd=tmp_path).splitlines()[-1])
    assert Path(file).is_relative_to(python.parents[1]), 'the package must come from the wheel'
    assert set(samples) == MATERIALS
    assert all(min(shape) >= 128 for shape in samples.values())
    assert all(count >= 1 for count in slices.values())
    assert weights['sandstone'] == 2


def test_installed_command_line(python: Path, tmp_path: Path) -> None:
    command = python.parent / 'napari-microrecon'
    assert 'reconstruct' in run(command, '--help', cwd=tmp_path)
    listed = run(command, 'samples', 'list', cwd=tmp_path)
    assert all(name in listed for name in MATERIALS)


def test_manifest_is_valid_and_its_commands_exist(root: Path) -> None:
    npe2 = Path(sys.executable).with_name('npe2')
    told = run(npe2, 'validate', '--imports', root / 'src' / PACKAGE / 'napari.yaml', cwd=root)
    assert 'valid' in told


def test_sizes(root: Path, wheel: Path) -> None:
    """A package that everyone downloads stays small: samples below 10 MB, each set of weights below 4 MB."""
    samples = {path.name: path.stat().st_size for path in (root / 'sample_data').rglob('*') if path.is_file()}
    assert 0 < sum(samples.values()) < 10 * MEGABYTE, samples
    weights = {path.name: path.stat().st_size for path in (root / 'src' / PACKAGE / 'weights').glob('*.safetensors')}
    assert weights
    assert max(weights.values()) < 4 * MEGABYTE, weights
    assert wheel.stat().st_size < 25 * MEGABYTE
