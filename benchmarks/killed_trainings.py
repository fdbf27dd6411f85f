"""Trainings that are killed at random moments, and what is left of them.

    python benchmarks/killed_trainings.py --count 100 --seed 0 --output killed.md

Each training runs on the command line in a process of its own and ends by kill -9, SIGTERM, Ctrl-C or a full disk (a
limit on the size of files) at a random moment; some are killed again while they resume, some repeat a finished one
with --overwrite. Then it is resumed, or begun again where it had not begun, until it is finished. A training counts
as kept when the weights are those of the undisturbed training, bit for bit, and the other files in its folder are
as they were.
"""

from __future__ import annotations

import argparse
import collections
import random
import tempfile
import time
from pathlib import Path

from bench.kills import HOWS, Case, Ground, disturb

from napari_microrecon.engine.samples import get_sample  # noqa: F401 (imported before the processes are forked)


def main() -> None:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--count', type=int, default=100)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--steps', type=int, default=8)
    parser.add_argument('--output', type=Path, help='Markdown file for the table')
    options = parser.parse_args()
    chance = random.Random(options.seed)
    rows: dict[str, collections.Counter[str]] = {how: collections.Counter() for how in HOWS}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground.prepare(Path(folder), options.steps)
        for number in range(options.count):
            case = Case.draw(chance, ground.seconds)
            told = disturb(ground, case, number)
            rows[case.how][told] += 1
            if told != 'kept':
                print(f'case {number}: {case}: {told}', flush=True)
    lines = ['| ended by | trainings | kept bit for bit | lost |', '| --- | --: | --: | --: |']
    for how, row in rows.items():
        total = sum(row.values())
        lines.append(f'| {HOWS[how]} | {total} | {row["kept"]} | {total - row["kept"]} |')
    lines.append(f'\n{options.count} cases, seed {options.seed}, {time.monotonic() - began:.0f} s')
    text = '\n'.join(lines)
    print(text)
    if options.output is not None:
        options.output.write_text(text + '\n')


if __name__ == '__main__':
    main()
