"""State of one training and what a step does to it; the loop around it is in training.py."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..voxels import AXES, Axis
from .adversary import Adversary
from .boxes import RIM, BoxPool, box_shape, white_noise
from .calibration import balance, calibrate
from .checkpoint import SLICE_CODE, Weights
from .device import Placement
from .exemplar import Exemplars, one_hot
from .health import HealthCheck
from .losses import (
    PatchDistance,
    PlaneStatistics,
    connectivity_loss,
    indecision,
    orientations,
    straight_through,
)
from .measures import SectionScore, score, wanted_connection
from .network import UNet, encoder_of, reading_slices
from .params import FinetuneParams
from .priors import PriorModel
from .restoring import check_state

AVERAGING = 0.99  # of the weights that are evaluated and kept
CALIBRATED = 65_536  # voxels of them that are stored, to calibrate the phase fractions by
WIDER, NARROWER, STRONGEST = 3.0, 0.1, 9.0  # factors of the connectivity of the pores per evaluation, and their limit
WARM_RATE = 0.4  # of the learning rate, where training begins with trained weights
WARM_UP = 20  # steps until the full learning rate
CRITICS, CRITIC_OPTIMISER = 'critics', 'critic_optimiser'  # in the state of a training


class Trainer:
    """Generator, averaged generator, critics, optimisers and targets of one training.

    Every random choice of a step follows from the seed and the step's number alone, so that a
    resumed training is the uninterrupted one.
    """

    def __init__(
        self,
        network: UNet,
        prior: PriorModel,
        exemplars: Exemplars,
        params: FinetuneParams,
        place: Placement,
    ) -> None:
        self.params, self.place, self.exemplars = params, place, exemplars
        self.shape = box_shape(exemplars, params.box)
        self.generator = place.put_network(network).train()
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.optimiser = torch.optim.Adam(self.generator.parameters(), lr=params.learning_rate, betas=(0.9, 0.99))
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
        has_critics = params.loss.critic > 0
        self.adversary = Adversary(exemplars, self.images, params, place) if has_critics else None
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
        adversary = self.adversary if progress >= params.critic_start else None
        metrics: dict[str, float] = {}

        logits = self.forward(self.generator, box.fields, self.step_count)
        skeletons = torch.from_numpy(box.skeletons)
        if self.pool.open:
            logits, skeletons = (a[..., RIM:-RIM, RIM:-RIM, RIM:-RIM] for a in (logits, skeletons))
        logits = balance(logits, torch.from_numpy(box.fractions).float().to(logits.device))
        soft = torch.softmax(logits, 1)
        # The slices are labels: a critic that sees probabilities learns to tell them by that, not by shape.
        shown = straight_through(soft) if adversary is not None else soft
        if adversary is not None:
            for _ in range(params.critic_steps):
                metrics.update(adversary.step(shown.detach(), rng))
        terms: dict[str, Tensor] = {}
        if params.loss.patches > 0:
            terms['patches'] = self.patches(soft, rng)
        terms |= self.planes(soft, torch.from_numpy(box.faces).float(), is_open=self.pool.open)
        if params.loss.indecision > 0:
            terms['indecision'] = indecision(soft, self.planes.fractions.to(soft.device))
        if params.loss.connectivity > 0:
            terms['connectivity'] = connectivity_loss(logits, skeletons.to(soft.device), self.opening.to(soft.device))
        if adversary is not None:
            terms['critic'] = adversary.loss(shown, rng)
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

    def forward(self, network: UNet, fields: np.ndarray, key: int) -> Tensor:
        """Logits (1, K, Z, Y, X) of prior fields (F, Z, Y, X)."""
        z, y, x = fields.shape[1:]
        noise = white_noise((z, y, x), network.architecture.levels, self.params.seed, key)
        with self.place.autocast(), reading_slices(network, self.crops):
            return network(self.place.put(torch.from_numpy(fields)[None]), [self.place.put(level) for level in noise])

    def crops(self) -> list[Tensor]:
        """One-hot pictures of the three planes, for the slice encoder."""
        return [crop.to(self.place.device) for crop in plane_crops(self.images)]

    def carry_over(self, start: Weights) -> None:
        """Begin with the modulation that `start` was trained with: its encoder knows only the slices of its own."""
        code = start.tensors.get(SLICE_CODE)
        for network in (self.generator, self.average):
            encoder = encoder_of(network)
            if encoder is not None and code is not None:
                encoder.carry_over(code.to(self.place.device), self.crops())

    def _follow(self) -> None:
        with torch.no_grad():
            decay = min(AVERAGING, (1 + self.step_count) / (10 + self.step_count))
            for mine, theirs in zip(self.average.parameters(), self.generator.parameters(), strict=True):
                mine.lerp_(theirs, 1 - decay)
            for mine, theirs in zip(self.average.buffers(), self.generator.buffers(), strict=True):
                mine.lerp_(theirs, 1 - decay) if mine.is_floating_point() else mine.copy_(theirs)

    # --- evaluation ---------------------------------------------------------------------------

    def _untrained_reference(self) -> dict[str, float]:
        labels = [self.pool.labels(self.judged[i]) for i in range(len(self.judged))]
        return self.scorer.measure(labels)

    @torch.no_grad()
    def evaluate(self) -> tuple[UNet, dict[str, float], np.ndarray, np.ndarray]:
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
        found: dict[str, nn.Module] = {'generator': self.generator, 'average': self.average}
        return found if self.adversary is None else found | {CRITICS: self.adversary.critics}

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """The optimisers by name."""
        found: dict[str, torch.optim.Optimizer] = {'optimiser': self.optimiser}
        return found if self.adversary is None else found | {CRITIC_OPTIMISER: self.adversary.optimiser}

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
        if self.adversary is None:  # earlier versions kept critics that had no say
            tensors = {key: t for key, t in tensors.items() if key.split('/')[0] not in (CRITICS, CRITIC_OPTIMISER)}
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
