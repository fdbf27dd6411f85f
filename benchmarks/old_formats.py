"""What becomes of files of earlier versions: every weights file of the history, and runs made by earlier commits.

    python benchmarks/old_formats.py --output old_formats.md
    python benchmarks/old_formats.py --runs 15b6a2c 4b3bb02

Weights: each version of each file that git knows is loaded and reconstructs 24^3 voxels from slices of a sample.
Runs: the commit's own command line makes a volume and a short training; the present one replays both and takes up a
stopped training. "raw error" is what must not be: anything but a result or a refusal in one line.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.runs import revision
from bench.tables import markdown, tell

ROOT = Path(__file__).resolve().parents[1]
EDGE = 24
STEPS = 12


def main() -> None:
    """Run what was asked for and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--runs', nargs='*', metavar='COMMIT', help='replay runs of these commits instead')
    parser.add_argument('--output', type=Path, help='Markdown file for the table')
    options = parser.parse_args()
    if options.runs is None:
        header, rows = ['commit', 'of', 'weights', 'blob', 'what came of it'], list(weights_rows())
    else:
        header, rows = ['commit', 'what', 'what came of it'], [row for one in options.runs for row in run_rows(one)]
    tell(f'Revision {revision()}.\n\n{markdown(header, rows)}', options.output)


def told(row: list[str]) -> list[str]:
    """Show a row as soon as it is there."""
    print(' | '.join(row), file=sys.stderr, flush=True)
    return row


def git(*arguments: str) -> bytes:
    return subprocess.run(['git', '-C', str(ROOT), *arguments], check=True, capture_output=True).stdout


def weights_rows():
    """Rows for every version of every weights file in the history, the latest first."""
    log = git('log', '--all', '--raw', '--no-abbrev', '--diff-filter=AM', '--format=%h %as', '--', '*.safetensors')
    commit = date = ''
    for line in log.decode().splitlines():
        if not line.startswith(':'):
            if line.strip():
                commit, date = line[:9], line.split()[1]
            continue
        blob, path = line.split()[3], line.split('\t')[1]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / Path(path).name
            file.write_bytes(git('cat-file', 'blob', blob))
            yield told([commit, date, file.stem, blob[:8], tried(file)])


def tried(path: Path) -> str:
    """Load weights and make a small volume with them, in words."""
    from napari_microrecon.engine.errors import InputError
    from napari_microrecon.engine.generator import ReconstructParams, Weights, reconstruct
    from napari_microrecon.engine.progress import drain
    from napari_microrecon.engine.samples import get_sample

    try:
        weights = Weights.load(path)
        slices = get_sample('cathode' if weights.phases.count == 3 else 'limestone').load_slices()
        params = ReconstructParams(shape=(EDGE, EDGE, EDGE), device='cpu')
        volume = drain(reconstruct(slices, weights, params)).volumes[0]
    except InputError as error:
        return f'refused: {error}'
    except Exception as error:
        return f'raw error: {type(error).__name__}: {str(error).splitlines()[0][:120]}'
    return 'loads' if min(volume.fractions) > 0 else 'loads, but makes one phase only'


def run_rows(commit: str):
    """Rows for a volume, a training and a stopped training that a commit has made."""
    with tempfile.TemporaryDirectory() as name:
        folder, tree = Path(name), Path(name) / 'tree'
        git('worktree', 'add', '--detach', str(tree), commit)
        try:
            yield from _run_rows(commit, folder, tree)
        finally:
            git('worktree', 'remove', '--force', str(tree))


def _run_rows(commit: str, folder: Path, tree: Path):
    slice_path = ROOT / 'sample_data' / 'limestone' / 'slice_z064.tif'
    shape = ['--shape', '32', '32', '32', '--seed', '3', '--device', 'cpu']
    made = {
        'reconstruct': ['reconstruct', str(slice_path), *shape, '--output', str(folder / 'volume.tif')],
        'finetune': ['finetune', str(slice_path), '--steps', str(STEPS), '--device', 'cpu', '--output',
                     str(folder / 'trained.safetensors')],
    }  # fmt: skip
    for what, arguments in made.items():
        code, text = command(tree / 'src', arguments)
        if code:
            yield told([commit, what, f'the commit itself: {last(text)}'])
            continue
        record = folder / ('volume.run' if what == 'reconstruct' else 'trained.run')
        code, text = command(ROOT / 'src', ['replay', str(record), '--device', 'cpu'])
        yield told([commit, f'replay of {what}', outcome(code, text)])
    again = [
        'finetune',
        str(slice_path),
        '--minutes',
        '2',
        '--device',
        'cpu',
        '--output',
        str(folder / 'half.safetensors'),
    ]
    code, text = command(tree / 'src', again, stop_after='checkpoint')
    record = folder / 'half.run'
    if not (record / 'checkpoint.safetensors').is_file():
        yield told([commit, 'stopped training', f'the commit itself: {last(text)}'])
        return
    set_steps(record / 'run.json')
    code, text = command(
        ROOT / 'src', ['finetune', '--resume', str(record), '--output', str(folder / 'whole.safetensors')]
    )
    yield told([commit, 'training taken up', outcome(code, text)])


def set_steps(path: Path) -> None:
    """Shorten what is left of a training by the clock."""
    record = json.loads(path.read_text())
    record['parameters']['minutes'] = 0.2
    path.write_text(json.dumps(record))


def command(source: Path, arguments: list[str], stop_after: str = '') -> tuple[int, str]:
    """Run a command line from a source tree; interrupt it once it has written a checkpoint, if so asked."""
    environment = os.environ | {'PYTHONPATH': str(source), 'PYTHONSAFEPATH': '1'}
    with tempfile.TemporaryFile('w+') as log:
        process = subprocess.Popen(
            [sys.executable, '-m', 'napari_microrecon', *arguments], env=environment, stdout=log, stderr=log
        )
        began, stopped = time.monotonic(), not stop_after
        checkpoint = Path(arguments[-1]).with_suffix('.run') / 'checkpoint.safetensors'
        while process.poll() is None and time.monotonic() - began < 300:
            time.sleep(0.5)
            if not stopped and checkpoint.is_file():
                process.send_signal(signal.SIGINT)
                stopped = True
        if process.poll() is None:
            process.kill()
        process.wait()
        log.seek(0)
        return process.returncode, log.read()


def last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip()[:160] if lines else 'nothing was said'


def outcome(code: int, text: str) -> str:
    """What a command came to, in words."""
    if 'Traceback' in text:
        return f'raw error: {last(text)}'
    if code:
        return f'refused: {last(text)}'
    told_of = re.search(r'(?:NOT )?the same (?:volume|weights).*', text)
    return told_of.group(0) if told_of else 'taken up'


if __name__ == '__main__':
    main()
