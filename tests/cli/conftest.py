"""What the tests of the command line share: running it, and small rocks to run it on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_microrecon.cli import main
from napari_microrecon.engine.files import write_slice, write_volume
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run the command line in this process: (exit code, stdout, stderr)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert 'Traceback' not in out + err
        return code, out, err

    return run


def _rock(edge: int, seed: int = 0, fractions: tuple[float, ...] = (0.7, 0.3)) -> Volume:
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(edge,) * 3), 2.0, mode='wrap')
    levels = np.quantile(noise, np.cumsum(fractions)[:-1])
    labels = np.searchsorted(levels, noise).astype(np.uint8)
    phases = Phases.named('grain', 'pore', pore=1) if len(fractions) == 2 else Phases.default(len(fractions))
    return Volume(labels, phases, VoxelSize.cube(2, 'um'), name='rock')


@pytest.fixture(scope='session')
def rock() -> Callable[..., Volume]:
    """Make random blobs, the level sets of smooth noise, 2 um a voxel: rock(edge, seed, fractions)."""
    return _rock


@pytest.fixture(scope='session')
def rocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with slice.tif (64 x 64 at z = 8), three.tif (three phases) and rock.tif (64 x 64 x 64); read only."""
    folder = tmp_path_factory.mktemp('rocks')
    volume = _rock(64)
    write_volume(volume, folder / 'rock.tif')
    write_slice(Slice.of_volume(volume, 'z', 8), folder / 'slice.tif')
    write_slice(Slice.of_volume(volume, 'y', 20), folder / 'slice_y.tif')
    write_slice(Slice.of_volume(_rock(64, 1, (0.4, 0.3, 0.3)), 'z', 8), folder / 'three.tif')
    return folder


@pytest.fixture(scope='session')
def tuned(rocks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights for two phases after a second of training, with their run beside them: tuned.safetensors, tuned.run."""
    output = tmp_path_factory.mktemp('weights') / 'tuned.safetensors'
    code = main(
        ['finetune', str(rocks / 'slice.tif'), '--from', 'scratch', '--minutes', '0.02', '--device', 'cpu',
         '--output', str(output)]
    )  # fmt: skip
    assert code == 0
    return output


@pytest.fixture(scope='module', autouse=True)
def _quick_priors(quick_priors: None) -> None:
    """Nothing here is about the choice of a prior."""
