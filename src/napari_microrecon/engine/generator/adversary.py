"""Critics of sections in a training, one per plane (an isotropic material has one for all), and their optimiser."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from ..voxels import AXES, Axis
from .device import Placement
from .exemplar import Exemplars
from .losses import sections
from .network.critics import Critic, critic_loss
from .params import FinetuneParams


class Adversary:
    """Critics that learn to tell sections of the volumes from the slices (WGAN-GP)."""

    def __init__(
        self, exemplars: Exemplars, images: Mapping[Axis, list[Tensor]], params: FinetuneParams, place: Placement
    ) -> None:
        self.images, self.params = images, params
        planes = ('z',) if exemplars.isotropic else AXES
        rng = torch.Generator().manual_seed(params.seed)
        self.critics = nn.ModuleDict({plane: Critic(exemplars.phase_count) for plane in planes})
        for parameter in self.critics.parameters():
            if parameter.dim() > 1:
                nn.init.kaiming_uniform_(parameter, a=math.sqrt(5), generator=rng)
            else:
                nn.init.zeros_(parameter)
        self.critics.to(place.device)
        self.optimiser = torch.optim.Adam(self.critics.parameters(), lr=params.critic_learning_rate, betas=(0.5, 0.9))

    def critic_of(self, normal: Axis) -> nn.Module:
        """The critic of a plane; an isotropic material has one for all."""
        return self.critics[normal if normal in self.critics else 'z']

    def loss(self, shown: Tensor, rng: torch.Generator) -> Tensor:
        """The generator's term: sections (N, K, ...) of its volume should score high."""
        scores = [self.critic_of(normal)(self._fake_sections(shown, normal, rng)).mean() for normal in AXES]
        return -torch.stack(scores).mean()

    def step(self, shown: Tensor, rng: torch.Generator, *, apply: bool = True) -> dict[str, float]:
        """One step of every critic on detached phase probabilities (1, K, Z, Y, X)."""
        told: list[Mapping[str, float]] = []
        losses: list[Tensor] = []
        for normal in AXES:
            fake = self._fake_sections(shown, normal, rng)
            real = self._real_sections(fake, normal, rng)
            loss, numbers = critic_loss(self.critic_of(normal), real, fake, rng, self.params.loss.penalty)
            losses.append(loss)
            told.append(numbers)
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(losses).mean().backward()
        if apply:
            self.optimiser.step()
        else:
            self.optimiser.zero_grad(set_to_none=True)
        return {name: float(np.mean([numbers[name] for numbers in told])) for name in told[0]}

    def _fake_sections(self, shown: Tensor, normal: Axis, rng: torch.Generator) -> Tensor:
        """Some generated sections, cut to what the slices can match: (n, K, rows, columns)."""
        stack = sections(shown, normal)
        some = torch.randperm(len(stack), generator=rng)[: self.params.sections]
        rows = min(stack.shape[2], *(image.shape[1] for image in self.images[normal]))
        columns = min(stack.shape[3], *(image.shape[2] for image in self.images[normal]))
        return stack[some.to(stack.device), :, :rows, :columns]

    def _real_sections(self, fake: Tensor, normal: Axis, rng: torch.Generator) -> Tensor:
        """As many random crops of the slices, the same size as the generated sections."""
        rows, columns = fake.shape[2:]
        found: list[Tensor] = []
        for _ in range(len(fake)):
            image = self.images[normal][int(torch.randint(len(self.images[normal]), (1,), generator=rng))]
            top = int(torch.randint(image.shape[1] - rows + 1, (1,), generator=rng))
            left = int(torch.randint(image.shape[2] - columns + 1, (1,), generator=rng))
            found.append(image[:, top : top + rows, left : left + columns])
        return torch.stack(found).to(fake.device)
