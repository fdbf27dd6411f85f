"""The product on single micrographs: how near the sections of a volume come to the picture.

    python benchmarks/micrographs.py --cache FOLDER --output micrographs.md
    python benchmarks/micrographs.py --cache FOLDER --pictures 360 370 054 M1 --contenders auto prior --sheet OTHER

Each picture goes through `reconstruct --fractions volume` in a process of its own, on one thread, within limits of
time and memory. The sections of the volume are set against the picture as the run segmented it (bench/pictures.py):

- S2: mean difference of the normalised autocovariances over 32 lags, at most .05, or half the error of a single window
  of the picture where that is more;
- faces: phase changes per pixel, within 10 %;
- areas: connected areas per pixel of each of the two commonest phases, within 25 %, or 3 / sqrt(n) where the picture
  holds few.

CPU s include starting Python. The pictures are others' (see docs/weights.md) and are no part of the project: cache and
sheets hold what is made of them and must lie outside of it. The same command continues an interrupted run.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from bench.picture_runs import (
    GROUPS,
    Limits,
    PictureResult,
    PictureTask,
    find_pictures,
    made_of,
    outside_project,
    run_pictures,
)
from bench.pictures import PhaseScore
from bench.runs import revision
from bench.sheets import draw_sheet
from bench.tables import markdown, tell

Results = Mapping[PictureTask, PictureResult]


def arguments() -> argparse.ArgumentParser:
    """Parser of the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    groups = ', '.join(GROUPS)
    parser.add_argument('--pictures', nargs='+', default=GROUPS, help=f'files, folders, numbers, or {groups}')
    parser.add_argument('--contenders', nargs='+', default=['auto'], help='values of --weights: auto, prior, FILE')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0])
    parser.add_argument('--edge', type=int, default=96, help='of the volumes, voxels')
    parser.add_argument('--jobs', type=int, default=1, help='runs at a time')
    parser.add_argument('--cpu-seconds', type=int, default=Limits.cpu_seconds, help='of processor time a run')
    parser.add_argument('--timeout', type=float, default=Limits.seconds, help='seconds of the clock a run')
    parser.add_argument('--memory', type=float, default=Limits.gigabytes, help='GB of address space a run')
    kept = Path(tempfile.gettempdir()) / 'napari-microrecon-benchmarks' / 'micrographs'
    parser.add_argument('--cache', type=Path, default=kept, help='folder of results and volumes')
    parser.add_argument('--sheet', type=Path, help='folder for a PNG a picture: its middle beside three sections')
    parser.add_argument('--output', type=Path, help='Markdown file for the tables')
    return parser


def main() -> None:
    """Run what is missing in the cache, print and write the tables."""
    options = arguments().parse_args()
    cache = outside_project(options.cache, '--cache')
    sheets = None if options.sheet is None else outside_project(options.sheet, '--sheet')
    tasks = [
        PictureTask(picture, contender, seed, options.edge)
        for contender in options.contenders
        for seed in options.seeds
        for picture in find_pictures(options.pictures)
    ]
    results = run_pictures(tasks, cache, Limits(options.cpu_seconds, options.timeout, options.memory), options.jobs)
    head = f'Revision {revision()}; volumes of {options.edge}³, one thread.'
    stale = sum(result.revision != revision() for result in results.values())
    if stale:
        head += f' {stale} of {len(results)} results were kept from another revision.'
    parts = [head + '\n']
    for contender in options.contenders:
        for group in dict.fromkeys(task.group for task in tasks):
            mine = {t: r for t, r in results.items() if (t.contender, t.group) == (contender, group)}
            parts.append(section(f'{group}, --weights {Path(contender).name}', mine, swnn=group == 'swnn'))
    tell('\n'.join(parts), options.output)
    if sheets is not None:
        for task, result in results.items():
            if not result.failed:
                draw_sheet(*made_of(task, cache), task.stem(sheets).with_suffix('.png'))


def section(title: str, results: Results, *, swnn: bool = False) -> str:
    """Table of one group of pictures, and what it comes to.

    Parameters
    ----------
    title : str
        Heading.
    results : mapping
        Results by task.
    swnn : bool
        Whether two more errors against the whole picture are told, by which published SWNN weights were judged: the
        plain S2 error, mean over 32 lags of |S2 - S2 of the picture| / (phi (1 - phi)), and that of the fraction.
    """
    header = ['picture', 'seed', 'weights or prior', 'CPU s', 'GB', 'S2 (limit)', 'faces', 'areas', 'bars', 'product']
    extra = ['plain S2 error', 'fraction error'] if swnn else []
    rows = [[*_row(task, result), *(_plain(result) if swnn else [])] for task, result in results.items()]
    told = summary(results)
    if swnn:
        made = [result.scores for result in results.values() if not result.failed]
        means = (np.mean([_worst(scores, key) for scores in made]) if made else np.nan for key, _ in _PLAIN)
        told += 'Mean over pictures: plain S2 error {:.3f}, fraction error {:.4f}.\n'.format(*means)
    return f'## {title}\n\n{markdown([*header, *extra], rows)}\n{told}'


def summary(results: Results) -> str:
    """How many meet all bars, which bars are missed, cost, and how often the product's verdict agrees."""
    found = list(results.values())
    missed = [{bar for one in result.scores for bar in one.missed} for result in found]
    misses = ', '.join(f'{bar} {sum(bar in one for one in missed)}' for bar in ('s2', 'faces', 'areas'))
    lines = [
        f'{sum(result.good for result in found)} of {len(found)} meet all bars; missed: {misses}; '
        f'no volume: {sum(bool(result.failed) for result in found)}.',
        f'CPU s: median {np.median([result.cpu_seconds for result in found]):.0f}, '
        f'most {max(result.cpu_seconds for result in found):.0f}.',
    ]
    agree = [result.agrees for result in found if result.agrees is not None]
    if agree:
        lines.append(f"The product's verdict agrees with the bars for {sum(agree)} of {len(agree)}.")
    return ' '.join(lines) + '\n'


def _row(task: PictureTask, result: PictureResult) -> list[str]:
    cost = [f'{result.cpu_seconds:.0f}', f'{result.gigabytes:.1f}']
    row = [task.picture.stem, str(task.seed), _prior(result.reason), *cost]
    if result.failed:
        return [*row, '', '', '', f'**no volume**: {result.failed.replace("|", "/")}', '']
    scores = result.scores
    missed = dict.fromkeys(bar for one in scores for bar in one.missed)
    limits = dict.fromkeys(f'{one.s2_limit:.3f}' for one in scores)
    return [
        *row,
        f'{" / ".join(f"{one.s2:.3f}" for one in scores)} ({" / ".join(limits)})',
        ' / '.join(f'{one.faces:.2f}' for one in scores),
        ' / '.join(f'{one.areas:.2f}' for one in scores),
        f'**missed**: {", ".join(missed)}' if missed else 'met',
        result.verdict or '-',
    ]


def _plain(result: PictureResult) -> list[str]:
    if result.failed:
        return [''] * len(_PLAIN)
    return [f'{_worst(result.scores, key):.{digits}f}' for key, digits in _PLAIN]


def _worst(scores: Sequence[PhaseScore], key: str) -> float:
    return max(getattr(one, key) for one in scores)


_PLAIN = (('s2_plain', 3), ('fraction_error', 4))


def _prior(reason: str) -> str:
    """The product's reason without numbers and advice, short enough for a table."""
    short = re.sub(r'\s*\([^()]*\)', '', reason).partition('; fine-tuning')[0]
    return short.rpartition('away: ')[2].replace('|', '/')


if __name__ == '__main__':
    main()
