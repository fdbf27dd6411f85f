"""How often one section tells whether there are channels between smooth grains, and what a wrong answer costs.

    python benchmarks/channels_told.py --sections 10

Draws sections of random grains with and without channels along their edges, lets the product choose a structural prior
for each as it would for a user's slice, and counts what it takes them for. Then the tortuosity factors of volumes with
and without, at the same fraction and surface.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bench.tables import markdown, over_seeds, tell
from scipy.special import ndtri

from napari_microrecon.engine.diffusion.solver import solve_diffusion
from napari_microrecon.engine.generator.exemplar import Exemplars
from napari_microrecon.engine.generator.priors import choose_prior
from napari_microrecon.engine.generator.priors.grain_sizes import CHANNELS
from napari_microrecon.engine.generator.priors.grains import GrainField
from napari_microrecon.engine.generator.random_streams import random_stream
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import Slice, SliceSet

FRACTIONS, EDGES = (0.1, 0.22), (0.028, 0.042)  # of the pores, and phase changes per voxel: drawn between these
VOLUMES, SIDE = 3, 112  # that are solved
DRAWN_MATERIALS, DRAWN_SECTIONS = 30, 31  # random streams of this benchmark


def main() -> None:
    """Print, and write, what was told of sections with channels and without."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--sections', type=int, default=10, help='of each kind')
    parser.add_argument('--edge', type=int, default=256, help='of a section, pixels')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--output', type=Path, help='Markdown file for the table')
    options = parser.parse_args()
    rng = random_stream(options.seed, DRAWN_MATERIALS)
    told: dict[float, list[str]] = {0.0: [], CHANNELS: []}
    ways: dict[float, list[float]] = {0.0: [], CHANNELS: []}
    for index in range(options.sections):
        fraction, edge = rng.uniform(*FRACTIONS), rng.uniform(*EDGES)
        for channels in told:
            field = GrainField.fit(fraction, (edge,) * 3).model_copy(update={'channels': channels})
            field = field.sized(fraction, (edge, edge, edge))
            field = field.tabled() if channels else field
            stream = random_stream(options.seed, DRAWN_SECTIONS, index, round(10 * channels))
            section = field.sample((1, options.edge, options.edge), stream, periodic=False)[0] > ndtri(1 - fraction)
            picture = Slice(section.astype(np.uint8), Phases.named('solid', 'pore', pore=1))
            told[channels].append(choose_prior(Exemplars.of(SliceSet((picture,)))).reason)
            print(index, channels, told[channels][-1], flush=True)
            if index < VOLUMES:
                pores = field.sample((SIDE,) * 3, stream, periodic=False) > ndtri(1 - fraction)
                ways[channels] += [drain(solve_diffusion(pores, axis)).tortuosity for axis in range(3)]
    rows = [
        [
            'with channels' if channels else 'without',
            f'{sum("channels" in reason for reason in reasons)} of {len(reasons)}',
            over_seeds(ways[channels], 1),
        ]
        for channels, reasons in told.items()
    ]
    tell(markdown(['grains', 'taken for grains with channels', 'tortuosity factor'], rows), options.output)


if __name__ == '__main__':
    main()
