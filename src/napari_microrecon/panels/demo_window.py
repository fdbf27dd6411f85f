"""``python -m napari_microrecon.panels.demo_window NAME [--screenshot FILE]``: the demo in a real window.

Opens napari with the widget docked and runs the demo as if its button had been clicked. With
``--screenshot`` it waits until everything is done, saves a picture of the whole window and ends.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

_SIZE = (1600, 1000)  # pixels
_SETTLE_MS = 1500  # for the last frame and the notifications to be drawn
_AFTER = 'analyse'  # the last job of a demo


def main(arguments: list[str] | None = None) -> int:
    """Run the demo window; return the exit code."""
    parser = argparse.ArgumentParser(prog='napari_microrecon.panels.demo_window', description=__doc__.split('\n')[0])
    parser.add_argument('name', nargs='?', default='sandstone', help='name of a sample')
    parser.add_argument('--screenshot', type=Path, metavar='FILE', help='save the window when done, and end')
    parser.add_argument('--theme', choices=('dark', 'light'), help="napari's theme")
    parser.add_argument('--size', type=int, nargs=2, default=_SIZE, metavar=('WIDTH', 'HEIGHT'), help='in pixels')
    parser.add_argument('--edge', type=int, help='largest edge of the volume, voxels; for a quick look')
    options = parser.parse_args(arguments)

    import napari
    from qtpy.QtCore import QTimer

    from ..engine.errors import InputError
    from ..engine.samples import get_sample
    from ..session.jobs import Job, JobState
    from .microrecon_widget import MicroreconWidget

    try:
        get_sample(options.name)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    viewer = napari.Viewer(show=False, title='napari-microrecon')
    if options.theme:
        viewer.theme = options.theme
    widget = MicroreconWidget(viewer)
    if options.edge:
        widget.workbench.preferences = replace(widget.workbench.preferences, edge=options.edge)
    viewer.window.add_dock_widget(widget, name='Microrecon', area='right')
    viewer.show()
    viewer.window.resize(*options.size)  # after show, which restores the size of the last session
    exit_code = 0

    def finish() -> None:
        if exit_code == 0:
            viewer.screenshot(str(options.screenshot), canvas_only=False, flash=False)
        viewer.close()

    def on_job(job: Job) -> None:
        nonlocal exit_code
        failed = job.state in (JobState.FAILED, JobState.CANCELLED)
        if failed:
            print(job.message or f'{job.title}: cancelled', file=sys.stderr)
            exit_code = 1
        if failed or (job.kind == _AFTER and job.state is JobState.DONE):
            QTimer.singleShot(_SETTLE_MS, finish)

    if options.screenshot:
        options.screenshot.parent.mkdir(parents=True, exist_ok=True)
        widget.workbench.session.events.job.connect(on_job)
    QTimer.singleShot(0, lambda: widget.run_demo(options.name))
    napari.run()
    return exit_code


if __name__ == '__main__':
    sys.exit(main())
