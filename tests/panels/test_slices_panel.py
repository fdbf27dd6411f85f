"""What the slices panel says of slices at once: fractions with their interval, and whether they are large enough."""

from __future__ import annotations

import re

import numpy as np
import pytest

from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.raw_image import RawImage
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.session import SliceDraft
from napari_microrecon.session.inputs import draft_of
from napari_microrecon.viewer.appearance import palette_of
from napari_microrecon.viewer.heartbeat import Heartbeat


def _field(edge: int, length: float, seed: int = 0) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(np.random.default_rng(seed).standard_normal((edge, edge)), length, mode='wrap')


def _draft(edge: int, length: float, fraction: float = 0.3) -> SliceDraft:
    field = _field(edge, length)
    labels = (field > np.quantile(field, 1 - fraction)).astype(np.uint8)
    return SliceDraft(Slice(labels, Phases.named('grain', 'pore', pore=1), voxel_size=VoxelSize.cube(2, 'um')))


def test_a_large_slice_has_an_interval_and_the_size_for_a_hundredth(widget, qtbot):
    session, box = widget.workbench.session, widget.slices_panel.representativity
    session.set_drafts([_draft(256, 2)])
    assert 'Finding out' in box.reasons.text()  # the fraction is there at once, the rest a moment later
    assert '0.300' in box.lines.text()
    qtbot.waitUntil(lambda: session.findings.representativity is not None, timeout=30000)
    (_, grain), (name, pore) = session.findings.representativity
    assert name == 'pore'
    assert pore.interval.low < 0.3 < pore.interval.high
    assert grain.interval.high == pytest.approx(1 - pore.interval.low, abs=0.003)
    assert f'{pore.interval.low:.3f} to {pore.interval.high:.3f}' in box.lines.text()
    for name, one in session.findings.representativity:
        part = 100 * one.interval.half_width / one.fraction.value
        assert f'known to ±\u00a0{part:#.2g}'.rstrip('.') in box.lines.text(), name
        assert 'large enough' not in box.lines.text()
    assert box.reasons.text().count('± 0.01 one image of about') == 1  # both of two phases have the same error
    assert 'µm' in box.reasons.text()
    assert 'images of this size' in box.reasons.text()


@pytest.mark.parametrize(('edge', 'length', 'is_narrow'), [(512, 2, True), (160, 4, False)])
def test_only_a_narrow_interval_is_green(widget, qtbot, edge, length, is_narrow):
    session, box = widget.workbench.session, widget.slices_panel.representativity
    session.set_drafts([_draft(edge, length)])
    qtbot.waitUntil(lambda: session.findings.representativity is not None, timeout=30000)
    _, pore = session.findings.representativity[1]
    assert pore.verdict == 'large enough', 'there is an interval'
    assert (pore.interval.half_width < 0.1 * pore.fraction.value) == is_narrow
    line = next(one for one in box.lines.text().split('<br>') if 'pore' in one)
    palette = palette_of(widget.workbench.stage.viewer)
    assert (palette.good in line) == is_narrow
    assert 'known to ±' in line


def test_a_small_slice_is_called_too_small_and_has_no_interval(widget, qtbot):
    session, box = widget.workbench.session, widget.slices_panel.representativity
    session.set_drafts([_draft(48, 4)])
    qtbot.waitUntil(lambda: session.findings.representativity is not None, timeout=30000)
    assert 'too small' in box.lines.text()
    assert '95%' not in box.lines.text()
    assert 'correlation' in box.reasons.text()


def test_the_size_that_is_advised_follows_from_the_numbers_beside_it(widget, qtbot):
    session, box = widget.workbench.session, widget.slices_panel.representativity
    session.set_drafts([_draft(96, 4)])
    qtbot.waitUntil(lambda: session.findings.representativity is not None, timeout=30000)
    told = box.reasons.text()
    found = re.fullmatch(
        r'96 × 96 pixels span ([0-9.]+) correlation lengths; 20 or more are needed: an image of (\d+) pixels an edge, '
        r'better (\d+), because the length itself is known roughly\.',
        told,
    )
    assert found is not None, told  # once, for both phases
    spans, edge, better = (float(group) for group in found.groups())
    assert edge == pytest.approx(96 * 20 / spans, rel=0.01)
    assert better == pytest.approx(1.25 * edge, rel=0.01)


def test_a_threshold_that_hardly_matters_is_not_worth_a_sentence(widget, qtbot):
    session, box = widget.workbench.session, widget.slices_panel.representativity
    noise = np.random.default_rng(1).normal(0, 3, (192, 192))
    grey = np.where(_field(192, 2) > 0.02, 200, 50) + noise
    grey = np.clip(grey, 0, 255).astype(np.uint8)
    session.set_drafts([drain(draft_of(RawImage(grey, VoxelSize.cube(1, 'um'), name='grey', kind='grey')))])
    qtbot.waitUntil(lambda: session.findings.representativity is not None, timeout=30000)
    assert session.findings.representativity[1][1].verdict == 'large enough'
    assert session.findings.representativity[1][1].threshold.value < 1e-4
    assert 'threshold' not in box.reasons.text()


def test_the_threshold_of_a_grey_image_is_in_the_interval(widget, qtbot):
    session, box = widget.workbench.session, widget.slices_panel.representativity
    field = _field(192, 2) > 0.1
    noise = np.random.default_rng(1).normal(0, 24, field.shape)
    grey = np.clip(80 + 90 * field + noise, 0, 255).astype(np.uint8)
    session.set_drafts([drain(draft_of(RawImage(grey, VoxelSize.cube(1, 'um'), name='grey', kind='grey')))])
    qtbot.waitUntil(lambda: session.findings.representativity is not None, timeout=30000)
    (_, found), _ = session.findings.representativity
    assert found.threshold is not None
    assert found.interval.half_width > found.sampling.half_width
    assert 'grey threshold' in box.reasons.text()


def test_an_answer_about_former_slices_is_dropped(widget, qtbot):
    session = widget.workbench.session
    session.set_drafts([_draft(256, 2)])
    session.set_drafts([_draft(128, 2, 0.45)])
    session.set_drafts([_draft(160, 2, 0.2)])
    qtbot.waitUntil(lambda: session.findings.representativity is not None, timeout=30000)
    assert session.findings.representativity[1][1].fraction.value == pytest.approx(0.2, abs=1e-3)
    session.set_drafts([_draft(160, 2, 0.2)])
    session.set_drafts(())
    qtbot.waitUntil(lambda: not widget.workbench.aside.is_busy, timeout=30000)
    assert session.findings.representativity is None
    assert widget.slices_panel.representativity.isHidden()


def test_the_window_does_not_wait_for_it(widget, qtbot):
    session = widget.workbench.session
    session.set_drafts([_draft(64, 2)])  # imports what is needed
    qtbot.waitUntil(lambda: session.findings.representativity is not None, timeout=30000)
    qtbot.wait(300)
    beat = Heartbeat()
    draft = _draft(512, 2)
    beat.start()
    session.find(representativity=None)
    widget.workbench.aside.start(lambda: _judged(draft), lambda found: session.find(representativity=found))
    qtbot.waitUntil(lambda: session.findings.representativity is not None, timeout=60000)
    assert beat.stop() < 1.0  # loose, for a machine that does other things; the work itself takes longer


def _judged(draft: SliceDraft):
    from napari_microrecon.session.analysing import judge_slices

    return drain(judge_slices([draft]))


def test_a_length_has_a_unit(widget, qtbot):
    session, panel = widget.workbench.session, widget.slices_panel
    labels = _draft(64, 2).slice.labels
    session.set_drafts([SliceDraft(Slice(labels, Phases.named('grain', 'pore', pore=1)))])
    panel.voxel.setValue(3)
    panel.voxel.editingFinished.emit()
    assert session.material.slices.voxel_size == VoxelSize.cube(3, 'um')
    panel.unit.setCurrentIndex(panel.unit.findData('voxel'))
    panel.unit.activated.emit(panel.unit.currentIndex())
    assert session.material.slices.voxel_size == VoxelSize.cube(1, 'voxel')
    assert panel.voxel.value() == 1
    assert 'pixel size unknown' in widget.reconstruct_panel.extent.text()
