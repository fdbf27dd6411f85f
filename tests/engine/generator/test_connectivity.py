"""Throats: which centre lines are kept open, and how strongly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_microrecon.engine.generator import FinetuneParams
from napari_microrecon.engine.generator.boxes import BoxPool
from napari_microrecon.engine.generator.device import placement
from napari_microrecon.engine.generator.exemplar import Exemplars
from napari_microrecon.engine.generator.losses import connectivity_loss, straight_through
from napari_microrecon.engine.generator.measures import CONNECTED, wanted_connection
from napari_microrecon.engine.generator.params import Architecture
from napari_microrecon.engine.generator.priors import PriorModel
from napari_microrecon.engine.generator.priors.grains import GrainField
from napari_microrecon.engine.generator.recording import new_network
from napari_microrecon.engine.generator.trainer import STRONGEST, Trainer
from napari_microrecon.engine.slices import SliceSet
from napari_microrecon.engine.statistics.percolation import largest_cluster


def _prior(exemplars: Exemplars) -> PriorModel:
    edges = exemplars.edge_density(1)
    field = GrainField.fit(float(exemplars.fractions[1]), (edges['z'], edges['y'], edges['x']))
    return PriorModel(phase_count=2, fields=(field,), order=(1, 0), thresholds=(0.0,))


def test_labels_pass_forward_and_probabilities_backward() -> None:
    logits = torch.randn((1, 3, 4, 4, 4), generator=torch.Generator().manual_seed(0)).requires_grad_()
    soft = torch.softmax(logits, 1)
    shown = straight_through(soft)
    assert torch.equal(shown.detach().round(), torch.nn.functional.one_hot(soft.argmax(1), 3).movedim(-1, 1).float())
    weight = torch.arange(3.0)[None, :, None, None, None]
    (mine,) = torch.autograd.grad((shown * weight).sum(), logits, retain_graph=True)
    (theirs,) = torch.autograd.grad((soft * weight).sum(), logits)
    assert torch.allclose(mine, theirs)


def test_connectivity_is_weighed_by_phase() -> None:
    logits = torch.zeros((1, 2, 2, 2, 2))
    skeletons = torch.zeros((2, 2, 2, 2), dtype=torch.bool)
    skeletons[1, 0, 0, 0] = True
    once = connectivity_loss(logits, skeletons, torch.tensor([1.0, 1.0]))
    assert float(once) == pytest.approx(np.log(2))
    assert float(connectivity_loss(logits, skeletons, torch.tensor([9.0, 0.5]))) == pytest.approx(np.log(2) / 2)


def test_pores_that_fall_apart_get_the_centre_lines_of_wider_ones(one_slice: SliceSet) -> None:
    exemplars = Exemplars.of(one_slice)
    pool = BoxPool(_prior(exemplars), exemplars, (48, 48, 48), seed=3)
    widened = 0
    for index in range(6):
        fields, skeletons = pool._draw(index)
        pores = pool.labels(fields) == 1
        largest = largest_cluster(pores)
        lines = skeletons[1]
        assert lines.any()
        if largest[pores].mean() >= CONNECTED:
            assert (largest | ~lines).all()  # the pores' own
        else:
            widened += 1
            # Lines run through what lies between separate pores, and reach pores outside the largest cluster.
            assert (lines & ~pores).any()
    pool._fractions, pool._offsets = np.array([0.93, 0.07]), pool._prior.offsets(np.array([0.93, 0.07]))
    fields, skeletons = pool._draw(100)
    pores = pool.labels(fields) == 1
    assert largest_cluster(pores)[pores].mean() < CONNECTED
    assert not skeletons[1].any() or (skeletons[1] & ~pores).any()


def test_evaluations_set_how_strongly_throats_are_opened(
    one_slice: SliceSet, few_steps: FinetuneParams, small: Architecture
) -> None:
    exemplars = Exemplars.of(one_slice)
    prior = _prior(exemplars)
    architecture = small.model_copy(update={'field_count': prior.channels})
    network = new_network(prior, exemplars, 0, architecture)
    trainer = Trainer(network, prior, exemplars, few_steps, placement('cpu', 'float32'))
    wanted = wanted_connection(trainer.reference, 1)
    for _ in range(4):
        trainer._open({'connected_1': wanted - 0.1})
    assert trainer.opening.tolist() == [1.0, STRONGEST]
    trainer._open({'connected_1': wanted + 0.005})
    assert float(trainer.opening[1]) < 1
    again = Trainer(network, prior, exemplars, few_steps, placement('cpu', 'float32'))
    again.restore(trainer.state(), 0)
    assert torch.equal(again.opening, trainer.opening)
