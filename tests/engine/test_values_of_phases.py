"""A phase is asked for by the value that the file holds, or by name; which value is which phase is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import napari_microrecon as mr
from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import read_slices, read_volume, write_volume
from napari_microrecon.engine.phases import Phases


def _layers(values: tuple[int, int, int], dtype: str = 'u1') -> np.ndarray:
    """Fractions .3125, .234375 and .453125 of a cube."""
    labels = np.full((64, 64, 64), values[0], dtype)
    labels[20:35], labels[35:] = values[1], values[2]
    return labels


SHARES = (0.3125, 0.234375, 0.453125)


@pytest.mark.parametrize('values', [(1, 2, 3), (0, 1, 2), (0, 2, 5), (3, 100, 255), (-1, 0, 1)])
def test_a_phase_is_found_by_the_value_in_the_file(tmp_path: Path, values: tuple[int, int, int]) -> None:
    np.save(tmp_path / 'k.npy', _layers(values, 'i2'))
    volume = read_volume(tmp_path / 'k.npy')
    for value, share in zip(values, SHARES, strict=True):
        label = volume.phases.find(value)
        assert volume.fractions[label] == share
        assert volume.phases.find(str(value)) == label
        assert volume.phases.value_of(label) == value
        assert mr.measure(tmp_path / 'k.npy', value, tortuosity=False).value('phase_fraction') == share
        assert f'value {value} = ' in volume.phases.mapping()
    missing = 2 if values == (3, 100, 255) else 4
    with pytest.raises(InputError, match=f'{missing} is not in the volume; choose one of {values[0]}'):
        volume.phases.find(missing)


def test_no_name_contradicts_a_value() -> None:
    phases = Phases.default(3).read_from((1, 2, 3))
    assert phases.names == ('phase 1', 'phase 2', 'phase 3')
    assert [phases.find(name) for name in phases.names] == [0, 1, 2]
    assert Phases.default(2).read_from((0, 255)).names == ('phase 0', 'phase 1')
    named = Phases.named('a', 'b', 'c', pore=2).read_from((1, 2, 3))
    assert (named.find('pore'), named.find('b'), named.find(1)) == (2, 1, 0)
    assert named == Phases.named('a', 'b', 'c', pore=2)


def test_one_is_the_other_value_of_a_mask() -> None:
    mask = Phases.default(2).read_from((0, 255))
    assert (mask.find(255), mask.find(1), mask.find(0)) == (1, 1, 0)
    with pytest.raises(InputError, match='is not in the volume'):
        Phases.default(2).read_from((1, 255)).find(0)


def test_our_own_files_hold_labels_and_are_asked_by_them(tmp_path: Path) -> None:
    np.save(tmp_path / 'k.npy', _layers((1, 2, 3)))
    for ending in ('.tif', '.ome.zarr'):
        again = read_volume(write_volume(read_volume(tmp_path / 'k.npy'), tmp_path / f'v{ending}'))
        assert again.phases.names == ('phase 0', 'phase 1', 'phase 2')
        assert again.fractions[again.phases.find(1)] == SHARES[1]
    named = read_volume(write_volume(read_volume(tmp_path / 'k.npy', Phases.named('a', 'b', 'c')), tmp_path / 'n.tif'))
    assert named.phases == Phases.named('a', 'b', 'c')


def test_slices_of_masks_with_different_values_go_together(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).integers(0, 2, (32, 32), np.uint8)
    np.save(tmp_path / 'a.npy', mask)
    np.save(tmp_path / 'b.npy', mask * 255)
    np.save(tmp_path / 'c.npy', mask + 1)
    said: list[str] = []
    slices = read_slices([tmp_path / f'{name}.npy' for name in 'abc'], on_note=said.append)
    assert all(np.array_equal(one.labels, mask) for one in slices)
    assert '0 -> 0, 255 -> 1' in said[1]
    assert '1 -> 0, 2 -> 1' in said[2]
