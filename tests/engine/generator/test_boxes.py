"""Training volumes: what of their own scatter the losses leave out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.generator.boxes import BoxPool, domain_shape
from napari_microrecon.engine.generator.exemplar import Exemplars, one_hot
from napari_microrecon.engine.generator.losses import PlaneStatistics, face_densities
from napari_microrecon.engine.generator.priors import PriorModel
from napari_microrecon.engine.generator.priors.cells import CellField
from napari_microrecon.engine.generator.priors.grains import GrainField
from napari_microrecon.engine.slices import SliceSet


def test_faces_of_a_checkerboard_and_of_a_layer() -> None:
    checkers = np.indices((6, 6, 6)).sum(0) % 2
    assert face_densities(checkers, 2, is_open=False) == pytest.approx(np.ones((2, 3)))
    layer = np.zeros((8, 4, 4), int)
    layer[3:5] = 1
    assert face_densities(layer, 2, is_open=False)[1] == pytest.approx([2 / 8, 0, 0])
    assert face_densities(layer, 2, is_open=True)[1] == pytest.approx([2 / 7, 0, 0])


def test_the_untrained_prior_has_the_same_surface_loss_in_every_box(one_slice: SliceSet) -> None:
    exemplars = Exemplars.of(one_slice)
    edges = exemplars.edge_density(1)
    field = GrainField.fit(float(exemplars.fractions[1]), (edges['z'], edges['y'], edges['x'])).scaled(1.3)
    pool = BoxPool(
        PriorModel(phase_count=2, fields=(field,), order=(1, 0), thresholds=(0.0,)), exemplars, (32, 32, 32), seed=0
    )
    told: list[float] = []
    raw: list[float] = []
    for step in range(6):
        box = pool.at(step)
        volume = torch.from_numpy(one_hot(pool.labels(box.fields), 2))[None]
        own = torch.from_numpy(box.faces).float()
        told.append(float(PlaneStatistics(exemplars, (32, 32, 32))(volume, own)['surface']))
        raw.append(float(PlaneStatistics(exemplars, (32, 32, 32))(volume)['surface']))
    # What is left is how far the prior itself is off; the boxes alone scatter.
    assert np.ptp(told) < 1e-6
    assert np.ptp(raw) > 1e-3
    assert told[0] > 1e-3


def test_an_open_window_is_compared_within_its_rim(one_slice: SliceSet) -> None:
    exemplars = Exemplars.of(one_slice)
    cells = CellField.fit(0.3, (0.1, 0.1, 0.1))
    pool = BoxPool(
        PriorModel(phase_count=2, fields=(cells,), order=(1, 0), thresholds=(0.0,)), exemplars, (48, 48, 48), seed=0
    )
    assert pool.open
    boxes = [pool.at(step) for step in range(8)]
    assert all(box.faces.shape == (2, 3) for box in boxes)
    assert np.mean([box.faces for box in boxes]) == pytest.approx(1, abs=0.15)


def test_cells_that_no_memory_holds_are_refused() -> None:
    field = CellField(spacing=1e5, distances=tuple(np.linspace(0, 0.5, 81)), support=2e5)
    prior = PriorModel(phase_count=2, fields=(field,), order=(1, 0), thresholds=(0.0,))
    with pytest.raises(InputError, match='fewer pixels to a cell'):
        domain_shape(prior, (64, 64, 64))
