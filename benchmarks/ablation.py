"""What each part of the generator is worth: one training per variant, same steps, slices, seeds and scorer.

    python benchmarks/ablation.py --material berea --steps 300 --seeds 0 1 2 --output docs/ablation-berea.md
    python benchmarks/ablation.py --groups modules losses --cpu-seconds 200 --cache ablation

Groups: modules (each module of the network off, each kind of attention), losses (each off, critics on), priors
(white noise, Gaussian field, grains in place of the product's choice; two phases only), rates (three learning rates
each of generator and critic). All train from scratch. The same number of steps (--steps) asks what a part is worth
whatever it costs; the same processor seconds (--cpu-seconds) charge a part for its cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from bench.bars import Reference, Result
from bench.contenders import as_reference, as_result, work
from bench.materials import Material, get_material
from bench.options import arguments, references, settings_of, told_settings
from bench.runs import Recipe, Record, Task, run
from bench.tables import errors, markdown, over_seeds, tell
from scoring import mean_of, s2_error

from napari_microrecon.engine.generator import FinetuneParams

FULL = Recipe('all parts')
DEFAULTS = FinetuneParams()
LOSSES = ('patches', 's2', 'surface', 'connectivity')
CRITIC = 0.2  # weight of the critics where they are tried: the product has them off

GROUPS: dict[str, list[Recipe]] = {
    'modules': [
        Recipe('no slice encoder (MHFA)', architecture=(('slice_encoder', False),)),
        Recipe('no scale aggregation (MSCA)', architecture=(('scale_aggregation', False),)),
        *(Recipe(f'attention {kind}', architecture=(('attention', kind),)) for kind in ('none', 'channel', 'spatial')),
        Recipe(
            'plain U-Net: none of them',
            architecture=(('slice_encoder', False), ('scale_aggregation', False), ('attention', 'none')),
        ),
    ],
    'losses': [
        *(Recipe(f'no {name} loss', loss=((name, 0.0),)) for name in LOSSES),
        *(Recipe(f'with critics x {weight:g}', loss=(('critic', weight),)) for weight in (CRITIC / 4, CRITIC)),
    ],
    'priors': [Recipe(f'prior: {family}', prior=family) for family in ('noise', 'gaussian', 'grains')],
    'rates': [
        *(
            Recipe(f'generator rate x {by:g}', params=(('learning_rate', DEFAULTS.learning_rate * by),))
            for by in (0.25, 4)
        ),
        *(
            Recipe(
                f'critics x {CRITIC:g}, their rate x {by:g}',
                params=(('critic_learning_rate', DEFAULTS.critic_learning_rate * by),),
                loss=(('critic', CRITIC),),
            )
            for by in (0.25, 4)
        ),
    ],
}


def main() -> None:
    """Train what is missing in the cache, print and write the table."""
    parser = arguments(__doc__)
    parser.add_argument('--material', default='berea')
    parser.add_argument('--groups', nargs='+', default=list(GROUPS), choices=GROUPS)
    options = parser.parse_args()
    settings = settings_of(options, steps=300)
    material = get_material(options.material, settings.edge)
    groups = [group for group in options.groups if group != 'priors' or material.phases == 2]
    recipes = [Recipe('untrained prior', 'prior'), FULL, *(recipe for group in groups for recipe in GROUPS[group])]
    known = references([options.material], settings, options.cache, options.jobs)
    tasks = [Task(options.material, recipe, seed, settings) for recipe in recipes for seed in options.seeds]
    records = run(tasks, work, options.cache, options.jobs)
    by_name: dict[str, list[Record]] = {}
    for task in tasks:
        if task in records:
            by_name.setdefault(task.recipe.name, []).append(records[task])
    text = f'# What each part is worth: {options.material}\n\n{told_settings(settings, options.seeds)}\n\n'
    for k in material.measured:
        title = f'Phase {k}' if len(material.measured) > 1 else ''
        text += f'{title}\n\n{variants_table(material, as_reference(known[options.material]), by_name, k)}\n'
    if groups != options.groups:
        text += 'Prior families can be forced for two phases only: left out.\n'
    tell(text, options.output)


def variants_table(material: Material, reference: Reference, records: dict[str, list[Record]], k: int) -> str:
    """One row a variant; errors against the real subvolumes, mean ± sd over seeds."""
    band = reference.band
    own = band.own[f's2 {k}'] + 2 * band.own_sd[f's2 {k}']
    columns: dict[str, Callable[[Result], float]] = {
        'S2 error': lambda r: errors(reference, r, k)['S2'],
        f'of one volume (band {own:.3f})': lambda r: float(
            np.mean([s2_error(one, band.mean, f's2 {k}') for one in r.found])
        ),
        'surface / real': lambda r: float(mean_of(r.found)[f'faces {k}'].sum() / band.mean[f'faces {k}'].sum()),
        f'percolating ({float(band.mean[f"percolating {k}"]):.3f})': lambda r: float(
            mean_of(r.found)[f'percolating {k}']
        ),
        'clusters / real': lambda r: float(mean_of(r.found)[f'clusters {k}'] / band.mean[f'clusters {k}']),
        '1/e length / real': lambda r: float((mean_of(r.found)[f'length {k}'] / band.mean[f'length {k}']).mean()),
    }
    if k in material.transport:
        columns['tau error'] = lambda r: errors(reference, r, k)['tau']
    rows: list[Sequence[str]] = []
    for name, found in records.items():
        results = [as_result(row) for record in found for row in record['rows'].values()]
        cost = [f'{np.mean([record[key] for record in found]):.0f}' for key in ('cpu_seconds', 'steps')]
        rows.append([name, *(over_seeds([of(result) for result in results]) for of in columns.values()), *cost])
    return markdown(['variant', *columns, 'CPU s', 'steps'], rows)


if __name__ == '__main__':
    main()
