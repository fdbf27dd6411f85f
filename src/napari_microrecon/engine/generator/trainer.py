"""State of one training and what a step does to it; the loop around it is in training.py."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..voxels import AXES, Axis
from .boxes import RIM, BoxPool, box_shape, white_noise
from .calibration import balance, calibrate
from .checkpoint import SLICE_CODE, Weights
from .critic import Critic, critic_loss
from .device import Placement
from .exemplar import Exemplars, one_hot
from .health import HealthCheck
from .losses import (
    PatchDistance,
    PlaneStatistics,
    connectivity_loss,
    indecision,
    orientations,
    sections,
    straight_through,
)
from .measures import SectionScore, score, wanted_connection
from .params import FinetuneParams
from .priors import PriorModel
from .restoring import check_state
from .unet import Generator

AVERAGING = 0.99  # of the weights that are evaluated and kept
CALIBRATED = 65_536  # voxels of them that are stored, to calibrate the phase fractions by
WIDER, NARROWER, STRONGEST = 3.0, 0.1, 9.0  # factors of the connectivity of the pores per evaluation, and their limit
WARM_RATE = 0.4  # of the learning rate, where training begins with trained weights
WARM_UP = 20  # steps until the full learning rate


class Trainer:
    """Generator, averaged generator, critics, optimisers and targets of one training.

    Every random choice of a step follows from the seed and the step's number alone, so that a
    resumed training is the uninterrupted one.
    """

    def __init__(
        self,
        network: Generator,
        prior: PriorModel,
        exemplars: Exemplars,
        params: FinetuneParams,
        place: Placement,
    ) -> None:
        self.params, self.place, self.exemplars = params, place, exemplars
        self.shape = box_shape(exemplars, params.box)
        self.generator = place.put_network(network).train()
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        planes = ('z',) if exemplars.isotropic else AXES
        torch_rng = torch.Generator().manual_seed(params.seed)
        self.critics = nn.ModuleDict({plane: Critic(exemplars.phase_count) for plane in planes})
        for parameter in self.critics.parameters():
            if parameter.dim() > 1:
                nn.init.kaiming_uniform_(parameter, a=math.sqrt(5), generator=torch_rng)
            else:
                nn.init.zeros_(parameter)
        self.critics.to(place.device)
        self.optimiser = torch.optim.Adam(self.generator.parameters(), lr=params.learning_rate, betas=(0.9, 0.99))
        self.critic_optimiser = torch.optim.Adam(
            self.critics.parameters(), lr=params.critic_learning_rate, betas=(0.5, 0.9)
        )
        self.pool = BoxPool(prior, exemplars, self.shape, params.seed)
        longest = max(max(exemplars.correlation_length(k).values()) for k in range(exemplars.phase_count))
        self.patches = PatchDistance(
            exemplars, (1, 2, 4, 8) if longest > 9 else (1, 2, 4), seed=params.seed, memory=params.memory
        )
        inner = tuple(n - 2 * RIM for n in self.shape) if self.pool.open else self.shape
        self.planes = PlaneStatistics(exemplars, (inner[0], inner[1], inner[2]))
        self.scorer = SectionScore(exemplars, self.pool.judged)
        self.judged = self.pool.large
        self.health = HealthCheck(exemplars)
        self.images: dict[Axis, list[Tensor]] = {
            normal: [
                torch.from_numpy(one_hot(np.ascontiguousarray(turned), exemplars.phase_count))
                for image in exemplars.images[normal]
                for turned in orientations(image, isotropic=exemplars.isotropic)
            ]
            for normal in AXES
        }
        # How strongly each phase's throats are opened; of the pores, as strongly as evaluations find necessary.
        self.opening = torch.ones(exemplars.phase_count)
        self.step_count = 0
        self.warm = False  # begins with trained weights, which a high rate would first undo
        self.reference = self._untrained_reference()

    # --- one step ---------------------------------------------------------------------------

    def step(self, progress: float) -> dict[str, float]:
        """One generator step (and critic steps once they have joined); `progress` 0..1 sets the rates."""
        params, rng = self.params, torch.Generator().manual_seed(self.params.seed * 1_000_003 + self.step_count)
        rate = min(1.0, (self.step_count + 1) / WARM_UP) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in self.optimiser.param_groups:
            group['lr'] = params.learning_rate * rate * (WARM_RATE if self.warm else 1.0)
        box = self.pool.at(self.step_count)
        adversarial = params.loss.critic > 0 and progress >= params.critic_start
        metrics: dict[str, float] = {}

        logits = self.forward(self.generator, box.fields, self.step_count)
        skeletons = torch.from_numpy(box.skeletons)
        if self.pool.open:
            logits, skeletons = (a[..., RIM:-RIM, RIM:-RIM, RIM:-RIM] for a in (logits, skeletons))
        logits = balance(logits, torch.from_numpy(box.fractions).float().to(logits.device))
        soft = torch.softmax(logits, 1)
        # The slices are labels: a critic that sees probabilities learns to tell them by that, not by shape.
        shown = straight_through(soft) if adversarial else soft
        if adversarial:
            for _ in range(params.critic_steps):
                metrics.update(self.critic_step(shown.detach(), rng))
        terms: dict[str, Tensor] = {}
        if params.loss.patches > 0:
            terms['patches'] = self.patches(soft, rng)
        terms |= self.planes(soft, torch.from_numpy(box.faces).float(), is_open=self.pool.open)
        if params.loss.indecision > 0:
            terms['indecision'] = indecision(soft, self.planes.fractions.to(soft.device))
        if params.loss.connectivity > 0:
            terms['connectivity'] = connectivity_loss(logits, skeletons.to(soft.device), self.opening.to(soft.device))
        if adversarial:
            terms['critic'] = -torch.stack(
                [self.critic_of(normal)(self.fake_sections(shown, normal, rng)).mean() for normal in AXES]
            ).mean()
        loss = torch.stack([getattr(params.loss, name) * term for name, term in terms.items()]).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.generator.parameters(), 1.0)
        self.optimiser.step()
        self._follow()
        self.step_count += 1
        self.last = soft.detach()
        metrics.update({name: float(term.detach()) for name, term in terms.items()})
        return {'loss': float(loss.detach()), **metrics}

    def forward(self, network: Generator, fields: np.ndarray, key: int) -> Tensor:
        """Logits (1, K, Z, Y, X) of prior fields (F, Z, Y, X)."""
        z, y, x = fields.shape[1:]
        noise = white_noise((z, y, x), network.architecture.levels, self.params.seed, key)
        with self.place.autocast():
            film = network.modulation(self.crops()) if network.encoder is not None else None
            return network(
                self.place.put(torch.from_numpy(fields)[None]), [self.place.put(level) for level in noise], film
            )

    def crops(self) -> list[Tensor]:
        """One-hot pictures of the three planes, for the slice encoder."""
        return [crop.to(self.place.device) for crop in plane_crops(self.images)]

    def carry_over(self, start: Weights) -> None:
        """Begin with the modulation that `start` was trained with: its encoder knows only the slices of its own."""
        code = start.tensors.get(SLICE_CODE)
        for network in (self.generator, self.average):
            if network.encoder is not None and code is not None:
                network.encoder.carry_over(code.to(self.place.device), self.crops())

    def _follow(self) -> None:
        with torch.no_grad():
            decay = min(AVERAGING, (1 + self.step_count) / (10 + self.step_count))
            for mine, theirs in zip(self.average.parameters(), self.generator.parameters(), strict=True):
                mine.lerp_(theirs, 1 - decay)
            for mine, theirs in zip(self.average.buffers(), self.generator.buffers(), strict=True):
                mine.lerp_(theirs, 1 - decay) if mine.is_floating_point() else mine.copy_(theirs)

    # --- critics ----------------------------------------------------------------------------

    def critic_of(self, normal: Axis) -> nn.Module:
        """The critic of a plane; an isotropic material has one for all."""
        return self.critics[normal if normal in self.critics else 'z']

    def fake_sections(self, soft: Tensor, normal: Axis, rng: torch.Generator) -> Tensor:
        """Some generated sections, cut to what the slices can match: (n, K, rows, columns)."""
        stack = sections(soft, normal)
        some = torch.randperm(len(stack), generator=rng)[: self.params.sections]
        rows, columns = self._critic_window(normal, stack)
        return stack[some.to(stack.device), :, :rows, :columns]

    def _critic_window(self, normal: Axis, stack: Tensor) -> tuple[int, int]:
        rows = min(stack.shape[2], *(image.shape[1] for image in self.images[normal]))
        columns = min(stack.shape[3], *(image.shape[2] for image in self.images[normal]))
        return rows, columns

    def real_sections(self, fake: Tensor, normal: Axis, rng: torch.Generator) -> Tensor:
        """As many random crops of the slices, the same size as the generated sections."""
        rows, columns = fake.shape[2:]
        found: list[Tensor] = []
        for _ in range(len(fake)):
            image = self.images[normal][int(torch.randint(len(self.images[normal]), (1,), generator=rng))]
            top = int(torch.randint(image.shape[1] - rows + 1, (1,), generator=rng))
            left = int(torch.randint(image.shape[2] - columns + 1, (1,), generator=rng))
            found.append(image[:, top : top + rows, left : left + columns])
        return torch.stack(found).to(fake.device)

    def critic_step(self, soft: Tensor, rng: torch.Generator, *, apply: bool = True) -> dict[str, float]:
        """One step of every critic on detached phase probabilities."""
        told: list[Mapping[str, float]] = []
        losses: list[Tensor] = []
        for normal in AXES:
            fake = self.fake_sections(soft, normal, rng)
            real = self.real_sections(fake, normal, rng)
            loss, numbers = critic_loss(self.critic_of(normal), real, fake, rng, self.params.loss.penalty)
            losses.append(loss)
            told.append(numbers)
        self.critic_optimiser.zero_grad(set_to_none=True)
        torch.stack(losses).mean().backward()
        if apply:
            self.critic_optimiser.step()
        else:
            self.critic_optimiser.zero_grad(set_to_none=True)
        return {name: float(np.mean([numbers[name] for numbers in told])) for name in told[0]}

    # --- evaluation ---------------------------------------------------------------------------

    def _untrained_reference(self) -> dict[str, float]:
        labels = [self.pool.labels(self.judged[i]) for i in range(len(self.judged))]
        return self.scorer.measure(labels)

    @torch.no_grad()
    def evaluate(self) -> tuple[Generator, dict[str, float], np.ndarray, np.ndarray]:
        """Averaged generator as it would be stored, its statistics, a label volume, a sample of its logits."""
        network = copy.deepcopy(self.average)
        # The stored tensors are half precision: measure and calibrate what will be shipped. Logits are steep, so
        # that rounding alone can move the phase fractions by a hundredth.
        round_to_half(network.parameters())
        round_to_half(network.buffers())
        network.eval()
        logits = [self.forward(network, self.judged[i], 20_000 + i)[0].cpu().numpy() for i in range(len(self.judged))]
        flat = np.concatenate([part.reshape(len(part), -1).T for part in logits])
        chosen = np.random.default_rng(0).integers(0, len(flat), CALIBRATED)
        sample = flat[chosen].astype(np.float16)
        offsets = calibrate(sample.astype(float), self.exemplars.fractions)
        logits = [(part + offsets[:, None, None, None]).astype(np.float32) for part in logits]
        labels = [part.argmax(0).astype(np.uint8) for part in logits]
        measured = self.scorer.measure(labels) | self.health.measure(labels, logits)
        raw = np.bincount(flat.argmax(1), minlength=flat.shape[1]) / len(flat)
        measured['raw_fraction_error'] = float(np.abs(raw / self.exemplars.fractions - 1).max())
        measured['patch_distance'] = self.patches.of_labels(labels, self.exemplars.phase_count)
        measured['score'] = score(measured, self.reference, self.exemplars.pore)
        self._open(measured)
        return network, measured, labels[0], sample

    def _open(self, measured: dict[str, float]) -> None:
        """Open the throats of the pores more where they fall short of what is expected, less where they do not."""
        pore = self.exemplars.pore
        if pore is None:
            return
        short = wanted_connection(self.reference, pore) - measured[f'connected_{pore}']
        factor = WIDER if short > 0 else NARROWER
        self.opening[pore] = float(np.clip(float(self.opening[pore]) * factor, 0.01, STRONGEST))

    # --- exact resume -------------------------------------------------------------------------

    def modules(self) -> dict[str, nn.Module]:
        """Everything with a state_dict that a resumed training needs."""
        return {'generator': self.generator, 'average': self.average, 'critics': self.critics}

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """The optimisers by name."""
        return {'optimiser': self.optimiser, 'critic_optimiser': self.critic_optimiser}

    def state(self) -> dict[str, Tensor]:
        """All tensors of the training, flat."""
        found: dict[str, Tensor] = {}
        for name, module in self.modules().items():
            found.update({f'{name}/{key}': value for key, value in module.state_dict().items()})
        for name, optimiser in self.optimisers().items():
            for index, slots in optimiser.state_dict()['state'].items():
                found.update({f'{name}/{index}/{slot}': value for slot, value in slots.items()})
        found.update({f'past/{key}': value for key, value in self.patches.past.items()})
        found.update({f'running/{key}': value for key, value in self.planes.running.items()})
        found['opening'] = self.opening
        return {key: value.detach().cpu().contiguous().clone() for key, value in found.items()}

    def restore(self, tensors: dict[str, Tensor], step_count: int) -> None:
        """Take up a state written by `state`.

        Raises
        ------
        InputError
            If it is not one of a training like this.
        """
        check_state(self, tensors)

        def part(name: str) -> dict[str, Tensor]:
            return {key[len(name) + 1 :]: value for key, value in tensors.items() if key.startswith(name + '/')}

        for name, module in self.modules().items():
            module.load_state_dict(part(name))
        for name, optimiser in self.optimisers().items():
            slots: dict[int, dict[str, Any]] = {}
            for key, value in part(name).items():
                index, slot = key.split('/')
                slots.setdefault(int(index), {})[slot] = value
            whole = optimiser.state_dict()
            whole['state'] = slots
            optimiser.load_state_dict(whole)
        self.planes.running = part('running')
        self.patches.past = part('past')
        self.opening = tensors['opening'].clone()
        self.step_count = step_count


def plane_crops(images: dict[Axis, list[Tensor]], edge: int = 128) -> list[Tensor]:
    """The first slice of every plane, (1, K, rows, columns), at most `edge` pixels wide."""
    return [images[normal][0][None, :, :edge, :edge] for normal in AXES]


@torch.no_grad()
def round_to_half(tensors: Iterable[Tensor]) -> None:
    """Round float tensors in place to what half precision can hold."""
    for tensor in tensors:
        if tensor.is_floating_point():
            tensor.copy_(tensor.half().float())
