"""How far a training is, by steps or by the clock, in a way that can be repeated exactly."""

from __future__ import annotations

import time
from collections.abc import Iterable

from .params import FinetuneParams

# Steps at which the clock may change the plan. The first are slow: priors are drawn, kernels compiled.
REVISIONS = (6, 12, 24, 48, 96, 192, 384, 768, 1536, 3072, 6144, 12288)


class Schedule:
    """Turns a budget into a length, and a step into the share of the training that is done.

    A time budget is turned into steps from the speed of the latest steps, again and again at fixed
    steps. The share depends on the recorded plan alone, so that a training on the clock is repeated
    exactly by giving its plan.
    """

    def __init__(self, params: FinetuneParams, plan: Iterable[tuple[int, int]] = (), *, hurried: bool = False) -> None:
        self._params = params
        self.hurried = hurried  # the end was brought nearer
        recorded = tuple(plan) or params.plan
        if not recorded and params.steps is not None:
            recorded = ((0, params.steps),)
        self.plan: list[tuple[int, int]] = [(int(step), int(planned)) for step, planned in recorded]
        self._by_clock = params.steps is None and not params.plan
        self._window: tuple[int, float] | None = None
        self._paused = 0.0

    @property
    def planned(self) -> int:
        """Steps in all, as far as is known; 0 before the first plan."""
        return self.plan[-1][1] if self.plan else 0

    def known_at(self, step: int) -> int:
        """Steps in all that were planned when this step began; 0 before the first plan."""
        return next((planned for at, planned in reversed(self.plan) if at <= step), 0)

    def share(self, step: int) -> float:
        """Share of the training that is done before `step`, 0..1; it never falls when the plan changes."""
        done, since, planned = 0.0, 0, 0
        for at, length in self.plan:
            if at > step:
                break
            if planned > since:
                done += (1 - done) * min(1.0, (at - since) / (planned - since))
            since, planned = at, length
        if planned > since:
            done += (1 - done) * (step - since) / (planned - since)
        return min(done, 1.0)

    @property
    def repeats(self) -> bool:
        """Whether this is the plan of an earlier training, which nothing may change."""
        return bool(self._params.plan)

    def hurry(self, step: int, *, part: float = 0.25, least: int = 12) -> None:
        """Do what is left of the training in a part of its steps, because it has reached its aim.

        The rates fall to their end all the same, only faster: stopping at a high rate would keep its noise.
        """
        left = max(self.planned - step, 0)
        if self.repeats or self.hurried or left <= least:
            return
        self.plan.append((step, step + max(least, round(part * left))))
        self.hurried = True

    def needs_revision(self, step: int) -> bool:
        """Whether the clock should have its say before this step."""
        return self._by_clock and not self.hurried and step in REVISIONS and (not self.plan or self.plan[-1][0] < step)

    def pause(self, seconds: float) -> None:
        """Do not count this time (an evaluation) as speed of the steps."""
        self._paused += seconds

    def revise(self, step: int, elapsed: float, *, critic_seconds: float, evaluation_seconds: float) -> None:
        """Plan anew from the steps since the last revision.

        Parameters
        ----------
        step : int
            Steps done.
        elapsed : float
            Seconds spent.
        critic_seconds : float
            What the critics will add to a step once they have joined.
        evaluation_seconds : float
            What one evaluation takes.
        """
        now = time.monotonic()
        if self._window is None:
            each = max(elapsed - self._paused, 1e-3) / step
        else:
            each = max(now - self._window[1] - self._paused, 1e-3) / (step - self._window[0])
        share = self.share(step)
        start = self._params.critic_start
        if share < start:
            each += critic_seconds * (1 - start) / (1 - share)
        left = (1 - share) * self._params.evaluations * evaluation_seconds
        budget = (self._params.minutes or 1.0) * 60 - elapsed
        self.plan.append((step, step + max(4, int(max(budget - left, 0.3 * budget, 0.0) / each))))
        self._window, self._paused = (step, now), 0.0

    def is_over(self, step: int, elapsed: float) -> bool:
        """Whether this was the last step."""
        known = self.known_at(step)
        if known and step >= known:
            return True
        # Not before there is a plan: without one the training could not be repeated.
        return bool(known) and self._by_clock and elapsed > 1.05 * (self._params.minutes or 1.0) * 60
