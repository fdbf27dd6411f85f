"""A run that somebody else has written names what it likes: only what lies with it is opened, in one line."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import write_volume
from napari_microrecon.engine.generator import ReconstructParams
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.provenance import BUILD, build, hash_array, versions
from napari_microrecon.engine.run import Run
from napari_microrecon.engine.run.reference import Origin, describe_reference, find_reference
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.volume import Volume

PHASES = Phases.named('grain', 'pore', pore=1)
RNG = np.random.default_rng(11)


class StoredWeights:
    """The part of weights that a run needs."""

    name = 'prior'
    sha256 = 'f' * 64
    tensors: dict[str, Any] = {}  # noqa: RUF012

    def save(self, path: Path) -> None:
        path.write_bytes(b'weights')


@pytest.fixture
def volume() -> Volume:
    return Volume(RNG.integers(0, 2, (20, 20, 20), np.uint8), PHASES, name='made')


@pytest.fixture
def folder(tmp_path: Path, volume: Volume) -> Path:
    """Folder of a run whose volume lies beside it."""
    slices = SliceSet.of([Slice(RNG.integers(0, 2, (20, 24), np.uint8), PHASES, 'z', 4, name='a.tif')])
    home = tmp_path / 'work' / 'out.run'
    run = Run.create(home, 'reconstruct', slices, StoredWeights(), ReconstructParams(shape=(20, 20, 20)), device='cpu')
    run.add_output('volume', write_volume(volume, home.parent / 'out.tif'), hash_array(volume.labels))
    run.finish()
    return home


def change(folder: Path, **values: Any) -> None:
    path = folder / 'run.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def moved(folder: Path, place: str, part: str) -> None:
    """Let the first input or output have another path."""
    items = json.loads((folder / 'run.json').read_text())[part]
    items[0]['path'] = place
    change(folder, **{part: items})


@pytest.mark.parametrize('schema', [0, -1, 2, 999, 'one', 1.5, None, True])
def test_formats_are_compared(schema: object, folder: Path) -> None:
    change(folder, schema=schema)
    with pytest.raises(InputError) as error:
        Run.open(folder)
    assert 'format' in str(error.value)
    assert ('update napari-microrecon' in str(error.value)) == (schema in (2, 999))


def test_a_run_of_before_schemas_had_a_number_opens(folder: Path) -> None:
    record = json.loads((folder / 'run.json').read_text())
    del record['schema']
    (folder / 'run.json').write_text(json.dumps(record))
    assert len(Run.open(folder).load_slices()) == 1


@pytest.mark.parametrize(
    'place', ['../secret.tif', '/etc/hostname', 'inputs/../../secret.tif', '..', '', 'a\0b', 'a\nb']
)
def test_inputs_lie_in_the_folder(place: str, folder: Path) -> None:
    (folder.parent / 'secret.tif').write_bytes(b'nothing to be read')
    moved(folder, place, 'inputs')
    with pytest.raises(InputError, match='names an input outside its folder') as error:
        Run.open(folder)
    assert '\n' not in str(error.value)


@pytest.mark.skipif(os.name == 'nt', reason='links need rights there')
def test_no_link_leads_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / 'outside.tif'
    (folder / 'inputs' / 'slice_000.tif').rename(outside)
    (folder / 'inputs' / 'slice_000.tif').symlink_to(outside)
    with pytest.raises(InputError, match='outside its folder'):
        Run.open(folder)
    elsewhere = tmp_path / 'elsewhere.tif'
    (folder.parent / 'out.tif').rename(elsewhere)
    (folder.parent / 'out.tif').symlink_to(elsewhere)
    (folder / 'inputs' / 'slice_000.tif').unlink()
    outside.rename(folder / 'inputs' / 'slice_000.tif')
    with pytest.raises(InputError, match='was not opened'):
        Run.open(folder).load_volumes()


@pytest.mark.skipif(os.name == 'nt', reason='links need rights there')
def test_places_may_be_written_with_a_link_in_them(folder: Path, volume: Volume, tmp_path: Path) -> None:
    (tmp_path / 'link').symlink_to(folder.parent)
    through = tmp_path / 'link' / 'out.run'
    assert len(Run.open(through).load_volumes()) == 1
    write_volume(volume, folder.parent / 'ct.tif')
    record = describe_reference(volume, Origin('file', str(tmp_path / 'link' / 'ct.tif')))
    assert find_reference(record, through).shape == volume.shape


def test_a_result_beside_the_folder_is_opened_and_checked(folder: Path, volume: Volume) -> None:
    (found,) = Run.open(folder).load_volumes()
    np.testing.assert_array_equal(found.labels, volume.labels)
    outputs = json.loads((folder / 'run.json').read_text())['outputs']
    change(folder, outputs=[outputs[0] | {'content_sha256': ''}])
    with pytest.raises(InputError, match='no longer the volume'):
        Run.open(folder).load_volumes()


@pytest.mark.parametrize('form', ['absolute', 'relative'])
def test_a_result_elsewhere_takes_the_users_word(form: str, folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / 'elsewhere' / 'out.tif'
    elsewhere.parent.mkdir()
    (folder.parent / 'out.tif').rename(elsewhere)
    moved(folder, str(elsewhere) if form == 'absolute' else '../../elsewhere/out.tif', 'outputs')
    with pytest.raises(InputError, match='neither in the run nor beside it') as error:
        Run.open(folder).load_volumes()
    assert 'elsewhere' in str(error.value)
    assert '--trust-paths' in str(error.value)
    for trusted in ((elsewhere,), (elsewhere.parent,), None):
        assert len(Run.open(folder, trusted).load_volumes()) == 1
    with pytest.raises(InputError, match='neither in the run nor beside it'):
        Run.open(folder, (tmp_path / 'else',)).load_volumes()


def test_a_place_on_another_machine_is_not_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    resolve = Path.resolve
    monkeypatch.setattr(Path, 'resolve', lambda self, strict=False: asked.append(str(self)) or resolve(self, strict))
    moved(folder, '//elsewhere/share/out.tif', 'outputs')
    with pytest.raises(InputError, match='was not opened'):
        Run.open(folder).load_volumes()
    assert not [place for place in asked if 'share' in place]


def test_a_reference_elsewhere_takes_the_users_word(folder: Path, volume: Volume, tmp_path: Path) -> None:
    ct = write_volume(volume, tmp_path / 'ct.tif')
    record = describe_reference(volume, Origin('file', str(ct)))
    with pytest.raises(InputError, match='was not opened'):
        find_reference(record, folder)
    assert find_reference(record, folder, (ct,)).shape == volume.shape
    assert find_reference(record, folder, None).shape == volume.shape
    beside = write_volume(volume, folder.parent / 'ct.tif')
    assert find_reference(describe_reference(volume, Origin('file', str(beside))), folder).shape == volume.shape
    copy = record.model_copy(update={'origin': 'layer', 'where': '../../ct.tif'})
    with pytest.raises(InputError, match='outside its folder'):
        find_reference(copy, folder)


def test_damaged_records_are_read_or_refused(folder: Path) -> None:
    path = folder / 'run.json'
    whole = path.read_bytes()
    rng = random.Random(5)
    refused: list[str] = []
    for _ in range(500):
        made = bytearray(whole)
        if rng.random() < 0.3:
            made = made[: rng.randrange(len(made))]
        else:
            for _ in range(rng.choice((1, 1, 3, 20))):
                made[rng.randrange(len(made))] = rng.randrange(256)
        path.write_bytes(made)
        try:
            run = Run.open(folder)
            run.load_slices()
            run.need_input('weights')
            run.load_volumes()
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 200
    assert not any('\n' in told for told in refused)


@pytest.mark.parametrize(
    'text', ['', '[]', 'null', '{}', '[' * 10**5, '{"schema": 1e400}', '{"command": "reconstruct", "parameters": 3}']
)
def test_records_that_are_none(text: str, folder: Path) -> None:
    (folder / 'run.json').write_text(text)
    with pytest.raises(InputError) as error:
        Run.open(folder)
    assert '\n' not in str(error.value)


def test_a_run_names_the_build_that_made_it(folder: Path) -> None:
    assert Run.open(folder).record.versions[BUILD] == build() == versions()[BUILD]
    assert len(build()) == 12
    assert int(build(), 16) >= 0
