"""Reconstruction between parallel slices, against interpolation, on held-out cubes of known volumes, in one run.

    python benchmarks/conditioned.py --cache conditioned.json --output conditioned.md
    python benchmarks/conditioned.py --materials berea --stacks 5 every8 --cubes 2

Stacks: k slices evenly spaced with the first and the last layer among them, or every n-th layer from the first. Two
ways to learn: from the slices of the cube alone, and with a training volume from the other half of the material, of
which no cube is part. All numbers are means over cubes with their standard deviation:

- SSIM: skimage structural_similarity in 3D, window 7, data_range 1, on label / (K - 1), whole cube, hard labels;
- PSNR: of the soft expectation of label / (K - 1), data range 1, whole cube; signed distances are made soft by a
  softmax of 1.5 per voxel, which raises their PSNR; in brackets that of the hard labels, all that a realisation has;
- S2: mean over axes, lags 0..29 and phases of |S2 - S2_cube| / (phi (1 - phi)); with two phases phase 1 alone;
- surface z, y, x: neighbouring voxels of different phase, relative to the cube;
- fraction: difference of the phase fractions to the cube, largest over phases: of the mean over cubes, and the mean
  of the absolute value;
- flips: changes between a known layer and its neighbours, relative to the cube;
- spread: disagreement of two realisations over the disagreement of one with the cube.

Every result is kept in the cache as soon as it is there: the same command continues an interrupted run. Where the
volumes come from: bench/materials.py (the cathode is a computed one).
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench.materials import get_material
from bench.tables import markdown, tell

from napari_microrecon.engine.conditioned.filling import fill, realise
from napari_microrecon.engine.conditioned.interpolation import linear, nearest, signed_distances, softened
from napari_microrecon.engine.conditioned.network import SectionNet
from napari_microrecon.engine.conditioned.planes import Planes
from napari_microrecon.engine.conditioned.scoring import Truth
from napari_microrecon.engine.conditioned.sections import Scheme
from napari_microrecon.engine.conditioned.statistics import SliceStatistics
from napari_microrecon.engine.conditioned.training import train
from napari_microrecon.engine.generator.device import placement
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.volume import Volume

STACKS = ('3', '5', '7', 'every8', 'every4')
EDGE = 64
DEVELOPMENT = 8  # cubes that the method was developed on: never measured here
SAMPLES = 3
Row = dict[str, Any]


def main() -> None:
    """Measure what is missing in the cache, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--materials', nargs='+', default=['berea', 'cathode', 'ketton'])
    parser.add_argument('--stacks', nargs='+', default=list(STACKS))
    parser.add_argument('--cubes', type=int, default=8)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--cache', type=Path)
    parser.add_argument('--output', type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows: dict[str, Row] = json.loads(options.cache.read_text()) if options.cache and options.cache.exists() else {}
    parts: list[str] = []
    for name in options.materials:
        cubes, volume = material(name, options.cubes)
        for stack in options.stacks:
            network: SectionNet | None = None
            for index, cube in enumerate(cubes):
                for learned in ('slices', 'volume'):
                    key = f'{name} {stack} {index} {learned}'
                    if key in rows:
                        continue
                    slices = stack_of(cube, stack)
                    if learned == 'volume' and network is None:
                        network = learn(slices, volume, options.device)
                    known = (volume, network) if learned == 'volume' and network is not None else None
                    rows[key] = measure(cube, slices, known, options.device, index)
                    print(
                        key, {k: round(v, 3) for k, v in rows[key]['ours'].items() if isinstance(v, float)}, flush=True
                    )
                    if options.cache:
                        options.cache.write_text(json.dumps(rows))
        parts += [summary(name, options.stacks, len(cubes), rows), section(name, options.stacks, len(cubes), rows)]
    text = '\n'.join(parts)
    tell(text, options.output)


def material(name: str, count: int) -> tuple[list[np.ndarray], Volume]:
    """Held-out cubes from one half of a material, in a fixed random order, and a training volume from the other."""
    found = get_material(name)
    labels = found.volume()
    half = labels.shape[2] // 2
    starts = itertools.product(
        range(0, labels.shape[0] - EDGE + 1, EDGE),
        range(0, labels.shape[1] - EDGE + 1, EDGE),
        range(half, labels.shape[2] - EDGE + 1, EDGE),
    )
    origins = list(starts)
    np.random.default_rng(0).shuffle(origins)
    cubes = [
        np.ascontiguousarray(labels[z : z + EDGE, y : y + EDGE, x : x + EDGE])
        for z, y, x in origins[DEVELOPMENT : DEVELOPMENT + count]
    ]
    return cubes, Volume(np.ascontiguousarray(labels[:128, :128, :128][:, :, :half]), Phases.default(found.phases))


def positions(stack: str) -> list[int]:
    """Layers of a stack."""
    if stack.startswith('every'):
        return list(range(0, EDGE, int(stack.removeprefix('every'))))
    return [int(p) for p in np.linspace(0, EDGE - 1, int(stack)).round()]


def stack_of(cube: np.ndarray, stack: str) -> SliceSet:
    """Parallel slices through a cube."""
    phases = Phases.default(max(2, int(cube.max()) + 1))
    return SliceSet.of([Slice(cube[p], phases, 'z', p, name=f'z={p}') for p in positions(stack)])


def learn(slices: SliceSet, volume: Volume, device: str) -> SectionNet:
    """One network from a training volume for all cubes: the slices add little to it."""
    planes = Planes.of(slices, (EDGE, EDGE, EDGE))
    scheme = Scheme.of(planes, slices, SliceStatistics.of(slices, volume).length)
    return drain(train(scheme, slices, volume, 0, placement(device)))


def measure(
    cube: np.ndarray, slices: SliceSet, known: tuple[Volume, SectionNet] | None, device: str, index: int
) -> Row:
    """Scores of all methods on one cube; the baselines are measured with what learned from the slices alone.

    Every cube has fields of its own: with the same ones the mean over cubes would keep the chance of one seed.
    """
    volume, network = known or (None, None)
    shape = (EDGE, EDGE, EDGE)
    began = time.process_time()
    filling = drain(fill(slices, shape, seed=0, place=placement(device), volume=volume, network=network))
    spent = time.process_time() - began
    planes, count = filling.planes, slices.phases.count
    drawn = drain(realise(filling, slices, SAMPLES, SAMPLES * index))
    truth = Truth(Volume(cube, slices.phases), 1)
    told = flips(cube, planes)

    def scores(labels: np.ndarray, probabilities: np.ndarray | None = None) -> Row:
        row = truth.score(labels, probabilities).to_dict()
        row['psnr hard'] = float(-20 * np.log10(np.sqrt(np.mean((labels - cube.astype(float)) ** 2)) / (count - 1)))
        row['flips'] = flips(labels, planes) / told - 1
        return row

    row: Row = {'ours': scores(filling.most_likely(), filling.probabilities)}
    row['ours']['cpu'] = spent
    each = [scores(labels) for labels in drawn]
    mean = {key: np.mean([s[key] for s in each], 0).tolist() for key in each[0] if key != 'psnr'}
    between = np.mean([(a != b).mean() for a, b in itertools.combinations(drawn, 2)])
    mean['spread'] = float(between / np.mean([(labels != cube).mean() for labels in drawn]))
    mean['exact'] = float(all(np.array_equal(labels[p], cube[p]) for labels in drawn for p in planes.positions('z')))
    row['realisation'] = mean
    if known is None:
        shares, distances = linear(planes), signed_distances(planes)
        closest = nearest(planes)
        row['nearest'] = scores(closest, one_hot(closest, count))
        row['linear'] = scores(shares.argmax(0).astype(np.uint8), shares)
        row['signed distance'] = scores(distances.argmax(0).astype(np.uint8), softened(distances, planes.known()))
    return row


def flips(labels: np.ndarray, planes: Planes) -> float:
    """Changes between known layers and their neighbours, per voxel."""
    changes = (labels[1:] != labels[:-1]).mean((1, 2))
    known = planes.positions('z')
    return float(changes[[i for i in range(len(changes)) if i in known or i + 1 in known]].mean())


def one_hot(labels: np.ndarray, count: int) -> np.ndarray:
    """Probabilities (K, Z, Y, X) of labels, float32."""
    return (labels == np.arange(count)[:, None, None, None]).astype(np.float32)


def summary(name: str, stacks: Sequence[str], cubes: int, rows: dict[str, Row]) -> str:
    """One table of a material: methods by stacks, means over cubes."""
    lines: list[list[str]] = []
    for learned, methods in (
        ('slices', ('nearest', 'linear', 'signed distance', 'ours')),
        ('volume', ('ours',)),
    ):
        for method in methods:
            told = method if method != 'ours' else 'most likely' + (', 3D data' if learned == 'volume' else '')
            cells: list[str] = []
            for stack in stacks:
                scores = [rows[f'{name} {stack} {i} {learned}'][method] for i in range(cubes)]
                ssim, psnr = (np.array([one[key] for one in scores]) for key in ('ssim', 'psnr'))
                cells.append(f'{ssim.mean():.3f} ± {ssim.std():.3f} / {psnr.mean():.1f}')
            lines.append([f'{told}: SSIM / PSNR', *cells])
    for learned in ('slices', 'volume'):
        found = [[rows[f'{name} {s} {i} {learned}']['realisation'] for i in range(cubes)] for s in stacks]
        more = ', 3D data' if learned == 'volume' else ''
        table = [_cells(scores) for scores in found]
        for column, what in (
            (0, 'SSIM'),
            (2, 'S2'),
            (3, 'surface z, y, x %'),
            (4, 'fraction'),
            (5, 'flips %'),
            (6, 'spread'),
        ):
            lines.append([f'realisation{more}: {what}', *(one[column] for one in table)])
    head = [f'every {s.removeprefix("every")}th' if s.startswith('every') else f'{s} slices' for s in stacks]
    return f'### {name.capitalize()}\n\n' + markdown(['', *head], lines)


def section(name: str, stacks: Sequence[str], cubes: int, rows: dict[str, Row]) -> str:
    """Tables of one material."""
    parts = [f'## {name}: {cubes} held-out cubes of {EDGE}³, mean ± sd\n']
    for stack in stacks:
        table: list[list[str]] = []
        for learned, methods in (
            ('slices', ('nearest', 'linear', 'signed distance', 'ours', 'realisation')),
            ('volume', ('ours', 'realisation')),
        ):
            found = [rows[f'{name} {stack} {i} {learned}'] for i in range(cubes)]
            for method in methods:
                told = {'ours': 'most likely', 'realisation': 'one realisation'}.get(method, method)
                told += ', 3D data' if learned == 'volume' else ''
                table.append([told, *_cells([row[method] for row in found])])
        spent = np.mean([rows[f'{name} {stack} {i} slices']['ours']['cpu'] for i in range(cubes)])
        parts += [
            f'### {stack} ({len(positions(stack))} slices; {spent:.0f} CPU-seconds a cube, training included)\n',
            markdown(
                ['', 'SSIM', 'PSNR (hard) dB', 'S2', 'surface z, y, x %', 'fraction: mean, abs', 'flips %', 'spread'],
                table,
            ),
        ]
    return '\n'.join(parts)


def _cells(scores: list[Row]) -> list[str]:
    def both(key: str, digits: int, factor: float = 1.0) -> str:
        values = [factor * s[key] for s in scores]
        return f'{np.mean(values):.{digits}f} ± {np.std(values):.{digits}f}'

    surface = np.array([s['surface'] for s in scores]) * 100
    fraction = np.array([s['fractions'] for s in scores])
    return [
        both('ssim', 3),
        f'{both("psnr", 2) if "psnr" in scores[0] else ""} ({np.mean([s["psnr hard"] for s in scores]):.2f})'.strip(),
        both('s2', 3),
        ', '.join(f'{m:+.0f} ± {d:.0f}' for m, d in zip(surface.mean(0), surface.std(0), strict=True)),
        f'{np.abs(fraction.mean(0)).max():.4f}, {np.abs(fraction).max(1).mean():.4f}',
        both('flips', 0, 100),
        both('spread', 2) if 'spread' in scores[0] else '',
    ]


if __name__ == '__main__':
    main()
