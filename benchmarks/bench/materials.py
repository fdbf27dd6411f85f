"""Materials of the benchmarks: four real ones from the shared data and two synthetic ones; how each is scored.

The real volumes lie outside the project, in `../shared/ct` beside it or where MICRORECON_DATA says.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.files import read_slices
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import SliceSet

from .bars import AXES_WITHIN, BAND, EACH, Bar
from .synthetic import MAKERS, reference_file

ROOT = Path(__file__).resolve().parents[2]


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
    """

    name: str
    file: str
    names: tuple[str, ...]
    planes: tuple[str, ...]
    edge: int
    transport: tuple[int, ...]
    bars: tuple[Bar, ...]

    @property
    def phases(self) -> int:
        """K."""
        return len(self.names)

    @property
    def measured(self) -> tuple[int, ...]:
        """Phases whose statistics are compared."""
        return (1,) if self.phases == 2 else tuple(range(self.phases))

    @property
    def path(self) -> Path:
        """File of the reference volume; a synthetic one is made on first use."""
        return data_folder() / self.file if self.file else reference_file(self.name.partition('@')[0])

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
    """Folder with the real volumes.

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
            'is no folder: the real CT volumes are not part of the project',
            'set MICRORECON_DATA to the folder with berea_sandstone.tif and the others, '
            f'or measure the synthetic materials only: {", ".join(MAKERS)}',
        )
    return folder


# Limits as the project's goals state them; a relative one is a fraction.
_BEREA = (
    Bar('s2', 1, 0.05),
    Bar('s2', 1, kind=BAND),
    Bar('surface', 1, 0.05),
    Bar('percolating', 1, 0.02),
    Bar('clusters', 1, 0.30),
    Bar('tau', 1, 0.15),
    Bar('fraction', 1, 0.005),
    Bar('spread', 1, 0.5),
)
_KETTON = (
    Bar('s2', 1, 0.05),
    Bar('surface of slice', 1, 0.10),
    Bar('percolating', 1, 0.03),
    Bar('clusters', 1, 0.50),
    Bar('tau', 1, kind=BAND),
    Bar('fraction', 1, 0.005),
    Bar('spread', 1, 0.5),
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

MATERIALS = {
    material.name: material
    for material in (
        Material('berea', 'berea_sandstone.tif', ('solid', 'pore'), ('z=100',), 128, (1,), _BEREA),
        Material('ketton', 'ketton_limestone.tif', ('solid', 'pore'), ('z=64',), 128, (1,), _KETTON),
        Material('cathode', 'battery_cathode.tif', ('pore', 'active', 'binder'), ('z=64',), 128, (0,), _CATHODE),
        Material('foam', 'anisotropic_foam.tif', ('pore', 'strut'), ('z=125', 'y=125', 'x=125'), 96, (1,), _FOAM),
        # Nobody tuned on these two; they have the bars of the sandstone, their nearest kin (one slice, two phases).
        Material('ellipsoids', '', ('solid', 'pore'), ('z=128',), 128, (1,), _BEREA),
        Material('spinodal', '', ('first', 'second'), ('z=128',), 128, (1,), _BEREA),
    )
}


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
