"""Seconds from the click on "Run demo" to the first volume, the finished one and the full panels on the screen.

    xvfb-run -a python benchmarks/demo_times.py [--samples sandstone cathode] [--json FILE]

Every demo runs in a process and a window of its own, and is clicked once the window rests, as a new user would: modules
are loaded by the click or have been in the background. Then it is clicked a second time. What is on the screen is what
has been drawn: the time is taken when the event loop comes round after the layer was made. The goals are 3 s for the
first volume and 15 s for the panels.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOALS = {'first volume': 3.0, 'panels': 15.0}  # seconds
SIZE = (1366, 768)
REST = 6.0  # seconds between the window and the click
PATIENCE = 300.0


def main() -> int:
    """Measure in processes of their own and print a table; 1 if a goal was missed."""
    from napari_microrecon.engine.samples import bundled_samples

    names = [sample.name for sample in bundled_samples()]
    parser = argparse.ArgumentParser(description='seconds from the click to the volume')
    parser.add_argument(
        '--samples', nargs='+', default=names, help='names of samples; published ones have to be fetched'
    )
    parser.add_argument('--edge', type=int, help='of the volume; by default the one that the widget chooses')
    parser.add_argument('--rest', type=float, default=REST, help='seconds between the window and the click')
    parser.add_argument('--json', type=Path, help='also write the figures there')
    parser.add_argument('--one', help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.edge, options.rest)))
        return 0
    figures: dict[str, list[dict[str, float]]] = {}
    for name in options.samples:
        command = [sys.executable, __file__, '--one', name, '--rest', str(options.rest)]
        if options.edge:
            command += ['--edge', str(options.edge)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f'{name}: failed: {done.stderr.strip().splitlines()[-1]}', file=sys.stderr)
            continue
        figures[name] = json.loads(done.stdout.splitlines()[-1])
        for which, found in zip(('first click', 'second click'), figures[name], strict=True):
            print(f'{name:12s}{which:14s}', '  '.join(f'{k} {v:.2f} s' for k, v in found.items()), flush=True)
    print(f'{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}')
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2), encoding='utf-8')
    first = [found[0] for found in figures.values()]
    return int(len(figures) < len(options.samples) or any(one[k] > goal for one in first for k, goal in GOALS.items()))


def measure(name: str, edge: int | None, rest: float) -> list[dict[str, float]]:
    """Click twice on the demo of a sample in a new window."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ['NAPARI_MICRORECON_RUNS'] = folder
        import napari
        from qtpy.QtWidgets import QApplication

        from napari_microrecon.panels.microrecon_widget import MicroreconWidget

        viewer = napari.Viewer(show=False)
        widget = MicroreconWidget(viewer)
        viewer.window.add_dock_widget(widget, name='Microrecon', area='right')
        viewer.show()
        viewer.window.resize(*SIZE)
        if edge:
            widget.reconstruct_panel.form.set_value('shape', (edge,) * 3)
        session, stage = widget.workbench.session, widget.workbench.stage

        def spin(until: float) -> None:
            QApplication.processEvents()
            while time.monotonic() < until:
                QApplication.processEvents()
                time.sleep(0.005)

        spin(time.monotonic() + rest)
        widget.demo_bar.choose(name)
        clicks: list[dict[str, float]] = []
        for _ in range(2):
            times: dict[str, float] = {}
            former = stage.layers_of('volume')
            began = time.monotonic()
            widget.demo_bar.run_button.click()
            while 'panels' not in times:
                spin(0)
                now = time.monotonic() - began
                if now > PATIENCE or session.job.state.value in ('failed', 'cancelled'):
                    raise SystemExit(f'{name}: {session.job.state.value}: {session.status.text}')
                shown = stage.layers_of('preview') or [one for one in stage.layers_of('volume') if one not in former]
                if shown:
                    times.setdefault('first volume', now)
                if session.material.volumes and session.preview is None and times and session.job.kind != 'reconstruct':
                    times.setdefault('volume', now)
                if (
                    session.findings.comparison is not None
                    and session.job.kind == 'analyse'
                    and not session.job.is_active
                ):
                    times['panels'] = now
                time.sleep(0.005)
            clicks.append({k: round(v, 2) for k, v in times.items()})
            session.find(comparison=None)
            spin(time.monotonic() + 2)
        widget.close_for_good()
        viewer.close()
    return clicks


if __name__ == '__main__':
    sys.exit(main())
