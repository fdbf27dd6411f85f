"""What the default command makes of pictures that are hard: a volume or a refusal by name, at which cost.

    python benchmarks/bounds.py --output bounds.md
    python benchmarks/bounds.py --kinds 'three bands' 'large, six phases' --edge 96

Every kind (bench/hard_pictures.py) goes through `reconstruct` in a process of its own, on one thread, within limits of
time and memory. CPU s and GB are of the whole process. Told after: wall seconds until the first line of progress,
which is the start of the work. Foretold: the seconds that the program says itself before it chooses a generator and
before it makes the volume, over those that both took.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tifffile
from bench.hard_pictures import HARD_PICTURES
from bench.picture_runs import ONE_THREAD, Limits, within_limits
from bench.runs import revision
from bench.tables import markdown, tell


def main() -> None:
    """Run all kinds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kinds', nargs='+', default=list(HARD_PICTURES), choices=HARD_PICTURES, metavar='KIND')
    parser.add_argument('--edge', type=int, default=64, help='of the volumes, voxels')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--output', type=Path, help='Markdown file for the table')
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.kinds:
            rows.append(row(kind, options.edge, options.seed, Path(folder)))
            print(' | '.join(rows[-1]), file=sys.stderr, flush=True)
    header = ['picture', 'CPU s', 'GB', 'told after, s', 'foretold', 'what came of it']
    tell(f'Revision {revision()}; volumes of {options.edge}³, one thread.\n\n{markdown(header, rows)}', options.output)


def row(kind: str, edge: int, seed: int, folder: Path) -> list[str]:
    """One line of the table."""
    paths = []
    for normal, picture in zip('zyx', HARD_PICTURES[kind](), strict=False):
        path = folder / f'{normal}.tif'
        tifffile.imwrite(path, picture)
        paths.append(str(path))
    output = folder / 'volume.tif'
    planes = ['--normal', 'z,y,x'] if len(paths) == 3 else []
    command = [
        sys.executable, '-m', 'napari_microrecon', 'reconstruct', *paths, *planes, '--shape', *[str(edge)] * 3,
        '--seed', str(seed), '--no-run', '--output', str(output),
    ]  # fmt: skip
    log = folder / 'log.txt'
    limits = Limits(cpu_seconds=600, seconds=1200.0)
    began = time.monotonic()
    lines: list[tuple[float, str]] = []
    with log.open('w') as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.PIPE, start_new_session=True, text=True,
            env={**os.environ, **ONE_THREAD},
        )  # fmt: skip
        within_limits(process.pid, limits)
        assert process.stderr is not None
        for line in process.stderr:
            lines.append((time.monotonic() - began, line.strip()))
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    first = next((at for at, line in lines if 'values mapped' not in line), float('nan'))
    cost = [f'{used.ru_utime + used.ru_stime:.0f}', f'{used.ru_maxrss / 2**20:.1f}', f'{first:.1f}']
    said = lines[-1][1] if lines else f'ended with {process.returncode}'
    if process.returncode:
        return [kind, *cost, '', f'refused: {said.partition(": ")[2]}' if process.returncode == 2 else f'**{said}**']
    output.unlink(missing_ok=True)
    told = next((line.partition(': ')[2] for _, line in lines if line.startswith('weights')), '')
    reason = re.sub(r'\s*\([^()]*\)', '', told).partition('; next best')[0].rpartition('away: ')[2]
    return [kind, *cost, foretold(lines), reason.replace('|', '/')]


def foretold(lines: list[tuple[float, str]]) -> str:
    """Ratios of the seconds that were announced to those that passed."""
    found = []
    for at, line in lines:
        said = [_seconds(text) for text in re.findall(r'about ([\d.]+ (?:s|min|h))\b(?! left)', line)]
        if said:
            following = next((later for later, other in lines if later > at and other.startswith('weights')), None)
            end = following if following is not None else lines[-1][0]
            found.append(f'{said[0] / max(end - at, 0.1):.1f}')
    return ', '.join(found)


def _seconds(text: str) -> float:
    value, unit = text.split()
    return float(value) * {'s': 1, 'min': 60, 'h': 3600}[unit]


if __name__ == '__main__':
    main()
