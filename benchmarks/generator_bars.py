"""The generator against its bars, and against other generators with the same data, budget and scorer, in one run.

    python benchmarks/generator_bars.py --minutes 5 --threads 2 --jobs 1 --cache bars --output bars.md
    python benchmarks/generator_bars.py --cpu-seconds 600 --materials berea foam --seeds 0 1 2

Contenders:

- prior: the untrained structural prior;
- exemplar: grown from patches of the slices; combined: the prior, finished with patches;
- noise: white noise in its place, with our network and losses;
- slicegan: a SliceGAN-style generator and loss, for as many seconds of processor time as ours; once as it comes, once
  calibrated to the phase fractions of the slices as ours is;
- shipped: the weights that the product chooses for the slices, without further training;
- ours: trained from what the product chooses, shipped weights or scratch; scratch: always from scratch;
- paper: the recipe of arXiv 2402.15815 (`finetune --recipe paper`: critics from the first step), from scratch.

Every result is kept in the cache as soon as it is there: the same command continues an interrupted run. The records
also hold the weights and the first volume. Where the volumes come from: bench/materials.py.
"""

from __future__ import annotations

import numpy as np
from bench.contenders import as_reference, as_result, work
from bench.materials import MATERIALS, get_material
from bench.options import arguments, references, settings_of, told_settings
from bench.runs import Recipe, Record, Settings, Task, run
from bench.tables import axis_band, bars_table, duel_table, markdown, statistics_table, tell

RECIPES = {
    'prior': Recipe('prior', 'prior'),
    'noise': Recipe('noise', 'noise'),
    'slicegan': Recipe('slicegan', 'slicegan'),
    'exemplar': Recipe('exemplar', 'exemplar'),
    'combined': Recipe('combined', 'combined'),
    'shipped': Recipe('shipped', 'shipped'),
    'ours': Recipe('ours', 'auto'),
    'scratch': Recipe('scratch', 'scratch'),
    'paper': Recipe('paper', 'scratch', params=(('recipe', 'paper'),)),
}


def main() -> None:
    """Run what is missing in the cache, print and write the tables."""
    parser = arguments(__doc__)
    parser.add_argument('--materials', nargs='+', default=list(MATERIALS))
    usual = ['prior', 'noise', 'slicegan', 'paper', 'ours']
    parser.add_argument('--contenders', nargs='+', default=usual, choices=RECIPES)
    options = parser.parse_args()
    settings = settings_of(options, cpu_seconds=600.0)
    for name in options.materials:
        get_material(name)  # a name that is not known is told before hours are spent
    known = references(options.materials, settings, options.cache, options.jobs)
    tasks = [
        Task(material, RECIPES[name], seed, settings)
        for material in options.materials
        for seed in options.seeds
        for name in options.contenders
    ]
    records = run(tasks, work, options.cache, options.jobs)
    parts = [
        told_settings(settings, options.seeds)
        + ' A verdict is on the mean over seeds; in brackets the seeds that meet the bar by themselves.\n'
    ]
    for name in options.materials:
        mine = {task: records[task] for task in tasks if task in records and task.material == name}
        if name in known and mine:
            parts.append(section(name, known[name], mine, settings))
    text = '\n'.join(parts)
    tell(text, options.output)


def section(name: str, known: Record, records: dict[Task, Record], settings: Settings) -> str:
    """All tables of one material."""
    material = get_material(name, settings.edge)
    reference = as_reference(known)
    rows: dict[str, list[Record]] = {}
    for record in records.values():
        for row in record['rows']:
            rows.setdefault(row, []).append(record)
    results = {row: [as_result(record['rows'][row]) for record in found] for row, found in rows.items()}
    costs = [
        [
            row,
            f'{np.mean([r["cpu_seconds"] for r in found]):.0f}',
            f'{np.mean([r["wall_seconds"] for r in found]):.0f}',
            f'{np.mean([r["steps"] for r in found]):.0f}',
            str(found[0]['threads']),
            found[0]['told'],
        ]
        for row, found in rows.items()
    ]
    parts = [
        f'## {name}: {material.origin} volume (slices {", ".join(material.planes)}; volumes of {material.edge}³)\n',
        statistics_table(material, reference, results),
        bars_table(material, reference, results),
    ]
    if len(material.planes) > 1:
        parts += [axis_band(reference, k) + '.\n' for k in material.measured]
    parts += [duel_table(material, reference, results, ours) for ours in ('ours', 'scratch') if ours in results]
    parts.append(markdown(['', 'CPU s', 'wall s', 'steps', 'threads', 'weights'], costs))
    return '\n'.join(parts)


if __name__ == '__main__':
    main()
