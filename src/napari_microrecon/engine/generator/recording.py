"""What is written down of a training: the header that says what it is, and the weights as they are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ..progress import Job
from ..provenance import Provenance, Source, now, versions
from ..shape import ShapeVerdict
from ..slices import SliceSet
from .checkpoint import LOGIT_SAMPLE, SLICE_CODE, Weights, WeightsHeader
from .choice import fingerprint
from .device import Placement, describe_device
from .exemplar import Exemplars
from .health import Health
from .network import UNet, build_network, encoder_of
from .params import Architecture, FinetuneParams
from .priors import PriorModel, fitting_prior
from .priors.families import family_origins
from .trainer import Trainer


def new_network(prior: PriorModel, exemplars: Exemplars, seed: int, like: Architecture | None = None) -> UNet:
    """Generator that begins as the calibrated prior: its head adds little, its bias sets the fractions."""
    architecture = (like or Architecture()).model_copy(
        update={'phase_count': exemplars.phase_count, 'field_count': prior.channels}
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(architecture)
    offsets = prior.offsets(exemplars.fractions)
    with torch.no_grad():
        network.head.weight.mul_(0.1)
        if network.head.bias is not None:
            network.head.bias.copy_(torch.from_numpy(offsets))
    return network


def new_header(
    slices: SliceSet,
    exemplars: Exemplars,
    start: Weights,
    params: FinetuneParams,
    place: Placement,
    name: str,
    architecture: Architecture | None,
) -> Job[WeightsHeader]:
    """Header of the weights that a training will make.

    An untrained start brings its prior, chosen for these slices or given on purpose. Trained weights were made
    with the prior of their own slices: it is chosen anew, but where it says nothing of them (white noise).
    """
    before = start.header
    given = (not before.trained or before.prior.fields[0].kind == 'noise') and before.prior.exemplar is None
    prior = before.prior if given else (yield from fitting_prior(exemplars))
    wanted = architecture or (before.architecture if before.trained else Architecture())
    origin = Source(name=start.name, sha256=start.sha256) if before.trained else None
    return WeightsHeader(
        name=name,
        architecture=wanted.model_copy(update={'phase_count': exemplars.phase_count, 'field_count': prior.channels}),
        prior=prior,
        phases=slices.phases,
        voxel_size=slices.voxel_size,
        fractions=tuple(float(f) for f in exemplars.fractions),
        isotropic=exemplars.isotropic,
        fingerprint=fingerprint(exemplars),
        provenance=Provenance(
            kind='reconstruction',
            description=f'trained on {", ".join(s.name for s in slices)}',
            inputs=tuple(s.source for s in slices),
            weights=origin,
            seed=params.seed,
            device=describe_device(str(place.device)),
            versions=versions() | family_origins(prior.fields),
            created=now(),
        ),
    )


def stored(
    header: WeightsHeader,
    network: UNet,
    trainer: Trainer,
    measured: Mapping[str, float],
    history: Sequence[Mapping[str, float]],
    *,
    planned: int,
    seconds: float,
    start: str,
    health: Health,
    sample: np.ndarray,
    shape: ShapeVerdict,
) -> Weights:
    """Network in half precision with a `sample` of its logits (n, K) to calibrate by, and the record so far."""
    tensors = {
        key: (value.half() if value.is_floating_point() else value).detach().cpu().contiguous().clone()
        for key, value in network.state_dict().items()
    }
    tensors[LOGIT_SAMPLE] = torch.from_numpy(sample)
    if (encoder := encoder_of(network)) is not None:
        # Slices unlike these would modulate the network in ways it was not trained for.
        with torch.no_grad():
            tensors[SLICE_CODE] = encoder.read(trainer.crops()).float().cpu().contiguous()
    record: dict[str, Any] = {
        'steps': trainer.step_count,
        'planned': planned,
        'seconds': round(seconds, 1),
        'params': trainer.params.model_dump(mode='json'),
        'start': start,
        'box': list(trainer.shape),
        'precision': str(trainer.place.dtype),
        'statistics': {key: round(value, 5) for key, value in measured.items()},
        'health': health.sentence,
        'shape': shape.model_dump(mode='json'),
        'history': [{key: round(value, 5) for key, value in row.items()} for row in history],
    }
    return Weights(header.model_copy(update={'training': record}), tensors)
