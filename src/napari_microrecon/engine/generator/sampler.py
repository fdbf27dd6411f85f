"""A generator made ready for a set of slices: on a device, calibrated, with its phases in their order."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Generator as Iteration

import numpy as np
import torch

from ..errors import InputError
from ..slices import SliceSet
from .calibration import wanted_fractions
from .checkpoint import SLICE_CODE, Weights
from .device import Placement
from .network import UNet, keep_slices
from .params import ReconstructParams
from .sampling import Grid, Window, draw, sample_logits


class Sampler:
    """A generator (or an untrained prior) on a device, calibrated to the slices."""

    def __init__(self, weights: Weights, slices: SliceSet, params: ReconstructParams, place: Placement) -> None:
        self.weights, self.place, self.params = weights, place, params
        self.prior = weights.header.prior
        self.network: UNet | None = None
        if weights.header.trained:
            self.network = place.put_network(weights.network())
            keep_slices(self.network, weights.tensors.get(SLICE_CODE), place.device)
        target = wanted_fractions(slices.fractions, params.target_fractions)
        # Whatever order the weights count the phases in: logits are handed on in that of the slices.
        self.order = list(weights.header.order or range(len(target)))
        own = np.empty_like(target)
        own[self.order] = target
        self.offsets = weights.calibrated(own).astype(np.float32)

    @property
    def levels(self) -> int:
        """Levels of the network; 1 for an untrained prior."""
        return 1 if self.network is None else self.network.architecture.levels

    def grid(self, seed: int) -> Grid:
        """Random input of one realisation."""
        reach = 0 if self.network is None else self.network.reach
        return draw(self.prior, self.params.shape, seed, periodic=self.params.periodic, levels=self.levels, reach=reach)

    def logits(self, grid: Grid, tile: int, take: Callable[[Window, np.ndarray], None]) -> Iteration[tuple[int, int]]:
        """Hand calibrated logits (K, z, y, x) of every window to `take`; yields (done, total)."""
        if self.network is None:
            inner = tuple(slice(grid.margin, grid.margin + n) for n in grid.shape)
            z, y, x = (slice(0, n) for n in grid.shape)
            fields = np.ascontiguousarray(grid.fields[:, *inner])
            take((z, y, x), (self.prior.logits(fields) + self.offsets[:, None, None, None])[self.order])
            yield 1, 1
            return
        offsets = torch.from_numpy(self.offsets).to(self.place.device)[:, None, None, None]

        def hand_on(window: Window, logits: torch.Tensor) -> None:
            if not bool(torch.isfinite(logits).all()):
                # Weights that are numbers, but of no training: the volume would be of one phase.
                raise InputError(self.weights.name, 'makes no numbers of this material', 'use other weights')
            take(window, (logits + offsets)[self.order].cpu().numpy())

        yield from sample_logits(self.network, grid, self.place, tile, hand_on)
