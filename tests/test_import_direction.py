"""Imports go one way, and importing is cheap: no Qt in the engine, no torch before it is needed."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

GUI = {'qtpy', 'PyQt5', 'PyQt6', 'PySide6', 'napari', 'magicgui', 'superqt', 'pyqtgraph', 'vispy'}
HEAVY = {'torch', 'porespy', 'openpnm', 'skimage', 'matplotlib', 'pooch', 'zarr', 'dask', 'numba', 'vtk'}
MEASURING = (
    'statistics',
    'diffusion',
    'results',
    'analysis',
    'representativity',
    'originality',
    'report_output',
)
SOURCE = Path(__file__).resolve().parents[1] / 'src'
CHILD = """
import importlib, json, sys
found = {}
for name in sys.argv[1:]:
    importlib.import_module(name)
    found[name] = sorted({module.partition('.')[0] for module in sys.modules})
print(json.dumps(found))
"""


def modules_of(package: str) -> list[str]:
    """Dotted names of a package and of all modules below it."""
    names = []
    for path in sorted((SOURCE / package.replace('.', '/')).rglob('*.py')):
        parts = path.relative_to(SOURCE).with_suffix('').parts
        names.append('.'.join(parts[:-1] if parts[-1] == '__init__' else parts))
    assert names, f'{package} has no modules'
    return names


def loaded_by(*names: str) -> dict[str, set[str]]:
    """Import modules one after the other in a fresh interpreter; top-level packages loaded after each."""
    run = subprocess.run(
        [sys.executable, '-c', CHILD, *names], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    return {name: set(found) for name, found in json.loads(run.stdout.splitlines()[-1]).items()}


def test_import_contracts(root: Path) -> None:
    """The contracts of pyproject.toml."""
    lint = Path(sys.executable).with_name('lint-imports')
    run = subprocess.run([lint, '--no-cache'], cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert 'kept, 0 broken' in run.stdout


def test_package_is_light() -> None:
    found = loaded_by('napari_microrecon')['napari_microrecon']
    assert not found & (GUI | HEAVY | {'numpy', 'scipy', 'pydantic', 'psygnal'})


def test_engine_loads_nothing_heavy_at_first() -> None:
    names = [
        'napari_microrecon.engine',
        *(f'napari_microrecon.engine.{package}' for package in (*MEASURING, 'generator')),
    ]
    for name, found in loaded_by(*names).items():
        assert not found & (GUI | HEAVY | {'psygnal'}), f'importing {name} loads {found & (GUI | HEAVY | {"psygnal"})}'


def test_no_engine_module_loads_qt_or_napari() -> None:
    for name, found in loaded_by(*modules_of('napari_microrecon.engine')).items():
        assert not found & (GUI | {'psygnal'}), f'importing {name} loads {found & (GUI | {"psygnal"})}'


@pytest.mark.parametrize('package', ['napari_microrecon.session', 'napari_microrecon.cli'])
def test_session_and_command_line_load_no_gui(package: str) -> None:
    names = modules_of(package) if (SOURCE / package.replace('.', '/')).is_dir() else [package]
    for name, found in loaded_by(*names).items():
        assert not found & GUI, f'importing {name} loads {found & GUI}'


def test_command_line_starts_light() -> None:
    """``napari-microrecon --help`` answers at once: torch and PoreSpy wait until a command needs them."""
    assert not loaded_by('napari_microrecon.cli')['napari_microrecon.cli'] & HEAVY


def test_analysis_runs_without_torch() -> None:
    """Measuring a volume never loads the generator."""
    names = [name for package in MEASURING for name in modules_of(f'napari_microrecon.engine.{package}')]
    found = loaded_by(*names)
    assert not set.union(*found.values()) & {'torch'}


@pytest.mark.parametrize('package', [*MEASURING, 'conditioned', 'export', 'generator'])
def test_no_public_name_is_hidden_by_a_module(package: str) -> None:
    """A module called like a public name would take its place as soon as anything imports that module."""
    home = importlib.import_module(f'napari_microrecon.engine.{package}')
    modules = {path.stem for path in (SOURCE / 'napari_microrecon' / 'engine' / package).iterdir()}
    assert not modules & set(getattr(home, '__all__', ()))
