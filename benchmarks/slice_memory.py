"""How near 192^3 volumes of the sandstone come to the S2 of the very slice they were trained on, over five slices.

    python benchmarks/slice_memory.py --minutes 5 --threads 2 --jobs 1 --seeds 0 --output slices.md

A slice's own S2 lies .015 to .08 from that of the whole CT, so that the error against the CT is the slice's rather
than the generator's; both stand in the table. Goal: a mean of .022 against the slice, the figure of a GAN that was
trained for a day on the whole CT (against that CT).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from bench.bars import Reference
from bench.contenders import as_reference, as_result, work
from bench.options import arguments, references, settings_of, told_settings
from bench.runs import Recipe, Record, Task, run
from bench.tables import markdown, tell
from scoring import mean_of, s2_error

GOAL = 0.022
EDGE = 192


def main() -> None:
    """Train on each slice what is missing in the cache, print and write the table."""
    parser = arguments(__doc__)
    parser.set_defaults(edge=EDGE, volumes=3, more=3, seeds=[0])
    parser.add_argument('--material', default='berea')
    parser.add_argument('--planes', nargs='+', default=[f'z={z}' for z in (20, 60, 100, 140, 180)])
    parser.add_argument('--start', default='auto', help='auto, scratch, or prior for no training')
    options = parser.parse_args()
    settings = settings_of(options, cpu_seconds=600.0)
    names = [f'{options.material}@{plane}' for plane in options.planes]
    known = references(names, settings, options.cache, options.jobs)
    recipe = Recipe(options.start, options.start)
    tasks = [Task(name, recipe, seed, settings) for name in names for seed in options.seeds]
    records = run(tasks, work, options.cache, options.jobs)
    found = [
        line(task, as_reference(known[task.material]), records[task])
        for task in tasks
        if task in records and task.material in known
    ]
    text = f'{told_settings(settings, options.seeds)}\n\n{table(found)}'
    tell(text, options.output)


def line(task: Task, reference: Reference, record: Record) -> tuple[str, list[float]]:
    """Name of the slice; S2 error of the volumes against it, against the CT, and of the slice against the CT."""
    (row,) = record['rows'].values()
    mean = mean_of(as_result(row).found)
    # The slice's own phase fraction norms the first error, the CT's the other two.
    own = s2_error(mean, reference.slice_figures, 's2 1')
    whole = [s2_error(one, reference.band.mean, 's2 1') for one in (mean, reference.slice_figures)]
    return f'{task.material.partition("@")[2]}, seed {task.seed}', [own, *whole]


def table(found: Sequence[tuple[str, list[float]]]) -> str:
    """Every slice, the mean, and the verdict."""
    mean = np.mean([numbers for _, numbers in found], axis=0).tolist()
    rows = [[name, *(f'{value:.3f}' for value in numbers)] for name, numbers in [*found, ('mean', mean)]]
    verdict = f'Against the slice {mean[0]:.3f}, goal {GOAL:g}: {"met" if mean[0] <= GOAL else "missed"}.\n'
    return markdown(['slice', 'S2 error against it', 'against the CT', 'its own against the CT'], rows) + '\n' + verdict


if __name__ == '__main__':
    main()
