"""Somebody who clicks anything: hundreds of seeded actions on the real widget, and nothing may break or hang.

What is bad input must end as one line for the user. A bug is: an exception in a slot, a notification with a
traceback, a computation beside the job that failed for another reason than its input, a main thread that is busy for
long, a job that does not end.

Another sequence: ``MICRORECON_SEED=7 pytest tests/panels/test_random_actions.py``; the failure tells the last actions.
"""

from __future__ import annotations

import logging
import os
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.utils.notifications import ErrorNotification
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QAction, QDesktopServices
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QLineEdit,
    QMenu,
    QPushButton,
    QScrollBar,
    QSpinBox,
    QTableWidget,
    QWidget,
)

from napari_microrecon.engine.errors import EngineError
from napari_microrecon.engine.samples import CACHE_VARIABLE, URL_VARIABLE, get_sample
from napari_microrecon.panels.microrecon_widget import MicroreconWidget
from napari_microrecon.session import SliceDraft
from napari_microrecon.session.jobs import JobState

ACTIONS = 500
SEED = int(os.environ.get('MICRORECON_SEED', '0'))
# Seconds of the main thread's own time in one action, beside other tests; gaps: benchmarks/event_loop_gap.py.
LONGEST = 4.0
PATIENCE = 1.5  # seconds that a job may take before the user loses interest
# What computes for long is wished only so often, so that the test ends. By what its button says.
_OFTEN = {
    'Run demo': 3, 'Reconstruct': 5, 'Again, other seed': 2, 'Fine-tune': 4, 'Resume': 2, 'Apply': 2, 'As in slices': 2,
    'Measure': 3, 'Compare with the reference': 3, 'Measure this layer': 2, 'Copied or repeated?': 2,
    'What would 3, 5, 7 slices give?': 1, 'Hold back and compare': 2,
}  # fmt: skip


class _User:
    """Does one random thing after the other to a widget and its viewer."""

    def __init__(self, widget: MicroreconWidget, qtbot: QtBot, files: Sequence[Path], seed: int) -> None:
        self.widget, self.qtbot, self.files = widget, qtbot, files
        self.viewer: Any = widget.workbench.stage.viewer
        self.session = widget.workbench.session
        self.rng = np.random.default_rng(seed)
        self.history: list[str] = []
        self.clicked: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        acts: dict[Callable[[], str], int] = {
            self.click: 30, self.choose: 12, self.turn: 14, self.slide: 4, self.tick: 6, self.write: 4,
            self.click_cell: 5, self.use_menu: 6, self.switch_step: 12, self.change_layers: 10, self.drop_files: 4,
            self.look_elsewhere: 4, self.press_key: 3, self.wait_for_job: 5,
        }  # fmt: skip
        self._acts = list(acts)
        self._weights = np.array(list(acts.values())) / sum(acts.values())

    def act(self) -> None:
        """Do one thing; what was done is the last line of `history`."""
        if (box := self.widget.workbench.asking.box) is not None:  # nothing else can be done in a real window
            answer = self.one(box.buttons())
            self.history.append(f'answer: {answer.text()}')
            self.kinds['answer'] += 1
            answer.click()
            return
        self.history.append('…')
        for _ in range(20):  # there may be no table or slider to be seen
            act = self._acts[self.rng.choice(len(self._acts), p=self._weights)]
            self.history[-1] = act.__name__
            if done := act():
                self.kinds[act.__name__] += 1
                self.history[-1] = f'{act.__name__}: {done}'
                return
        raise AssertionError('nothing can be done')

    def one(self, things: Sequence[Any]) -> Any:
        """Any of the things; None where there are none."""
        return things[int(self.rng.integers(len(things)))] if len(things) else None

    def _seen(self, *kinds: type[QWidget]) -> list[Any]:
        found = [one for kind in kinds for one in self.widget.findChildren(kind)]
        return [one for one in found if one.isVisibleTo(self.widget) and one.isEnabledTo(self.widget)]

    def _may(self, text: str) -> bool:
        return self.clicked[text] < _OFTEN.get(text, 1000)

    # -- the widget -------------------------------------------------------------------------------

    def click(self) -> str:
        """Click a button that can be clicked, rather one that was not clicked yet."""
        found = [one for one in self._seen(QPushButton) if one.menu() is None and self._may(one.text())]
        if not found:
            return ''
        rare = np.array([1 / (1 + self.clicked[one.text()]) for one in found])
        button = found[int(self.rng.choice(len(found), p=rare / rare.sum()))]
        text = button.text()
        self.clicked[text] += 1
        button.click()
        return text

    def choose(self) -> str:
        """Choose an entry."""
        combo = self.one([one for one in self._seen(QComboBox) if one.count()])
        if combo is None:
            return ''
        index = int(self.rng.integers(combo.count()))
        text = combo.itemText(index)
        combo.setCurrentIndex(index)
        combo.activated.emit(index)
        return text

    def turn(self) -> str:
        """Change a number; sizes stay small."""
        box = self.one(self._seen(QSpinBox, QDoubleSpinBox))
        if box is None:
            return ''
        low = box.minimum()
        top = min(box.maximum(), 0.2 if box.suffix() == ' min' else 40 if box.prefix() else 12)
        new = self.one([low, top, low + (top - low) * self.rng.random(), box.value() + box.singleStep()])
        new = min(new, top) if box.prefix() or box.suffix() else new
        if box.maximum() == 1000:
            new = min(new, 3)  # realisations
        box.setValue(new if isinstance(box, QDoubleSpinBox) else int(new))
        box.editingFinished.emit()
        return f'{box.toolTip()[:40]} {box.text()}'

    def slide(self) -> str:
        """Move a slider."""
        slider = self.one([one for one in self._seen(QAbstractSlider) if not isinstance(one, QScrollBar)])
        if slider is None:
            return ''
        slider.setValue(int(self.rng.integers(slider.minimum(), slider.maximum() + 1)))
        return f'to {slider.value()}'

    def tick(self) -> str:
        """Tick a box."""
        box: QAbstractButton | None = self.one(self._seen(QCheckBox))
        if box is None:
            return ''
        box.click()
        return f'{box.text()} {box.isChecked()}'

    def write(self) -> str:
        """Write something, sensible or not."""
        lines = [one for one in self._seen(QLineEdit) if not isinstance(one.parent(), QAbstractSpinBox)]
        line = self.one(lines)
        if line is None:
            return ''
        line.setText(self.one(['', '2.5', '-1', 'abc', '1, 2, 3', '0', 'nan', '1e400', 'pore', 'µ' * 300]))
        line.editingFinished.emit()
        return line.text()[:20]

    def click_cell(self) -> str:
        """Click into a table."""
        table = self.one([one for one in self._seen(QTableWidget) if one.rowCount()])
        if table is None:
            return ''
        row, column = int(self.rng.integers(table.rowCount())), int(self.rng.integers(table.columnCount()))
        table.setCurrentCell(row, column)
        table.cellClicked.emit(row, column)
        return f'{row}, {column}'

    def use_menu(self) -> str:
        """Choose from a menu, as it is when it is opened."""
        button = self.one([one for one in self._seen(QPushButton) if one.menu() is not None])
        if button is None:
            return ''
        button.menu().aboutToShow.emit()
        action = self.one([one for one in _actions(button.menu()) if one.isEnabled() and self._may(one.text())])
        if action is None:
            return ''
        text = action.text()
        self.clicked['a run' if text[:2] == '20' else text] += 1
        action.trigger()
        return text

    def switch_step(self) -> str:
        """Look at another step."""
        button = self.one(self.widget.step_bar.buttons)
        button.click()
        return button.text()

    def drop_files(self) -> str:
        """Drop files, good ones and others."""
        names = [self.one(self.files) for _ in range(int(self.rng.integers(1, 4)))]
        self.widget.slices_panel.open_requested.emit(names)
        return ', '.join(name.name for name in names)

    def press_key(self) -> str:
        """Press a key in whatever is there."""
        target = self.one(self._seen(QPushButton, QComboBox, QSpinBox, QCheckBox))
        key = self.one([Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Tab, Qt.Key.Key_Escape, Qt.Key.Key_7])
        self.qtbot.keyClick(target, key)
        return f'{key.name} in {type(target).__name__}'

    def wait_for_job(self) -> str:
        """Wait a little for what runs."""
        until = time.monotonic() + PATIENCE
        while self.session.job.is_active and time.monotonic() < until:
            self.qtbot.wait(10)
        return f'{self.session.job.kind} {self.session.job.state}'

    # -- the viewer -------------------------------------------------------------------------------

    def change_layers(self) -> str:
        """Add, delete, rename, select or hide layers, behind the widget's back."""
        layers, name = self.viewer.layers, f'mine {int(self.rng.integers(5))}'
        what = self.one(['remove', 'rename', 'select', 'hide', 'move', 'image', 'labels', 'points', 'edit', 'clear'])
        layer = self.one(list(layers))
        if what == 'image':
            self.viewer.add_image(self.rng.random(self.one([(40, 40), (20, 20, 20), (2, 3, 20, 20)])), name=name)
        elif what == 'labels':
            data = self.rng.integers(0, self.one([2, 3, 300]), self.one([(40, 40), (20, 20, 20)]))
            self.viewer.add_labels(data.astype(np.uint16), name=name)
        elif what == 'points':
            self.viewer.add_points(np.zeros((2, 2)), name=name)
        elif layer is None or (what == 'clear' and self.rng.random() > 0.2):
            return ''
        elif what == 'clear':
            layers.clear()
        elif what == 'remove':
            layers.remove(layer)
        elif what == 'rename':
            layer.name = name
        elif what == 'select':
            layers.selection = set(self.rng.permutation(np.array(layers, object))[: int(self.rng.integers(3))])
        elif what == 'move':
            layers.move(layers.index(layer), 0)
        elif what == 'edit':
            layer.editable = True
            layer.metadata = {}
        else:
            layer.visible = not layer.visible
        return what

    def look_elsewhere(self) -> str:
        """Change what the viewer shows, and its theme."""
        what = self.one(['theme', 'ndisplay', 'grid', 'plane', 'roll'])
        dims = self.viewer.dims
        if what == 'theme':
            self.viewer.theme = 'light' if self.viewer.theme == 'dark' else 'dark'
        elif what == 'ndisplay':
            dims.ndisplay = 5 - dims.ndisplay
        elif what == 'grid':
            self.viewer.canvas.grid.enabled = not self.viewer.canvas.grid.enabled
        elif what == 'plane':
            dims.set_current_step(0, int(self.rng.integers(30)))
        else:
            dims.roll()
        return what


def _actions(menu: QMenu) -> list[QAction]:
    """All entries of a menu and of those below it."""
    found: list[QAction] = []
    for action in menu.actions():
        below = action.menu()
        found += [action] if below is None else _actions(below)
    return [action for action in found if not action.isSeparator()]


def _make_files(folder: Path, rng: np.random.Generator) -> list[Path]:
    """Pictures and volumes, and what is none although it says so."""
    from skimage.io import imsave

    grey = (rng.random((48, 48)) * 60 + 90 * (rng.random((48, 48)) > 0.5)).astype(np.uint8)
    blobs = (np.add.outer(np.add.outer(np.arange(24), np.arange(24)), np.arange(24)) % 7 > 3).astype(np.uint8)
    imsave(folder / 'grey.png', grey, check_contrast=False)
    imsave(folder / 'colour.png', np.stack([grey, grey // 2, grey], axis=-1), check_contrast=False)
    imsave(folder / 'labels.tif', (grey > 80).astype(np.uint8), check_contrast=False)
    imsave(folder / 'three.tif', (grey // 60).astype(np.uint8), check_contrast=False)
    np.save(folder / 'volume.npy', blobs)
    np.save(folder / 'uniform.npy', np.ones((40, 40), np.uint8))
    np.save(folder / 'nan.npy', np.full((40, 40), np.nan))
    np.save(folder / 'four.npy', np.zeros((3, 3, 3, 3)))
    np.save(folder / 'tiny.npy', np.eye(3, dtype=np.uint8))
    (folder / 'text.tif').write_text('not a picture')
    (folder / 'empty.png').write_bytes(b'')
    (folder / 'folder.tif').mkdir()
    return [*sorted(folder.iterdir()), folder / 'missing.tif']


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> list[Path]:
    """Files to open; every file dialog answers with one of them, with a new name, or with none."""
    folder = tmp_path / 'files'
    folder.mkdir()
    rng = np.random.default_rng(SEED)
    made = _make_files(folder, rng)
    written = tmp_path / 'written'
    written.mkdir()

    def some(paths: Sequence[Path | str]) -> str:
        return str(paths[int(rng.integers(len(paths)))])

    def to_open(*_: Any, **__: Any) -> tuple[str, str]:
        weights = written / 'weights.safetensors'
        return some(['', *made, weights]), ''

    def to_save(_: Any, __: Any, name: str, filters: str = '', **___: Any) -> tuple[str, str]:
        good = written / Path(name).name
        bare = good.with_suffix('')
        return some(['', good, good, good, bare, folder / 'text.tif' / 'under_a_file', folder / 'folder.tif']), (
            some(filters.split(';;'))
        )

    def folders(*_: Any, **__: Any) -> str:
        return some(['', folder, tmp_path / 'missing'])

    def dialog(self: QDialog) -> int:
        """A dialog that is shown, looked at and left."""
        self.show()
        qtbot.wait(30)
        self.accept() if rng.random() < 0.5 else self.reject()
        return self.result()

    monkeypatch.setattr(QFileDialog, 'getOpenFileName', to_open)
    monkeypatch.setattr(QFileDialog, 'getOpenFileNames', lambda *a, **k: ([to_open()[0]], ''))
    monkeypatch.setattr(QFileDialog, 'getSaveFileName', to_save)
    monkeypatch.setattr(QFileDialog, 'getExistingDirectory', folders)
    monkeypatch.setattr(QDialog, 'exec', dialog)
    monkeypatch.setattr(QDesktopServices, 'openUrl', lambda _: True)
    monkeypatch.setenv(URL_VARIABLE, 'http://127.0.0.1:9/nothing')
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / 'cache'))
    return made


def _fill_in(widget: MicroreconWidget) -> None:
    """A small piece of a sample, and what there is in it to see."""
    volume = get_sample('sandstone').load_volume().crop((0, 0, 0), (40, 40, 40))
    widget.workbench.session.set_reference(volume)
    slices = get_sample('sandstone').load_slices()
    widget.workbench.session.set_drafts([SliceDraft(one) for one in slices], slices)


def _bugs(notices: Sequence[Any], records: Sequence[logging.LogRecord]) -> list[str]:
    """Notifications with a traceback, and failures beside the job that are not about input."""
    found = [repr(one.exception) for one in notices if isinstance(one, ErrorNotification)]
    for record in records:
        error = record.exc_info[1] if record.exc_info else None
        ours = record.name.startswith('napari_microrecon')
        if ours and record.levelno >= logging.WARNING and error is not None and not isinstance(error, EngineError):
            found.append(f'{record.getMessage()}: {error!r}')
    return found


@pytest.mark.filterwarnings('ignore:Conversion from CIE-LAB')  # of the colours that napari gives to many labels
def test_five_hundred_random_actions(widget, qtbot, files, notices, caplog):
    user = _User(widget, qtbot, files, SEED)
    session = widget.workbench.session
    _fill_in(widget)
    slowest, since = (0.0, ''), time.monotonic()
    try:
        for i in range(ACTIONS):
            job = session.job
            if not job.is_active or job.id != session.job.id:
                since = time.monotonic()
            with qtbot.captureExceptions() as errors:
                began = time.thread_time()
                user.act()
                QApplication.processEvents()
                QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
                busy = time.thread_time() - began
                qtbot.wait(5)
            slowest = max(slowest, (busy, user.history[-1]))
            assert not errors, ''.join(traceback.format_exception(errors[0][1]))
            assert not (bugs := _bugs(notices, caplog.records)), bugs
            assert busy < LONGEST, f'the window was deaf for {busy:.1f} s'
            assert session.job.is_active == widget.status_line.cancel_button.isVisibleTo(widget)
            if session.job.is_active and time.monotonic() - since > PATIENCE:
                widget.workbench.cancel()
            if i % 100 == 99 and session.material.slices is None:
                _fill_in(widget)
    except BaseException as error:
        error.add_note(f'seed {SEED}, after {len(user.history)} actions:\n' + '\n'.join(user.history[-25:]))
        raise
    print(f'slowest action: {slowest[1]}, {slowest[0]:.2f} s; clicked {user.clicked}; {user.kinds}')
    assert len(user.history) == ACTIONS
    assert len(user.kinds) >= 12, user.kinds  # it was no walk on the spot
    assert sum(1 for count in user.clicked.values() if count) >= 25, user.clicked

    # Whatever happened: everything ends, and the next user finds a widget that works.
    widget.workbench.cancel()
    qtbot.waitUntil(lambda: not session.job.is_active, timeout=3000)
    session.choose_weights('auto')
    _fill_in(widget)
    widget.show_step(1)
    for editor, value in (('shape', (24, 24, 24)), ('realisations', 1), ('mode', 'unconditional')):
        widget.reconstruct_panel.form.set_value(editor, value)
    session.set_reference(None)
    plain = {'target_fractions': {}, 'device': 'auto'}  # the one before may have asked for a device that is not there
    widget.workbench.reconstruct(widget.reconstruct_panel.parameters().model_copy(update=plain))
    qtbot.waitUntil(lambda: not session.job.is_active, timeout=120000)
    assert session.job.state is JobState.DONE, session.job.message
    assert session.need_volume().shape == (24, 24, 24)
    assert not _bugs(notices, caplog.records)
