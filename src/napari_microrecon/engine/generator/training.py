"""Train a generator on the user's own slices: budget, live statistics, best weights, exact resume."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError
from ..progress import Job, Progress, Throttle
from ..provenance import Provenance, Source, now, versions
from ..slices import SliceSet
from ..volume import Volume
from .checkpoint import LOGIT_SAMPLE, Weights, WeightsHeader
from .choice import check_phases, fingerprint
from .device import Placement, describe_device, device_errors, placement, release
from .exemplar import Exemplars
from .params import Architecture, FinetuneParams
from .priors import PriorModel, choose_prior
from .sampling import calibration_sample
from .schedule import Schedule
from .trainer import Trainer
from .training_state import TrainingRecord, TrainingState
from .unet import Generator

@contextlib.contextmanager
def cpu_threads(count: int | None) -> Iterator[None]:
    """Use this many CPU threads inside, and the old number afterwards."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def new_network(prior: PriorModel, exemplars: Exemplars, seed: int, like: Architecture | None = None) -> Generator:
    """Generator that begins as the calibrated prior: its head adds little, its bias sets the fractions."""
    architecture = (like or Architecture()).model_copy(
        update={'phase_count': exemplars.phase_count, 'field_count': prior.channels}
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Generator(architecture)
    offsets = prior.offsets(exemplars.fractions)
    with torch.no_grad():
        network.head.weight.mul_(0.1)
        if network.head.bias is not None:
            network.head.bias.copy_(torch.from_numpy(offsets))
    return network


def finetune(
    slices: SliceSet,
    start: Weights,
    params: FinetuneParams,
    *,
    checkpoint: Path | None = None,
    resume: Path | None = None,
    architecture: Architecture | None = None,
    name: str = 'finetuned',
    stop_after: int | None = None,
) -> Job[Weights]:
    """Train on slices, beginning with `start` (an untrained prior means from scratch).

    Parameters
    ----------
    slices : SliceSet
        What the volumes must look like in section.
    start : Weights
        From `starting_weights`; its network is taken where it fits, else a new one.
    params : FinetuneParams
        Budget, seed, rates, loss weights.
    checkpoint : Path, optional
        File for the state of the training, written at every evaluation and when the job is closed.
    resume : Path, optional
        State to continue from; on the CPU the result is that of the uninterrupted training.
    architecture : Architecture, optional
        For a new network (ablations).
    name : str
        Name of the new weights.
    stop_after : int, optional
        Stop after this many steps of the planned ones, as an earlier run did.

    Yields
    ------
    Progress
        Losses and statistics in `metrics`, now and then a Volume as `preview`.

    Returns
    -------
    Weights
        The best by microstructure statistics on calibrated volumes, not by loss.
    """
    check_phases(start, slices)
    exemplars = Exemplars.of(slices)
    if exemplars.smallest < 32:
        raise InputError('slices', f'the smallest edge is {exemplars.smallest} pixels', 'give 32 x 32 or more to train')
    place = placement(params.device, params.precision)
    with device_errors('Fine-tuning'), cpu_threads(params.threads):
        try:
            loop = _Loop(slices, exemplars, start, params, place, checkpoint, architecture, name)
            return (yield from loop.run(resume, stop_after))
        finally:
            release(str(place.device))


class _Loop:
    """The training loop with its clock, its history and its best weights."""

    def __init__(
        self,
        slices: SliceSet,
        exemplars: Exemplars,
        start: Weights,
        params: FinetuneParams,
        place: Placement,
        checkpoint: Path | None,
        architecture: Architecture | None,
        name: str,
    ) -> None:
        self.slices, self.exemplars, self.start, self.params = slices, exemplars, start, params
        self.place, self.checkpoint, self.architecture, self.name = place, checkpoint, architecture, name
        self.best: Weights | None = None
        self.best_score = float('inf')
        self.history: list[dict[str, float]] = []
        self.measured: dict[str, float] = {}
        self.schedule = Schedule(params)
        self.step_seconds = self.evaluation_seconds = 0.0
        self.seconds = 0.0

    def run(self, resume: Path | None, stop_after: int | None) -> Job[Weights]:
        yield Progress('fitting the structural prior', 0, 0)
        header = self._header()
        state = TrainingState.load(resume) if resume is not None else None
        if state is not None:
            header = self._take_up(state)
        warm = self.start.header.trained and self.start.header.architecture == header.architecture
        network = new_network(header.prior, self.exemplars, self.params.seed, header.architecture)
        if warm and state is None:
            network.load_state_dict(self.start.network().state_dict())
        yield Progress('preparing the training', 0, 0)
        self.header = header
        self.trainer = trainer = Trainer(network, header.prior, self.exemplars, self.params, self.place)
        trainer.warm = warm
        if state is not None:
            trainer.restore(state.tensors, state.record.step)
        throttle, shown = Throttle(), Throttle(3.0)
        evaluated = trainer.step_count
        began = time.monotonic() - self.seconds
        plan = self.schedule
        finished = state is not None and self.best is not None and self._is_last(trainer.step_count, stop_after)
        try:
            while not finished:
                if plan.needs_revision(trainer.step_count):
                    plan.revise(
                        trainer.step_count,
                        time.monotonic() - began,
                        critic_seconds=self._critic_seconds(),
                        evaluation_seconds=self.evaluation_seconds or 10 * self.step_seconds,
                    )
                at = time.monotonic()
                metrics = trainer.step(plan.share(trainer.step_count))
                self.seconds = time.monotonic() - began
                self.step_seconds = time.monotonic() - at
                finished = self._is_last(trainer.step_count, stop_after)
                if finished or self._evaluation_is_due():
                    evaluated = trainer.step_count
                    at = time.monotonic()
                    preview = self._evaluate()
                    self.evaluation_seconds = time.monotonic() - at
                    plan.pause(self.evaluation_seconds)
                    self.seconds = time.monotonic() - began
                    self._save()
                    yield self._progress(metrics, preview)
                elif throttle.ready():
                    yield self._progress(metrics, self._glimpse() if shown.ready() else None)
        finally:
            # Also when the job is closed: what was trained since the last evaluation is kept.
            if trainer.step_count > evaluated:
                self._save()
        assert self.best is not None
        done = {'plan': [list(entry) for entry in plan.plan], 'steps_done': trainer.step_count}
        header = self.best.header
        return Weights(header.model_copy(update={'training': header.training | done}), self.best.tensors)

    def _evaluation_is_due(self) -> bool:
        """Whether an equal share of the training has passed since the last evaluation, and it is not nearly over."""
        step, parts = self.trainer.step_count, self.params.evaluations
        before, now = (int(self.schedule.share(at) * parts) for at in (step - 1, step))
        return now > before and self.schedule.share(step) < 1 - 0.5 / parts and self.schedule.known_at(step) > 0

    def _is_last(self, step: int, stop_after: int | None) -> bool:
        if stop_after is not None and step >= stop_after:
            return True
        return self.schedule.is_over(step, self.seconds)

    def _critic_seconds(self) -> float:
        """What the critics will add to a step, from a trial that is not applied and uses no step's random numbers."""
        params, trainer = self.params, self.trainer
        if params.loss.critic == 0 or params.critic_start >= 1 or trainer.step_count == 0:
            return 0.0
        began = time.monotonic()
        trainer.critic_step(trainer.last, torch.Generator().manual_seed(0), apply=False)
        return (time.monotonic() - began) * (params.critic_steps + 0.4)

    def _progress(self, metrics: dict[str, float], preview: Volume | None) -> Progress:
        step, planned = self.trainer.step_count, self.schedule.planned
        told = {**metrics, **self.measured, 'step': float(step), 'seconds': self.seconds}
        if planned:
            told['seconds_left'] = self.seconds / max(step, 1) * max(planned - step, 0)
        return Progress('training', step, planned, told, preview)

    def _glimpse(self) -> Volume:
        labels = self.trainer.last[0].argmax(0).to(torch.uint8).cpu().numpy()
        return Volume(labels, self.slices.phases, self.slices.voxel_size, name='training preview')

    def _evaluate(self) -> Volume:
        network, measured, labels = self.trainer.evaluate()
        self.measured = measured
        self.history.append({'step': float(self.trainer.step_count), **measured})
        if measured['score'] < self.best_score or self.best is None:
            self.best_score = measured['score']
            self.best = self._weights(network, measured)
        return Volume(labels, self.slices.phases, self.slices.voxel_size, name='training preview')

    def _weights(self, network: Generator, measured: dict[str, float]) -> Weights:
        place, trainer = self.place, self.trainer
        with torch.no_grad():
            film = network.modulation(trainer.crops(None))
        logits = calibration_sample(network, self.header.prior, self.exemplars.fractions, film, place)
        tensors = {
            key: (value.half() if value.is_floating_point() else value).detach().cpu().contiguous().clone()
            for key, value in network.state_dict().items()
        }
        tensors[LOGIT_SAMPLE] = torch.from_numpy(logits).half()
        record: dict[str, Any] = {
            'steps': trainer.step_count,
            'planned': self.schedule.planned,
            'seconds': round(self.seconds, 1),
            'params': self.params.model_dump(mode='json'),
            'start': self.start.name,
            'box': list(trainer.shape),
            'precision': str(place.dtype),
            'statistics': {key: round(value, 5) for key, value in measured.items()},
            'history': [{key: round(value, 5) for key, value in row.items()} for row in self.history],
        }
        return Weights(self.header.model_copy(update={'training': record}), tensors)

    def _header(self) -> WeightsHeader:
        prior = choose_prior(self.exemplars)
        start = self.start.header
        if (start.trained and start.prior.fields[0].kind == 'noise') or start.name == 'noise':
            prior = start.prior
        wanted = self.architecture or (start.architecture if start.trained else Architecture())
        architecture = wanted.model_copy(
            update={'phase_count': self.exemplars.phase_count, 'field_count': prior.channels}
        )
        origin = Source(name=self.start.name, sha256=self.start.sha256) if start.trained else None
        return WeightsHeader(
            name=self.name,
            architecture=architecture,
            prior=prior,
            phases=self.slices.phases,
            voxel_size=self.slices.voxel_size,
            fractions=tuple(float(f) for f in self.exemplars.fractions),
            isotropic=self.exemplars.isotropic,
            fingerprint=fingerprint(self.exemplars),
            provenance=Provenance(
                kind='reconstruction',
                description=f'trained on {", ".join(s.name for s in self.slices)}',
                inputs=tuple(s.source for s in self.slices),
                weights=origin,
                seed=self.params.seed,
                device=describe_device(str(self.place.device)),
                versions=versions(),
                created=now(),
            ),
        )

    def _take_up(self, state: TrainingState) -> WeightsHeader:
        mine = tuple(s.source.sha256 for s in self.slices)
        if mine != state.record.inputs:
            raise InputError('slices', 'are not those of the interrupted training', 'give the same slices in order')
        # A resumed training keeps its own budget; a repeated one also knows the plan that came of it.
        plan = self.params.plan or state.record.plan
        self.params = state.record.params.model_copy(update={'plan': self.params.plan})
        self.schedule, self.seconds = Schedule(self.params, plan), state.record.seconds
        self.best, self.best_score = state.best, state.record.best_score or float('inf')
        self.history = [dict(row) for row in state.record.history]
        return state.record.header

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        record = TrainingRecord(
            params=self.params,
            header=self.header,
            best=None if self.best is None else self.best.header,
            best_score=None if self.best is None else self.best_score,
            inputs=tuple(s.source.sha256 for s in self.slices),
            step=self.trainer.step_count,
            plan=tuple(self.schedule.plan),
            seconds=self.seconds,
            history=tuple(self.history),
        )
        TrainingState(record, self.trainer.state(), self.best).save(self.checkpoint)
