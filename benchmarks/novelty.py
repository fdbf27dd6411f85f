"""How often the search for copies accuses independent draws, and how often it finds copies.

    python benchmarks/novelty.py --count 6 --seed 1

A slice of 128^2 against volumes of 80^3: an independent draw of the same process; the same with a fifth of its sections
replaced by the slice, plain or with 2 % and 5 % of its labels flipped; and tiles of 64^2 of the slice, stacked. Goal:
no draw accused, no copy called new. Where slices are too sparse for their size the answer is "cannot tell".
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from bench.random_sets import level_cuts, sphere_sections
from bench.tables import markdown

from napari_microrecon.engine.originality.novelty import find_copies
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume

PHASES = Phases.default(2)
MATERIALS = (('gauss', 3.0, 0.3), ('exponential', 3.0, 0.2), ('spinodal', 4.0, 0.5), ('spheres', 3.0, 0.3),
             ('spheres', 3.0, 0.15))  # fmt: skip
EDGE = 80

Change = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def fields(
    kind: str, shape: Sequence[int], length: float, fraction: float, count: int, seed: int
) -> Iterator[np.ndarray]:
    """Random fields as labels."""
    if kind == 'spheres':
        made = sphere_sections(shape, 1.3 * length, fraction, count, seed)
    else:
        made = level_cuts(kind, shape, length, fraction, count, seed)
    return (mask.astype(np.uint8) for mask in made)


def independent(volume: np.ndarray, train: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return volume


def copied(flipped: float) -> Change:
    """A fifth of the sections shows the slice, each with its own share of flipped labels."""

    def change(volume: np.ndarray, train: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        out = volume.copy()
        part = out[EDGE // 3 : EDGE // 3 + EDGE // 5]
        part[:] = train[:EDGE, -EDGE:] ^ (rng.random(part.shape) < flipped)
        return out

    return change


def tiled(volume: np.ndarray, train: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.tile(train[:64, :64], (EDGE, 2, 2))[:, :EDGE, :EDGE]


CASES: dict[str, Change] = {
    'independent': independent,
    'copied': copied(0.0),
    'copied, 2 % flipped': copied(0.02),
    'copied, 5 % flipped': copied(0.05),
    'tiled': tiled,
}


def main() -> None:
    """Print the table and the verdict on the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--count', type=int, default=6, help='slices per material')
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    began = time.process_time()
    rows: list[list[str]] = []
    wrong: Counter[str] = Counter()
    for number, (kind, length, fraction) in enumerate(MATERIALS):
        seed = 1000 * options.seed + 2 * number
        slices = list(fields(kind, (128, 128), length, fraction, options.count, seed))
        volumes = list(fields(kind, (EDGE,) * 3, length, fraction, options.count, seed + 1))
        for case, change in CASES.items():
            told: Counter[str] = Counter()
            for i, (train, volume) in enumerate(zip(slices, volumes, strict=True)):
                made = np.ascontiguousarray(change(volume, train, np.random.default_rng([options.seed, number, i])))
                found = drain(find_copies(Volume(made, PHASES), Slice(labels=train, phases=PHASES)))
                told[found.verdict] += 1
            bad = 'copied' if case == 'independent' else 'new'
            wrong[bad] += told[bad]
            names = [str(told[verdict]) for verdict in ('new', 'copied', 'cannot tell')]
            rows.append([kind, f'{length:g}', f'{fraction:g}', case, *names])
    print(markdown(['field', 'length', 'fraction', 'volume', 'new', 'copied', 'cannot tell'], rows))
    draws = options.count * len(MATERIALS)
    print(
        f'{wrong["copied"]} of {draws} independent draws accused, {wrong["new"]} of {draws * (len(CASES) - 1)} copies '
        f'called new: {"met" if not wrong.total() else "missed"}. {time.process_time() - began:.0f} CPU s'
    )


if __name__ == '__main__':
    main()
