"""What every test shares: the real data beside the repository, and guards of the process's global state."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

# Before anything loads a numerical library: small arrays gain nothing from more threads, and runs become repeatable.
for _variable in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'NUMBA_NUM_THREADS'):
    os.environ.setdefault(_variable, '1')
os.environ.setdefault('MPLBACKEND', 'Agg')
if sys.platform == 'linux':
    # On a Wayland desktop Qt would leave the virtual X display that pytest-xvfb starts.
    os.environ.setdefault('QT_QPA_PLATFORM', 'xcb')

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='session')
def root() -> Path:
    """Root of the repository."""
    return ROOT


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """Folder with real CT volumes and micrographs, beside the repository; never part of it."""
    folder = ROOT / '..' / 'shared'
    if not folder.is_dir():
        pytest.skip('the real CT data are not here: they belong into ../shared, beside the repository')
    return folder.resolve()


def _foreign_handlers() -> set[logging.Handler]:
    """Handlers of the root logger that pytest did not put there."""
    return {handler for handler in logging.root.handlers if not type(handler).__module__.startswith('_pytest')}


@contextlib.contextmanager
def _little_effort() -> Iterator[None]:
    from napari_microrecon.engine.generator.priors import effort, fitting

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, 'Effort', lambda: effort.Effort(effort.MOST / 40))
        patch.setattr(fitting, '_chosen', {})  # others must not find them
        yield


@pytest.fixture(scope='session')
def little_effort() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Context in which priors are fitted as in `quick_priors`, for fixtures that outlive a module."""
    return _little_effort


@pytest.fixture(scope='module')
def quick_priors() -> Iterator[None]:
    """Priors fitted with little effort, for tests in which any prior serves: a first look at every family."""
    with _little_effort():
        yield


@pytest.fixture(autouse=True)
def _global_state_is_left_alone() -> Iterator[None]:
    """PoreSpy sets root logging and numpy's error handling when imported; our code must restore both."""
    handlers, errors = _foreign_handlers(), np.geterr()
    yield
    added, changed = _foreign_handlers() - handlers, np.geterr()
    for handler in added:
        logging.root.removeHandler(handler)
    np.seterr(**errors)
    assert not added, f'handlers were left on the root logger: {added}'
    assert changed == errors, f'numpy error handling was left changed: {changed}'


@pytest.fixture(autouse=True)
def _runs_go_to_a_temporary_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions record their runs; tests must not write into the home folder."""
    monkeypatch.setenv('NAPARI_MICRORECON_RUNS', str(tmp_path_factory.getbasetemp() / 'runs' / os.urandom(4).hex()))
