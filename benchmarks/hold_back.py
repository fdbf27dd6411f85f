"""How often a part held back is called outside although nothing is wrong with the volume.

    python benchmarks/hold_back.py --trials 200 --seed 0

Volumes that err in nothing are other cubes of the same volume, measured or computed. The part held back is the last
third of a section of one cube, and what the engine says of it beside the other cubes is counted: a statistic should be
*outside* in 5 of 100. Cubes do not overlap; those of a trial are drawn at random, and trials share cubes, so that they
are worth fewer independent ones than their number.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from bench.materials import MATERIALS, get_material
from bench.tables import markdown, tell
from scoring import blocks

from napari_microrecon.engine.holdback.judging import judge_held
from napari_microrecon.engine.holdback.splitting import split
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.volume import Volume

SETS = (('berea', 96), ('berea', 128), ('ketton', 96), ('cathode', 96), ('foam', 96))
HEADER = ['material', 'edge', 'cubes', 'volumes', 'statistics told', 'outside', 'cannot tell']


def tally(name: str, edge: int, volumes: int, trials: int, seed: int) -> list[str]:
    """Count the verdicts of one material."""
    material = get_material(name, edge)
    cubes = list(blocks(material.volume(), material.shape, most=10_000))
    phases = Phases.named(*material.names)
    isotropic = len(material.planes) == 1
    rng = np.random.default_rng(seed)
    told: Counter[str] = Counter()
    by_key: Counter[str] = Counter()
    for _ in range(trials):
        truth, *others = (np.ascontiguousarray(cubes[i]) for i in rng.choice(len(cubes), 1 + volumes, replace=False))
        section = Slice(labels=truth[edge // 2], phases=phases, normal='z')
        held = split(SliceSet((section,)), 1 / 3).held
        judged = drain(judge_held(held, [Volume(other, phases) for other in others], isotropic=isotropic))
        for one in judged.statistics:
            told[one.verdict.verdict] += 1
            by_key[one.key] += one.verdict.verdict == 'outside'
    said = told['inside'] + told['outside']
    print(name, edge, dict(told), dict(by_key), flush=True)
    return [
        name, f'{edge}³', str(len(cubes)), str(volumes), str(said),
        f'{told["outside"] / said:.1%}', str(sum(told.values()) - said),
    ]  # fmt: skip


def main() -> None:
    """Print, and write, a row per material and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--trials', type=int, default=200, help='per material, size and number of volumes')
    parser.add_argument('--volumes', type=int, nargs='+', default=[1, 2], help='that the part held back is set beside')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--materials', nargs='+', default=[name for name in MATERIALS if MATERIALS[name].file])
    parser.add_argument('--output', type=Path, help='Markdown file for the table')
    options = parser.parse_args()
    rows = [
        tally(name, edge, volumes, options.trials, options.seed)
        for name, edge in SETS
        if name in options.materials
        for volumes in options.volumes
    ]
    text = markdown(HEADER, rows)
    tell(text, options.output)


if __name__ == '__main__':
    main()
