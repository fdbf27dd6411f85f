"""`export` and `methods` on the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_microrecon.engine.export import methods_paragraph
from napari_microrecon.engine.files import read_volume, write_volume
from napari_microrecon.engine.generator import Weights

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope='module')
def made(rocks: Path, tuned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two volumes with their run, made by weights that were trained on the slice."""
    from napari_microrecon.cli import main

    folder = tmp_path_factory.mktemp('made')
    code = main(
        ['reconstruct', str(rocks / 'slice.tif'), '--shape', '32', '32', '32', '--weights', str(tuned), '--seed', '5',
         '--realisations', '2', '--target-fraction', 'pore=0.25', '--device', 'cpu', '--output', str(folder / 'o.tif')]
    )  # fmt: skip
    assert code == 0
    return folder


@pytest.mark.parametrize(
    ('to', 'name', 'words'),
    [
        ('tiff', 'v.tif', '64 x 64 x 64 voxels of 2 um'),
        ('ome-zarr', 'v.ome.zarr', '64 x 64 x 64 voxels of 2 um'),
        ('vti', 'v.vti', "cell array 'phase'"),
        ('stl', 'v.stl', 'closed surface of pore'),
        ('ply', 'v.ply', 'closed surface of pore'),
    ],
)
def test_export_a_volume(cli: Cli, rocks: Path, tmp_path: Path, to: str, name: str, words: str) -> None:
    code, out, err = cli('export', rocks / 'rock.tif', '--to', to, '--output', tmp_path / name)
    assert code == 0, err
    assert out.startswith(f'wrote {tmp_path / name}: ')
    assert words in out
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_phase_is_heard_and_told(cli: Cli, rocks: Path, tmp_path: Path) -> None:
    results = {}
    for label in (0, 1):
        code, out, err = cli(
            'export',
            rocks / 'rock.tif',
            '--to',
            'stl',
            '--phase',
            label,
            '--json',
            '--output',
            tmp_path / f'{label}.stl',
        )
        assert code == 0, err
        results[label] = json.loads(out)
    assert results[0]['enclosed'] + results[1]['enclosed'] == pytest.approx(128**3, rel=0.03)
    assert results[0]['enclosed'] > 2 * results[1]['enclosed']
    assert results[1]['unit'] == 'um'


@pytest.mark.parametrize(
    ('arguments', 'match'),
    [
        (('rock.tif', '--to', 'stl', '--output', 'x.ply'), 'end the output in .stl'),
        (('rock.tif', '--to', 'obj', '--output', 'x.obj'), "'obj' is not known"),
        (('rock.tif', '--to', 'stl', '--phase', 4, '--output', 'x.stl'), '4 is not in the volume'),
        (('rock.tif', '--to', 'weights', '--output', 'x.safetensors'), 'made without weights'),
        (('none.tif', '--to', 'stl', '--output', 'x.stl'), 'none.tif'),
        (('none.run', '--to', 'stl', '--output', 'x.stl'), 'does not exist'),
    ],
)
def test_bad_wishes_are_one_line(
    cli: Cli, rocks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple, match: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(rocks / 'rock.tif', tmp_path)
    code, out, err = cli('export', *arguments)
    assert code == 2
    assert out == ''
    assert match in err
    assert err.count('\n') == 1
    assert [path.name for path in tmp_path.iterdir()] == ['rock.tif']


def test_weights_come_from_the_run(cli: Cli, made: Path, tuned: Path, tmp_path: Path) -> None:
    used = read_volume(made / 'o_000.tif').provenance.weights
    assert used is not None
    for source in (made / 'o.run', made / 'o.run' / 'run.json'):
        code, _, err = cli('export', source, '--to', 'weights', '--output', tmp_path / 'w.safetensors')
        assert code == 0, err
        assert Weights.load(tmp_path / 'w.safetensors').sha256 == used.sha256 == Weights.load(tuned).sha256
    shutil.copy(made / 'o_000.tif', tmp_path / 'alone.tif')
    code, _, err = cli('export', tmp_path / 'alone.tif', '--to', 'weights', '--output', tmp_path / 'x.safetensors')
    assert code == 2
    assert 'not at hand' in err


def test_methods_tell_what_is_recorded(cli: Cli, made: Path, tuned: Path, tmp_path: Path) -> None:
    code, text, err = cli('methods', made / 'o.run')
    assert code == 0, err
    volume, weights = read_volume(made / 'o_000.tif'), Weights.load(tuned)
    steps = weights.header.training['steps_done']
    for words in (
        '32 × 32 × 32 voxels (z, y, x, 64 × 64 × 64 µm; voxel 2 µm)', '2 phases (grain, pore)',
        '1 two-dimensional slice (64 × 64 pixels, normal z', 'isotropic', '2 realisations', 'seeds 5, 6',
        f'({steps} steps, ', 'pore = 0.25', f'grain {volume.fractions[0]:.4f}', 'slices: grain 0.',
        volume.provenance.inputs[0].sha256[:12], weights.sha256[:12], 'arXiv:2402.15815',
        f'napari-microrecon {volume.provenance.versions["napari-microrecon"]}', 'PyTorch', 'on cpu',
    ):  # fmt: skip
        assert words in text, words
    assert 'None' not in text
    assert '  ' not in text
    # the volume alone knows less, and says less; with its run beside it is found
    code, _, _ = cli('methods', made / 'o_000.tif', '--output', tmp_path / 'm.txt')
    assert code == 0
    alone = (tmp_path / 'm.txt').read_text()
    assert 'One realisation' in alone
    assert 'normal z' not in alone


def test_an_untrained_prior_and_a_measured_volume_claim_no_training(cli: Cli, rocks: Path, tmp_path: Path) -> None:
    code, _, err = cli(
        'reconstruct', rocks / 'slice.tif', '--shape', 32, 32, 32, '--weights', 'prior', '--output', tmp_path / 'p.tif'
    )
    assert code == 0, err
    text = cli('methods', tmp_path / 'p.run')[1]
    assert 'no network was trained' in text
    assert 'steps' not in text
    text = cli('methods', rocks / 'rock.tif')[1]
    assert 'was not reconstructed' in text


def test_between_placed_slices(cli: Cli, rocks: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    volume = read_volume(rocks / 'rock.tif')
    parameters = {'mode': 'conditioned', 'fractions': 'ensemble'}
    made = volume.provenance.model_copy(update={'kind': 'reconstruction', 'parameters': parameters, 'seed': 1})
    write_volume(replace(volume, provenance=made), tmp_path / 'c.tif')
    text = methods_paragraph(read_volume(tmp_path / 'c.tif'))
    assert 'which it holds at their places' in text
    assert 'Gaussian copula' in text
    assert 'U-Net' not in text
