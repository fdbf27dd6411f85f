"""How phase fractions scatter between volumes that are grown from slices, against blocks of the material.

    python benchmarks/fraction_scatter.py --output scatter.md

Fractions are drawn before a volume is grown and met to a voxel, so nothing has to be grown to measure them: for slices
all over each material, the standard deviation that is drawn over that of blocks, and the bias of 400 draws in standard
errors. `six phases` is a synthetic volume, the largest of six Gaussian fields of different scales at every voxel.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bench.materials import MATERIALS
from bench.tables import markdown, tell
from scipy.ndimage import gaussian_filter
from scoring import blocks

from napari_microrecon.engine.generator.exemplar import Exemplars
from napari_microrecon.engine.generator.synthesis.scatter import drawn_fractions, fraction_scatter
from napari_microrecon.engine.voxels import AXES

DRAWS, MOST = 400, 512  # draws of fractions; blocks of a volume
WIDTHS, OFFSETS = (8, 7, 6, 5, 4, 6), (0.5, 0.2, 0, 0, -0.3, -0.6)


def six_phases(edge: int = 256, seed: int = 3) -> np.ndarray:
    """Labels 0..5 (Z, Y, X), uint8."""
    rng = np.random.default_rng(seed)
    fields = [gaussian_filter(rng.normal(size=(edge,) * 3).astype('f4'), width, mode='wrap') for width in WIDTHS]
    return np.argmax([f / f.std() + offset for f, offset in zip(fields, OFFSETS, strict=True)], 0).astype(np.uint8)


def main() -> None:
    """Measure every material; print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*(name for name in MATERIALS if name != 'foam'), 'six phases']
    parser.add_argument('--materials', nargs='+', default=names)
    parser.add_argument('--edge', type=int, default=64, help='of volumes and blocks')
    parser.add_argument('--slices', type=int, default=8, help='or sets of three orthogonal ones, each by itself')
    parser.add_argument('--output', type=Path, help='Markdown file for the table')
    options = parser.parse_args()
    rows = []
    for name in options.materials:
        volume, three = six_phases() if name == 'six phases' else MATERIALS[name].volume(), False
        if name in MATERIALS:
            three = len(MATERIALS[name].planes) == 3
        rows += measured(name, volume, three, options.edge, options.slices)
        print(*rows[-1], sep='  ', flush=True)
    header = ['material', 'phase', 'blocks', 'sd of blocks', 'drawn / blocks, mean', 'least', 'most', 'bias, se']
    tell(markdown(header, rows), options.output)


def measured(name: str, volume: np.ndarray, three: bool, edge: int, count: int) -> list[list[str]]:
    """Rows of one material."""
    phases, shape = int(volume.max()) + 1, (edge,) * 3
    real = np.array([np.bincount(b.ravel(), minlength=phases) / b.size for b in blocks(volume, shape, MOST)])
    deviation = real.std(0, ddof=1)
    ratios, biases = [], []
    for place in np.linspace(0.05, 0.95, count):
        cut = {axis: np.take(volume, int(place * volume.shape[k]), k) for k, axis in enumerate(AXES)}
        pictures = {axis: [cut[axis if three else AXES[0]]] for axis in AXES}
        own = np.mean([np.bincount(p[0].ravel(), minlength=phases) / p[0].size for p in pictures.values()], 0)
        exemplars = Exemplars(pictures, phases, not three, own)
        ratios.append(fraction_scatter(exemplars, shape) / deviation)
        drawn = np.array([drawn_fractions(exemplars, shape, seed) for seed in range(DRAWS if not biases else 0)])
        if len(drawn):
            biases.append((drawn.mean(0) - own) / (drawn.std(0, ddof=1) / np.sqrt(DRAWS)))
    found = np.array(ratios)
    columns = zip(deviation, found.mean(0), found.min(0), found.max(0), biases[0], strict=True)
    return [
        [name, str(phase), str(len(real)), f'{sd:.3f}', *(f'{v:.2f}' for v in values), f'{bias:+.1f}']
        for phase, (sd, *values, bias) in enumerate(columns)
    ]


if __name__ == '__main__':
    main()
