"""Generator: structural priors, the network, its training and sampling. Public names load torch late."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Read when torch loads its OpenMP. Threads that wait by spinning make a step up to eight times slower
# as soon as another program (or the window itself) wants a core; sleeping ones cost a few per cent.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

if TYPE_CHECKING:
    from .checkpoint import Weights, WeightsHeader, shipped_weights
    from .choice import WeightsChoice, choose_weights, starting_weights
    from .cost import Estimate, estimate
    from .device import describe_device, resolve_device
    from .params import Architecture, FinetuneParams, LossWeights, ReconstructParams
    from .reconstruction import Reconstruction, reconstruct
    from .training import finetune

_HOMES = {
    'Architecture': 'params',
    'FinetuneParams': 'params',
    'LossWeights': 'params',
    'ReconstructParams': 'params',
    'Weights': 'checkpoint',
    'WeightsHeader': 'checkpoint',
    'shipped_weights': 'checkpoint',
    'WeightsChoice': 'choice',
    'choose_weights': 'choice',
    'starting_weights': 'choice',
    'describe_device': 'device',
    'resolve_device': 'device',
    'finetune': 'training',
    'Estimate': 'cost',
    'Reconstruction': 'reconstruction',
    'estimate': 'cost',
    'reconstruct': 'reconstruction',
}

__all__ = [
    'Architecture', 'Estimate', 'FinetuneParams', 'LossWeights', 'ReconstructParams', 'Reconstruction', 'Weights',
    'WeightsChoice', 'WeightsHeader', 'choose_weights', 'describe_device', 'estimate', 'finetune', 'reconstruct',
    'resolve_device', 'shipped_weights', 'starting_weights',
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'.{_HOMES[name]}', __name__), name)
