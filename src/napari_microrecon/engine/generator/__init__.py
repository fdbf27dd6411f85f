"""Generator: structural priors, the network, its training and sampling. Public names load torch late."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..lazy import late

# Read when torch loads its OpenMP. Threads that wait by spinning make a step up to eight times slower
# as soon as another program (or the window itself) wants a core; sleeping ones cost a few per cent.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

if TYPE_CHECKING:
    from .checkpoint import Weights, WeightsHeader, shipped_weights
    from .choice import WeightsChoice, choose_weights, choosing_weights, starting_weights
    from .cost import Estimate, estimate
    from .device import describe_device, resolve_device
    from .params import Architecture, FinetuneParams, LossWeights, ReconstructParams
    from .reconstruction import Reconstruction, reconstruct
    from .training import finetune

_HOMES = {
    'checkpoint': ('Weights', 'WeightsHeader', 'shipped_weights'),
    'choice': ('WeightsChoice', 'choose_weights', 'choosing_weights', 'starting_weights'),
    'cost': ('Estimate', 'estimate'),
    'device': ('describe_device', 'resolve_device'),
    'params': ('Architecture', 'FinetuneParams', 'LossWeights', 'ReconstructParams'),
    'reconstruction': ('Reconstruction', 'reconstruct'),
    'training': ('finetune',),
}

__all__ = [
    'Architecture', 'Estimate', 'FinetuneParams', 'LossWeights', 'ReconstructParams', 'Reconstruction', 'Weights',
    'WeightsChoice', 'WeightsHeader', 'choose_weights', 'choosing_weights', 'describe_device', 'estimate', 'finetune',
    'reconstruct', 'resolve_device', 'shipped_weights', 'starting_weights',
]  # fmt: skip

__getattr__, __dir__ = late(__name__, _HOMES)
