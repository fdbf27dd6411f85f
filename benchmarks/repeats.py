"""How high a repeat stands out in a volume, and how high chance goes in measured and computed ones.

    python benchmarks/repeats.py

Cubes of the volumes as they are (nothing should be found), with an eighth of them copied to the opposite corner,
and tiled with a smaller cube, along all axes and along z alone. A repeat is told from 8 standard deviations on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bench.materials import MATERIALS, get_material
from bench.tables import markdown, tell
from scoring import blocks

from napari_microrecon.engine.originality.repeats import find_repeats
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.volume import Volume

EDGE, PERIOD = 128, 48  # voxels
HEADER = ['material', 'origin', 'as it is (lowest to highest)', 'an eighth copied', 'tiles', 'tiles along z']


def copied(labels: np.ndarray) -> np.ndarray:
    """The last eighth is the first one."""
    half = EDGE // 2
    made = labels.copy()
    made[half:, half:, half:] = labels[:half, :half, :half]
    return made


def tiled(labels: np.ndarray, counts: tuple[int, int, int]) -> np.ndarray:
    """Tiles of the first corner."""
    tile = labels[tuple(slice(PERIOD if n > 1 else EDGE) for n in counts)]
    return np.tile(tile, counts)[:EDGE, :EDGE, :EDGE]


def main() -> None:
    """Print, and write, a row per material."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--cubes', type=int, default=4, help='of every material, at most')
    parser.add_argument('--output', type=Path, help='Markdown file for the table')
    options = parser.parse_args()
    rows = []
    for name in (one for one in MATERIALS if MATERIALS[one].file):
        material = get_material(name, EDGE)
        phases = Phases.named(*material.names)

        def height(labels: np.ndarray, phases: Phases = phases) -> float:
            return drain(find_repeats(Volume(np.ascontiguousarray(labels), phases))).height.value or 0.0

        cubes = list(blocks(material.volume(), material.shape, most=options.cubes))
        made = (lambda a: a, copied, lambda a: tiled(a, (3, 3, 3)), lambda a: tiled(a, (3, 1, 1)))
        found = [[height(make(cube)) for cube in cubes] for make in made]
        rows.append([name, material.origin, *(f'{min(one):.1f} to {max(one):.1f}' for one in found)])
        print(rows[-1], flush=True)
    text = markdown(HEADER, rows)
    tell(text, options.output)


if __name__ == '__main__':
    main()
