"""Processor seconds and memory of sampling, each measured in a fresh process, with one and with two threads.

    python benchmarks/generator_speed.py
    python benchmarks/generator_speed.py --sizes 256 512 --weights limestone --tile 64 --output speed.md

Goals: 256^3 in 40 CPU seconds and 3 GB, 64^3 in 0.5 s, the untrained prior's 64^3 in 0.3 s. The job alone is timed
(calibration and prior included); importing torch and reading weights stand beside it. "again" is the same job once
more in that process, without what the first one sets up. Peak memory is that of the whole process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

GOALS = {  # (weights are the prior, edge): (seconds, GB); in CPU seconds of the first volume
    (False, 256): (40.0, 3.0),
    (False, 64): (0.5, None),
    (True, 64): (0.3, None),
}
SAMPLE = 'sandstone'


def measure(weights_name: str, edge: int, threads: int, tile: int | None) -> dict[str, Any]:
    """Time one reconstruction in this process."""
    began, wall = time.process_time(), time.monotonic()
    import torch

    from napari_microrecon.engine.generator import ReconstructParams, choose_weights, reconstruct
    from napari_microrecon.engine.progress import drain
    from napari_microrecon.engine.samples import get_sample

    torch.set_num_threads(threads)
    slices = get_sample(SAMPLE).load_slices()
    weights = choose_weights(weights_name, slices).weights
    found: dict[str, Any] = {'before': {'cpu': time.process_time() - began, 'wall': time.monotonic() - wall}}
    params = ReconstructParams(shape=(edge, edge, edge), seed=1, tile=tile, fractions='ensemble', device='cpu')
    # The peak of the process never falls again: it is read after the first volume.
    for key in ('first', 'again') if edge <= 128 else ('first',):
        began, wall = time.process_time(), time.monotonic()
        volumes = drain(reconstruct(slices, weights, params)).volumes
        found[key] = {'cpu': time.process_time() - began, 'wall': time.monotonic() - wall}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found.setdefault('peak', peak / (2**30 if sys.platform == 'darwin' else 2**20))  # bytes there, KiB elsewhere
        assert volumes[0].shape == (edge, edge, edge)
    return found


def main() -> None:
    """Measure every combination in its own process and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--sizes', type=int, nargs='+', default=[64, 128, 256])
    parser.add_argument('--threads', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--weights', default=SAMPLE, help='shipped name or .safetensors file for two phases')
    parser.add_argument('--tile', type=int)
    parser.add_argument('--output', type=Path, help='Markdown file for the table')
    parser.add_argument('--one', nargs=3, metavar=('WEIGHTS', 'EDGE', 'THREADS'), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        weights, edge, threads = options.one
        print(json.dumps(measure(weights, int(edge), int(threads), options.tile)))
        return
    lines = [
        '| weights | volume | threads | CPU s | wall s | again: CPU s | peak GB | import and load: CPU s | goal |',
        '| --- | --: | --: | --: | --: | --: | --: | --: | --- |',
    ]
    for weights, edge in [('prior', 64), *((options.weights, edge) for edge in options.sizes)]:
        for threads in options.threads:
            command = [sys.executable, __file__, '--one', weights, str(edge), str(threads)]
            command += ['--tile', str(options.tile)] if options.tile else []
            names = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS')
            environment = {**os.environ, **dict.fromkeys(names, str(threads)), 'OMP_WAIT_POLICY': 'PASSIVE'}
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            lines.append(row(weights, edge, threads, json.loads(done.stdout.splitlines()[-1])))
            print(lines[-1], file=sys.stderr, flush=True)
    text = '\n'.join(lines) + '\n'
    print(text)
    if options.output:
        options.output.write_text(text, encoding='utf-8')


def row(weights: str, edge: int, threads: int, found: dict[str, Any]) -> str:
    """One line of the table, with the verdict where there is a goal."""
    cpu, peak = found['first']['cpu'], found['peak']
    seconds, memory = GOALS.get((weights == 'prior', edge), (None, None))
    verdict = ''
    if seconds is not None:
        met = cpu <= seconds and (memory is None or peak <= memory)
        limits = f'{seconds:g} s' + (f', {memory:g} GB' if memory else '')
        verdict = f'{limits}: {"met" if met else "missed"}'
    again = f'{found["again"]["cpu"]:.2f}' if 'again' in found else ''
    numbers = f'{cpu:.2f} | {found["first"]["wall"]:.2f} | {again} | {peak:.2f} | {found["before"]["cpu"]:.1f}'
    return f'| {Path(weights).stem} | {edge}³ | {threads} | {numbers} | {verdict} |'


if __name__ == '__main__':
    main()
