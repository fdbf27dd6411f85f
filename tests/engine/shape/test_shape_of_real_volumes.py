"""Blocks of scanned materials fit slices of the same material and no other."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

from napari_microrecon.engine.shape import ShapeReference

FILES = {'berea': 'berea_sandstone.tif', 'ketton': 'ketton_limestone.tif'}


@pytest.fixture(scope='module')
def scans(shared_data: Path) -> dict[str, np.ndarray]:
    return {name: tifffile.imread(shared_data / 'ct' / file) for name, file in FILES.items()}


@pytest.fixture(scope='module')
def references(bodies: SimpleNamespace, scans: dict[str, np.ndarray]) -> dict[str, ShapeReference]:
    return {
        name: ShapeReference.of(bodies.slices_of(*(scan[i, :256, :256] for i in (0, 60, 120, 199))))
        for name, scan in scans.items()
    }


def _blocks(scan: np.ndarray) -> list[np.ndarray]:
    return [scan[:96, :96, :96], scan[-96:, -96:, :96], scan[-96:, :96, -96:], scan[:96, -96:, -96:]]


@pytest.mark.parametrize('name', FILES)
def test_blocks_fit_their_own_material_only(
    scans: dict[str, np.ndarray], references: dict[str, ShapeReference], name: str
) -> None:
    for material, reference in references.items():
        verdict = reference.judge(_blocks(scans[name]))
        if material == name:
            assert verdict.level == 'fits', verdict
            assert verdict.error <= verdict.floor
        else:
            assert verdict.level == 'does not fit'
