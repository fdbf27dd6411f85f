"""One picture, one set of options and one seed make one volume: in Python, by command, in a session, in a replay."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import napari_microrecon as mr
from napari_microrecon import cli
from napari_microrecon.engine.generator import ReconstructParams
from napari_microrecon.engine.provenance import hash_array
from napari_microrecon.engine.samples import get_sample
from napari_microrecon.session.inputs import open_files
from napari_microrecon.session.session import Session
from napari_microrecon.session.task import run_now
from napari_microrecon.session.tasks import reconstruct

SHAPE = (32, 32, 32)
SEED = 1


@pytest.fixture(scope='module')
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures on which the doors once differed."""
    folder = tmp_path_factory.mktemp('pictures')
    real = get_sample('sandstone').load_volume()
    labels = np.asarray(real)
    mr.export(real, folder / 'ct.tif')
    mr.export(real.crop((0, 0, 0), (32, 64, 64)), folder / 'small.tif')
    tifffile.imwrite(folder / 'bare.tif', labels[30] * np.uint8(100) + np.uint8(50))
    tifffile.imwrite(
        folder / 'sized.tif', labels[60] * np.uint8(100) + np.uint8(50),
        imagej=True, resolution=(1 / 3, 1 / 3), metadata={'unit': 'um'},
    )  # fmt: skip
    # Grey values that drift along z: a plane by itself would be thresholded elsewhere.
    drift = np.linspace(-40, 40, len(labels))[:, None, None]
    grey = labels * 90.0 + 80 + drift + np.random.default_rng(0).normal(0, 16, labels.shape)
    grey = grey.clip(0, 255).astype(np.uint8)
    tifffile.imwrite(folder / 'grey.tif', grey)
    bar = np.zeros((16, labels.shape[2]), np.uint8)
    bar[5:11, 30:90:3] = 255
    tifffile.imwrite(folder / 'sem.tif', np.vstack([grey[64], bar]))
    return folder


def by_python(paths: Sequence[str], options: Mapping[str, Any]) -> tuple[str, str]:
    volume = mr.reconstruct(list(paths), **{'shape': SHAPE, 'seed': SEED, **options})
    return hash_array(volume.labels), str(volume.voxel_size)


def by_command(*arguments: object) -> dict[str, Any]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main([str(argument) for argument in arguments])
    assert code == 0, err.getvalue()
    return json.loads(out.getvalue()) | {'told': err.getvalue()}


def by_session(paths: Sequence[str], options: Mapping[str, Any]) -> tuple[str, str, Path]:
    session, options = Session(), dict(options)
    run_now(session, open_files(session, [Path(path) for path in paths]))
    session.choose_weights(options.pop('weights', 'auto'))
    params = ReconstructParams.model_validate({'shape': SHAPE, 'seed': SEED, **options})
    run_now(session, reconstruct(session, params))
    assert session.material.volume is not None
    assert session.material.run is not None
    return (
        hash_array(session.material.volume.labels),
        str(session.material.volume.voxel_size),
        session.material.run.folder,
    )


@pytest.mark.parametrize(
    ('names', 'options'),
    [
        (['sem.tif'], {}),
        (['bare.tif', 'sized.tif'], {}),
        (['sized.tif', 'bare.tif'], {'fractions': 'ensemble'}),
        (['ct.tif@z=64'], {}),
        (['grey.tif@z=20'], {}),
        (['ct.tif@z=0', 'ct.tif@y=16'], {'weights': 'berea', 'periodic': True}),
    ],
    ids=['data bar', 'one with a size', 'scattering', 'plane of labels', 'plane of a grey stack', 'two planes'],
)
def test_every_door_makes_the_same_volume(
    files: Path, tmp_path: Path, names: list[str], options: dict[str, Any]
) -> None:
    paths = [str(files / name) for name in names]
    words = [
        word for key, value in options.items() for word in ((f'--{key}', value) if value is not True else (f'--{key}',))
    ]
    made = by_python(paths, options)
    output = tmp_path / 'out.tif'
    told = by_command('reconstruct', *paths, '--shape', *SHAPE, '--seed', SEED, *words, '-o', output, '--json')
    assert told['outputs'][0]['sha256'] == made[0]
    assert str(mr.read_volume(output).voxel_size) == made[1]
    in_window = by_session(paths, options)
    assert in_window[:2] == made
    for run in (tmp_path / 'out.run', in_window[2]):
        again = by_command('replay', run, '--json')
        assert again['same']
        assert again['sha256'] == [made[0]]


def test_between_slices_every_door_makes_the_same_volume(files: Path, tmp_path: Path) -> None:
    paths = [f'{files / "small.tif"}@z={place}' for place in (0, 12, 24)]
    shape = (32, 64, 64)
    options = {'shape': shape, 'weights': 'exemplar', 'mode': 'conditioned'}
    made = by_python(paths, options)
    command = ('reconstruct', *paths, '--shape', *shape, '--seed', SEED, '--prior', 'exemplar', '--mode', 'conditioned')
    told = by_command(*command, '-o', tmp_path / 'out.tif', '--json')
    assert told['outputs'][0]['sha256'] == made[0]
    assert by_session(paths, options)[0] == made[0]


def test_a_plane_of_a_grey_stack_is_labelled_as_the_stack(files: Path) -> None:
    whole = mr.read_volume(files / 'grey.tif', phases=2)
    plane = mr.read_slices(f'{files / "grey.tif"}@z=20').slices[0]
    np.testing.assert_array_equal(plane.labels, whole.slice_labels('z', 20))
    session = Session()
    run_now(session, open_files(session, [files / 'grey.tif']))  # its middle plane becomes the slice
    assert session.material.slices is not None
    middle = mr.read_slices(f'{files / "grey.tif"}@z=64').slices[0]
    np.testing.assert_array_equal(session.material.slices.slices[0].labels, middle.labels)
