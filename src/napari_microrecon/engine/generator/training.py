"""Train a generator on the user's own slices: budget, live statistics, best weights, exact resume."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from ..errors import InputError
from ..progress import Job, Progress, Throttle
from ..shape import ShapeVerdict
from ..slices import SliceSet
from ..volume import Volume
from .band import Band
from .checkpoint import Weights, WeightsHeader
from .choice import check_phases
from .device import Placement, device_errors, placement, release
from .exemplar import Exemplars
from .health import PREFIX, Health, critic_course, diagnose
from .params import Architecture, FinetuneParams
from .recording import new_header, new_network, stored
from .schedule import Schedule
from .selection import shape_reference
from .trainer import Trainer
from .training_state import TrainingRecord, TrainingState

_STEPS_BETWEEN = 4  # least number of steps from one evaluation to the next, each as long as several steps
SHAPE_WEIGHT = 0.05  # of the shape error in what the best weights are chosen by
INSIDE = PREFIX + 'inside'  # 1 where an evaluation was inside the band and healthy


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
        Losses, statistics and indicators of health in `metrics`, what they mean in `note`, now and then a Volume
        as `preview`.

    Returns
    -------
    Weights
        The best by microstructure statistics on calibrated volumes, not by loss; what the training began with
        counts, too.
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
        self.place, self.checkpoint, self.name = place, checkpoint, name
        before = start.header.architecture if start.header.trained else Architecture()
        self.architecture = architecture or params.architecture_of(before)
        self.best: Weights | None = None
        self.best_score = float('inf')
        self.history: list[dict[str, float]] = []
        self.measured: dict[str, float] = {}
        self.gaps: list[float] = []  # of the critics, since the last evaluation
        self.slope = 0.0  # of the critics in the last step
        self.health: Health | None = None
        self.shape: ShapeVerdict | None = None
        self.schedule = Schedule(params)
        self.step_seconds = self.evaluation_seconds = 0.0
        self.seconds = 0.0

    def run(self, resume: Path | None, stop_after: int | None) -> Job[Weights]:
        yield Progress('fitting the structural prior', 0, 0)
        state = TrainingState.load(resume) if resume is not None else None
        if state is not None:
            header = self._take_up(state)
        else:
            header = yield from new_header(
                self.slices, self.exemplars, self.start, self.params, self.place, self.name, self.architecture
            )
        before = self.start.header
        warm = before.trained and before.architecture == header.architecture and not before.order
        network = new_network(header.prior, self.exemplars, self.params.seed, header.architecture)
        if warm and state is None:
            network.load_state_dict(self.start.network().state_dict())
        yield Progress('preparing the training', 0, 0)
        self.header = header
        self.trainer = trainer = Trainer(network, header.prior, self.exemplars, self.params, self.place)
        trainer.warm = warm
        if warm and state is None:
            trainer.carry_over(self.start)
        self.band = Band(self.exemplars, trainer.shape)
        if state is not None:
            trainer.restore(state.tensors, state.record.step)
        throttle, shown = Throttle(), Throttle(3.0)
        evaluated = trainer.step_count
        began = time.monotonic() - self.seconds
        plan = self.schedule
        finished = state is not None and self.best is not None and self._is_last(trainer.step_count, stop_after)
        whole = True  # no step is half done: what is in memory is a state to go on from, bit for bit
        try:
            if self.best is None:
                # Weights to keep from the first moment, and none worse than these at the end.
                preview = self._evaluate(began)
                self._save()
                yield self._progress({}, preview)
            while not finished:
                if plan.needs_revision(trainer.step_count):
                    plan.revise(
                        trainer.step_count,
                        time.monotonic() - began,
                        critic_seconds=self._critic_seconds(),
                        evaluation_seconds=self.evaluation_seconds or 10 * self.step_seconds,
                    )
                at = time.monotonic()
                whole = False
                metrics = trainer.step(plan.share(trainer.step_count))
                whole = True
                if 'critic_gap' in metrics:
                    self.gaps.append(metrics['critic_gap'])
                    self.slope = metrics['critic_slope']
                self.seconds = time.monotonic() - began
                self.step_seconds = time.monotonic() - at
                finished = self._is_last(trainer.step_count, stop_after)
                if finished or self._evaluation_is_due():
                    evaluated = trainer.step_count
                    preview = self._evaluate(began)
                    self._save()
                    yield self._progress(metrics, preview)
                elif throttle.ready():
                    yield self._progress(metrics, self._glimpse() if shown.ready() else None)
        finally:
            # Also when the job is closed: what was trained since the last evaluation is kept.
            if whole and trainer.step_count > evaluated:
                self._save()
        assert self.best is not None
        done = {'plan': [list(entry) for entry in plan.plan], 'steps_done': trainer.step_count}
        header = self.best.header
        return Weights(header.model_copy(update={'training': header.training | done}), self.best.tensors)

    def _evaluation_is_due(self) -> bool:
        """Whether an equal share of the training has passed since the last evaluation, and it is not nearly over."""
        step = self.trainer.step_count
        planned = self.schedule.known_at(step)
        parts = max(1, min(self.params.evaluations, planned // _STEPS_BETWEEN))
        before, now = (int(self.schedule.share(at) * parts) for at in (step - 1, step))
        return now > before and self.schedule.share(step) < 1 - 0.5 / parts and planned > 0

    def _is_last(self, step: int, stop_after: int | None) -> bool:
        if stop_after is not None and step >= stop_after:
            return True
        return self.schedule.is_over(step, self.seconds)

    def _critic_seconds(self) -> float:
        """What the critics will add to a step, from a trial that is not applied and uses no step's random numbers."""
        params, trainer = self.params, self.trainer
        if trainer.adversary is None or params.critic_start >= 1 or trainer.step_count == 0:
            return 0.0
        began = time.monotonic()
        trainer.adversary.step(trainer.last, torch.Generator().manual_seed(0), apply=False)
        return (time.monotonic() - began) * (params.critic_steps + 0.4)

    def _progress(self, metrics: dict[str, float], preview: Volume | None) -> Progress:
        step, planned = self.trainer.step_count, self.schedule.planned
        told = {**metrics, **self.measured, 'step': float(step), 'seconds': self.seconds}
        pore = f'percolating_{self.exemplars.pore}'
        if pore in told:
            told['percolating'] = told[pore]
        if planned and step:
            told['seconds_left'] = self.seconds / step * max(planned - step, 0)
        note = '' if self.health is None else f'training {self.health.note}'
        if self.shape is not None:
            note += f'; shapes of its volumes: {self.shape.words}'
        return Progress('training', step, planned, told, preview, note)

    def _glimpse(self) -> Volume:
        labels = self.trainer.last[0].argmax(0).to(torch.uint8).cpu().numpy()
        return Volume(labels, self.slices.phases, self.slices.voxel_size, name='training preview')

    def _evaluate(self, began: float) -> Volume:
        """Measure, judge, keep what is best; bring the end nearer where nothing is left to gain."""
        at = time.monotonic()
        trainer = self.trainer
        step, share = trainer.step_count, self.schedule.share(trainer.step_count)
        network, measured, labels, sample = trainer.evaluate()
        measured |= critic_course(self.gaps, self.slope)
        # What the losses do not see; one volume as large as those of the training.
        self.shape = shape_reference(self.slices).judge([labels])
        measured['shape_error'] = self.shape.error
        inside = self.band.holds(measured, trainer.reference)
        self.health = diagnose(
            measured,
            trainer.reference,
            self.history,
            voxels=len(trainer.judged) * labels.size,
            share=share,
            inside=inside,
        )
        measured[INSIDE] = float(inside and self.health.good)
        was_inside = bool(self.history) and self.history[-1].get(INSIDE, 0.0) > 0
        self.measured, self.gaps = measured, []
        self.history.append({'step': float(step), **measured})
        score = measured['score'] + SHAPE_WEIGHT * self.shape.error
        if score < self.best_score or self.best is None:
            self.best_score = score
            self.best = stored(
                self.header, network, trainer, measured, self.history,
                planned=self.schedule.planned, seconds=self.seconds, start=self.start.name, health=self.health,
                sample=sample, shape=self.shape,
            )  # fmt: skip
        if self.params.stop_early and share >= 0.5 and was_inside and measured[INSIDE]:
            self.schedule.hurry(step)
        self.evaluation_seconds = time.monotonic() - at
        self.schedule.pause(self.evaluation_seconds)
        self.seconds = time.monotonic() - began
        return Volume(labels, self.slices.phases, self.slices.voxel_size, name='training preview')

    def _take_up(self, state: TrainingState) -> WeightsHeader:
        mine = tuple(s.source.sha256 for s in self.slices)
        if mine != state.record.inputs:
            raise InputError('slices', 'are not those of the interrupted training', 'give the same slices in order')
        # A resumed training keeps its own budget; a repeated one also knows the plan that came of it.
        plan = self.params.plan or state.record.plan
        self.params = state.record.params.model_copy(update={'plan': self.params.plan})
        self.schedule = Schedule(self.params, plan, hurried=state.record.hurried)
        self.seconds, self.gaps = state.record.seconds, list(state.record.gaps)
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
            hurried=self.schedule.hurried,
            gaps=tuple(self.gaps),
            history=tuple(self.history),
        )
        TrainingState(record, self.trainer.state(), self.best).save(self.checkpoint)
