"""Materials of the benchmarks: measured, computed and synthetic volumes, and how each is scored.

The measured and the computed volumes are others' and lie outside the project, in `../shared/ct` beside it or where
MICRORECON_DATA says. Nothing made of them is written into the project.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import read_slices
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import SliceSet

from .bars import AXES_WITHIN, BAND, EACH, EITHER, FLOOR, Bar
from .grey_volumes import segmented_file
from .synthetic import MAKERS, reference_file

ROOT = Path(__file__).resolve().parents[2]

Origin = Literal['measured', 'computed', 'synthetic']
"""Imaged in 3D; made by others' programs, however like a material; made by this project's own code."""


@dataclass(frozen=True)
class Material:
    """One material: its reference volume, the slices that train, and how volumes are scored.

    Attributes
    ----------
    name : str
        Short name, also of cached results.
    file : str
        File in the data folder; empty for synthetic materials.
    names : tuple of str
        Of the phases, as a user would give them; with two phases phase 1 is measured.
    planes : tuple of str
        Slices that train, as 'z=100'.
    edge : int
        Edge in voxels of the volumes and real subvolumes that are compared.
    transport : tuple of int
        Phases whose tortuosity factor is solved.
    bars : tuple of Bar
        What a generator must reach.
    origin : {'measured', 'computed', 'synthetic'}
        Where the reference volume comes from; only a measured one is evidence of a real material.
    evidence : tuple of int
        Phases that are evidence, where not all are; the others are neither compared nor judged.
    grey : bool
        Whether the file holds grey values, which are segmented on first use.
    """

    name: str
    file: str
    names: tuple[str, ...]
    planes: tuple[str, ...]
    edge: int
    transport: tuple[int, ...]
    bars: tuple[Bar, ...]
    origin: Origin
    evidence: tuple[int, ...] = ()
    grey: bool = False

    @property
    def phases(self) -> int:
        """K."""
        return len(self.names)

    @property
    def measured(self) -> tuple[int, ...]:
        """Phases whose statistics are compared."""
        return self.evidence or ((1,) if self.phases == 2 else tuple(range(self.phases)))

    @property
    def blocks(self) -> str:
        """What the subvolumes of the reference are called in tables."""
        return f'{self.origin} blocks'

    @property
    def path(self) -> Path:
        """File of the reference labels; synthetic ones and those of grey volumes are made on first use."""
        if not self.file:
            return reference_file(self.name.partition('@')[0])
        path = data_folder() / self.file
        return segmented_file(path) if self.grey else path

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the compared volumes, voxels."""
        return self.edge, self.edge, self.edge

    def volume(self) -> np.ndarray:
        """Reference labels, uint8 (Z, Y, X)."""
        if self.path.suffix == '.npy':
            return np.load(self.path)
        import tifffile

        return tifffile.imread(self.path)

    def slices(self) -> SliceSet:
        """The slices that train."""
        pore = self.names.index('pore') if 'pore' in self.names else None
        phases = Phases.named(*self.names, pore=pore)
        return read_slices([f'{self.path}@{plane}' for plane in self.planes], phases=phases)


def data_folder() -> Path:
    """Folder with the measured and computed volumes.

    Raises
    ------
    InputError
        If it is not there.
    """
    told = os.environ.get('MICRORECON_DATA')
    folder = Path(told) if told else ROOT.parent / 'shared' / 'ct'
    if not folder.is_dir():
        raise InputError(
            str(folder),
            'is no folder: the volumes of others are not part of the project',
            'set MICRORECON_DATA to the folder with berea_sandstone.tif and the others, '
            f'or measure the synthetic materials only: {", ".join(MAKERS)}',
        )
    return folder


# Limits as the project's goals state them; a relative one is a fraction.


def _rock(*phases: int) -> tuple[Bar, ...]:
    """Bars of the measured materials: within what a single block of the material shows, whatever the material."""
    return tuple(
        bar
        for k in phases
        for bar in (
            Bar('s2', k, kind=FLOOR),
            Bar('surface', k, 0.05),
            Bar('percolating', k, 0.02),
            Bar('clusters', k, 0.30),
            Bar('tau', k, 0.15, EITHER),
            Bar('fraction', k, 0.005),
            Bar('spread', k, 0.5),
        )
    )


_CATHODE = (
    *(Bar('s2', k, kind=BAND) for k in range(3)),
    *(Bar('surface', k, 0.05) for k in range(3)),
    Bar('percolating', 0, 0.05),
    Bar('percolating', 1, kind=BAND),
    Bar('percolating', 2, 0.05),
    Bar('tau', 0, 0.05),
    *(Bar('fraction', k, 0.005) for k in range(3)),
    *(Bar(f'interface {a}-{b}', None, 0.10) for a, b in ((0, 1), (0, 2), (1, 2))),
    *(Bar('spread', k, 0.5) for k in range(3)),
)
_FOAM = (
    Bar('s2', 1, kind=AXES_WITHIN),
    Bar('surface', 1, 0.10, EACH),
    Bar('percolating', 1, 0.01),
    Bar('tau', 1, 0.15),
    Bar('fraction', 1, 0.005),
    Bar('length', 1, 0.15, EACH),
    Bar('spread', 1, 0.5),
)

_ROCK = ('solid', 'pore')
_NMC_PLANES = ('z=125', 'y=150', 'x=75')  # faces across z are 30 % more than across y and x: one slice cannot say so
_FOAM_PLANES = ('z=125', 'y=125', 'x=125')
_ELECTRODE = ('pore', 'active', 'binder')

MATERIALS = {
    material.name: material
    for material in (
        # Measured.
        Material('berea', 'berea_sandstone.tif', _ROCK, ('z=100',), 128, (1,), _rock(1), 'measured'),
        Material('ketton', 'ketton_limestone.tif', _ROCK, ('z=64',), 128, (1,), _rock(1), 'measured'),
        # The binder was added to the scan by computer; it trains with the rest and proves nothing.
        Material(
            'nmc', 'nmc_nrel.tif', _ELECTRODE, _NMC_PLANES, 96, (0, 1), _rock(0, 1), 'measured', evidence=(0, 1)
        ),
        # Sections of this small volume differ by a factor of two; z=140 has the fraction and faces of the whole.
        Material(
            'bone', 'trabecular_bone_grey.tif', ('marrow', 'bone'), ('z=140',), 96, (1,), _rock(1), 'measured',
            grey=True,
        ),
        # Computed: a generator's output after a scan of NMC, and a volume drawn for a paper on transport.
        Material('cathode', 'battery_cathode.tif', _ELECTRODE, ('z=64',), 128, (0,), _CATHODE, 'computed'),
        Material('foam', 'anisotropic_foam.tif', ('pore', 'strut'), _FOAM_PLANES, 96, (1,), _FOAM, 'computed'),
        # Synthetic. Nobody tuned on these two; they have the bars of the rocks, their nearest kin.
        Material('ellipsoids', '', _ROCK, ('z=128',), 128, (1,), _rock(1), 'synthetic'),
        Material('spinodal', '', ('first', 'second'), ('z=128',), 128, (1,), _rock(1), 'synthetic'),
    )
}  # fmt: skip


def get_material(name: str, edge: int | None = None) -> Material:
    """Material by name; 'berea@z=20' trains on that slice, 'foam@z=1,y=2,x=3' on those.

    Parameters
    ----------
    name : str
        Name, with other slices after an @.
    edge : int, optional
        Another edge of the compared volumes, in voxels.
    """
    base, _, planes = name.partition('@')
    if base not in MATERIALS:
        raise InputError(f'material {base}', 'is not known', f'use some of {", ".join(MATERIALS)}')
    found = MATERIALS[base]
    if planes:
        found = replace(found, name=name, planes=tuple(planes.split(',')))
    return found if edge is None else replace(found, edge=edge)
