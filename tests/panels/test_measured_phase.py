"""Which phase is measured: the user's own choice, else the pore that was declared in step 1."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.volume import Volume
from napari_microrecon.session import SliceDraft

NAMED = Phases.named('bright', 'dark', pore=1)


def _volume(name: str, phases: Phases = NAMED, seed: int = 0) -> Volume:
    labels = (np.random.default_rng(seed).random((16, 18, 20)) < 0.3).astype(np.uint8)
    return Volume(labels, phases, name=name)


@pytest.fixture
def shown(widget):
    session = widget.workbench.session
    reference = _volume('real')
    session.set_reference(reference)
    session.set_drafts([SliceDraft(Slice.of_volume(reference, 'z', 4))])
    session.set_volumes([_volume('made', seed=1)])
    widget.show_step(3)
    widget.analysis_panel.subject.tortuosity.setChecked(False)
    return widget


def _declare(widget, pore: int) -> None:
    widget.workbench.describe_phases(NAMED.model_copy(update={'pore': pore}))


def _measure(widget, qtbot, until_done) -> str:
    qtbot.mouseClick(widget.analysis_panel.run_button, Qt.MouseButton.LeftButton)
    until_done(widget, 'analyse')
    return widget.workbench.session.findings.report.phase_name


def test_the_pore_that_is_declared_after_reconstructing_is_measured(shown, qtbot, until_done):
    combo = shown.analysis_panel.subject.phase
    assert combo.currentText() == 'dark'
    _declare(shown, 0)
    assert combo.currentText() == 'bright'
    assert _measure(shown, qtbot, until_done) == 'bright'


def test_a_choice_by_hand_holds_for_the_next_volumes_and_comparisons(shown, qtbot, until_done):
    session, combo = shown.workbench.session, shown.analysis_panel.subject.phase
    combo.setCurrentIndex(0)
    session.set_volumes([_volume('next', seed=2)])
    assert combo.currentText() == 'bright'
    session.set_reference(_volume('another', seed=5))
    assert combo.currentText() == 'bright'
    panel = shown.reconstruct_panel
    session.choose_weights('prior')
    panel.form.set_value('shape', (32, 32, 32))
    assert panel.run_button.isEnabled()
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)  # with a reference open it compares next
    until_done(shown, 'analyse')
    assert session.findings.report.phase_name == 'bright'
    assert combo.currentText() == 'bright'
    session.set_volumes([_volume('other', Phases.named('a', 'b', 'c', pore=2))])
    assert combo.currentText() == 'c'  # other phases: what was chosen means nothing there
    session.set_volumes([_volume('back', seed=3)])
    assert combo.currentText() == 'bright'
    _declare(shown, 0)  # a later word
    _declare(shown, 1)
    combo.setCurrentIndex(1)
    assert combo.currentText() == 'dark'


def test_numbers_of_another_phase_than_the_chosen_one_say_so(shown, qtbot, until_done):
    panel = shown.analysis_panel
    assert _measure(shown, qtbot, until_done) == 'dark'
    assert not panel.stale.isVisibleTo(panel)
    panel.subject.phase.setCurrentIndex(0)
    assert panel.stale.isVisibleTo(panel)
    assert panel.stale.text() == 'What follows is of dark. Press “Compare with the reference” for bright.'
    panel.subject.phase.setCurrentIndex(1)
    assert not panel.stale.isVisibleTo(panel)
    _declare(shown, 0)  # the pore is another one now: in step 1, not in this panel
    assert panel.stale.isVisibleTo(panel)
    assert _measure(shown, qtbot, until_done) == 'bright'
    assert not panel.stale.isVisibleTo(panel)
    shown.workbench.session.set_volumes([_volume('next', seed=2)])
    assert not panel.stale.isVisibleTo(panel), 'there are no numbers'


@pytest.mark.parametrize(
    ('slices', 'made', 'real', 'measured'),
    [(0, None, 1, 0), (None, 0, 1, 0), (None, None, 0, 0), (None, None, None, 1), (0, 1, 1, 0)],
)
def test_the_slices_declare_the_pore_then_the_volume_then_the_reference(widget, slices, made, real, measured):
    session = widget.workbench.session
    by = {key: NAMED.model_copy(update={'pore': pore}) for key, pore in (('s', slices), ('m', made), ('r', real))}
    session.set_reference(_volume('real', by['r']))
    session.set_drafts([SliceDraft(Slice.of_volume(_volume('cut', by['s']), 'z', 4))])
    session.set_volumes([_volume('made', by['m'])])
    assert widget.analysis_panel.subject.phase.currentIndex() == measured
    widget.workbench.measuring.measure_instead('reference')
    own = next((pore for pore in (real, slices) if pore is not None), 1)
    assert widget.analysis_panel.subject.phase.currentIndex() == own
