"""Options and the reference of every benchmark with trainings."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from .contenders import work_reference
from .runs import Recipe, Record, Settings, Task, revision, run

REFERENCE = Recipe('reference')


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Parser with budget, seeds, sizes, processes, cache and output."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument('--cpu-seconds', '--budget', type=float, help='of one training, all its threads together')
    budget.add_argument('--minutes', type=float, help='wall clock of one training, as the product has it')
    budget.add_argument('--steps', type=int, help='fixed number of generator steps')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--volumes', type=int, default=4, help='that are measured in full')
    parser.add_argument('--more', type=int, default=10, help='volumes whose phase fractions are measured')
    parser.add_argument('--edge', type=int, help='of the volumes; by default the edge the bars are stated for')
    parser.add_argument('--threads', type=int, default=1, help='of one training')
    parser.add_argument('--jobs', type=int, default=2, help='trainings at a time')
    parser.add_argument('--cache', '--resume', type=Path, default=Path('tmp/benchmarks'), help='folder of the results')
    parser.add_argument('--output', type=Path, help='Markdown file for the tables')
    return parser


def settings_of(options: argparse.Namespace, *, cpu_seconds: float | None = None, steps: int | None = None) -> Settings:
    """What the options say; the keywords are the budget where they name none."""
    named = options.minutes is not None or options.steps is not None or options.cpu_seconds is not None
    return Settings(
        cpu_seconds=options.cpu_seconds if named else cpu_seconds,
        minutes=options.minutes,
        steps=options.steps if named else steps,
        threads=options.threads,
        volumes=options.volumes,
        more=options.more,
        edge=options.edge,
    )


def told_settings(settings: Settings, seeds: Sequence[int]) -> str:
    """One paragraph for the head of a table."""
    if settings.steps is not None:
        budget = f'{settings.steps} steps'
    elif settings.minutes is not None:
        budget = f'{settings.minutes:g} min'
    else:
        budget = f'{settings.seconds:g} CPU s'
    return (
        f'Revision {revision()}; {budget} a training on {settings.threads} thread(s); seeds '
        f'{", ".join(map(str, seeds))}; {settings.volumes} volumes in full, {max(settings.volumes, settings.more)} for '
        'phase fractions. Mean ± sd over seeds.'
    )


def references(names: Sequence[str], settings: Settings, cache: Path, jobs: int) -> dict[str, Record]:
    """Records of the reference's blocks by material; they depend on the sizes alone, not on the budget."""
    plain = Settings(volumes=0, more=0, edge=settings.edge, spread_edge=settings.spread_edge)
    found = run([Task(name, REFERENCE, 0, plain) for name in names], work_reference, cache, jobs)
    return {task.material: record for task, record in found.items()}
