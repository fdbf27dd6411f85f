"""Pictures of the window for the documentation, all taken from the running product.

    python scripts/screenshots.py                     # all of them, into docs/images/
    python scripts/screenshots.py --only slice-count  # one scene
    python scripts/screenshots.py --output FOLDER     # to look at them first

Every scene opens a window of its own, presses the widget's buttons and waits for what they start. Only bundled
synthetic samples are shown. Without a display it starts itself anew under xvfb-run. All scenes take about ten minutes
on two cores without a graphics card.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / 'docs' / 'images'
SMALL, LARGE = (1366, 768), (1600, 1000)  # pixels
LIMIT = 250_000  # bytes of a picture
PATIENCE = 900  # seconds for one job
POSITIONS = (0, 16, 48, 63)  # parallel slices of a cube of 64, besides the middle one, which the widget takes


class Window:
    """A napari window with the widget docked, and the picture it is taken for.

    Parameters
    ----------
    folder : Path
        Where pictures go.
    size : (int, int)
        Of the window, pixels.
    edge : int
        Edge of the volumes that the form starts with, voxels.
    """

    def __init__(self, folder: Path, size: tuple[int, int], edge: int) -> None:
        import napari

        from napari_microrecon.panels.microrecon_widget import MicroreconWidget

        self.folder = folder
        self.viewer: Any = napari.Viewer(show=False, title='napari-microrecon')
        self.viewer.theme = 'dark'
        self.widget = MicroreconWidget(self.viewer)
        self.session = self.widget.workbench.session
        # The form was filled when the widget was made; demos ask the preferences.
        self.widget.workbench.preferences = replace(self.widget.workbench.preferences, edge=edge)
        self.widget.reconstruct_panel.form.set_value('shape', (edge,) * 3)
        self.viewer.window.add_dock_widget(self.widget, name='Microrecon', area='right')
        self.viewer.show()
        self.viewer.window.resize(*size)
        self.spin(2)

    def spin(self, seconds: float) -> None:
        """Let the window live for a while."""
        from qtpy.QtWidgets import QApplication

        app = QApplication.instance()
        assert app is not None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            app.processEvents()
            time.sleep(0.01)

    def until(self, what: Callable[[], bool], doing: str) -> None:
        """Let the window live until something holds."""
        end = time.monotonic() + PATIENCE
        while not what():
            if time.monotonic() > end:
                raise TimeoutError(f'{doing}: not done after {PATIENCE} s')
            self.spin(0.2)

    def finish(self, kind: str) -> None:
        """Wait for the end of a job of this kind, and of those that follow it."""
        session = self.session
        self.until(lambda: session.job.kind == kind and not session.job.is_active, kind)
        if session.job.state.value != 'done':
            raise RuntimeError(f'{kind}: {session.job.state.value}: {session.status.text}')
        self.spin(2)  # the last frame; a notification fades

    def shoot(self, name: str) -> None:
        """Save the whole window."""
        self.spin(1)
        path = self.folder / f'{name}.png'
        self.viewer.screenshot(str(path), canvas_only=False, flash=False)
        shrink(path)

    def shoot_page(self, name: str) -> None:
        """Save the page of the step that is shown, in its whole length."""
        self.spin(1)
        page: Any = self.widget.stack.currentWidget()
        self._shoot(page.widget(), name)

    def shoot_part(self, part: Any, name: str) -> None:
        """Save one part of a page."""
        self.spin(1)
        self._shoot(part, name)

    def _shoot(self, part: Any, name: str) -> None:
        from qtpy.QtGui import QColor, QPixmap

        from napari_microrecon.viewer.appearance import palette_of

        ratio = part.devicePixelRatioF()
        picture = QPixmap(part.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(QColor(palette_of(self.viewer).background))  # pages let the dock's colour through
        part.render(picture)
        path = self.folder / f'{name}.png'
        picture.save(str(path))
        shrink(path)


def shrink(path: Path) -> None:
    """Bring a picture below the limit: 256 colours, then fewer."""
    from PIL import Image

    picture = Image.open(path).convert('RGB')
    for colours in (256, 128, 64, 32):
        picture.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= LIMIT:
            break
    print(f'{path.name}: {picture.width} x {picture.height}, {path.stat().st_size // 1000} kB', flush=True)


@contextmanager
def window(folder: Path, size: tuple[int, int] = SMALL, edge: int = 64) -> Iterator[Window]:
    """Open a window and close it again."""
    opened = Window(folder, size, edge)
    try:
        yield opened
    finally:
        opened.widget.close_for_good()
        opened.viewer.close()


def demo(folder: Path) -> None:
    """The window after the demo, the Reconstruct page and the Analyse page in full."""
    with window(folder, LARGE, edge=128) as w:
        w.widget.demo_bar.choose('sandstone')
        w.widget.demo_bar.run_button.click()
        w.finish('analyse')
        w.shoot('window')
        w.shoot_page('analyse')
        w.widget.analysis_panel.face_requested.emit('percolating_fraction_z')
        w.finish('analyse')
        w.shoot('analyse-face')
        w.widget.analysis_panel.volumes_button.click()
        w.widget.show_step(1)
        w.until(lambda: w.session.forecast is not None, 'forecast')
        w.spin(2)
        w.shoot('reconstruct')


def one_slice(folder: Path) -> None:
    """A grey picture: adjusted in its window, taken as a slice, made into a volume."""
    from napari_microrecon.engine.voxels import VoxelSize
    from napari_microrecon.panels.slice_table import ADJUST

    with window(folder) as w, tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / 'micrograph.tif'
        draw_micrograph(path)
        w.widget.workbench.open_files([path])
        w.finish('load')
        w.widget.workbench.set_voxel_size(VoxelSize.cube(15.2, 'um'))
        panel: Any = w.widget.slices_panel
        panel.table.cellWidget(0, ADJUST).click()
        dialog = panel.adjuster
        dialog.form.bar_button.click()
        dialog.form.denoise.setCurrentIndex(dialog.form.denoise.findData('median'))
        dialog.form.order.setCurrentIndex(dialog.form.order.findData('bright-first'))
        w.spin(2)
        w.until(lambda: dialog.is_settled, 'preview')
        w.shoot_part(dialog, 'adjust')
        dialog.apply_button.click()
        w.until(lambda: not w.session.job.is_active and panel.adjuster is None, 'adjusting')
        panel.pore.setCurrentIndex(2)  # phase 1; before it come 'none' and phase 0
        panel.pore.activated.emit(2)
        w.until(lambda: w.session.findings.representativity is not None, 'representativity')
        w.shoot('one-slice')
        w.widget.show_step(1)
        w.widget.reconstruct_panel.run_button.click()
        w.finish('reconstruct')
        w.until(lambda: w.session.forecast is not None, 'forecast')
        w.shoot('one-slice-volume')


def draw_micrograph(path: Path) -> None:
    """Write a picture as a microscope gives it: the limestone sample blurred, noisy, above a bar with a scale."""
    import numpy as np
    import tifffile
    from scipy.ndimage import gaussian_filter

    labels = tifffile.imread(ROOT / 'sample_data' / 'limestone' / 'slice_z064.tif')
    noise = np.random.default_rng(0).normal(0, 14, labels.shape)
    grey = gaussian_filter(170.0 - 110.0 * labels, 0.7) + noise
    bar = np.zeros((14, labels.shape[1]))
    bar[6:8, 12:52] = 255
    tifffile.imwrite(path, np.clip(np.vstack([grey, bar]), 0, 255).astype(np.uint8))


def three_planes(folder: Path) -> None:
    """Three orthogonal slices of an anisotropic material in place, beside the reference they come from."""
    with window(folder) as w:
        w.widget.workbench.load_sample('cast-iron')
        w.finish('load')
        w.until(lambda: w.session.findings.representativity is not None, 'representativity')
        w.shoot('three-planes')


def slice_count(folder: Path) -> None:
    """What 3, 5, 7 slices of the reference would give."""
    with window(folder) as w:
        w.widget.workbench.load_sample('sandstone')
        w.finish('load')
        counts = w.widget.slices_panel.slice_counts
        counts.run_button.click()
        w.finish('experiment')
        w.shoot_part(counts, 'slice-count')


def between(folder: Path) -> None:
    """Five parallel slices in place, and the probability layer of the volume between them."""
    from napari_microrecon.engine.files import write_volume
    from napari_microrecon.engine.samples import get_sample

    with window(folder) as w, tempfile.TemporaryDirectory() as scratch:
        whole = get_sample('sandstone').load_volume()
        cube = replace(whole, labels=whole.labels[:64, :64, :64], name='sandstone-64')
        path = Path(scratch) / 'sandstone-64.tif'
        write_volume(cube, path)
        w.widget.workbench.open_files([path])
        w.finish('load')
        panel = w.widget.slices_panel
        for position in POSITIONS:
            panel.normal.setCurrentText('z')
            panel.position.setValue(position)
            panel.section_button.click()
        w.until(lambda: w.session.findings.representativity is not None, 'representativity')
        w.shoot('parallel-slices')
        w.widget.show_step(1)
        form = w.widget.reconstruct_panel.form
        form.set_value('mode', 'most-likely')
        form.set_value('shape', cube.shape)
        w.widget.reconstruct_panel.run_button.click()
        w.finish('analyse')
        w.widget.show_step(1)
        w.widget.reconstruct_panel.compare.layout_choice.setCurrentIndex(1)
        w.widget.reconstruct_panel.compare.layout_choice.activated.emit(1)
        w.widget.reconstruct_panel.compare.view.setCurrentIndex(1)
        w.widget.reconstruct_panel.compare.view.activated.emit(1)
        maps = w.widget.workbench.likelihood_maps.layers
        for layer in w.viewer.layers:
            layer.visible = layer is maps[0]
        w.viewer.layers.selection.active = maps[0]
        w.viewer.dims.order = (1, 0, 2)  # the plane y = const cuts all slices
        w.viewer.reset_view()
        w.shoot('probability')


def compare(folder: Path) -> None:
    """Reconstruction and as much of its reference, cut open at one plane."""
    with window(folder) as w:
        w.widget.workbench.load_sample('sandstone')
        w.finish('load')
        w.widget.show_step(1)
        panel = w.widget.reconstruct_panel
        panel.run_button.click()
        w.finish('analyse')
        w.widget.show_step(1)
        box = panel.compare
        box.same_size.click()
        box.axis.setCurrentText('x')
        box.axis.activated.emit(2)
        box.slider.setValue(40)
        box.cut.click()
        w.until(lambda: w.session.forecast is not None, 'forecast')
        w.spin(2)
        if (bar := panel.verticalScrollBar()) is not None:
            bar.setValue(bar.maximum())
        w.shoot('compare')


def hold_back(folder: Path) -> None:
    """Part of the slice held back, where there is no reference."""
    with window(folder) as w:
        w.widget.workbench.load_sample('cathode')
        w.finish('load')
        w.session.set_reference(None)
        w.widget.show_step(3)
        box = w.widget.analysis_panel.hold_back
        box.fold.head.click()
        box.run_button.click()
        w.finish('experiment')
        w.shoot_part(box, 'hold-back')


def finetune(folder: Path) -> None:
    """A training that is under way: curves, numbers, health line, preview."""
    with window(folder, LARGE) as w:
        w.widget.workbench.load_sample('sandstone')
        w.finish('load')
        w.widget.show_step(2)
        panel, session = w.widget.finetune_panel, w.session
        session.choose_weights('scratch')
        panel.form.set_value('minutes', 3.0)
        panel.run_button.click()
        w.spin(110)
        w.until(lambda: bool(session.material.training.note) and session.preview is not None, 'training')
        w.shoot('finetune')
        panel.stop_button.click()
        w.until(lambda: not session.job.is_active, 'stopping')


SCENES: dict[str, Callable[[Path], None]] = {
    'demo': demo,
    'one-slice': one_slice,
    'three-planes': three_planes,
    'slice-count': slice_count,
    'between': between,
    'compare': compare,
    'hold-back': hold_back,
    'finetune': finetune,
}


def main() -> int:
    """Take the pictures; return the exit code."""
    parser = argparse.ArgumentParser(description='Pictures of the window for the documentation.')
    parser.add_argument('--only', choices=tuple(SCENES), help='one scene')
    parser.add_argument('--output', type=Path, default=IMAGES, help='folder of the pictures')
    options = parser.parse_args()
    has_display = sys.platform in ('win32', 'darwin') or os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')
    if not has_display:
        screen = ('-a', '-s', '-screen 0 1920x1200x24')
        os.execvp('xvfb-run', ['xvfb-run', *screen, sys.executable, *sys.argv])
    if options.only is None:
        for name in SCENES:  # each in a process of its own: a window takes over the layout of the one before
            command = [sys.executable, __file__, '--only', name, '--output', str(options.output)]
            if (code := subprocess.run(command, check=False).returncode) != 0:
                return code
        return 0
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        # The user's own settings and runs are neither shown nor changed.
        os.environ['NAPARI_CONFIG'] = str(Path(scratch) / 'settings.yaml')
        os.environ['NAPARI_MICRORECON_RUNS'] = str(Path(scratch) / 'runs')
        SCENES[options.only](options.output)
    return 0


if __name__ == '__main__':
    sys.exit(main())
