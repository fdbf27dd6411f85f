"""Space that a training takes on a disk, known before it begins."""

from __future__ import annotations

import math
from functools import lru_cache

import torch

from ..voxels import AXES
from .losses import OWN, PATCH
from .params import Architecture, FinetuneParams
from .trainer import CALIBRATED

SCALES = 4  # of patches, at most
HEADER = 200_000  # bytes of a record; its history has a line per evaluation
LINE = 4_000  # bytes of such a line


def training_bytes(
    architecture: Architecture,
    params: FinetuneParams,
    *,
    isotropic: bool = True,
    start_bytes: int | None = None,
    resumes: bool = False,
) -> int:
    """Most bytes that a training has on the disk at one time: its run's folder and the weights that come of it.

    The state is written beside the one before, which goes only then: two of them. Weights lie in the run as its
    start, and as its result, which is written beside what it replaces.

    Parameters
    ----------
    architecture : Architecture
        Of the network.
    params : FinetuneParams
        Of the training.
    isotropic : bool
        Whether one critic serves all planes.
    start_bytes : int, optional
        Size of the weights to start from; an exemplar prior carries its slices.
    resumes : bool
        Whether the run keeps the state that it goes on from.
    """
    weights = weights_bytes(architecture, params)
    states = 3 if resumes else 2
    return states * state_bytes(architecture, params, isotropic=isotropic) + (start_bytes or weights) + 2 * weights


def weights_bytes(architecture: Architecture, params: FinetuneParams) -> int:
    """Size of trained weights: half precision, logits to calibrate by, and the record."""
    generator, code, _ = _counts(architecture, 1)
    header = HEADER + LINE * params.evaluations
    return 2 * generator + 4 * code + 2 * CALIBRATED * architecture.phase_count + header


def state_bytes(architecture: Architecture, params: FinetuneParams, *, isotropic: bool = True) -> int:
    """Size of the state of a training: networks, what the optimisers remember of each number, patches, best weights."""
    generator, _, critics = _counts(architecture, 1 if isotropic else len(AXES))
    # Generator, its average, and two moments of it; critics, where there are any, and their two moments.
    numbers = 4 * generator + (3 * critics if params.loss.critic > 0 else 0)
    kept = SCALES * len(AXES) * params.memory * (OWN // 3) * architecture.phase_count * PATCH**2
    return 4 * (numbers + kept) + weights_bytes(architecture, params) + HEADER + LINE * params.evaluations


@lru_cache(maxsize=16)
def _numbers(architecture: Architecture) -> tuple[int, int, int]:
    from .network import build_network, encoder_of
    from .network.critics import Critic

    with torch.device('meta'):
        generator, critic = build_network(architecture), Critic(architecture.phase_count)
    encoder = encoder_of(generator)
    code = 0 if encoder is None else len(encoder.film.bias)
    counts = [sum(math.prod(value.shape) for value in one.state_dict().values()) for one in (generator, critic)]
    return counts[0], code, counts[1]


def _counts(architecture: Architecture, critics: int) -> tuple[int, int, int]:
    """Numbers in the generator, in the code of its slices, and in all critics."""
    generator, code, critic = _numbers(architecture)  # pyright: ignore[reportArgumentType]  # frozen: has a hash
    return generator, code, critic * critics
