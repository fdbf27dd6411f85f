"""The slice-count experiment in the window, and the maps and planes around a run between slices."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from scipy.ndimage import gaussian_filter

from napari_microrecon.engine.conditioned.experiment import METHODS, Attempt, SliceCounts
from napari_microrecon.engine.conditioned.scoring import Score
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize
from napari_microrecon.session.jobs import JobState
from napari_microrecon.viewer.layers import role_of


@pytest.fixture
def rock() -> Volume:
    """Blobs, 32 x 36 x 40."""
    field = gaussian_filter(np.random.default_rng(7).standard_normal((32, 36, 40)), 2.5, mode='wrap')
    labels = (field > np.quantile(field, 0.7)).astype(np.uint8)
    return Volume(labels, Phases.named('grain', 'pore', pore=1), VoxelSize.cube(3, 'um'), name='rock')


def _answer(*counts: int) -> SliceCounts:
    def score(count: int, turn: int) -> Score:
        part = count / 10 + turn / 100
        psnr = None if turn == 2 else 10 * part
        return Score(part, psnr, part / 10, (-part, 0.02, 0.03), (0.01, -0.01), (1 - part, 0.5, 0.4))

    attempts = tuple(
        Attempt(tuple(range(0, 8 * n, 8)), {m: score(n, i) for i, m in enumerate(METHODS)}, 1.0) for n in counts
    )
    return SliceCounts(
        'rock', (64, 64, 64), (16, 16, 16), (32, 32, 32), 'z', 1, ('grain', 'pore'), (0.7, 0.3), (0.9, 0.9, 0.8), 2, 0,
        attempts,
    )  # fmt: skip


def test_one_click_rebuilds_the_reference_from_few_slices(widget, qtbot, until_done, rock):
    panel, session = widget.slices_panel.slice_counts, widget.workbench.session
    assert panel.isHidden()
    session.set_reference(rock)
    assert not panel.isHidden()
    assert panel.answer.isHidden()
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
    assert not panel.run_button.isEnabled()
    qtbot.waitUntil(lambda: panel.table.rowCount() == 3, timeout=200000)  # the first count is there already
    assert session.findings.experiment is None
    until_done(widget, 'experiment', timeout=400000)
    assert panel.run_button.isEnabled()
    found = session.findings.experiment
    assert [one.count for one in found.attempts] == [3, 5, 7]
    assert panel.table.rowCount() == 9
    assert 'all of its 32 × 36 × 40 voxels' in panel.about.text()
    for line, (one, method) in enumerate((one, m) for one in found.attempts for m in METHODS):
        assert panel.table.item(line, 0).text() == f'{one.count}: {method.replace("distance", "dist.")}'
        assert panel.table.item(line, 1).text() == f'{one.scores[method].ssim:.2f}'
    # nothing else has changed
    assert session.material.volume is None
    assert session.material.slices is None
    session.set_reference(None)
    assert panel.isHidden()
    assert session.findings.experiment is None


def test_stopping_leaves_the_panel_ready(widget, qtbot, rock):
    panel, session = widget.slices_panel.slice_counts, widget.workbench.session
    session.set_reference(rock)
    panel.run_button.click()
    qtbot.waitUntil(lambda: 'slices' in session.job.progress.stage, timeout=60000)
    widget.status_line.cancel_button.click()
    qtbot.waitUntil(lambda: session.job.state is JobState.CANCELLED, timeout=20000)
    assert panel.run_button.isEnabled()
    assert panel.answer.isHidden()


def test_the_plot_shows_the_chosen_number_by_count(widget, rock):
    panel, session = widget.slices_panel.slice_counts, widget.workbench.session
    session.set_reference(rock)
    session.find(experiment=_answer(3, 5))
    assert panel.plot.names == list(METHODS)
    x, y = panel.plot.data('most likely')
    np.testing.assert_allclose(x, [3, 5])
    np.testing.assert_allclose(y, [0.31, 0.51])
    chosen = [panel.which.itemText(i) for i in range(panel.which.count())]
    assert chosen == ['SSIM', 'PSNR', 'S₂ error', 'Surface z %', 'Fraction %', 'Percolating z']
    panel.which.setCurrentIndex(1)
    panel.which.activated.emit(1)
    assert panel.plot.names == list(METHODS[:2])  # a realisation has no PSNR
    assert panel.table.item(2, 2).text() == '–'
    assert 'dB' in panel.explanation.text()
    panel.which.setCurrentIndex(3)
    panel.which.activated.emit(3)
    np.testing.assert_allclose(panel.plot.data('signed distance')[1], [-30, -50])
    assert 'percolating z 0.69' in panel.table.item(1, 1).toolTip()


def test_a_run_between_slices_shows_planes_before_and_maps_after(widget, until_done, rock):
    bench, slices = widget.workbench, widget.slices_panel
    session, stage = bench.session, bench.stage
    session.set_reference(rock)
    for position in (4, 12, 20, 28):
        slices.position.setValue(position)
        slices.section_button.click()
    (planes,) = stage.layers_of('slice')
    assert planes.visible
    assert np.flatnonzero(planes.data.any((1, 2))).tolist() == [4, 12, 20, 28]
    session.set_reference(None)
    form = widget.reconstruct_panel.form
    form.set_value('shape', rock.shape)
    form.set_value('mode', 'conditioned')
    widget.reconstruct_panel.run_button.click()
    until_done(widget, 'reconstruct', timeout=200000)
    assert not planes.visible
    pore, spread = bench.likelihood_maps.layers
    assert [pore.name, spread.name] == ['probability of pore (%)', 'chance that two realisations differ (%)']
    for layer in (pore, spread):
        assert not layer.visible
        assert tuple(layer.scale) == (3, 3, 3)
        assert layer.data.shape == rock.shape
    given = [4, 12, 20, 28]
    np.testing.assert_array_equal(pore.data[given], 100 * rock.labels[given])
    assert not spread.data[given].any()
    p = pore.data.astype(float) / 100
    np.testing.assert_allclose(spread.data / 100, 2 * p * (1 - p), atol=0.02)
    assert spread.data[16].mean() > spread.data[5].mean()  # surer beside a slice than between two
    assert spread.contrast_limits == [0, 50]

    session.set_volumes(())  # the maps go with their volume
    assert bench.likelihood_maps.layers == []
    assert [role_of(one) for one in stage.viewer.layers if one.visible] == ['slice']
