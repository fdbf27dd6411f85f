"""Picture of the window for the documentation: slices in place beside their volume, and the slice-count experiment.

    xvfb-run -a -s '-screen 0 1600x1000x24' .venv/bin/python scripts/window_pictures.py

Writes docs/images/slice_count.png, with a bundled synthetic sample.
"""

from __future__ import annotations

from pathlib import Path

import napari
import numpy as np
from PIL import Image
from qtpy.QtCore import QTimer

from napari_microrecon.engine.samples import get_sample
from napari_microrecon.panels.microrecon_widget import MicroreconWidget
from napari_microrecon.session import SliceDraft
from napari_microrecon.session.inputs import slice_of
from napari_microrecon.session.jobs import Job, JobState

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / 'docs' / 'images' / 'slice_count.png'
SAMPLE = 'sandstone'
SLICES = 5
SIZE = (1500, 940)  # pixels


def main() -> None:
    """Open the sample, run the experiment, save the window."""
    viewer = napari.Viewer(show=False, title='napari-microrecon')
    widget = MicroreconWidget(viewer)
    viewer.window.add_dock_widget(widget, name='Microrecon', area='right')
    viewer.show()
    viewer.window.resize(*SIZE)
    session, volume = widget.workbench.session, get_sample(SAMPLE).load_volume()
    places = np.linspace(0, volume.shape[0] - 1, SLICES).round().astype(int)
    drafts: list[SliceDraft] = [slice_of(volume, 'z', int(place)) for place in places]

    def begin() -> None:
        session.set_drafts(drafts)
        session.set_reference(volume)
        widget.slices_panel.slice_counts.run_button.click()

    def on_job(job: Job) -> None:
        if job.kind == 'experiment' and job.state is JobState.DONE:
            QTimer.singleShot(1500, finish)
        elif job.state is JobState.FAILED:
            print(job.message)
            viewer.close()

    def finish() -> None:
        panel = widget.slices_panel
        panel.verticalScrollBar().setValue(panel.verticalScrollBar().maximum())
        QTimer.singleShot(1500, save)

    def save() -> None:
        picture = viewer.screenshot(canvas_only=False, flash=False)
        Image.fromarray(picture[..., :3]).quantize(128).save(OUTPUT, optimize=True)
        print(OUTPUT)
        viewer.close()

    session.events.job.connect(on_job)
    QTimer.singleShot(0, begin)
    napari.run()


if __name__ == '__main__':
    main()
