"""Make the synthetic samples in sample_data/ again, bit for bit.

usage: python scripts/make_samples.py [NAME ...] [--output DIR] [--check]

Every sample is computed from the parameters in this file and a fixed seed; no measured data enter.
With --check nothing is written: the samples are computed and compared with what is there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from recipes import alloys, electrode, rocks

from napari_microrecon.engine.files import write_slice, write_volume
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.provenance import Provenance, hash_array, hash_file
from napari_microrecon.engine.slices import Slice, Symmetry
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import AXES, VoxelSize

ROOT = Path(__file__).resolve().parents[1]
LICENCE = 'BSD-3-Clause'


@dataclass(frozen=True)
class Recipe:
    """How one sample is made and what is said about it."""

    name: str
    title: str
    description: str
    phases: Phases
    voxel_size: VoxelSize
    symmetry: Symmetry
    evidence: str
    make: Callable[..., np.ndarray]
    seed: int
    edge: int = 128
    parameters: dict[str, Any] = field(default_factory=dict)

    def labels(self) -> np.ndarray:
        """The label volume, uint8 (Z, Y, X)."""
        return self.make(self.seed, self.edge, **self.parameters)


RECIPES = {
    r.name: r
    for r in (
        Recipe(
            name='sandstone',
            title='Sandstone, synthetic (Berea-like)',
            description=(
                'Synthetic. Angular, moderately sorted sand grains, grown together until a fifth of the volume is '
                'open pore, with clay webs in some pores and altered grains. Parameters and seed were chosen so that '
                'porosity, surface, correlation length, percolation and tortuosity come near those of published '
                'Berea micro-CT; no measured voxel is in it. Voxel size chosen: the one commonly given for that scan.'
            ),
            phases=Phases.named('grain', 'pore', pore=1),
            voxel_size=VoxelSize.cube(3.0, 'um'),
            symmetry='isotropic',
            evidence='made without a preferred direction',
            make=rocks.sandstone,
            seed=4,
            parameters={
                'radius': 13.5, 'spread': 0.28, 'filling': 0.62, 'facets': 14, 'irregularity': 0.18, 'flatness': 0.35,
                'rounding': 0.8, 'roughness': 0.045, 'looseness': 0.06, 'porosity': 0.202, 'clay': 0.08,
                'dissolution': 0.03,
            },
        ),
        Recipe(
            name='limestone',
            title='Oolitic limestone, synthetic (Ketton-like)',
            description=(
                'Synthetic. Nearly spherical ooids that overlap a little, with cement webs in some of the pores and '
                'micropores in some of the ooids. Parameters and seed were chosen so that porosity, surface, '
                'correlation length and percolation come near those of published Ketton micro-CT; no measured voxel '
                'is in it. Voxel size chosen: the one commonly given for that scan.'
            ),
            phases=Phases.named('grain', 'pore', pore=1),
            voxel_size=VoxelSize.cube(15.2, 'um'),
            symmetry='isotropic',
            evidence='made without a preferred direction',
            make=rocks.limestone,
            seed=0,
            parameters={
                'radius': 17.0, 'spread': 0.30, 'filling': 0.72, 'roughness': 0.02, 'looseness': 0.03,
                'porosity': 0.127, 'cemented': 0.25, 'web': 1.5, 'micropores': 0.12,
            },
        ),
        Recipe(
            name='cathode',
            title='Lithium-ion cathode, synthetic (NMC-like)',
            description=(
                'Synthetic. Round secondary particles of active material, polydisperse and touching, with a porous '
                'carbon binder that coats them and webs between neighbours. Fractions, surfaces and correlation '
                "lengths come near those of a computed NMC electrode (TauFactor's documentation); no voxel of that or "
                'of a scan is in it. Voxel size chosen: particles of about 8 um.'
            ),
            phases=Phases.named('pore', 'active material', 'carbon binder', pore=0),
            voxel_size=VoxelSize.cube(0.4, 'um'),
            symmetry='isotropic',
            evidence='made without a preferred direction',
            make=electrode.cathode,
            seed=8,
            parameters={
                'radius': 7.8, 'spread': 0.35, 'filling': 0.42, 'overlap': 0.15, 'roughness': 0.9, 'active': 0.40,
                'binder': 0.156, 'coat': 8.0, 'thickness': 1.6, 'closest': 4.5, 'patchiness': 5.0, 'fineness': 5.0,
                'grain': 0.8,
            },
        ),
        Recipe(
            name='cast-iron',
            title='White cast iron, hypoeutectic, synthetic',
            description=(
                'Synthetic. Dendrites of primary austenite, since turned to pearlite, grown along z with secondary '
                'arms in two directions; between them ledeburite: cementite with fine pearlite rods along z, and '
                'bare cementite next to the dendrites. Not fitted to any measurement. Voxel size chosen: secondary '
                'arms about 26 um apart.'
            ),
            phases=Phases.named('cementite', 'pearlite'),
            voxel_size=VoxelSize.cube(2.0, 'um'),
            symmetry='orthotropic',
            evidence='dendrite trunks and eutectic rods run along z',
            make=alloys.cast_iron,
            seed=2,
            parameters={
                'spacing': 31.0, 'arm_spacing': 13.0, 'trunk': 4.4, 'arm': 3.4, 'reach': 0.5, 'lean': 0.06,
                'columns': 3, 'roughness': 0.9, 'dendrites': 0.40, 'halo': 3.0, 'rods': 0.30, 'rod': (7.0, 1.5),
            },
        ),
        Recipe(
            name='brass',
            title='Alpha-beta brass (Cu-Zn), synthetic',
            description=(
                'Synthetic. Former beta grains stretched along x, as by extrusion, with alpha laths of '
                'Widmanstätten type that run mostly along x in three sets, and thin alpha films on the grain '
                'boundaries. Not fitted to any measurement. Voxel size chosen: laths about 8 um thick.'
            ),
            phases=Phases.named('beta', 'alpha'),
            voxel_size=VoxelSize.cube(1.5, 'um'),
            symmetry='orthotropic',
            evidence='grains and laths run along x',
            make=alloys.brass,
            seed=0,
            parameters={
                'grain': 55.0, 'stretch': 1.8, 'lath': (20.0, 9.0, 2.6), 'variety': 0.25, 'scatter': 0.22,
                'tries': 2600, 'film': 0.7, 'roughness': 0.06, 'alpha': 0.55,
            },
        ),
    )
}  # fmt: skip


def write(recipe: Recipe, labels: np.ndarray, folder: Path) -> None:
    """Write volume, mid-plane slices and sample.json of one sample; no time stamps, so equal bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    provenance = Provenance(
        kind='synthetic',
        description=f'Made by scripts/make_samples.py, recipe {recipe.make.__name__}; no measured data.',
        licence=LICENCE,
        seed=recipe.seed,
        parameters={'edge': recipe.edge, **recipe.parameters},
    )
    volume = Volume(labels, recipe.phases, recipe.voxel_size, provenance, recipe.name)
    write_volume(volume, folder / 'volume.tif')
    slices = []
    for normal, size in zip(AXES, volume.shape, strict=True):
        position = size // 2
        path = folder / f'slice_{normal}{position:03d}.tif'
        write_slice(Slice.of_volume(volume, normal, position), path)
        slices.append({'file': path.name, 'normal': normal, 'position': position, 'sha256': hash_file(path)})
    record = {
        'schema': 1,
        'name': recipe.name,
        'title': recipe.title,
        'description': recipe.description,
        'kind': 'synthetic',
        'phases': recipe.phases.model_dump(),
        'voxel_size': recipe.voxel_size.model_dump(),
        'shape': volume.shape,
        'symmetry': recipe.symmetry,
        'evidence': recipe.evidence,
        'weights': recipe.name,
        'provenance': provenance.model_dump(exclude_defaults=True),
        'volume': {
            'file': 'volume.tif',
            'sha256': hash_file(folder / 'volume.tif'),
            'labels_sha256': hash_array(labels),
        },
        'slices': slices,
        'fractions': [round(float(f), 4) for f in volume.fractions],
    }
    (folder / 'sample.json').write_text(json.dumps(record, indent=2) + '\n', encoding='utf-8', newline='\n')


def differences(recipe: Recipe, labels: np.ndarray, folder: Path) -> list[str]:
    """What differs between freshly made labels and the files that are there; empty where nothing does."""
    record = json.loads((folder / 'sample.json').read_text(encoding='utf-8'))
    found = []
    if hash_array(labels) != record['volume']['labels_sha256']:
        found.append(f'{recipe.name}: the labels differ from those recorded')
    for entry in (record['volume'], *record['slices']):
        if hash_file(folder / entry['file']) != entry['sha256']:
            found.append(f'{recipe.name}: {entry["file"]} is not the file recorded')
    return found


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', metavar='NAME', help='samples; all unless given')
    parser.add_argument('--output', type=Path, default=ROOT / 'sample_data', help='folder to write to')
    parser.add_argument('--check', action='store_true', help='compare with what is there, write nothing')
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in RECIPES]
    if unknown:
        parser.error(f'{unknown[0]!r} is not one of {", ".join(RECIPES)}')
    wrong: list[str] = []
    for name in options.names or RECIPES:
        recipe, start = RECIPES[name], time.perf_counter()
        labels, folder = recipe.labels(), options.output / name
        if options.check:
            found = differences(recipe, labels, folder)
            wrong += found
            outcome = 'the same' if not found else 'NOT THE SAME'
        else:
            write(recipe, labels, folder)
            outcome = f'{sum(f.stat().st_size for f in folder.iterdir()) / 1e6:.2f} MB'
        print(f'{name}: {outcome}, {time.perf_counter() - start:.1f} s', flush=True)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    raise SystemExit(main())
