"""Quality of generated volumes against the sample's reference: noise, priors, and networks, in one run.

Every row has the same slices, the same scorer and, where it trains, the same number of steps:

- white noise input: the network with the same losses, but no structural prior (as SliceGAN-like generators begin);
- untrained prior: the structural prior alone;
- trained: the network on the prior, from scratch;
- shipped: the weights that come with the package (their own, longer training).

    python benchmarks/generator_quality.py --sample sandstone --steps 150 --seeds 0 1 2
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from napari_microrecon.engine.analysis import measure
from napari_microrecon.engine.generator import (
    FinetuneParams,
    ReconstructParams,
    Weights,
    choose_weights,
    finetune,
    reconstruct,
    shipped_weights,
)
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.samples import get_sample
from napari_microrecon.engine.slices import SliceSet
from napari_microrecon.engine.volume import Volume

LAGS = 30


def figures(volume: Volume) -> dict[str, np.ndarray]:
    """Statistics of one volume that the table needs, lengths in voxels."""
    report = drain(measure(volume, tortuosity=False))
    statistics = report.statistics
    percolating = [statistics[f'percolating_fraction_{axis}'].value or 0.0 for axis in 'zyx']
    return {
        'fraction': np.array(statistics['phase_fraction'].value),
        'surface': np.array(statistics['face_density'].value),
        'percolating': np.array(np.mean(percolating)),
        's2': np.stack([report.curves[f's2_{axis}'].value[:LAGS] for axis in 'zyx']),
    }


def score(volumes: list[Volume], real: dict[str, np.ndarray]) -> dict[str, float]:
    """Errors of the mean over volumes against the reference."""
    found = [figures(volume) for volume in volumes]
    mean = {key: np.mean([one[key] for one in found], axis=0) for key in real}
    phi = float(real['fraction'])
    return {
        'fraction error': float(abs(mean['fraction'] - phi)),
        'S2 error': float(np.abs(mean['s2'] - real['s2']).mean() / (phi * (1 - phi))),
        'surface error': float(abs(mean['surface'] / real['surface'] - 1)),
        'percolating': float(mean['percolating']),
    }


def main() -> None:
    """Train, generate, measure, print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--sample', default='sandstone')
    parser.add_argument('--steps', type=int, default=150)
    parser.add_argument('--edge', type=int, default=96)
    parser.add_argument('--volumes', type=int, default=3)
    parser.add_argument('--seeds', type=int, nargs='+', default=[0])
    options = parser.parse_args()
    sample = get_sample(options.sample)
    slices = sample.load_slices()
    reference = sample.load_volume()
    real = figures(reference)
    print(
        f'{options.sample}, {options.volumes} volumes of {options.edge}^3, {options.steps} steps, seeds {options.seeds}'
    )
    print(
        f'reference: fraction {real["fraction"]:.3f} (slices {slices.fractions[reference.phases.main]:.3f}), '
        f'faces per voxel {real["surface"]:.4f}, percolating {real["percolating"]:.3f}'
    )
    rows: dict[str, list[dict[str, float]]] = {}
    for seed in options.seeds:
        for name, weights, seconds in contenders(slices, options.steps, seed, options.sample):
            shape = (options.edge, options.edge, options.edge)
            params = ReconstructParams(shape=shape, realisations=options.volumes, seed=1000 * seed)
            volumes = drain(reconstruct(slices, weights, params)).volumes
            rows.setdefault(name, []).append({**score(list(volumes), real), 'training CPU s': seconds})
    for name, found in rows.items():
        told = [
            f'{key} {np.mean([one[key] for one in found]):.3f} +- {np.std([one[key] for one in found]):.3f}'
            for key in found[0]
        ]
        print(f'{name:20s} ' + '  '.join(told))


def contenders(slices: SliceSet, steps: int, seed: int, name: str) -> list[tuple[str, Weights, float]]:
    """Name, weights and CPU seconds of training of every row."""
    found: list[tuple[str, Weights, float]] = []
    for start, title in (('noise', 'white noise input'), ('scratch', 'trained')):
        weights = choose_weights(start, slices).weights
        began = time.process_time()
        params = FinetuneParams(minutes=None, steps=steps, seed=seed)
        trained = drain(finetune(slices, weights, params))
        found.append((title, trained, time.process_time() - began))
    found.insert(1, ('untrained prior', choose_weights('prior', slices).weights, 0.0))
    if name in shipped_weights():
        found.append(('shipped', choose_weights(name, slices).weights, 0.0))
    return found


if __name__ == '__main__':
    main()
