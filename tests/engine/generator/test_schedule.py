"""Budgets: shares of a training, revised by the clock and repeatable from the record."""

from __future__ import annotations

import pytest

from napari_microrecon.engine.generator.params import FinetuneParams
from napari_microrecon.engine.generator.schedule import Schedule


def test_fixed_steps_go_evenly_from_zero_to_one() -> None:
    schedule = Schedule(FinetuneParams(minutes=None, steps=10))
    assert [schedule.share(step) for step in (0, 5, 10)] == pytest.approx([0, 0.5, 1])
    assert not schedule.needs_revision(6)
    assert schedule.is_over(10, 0.0)
    assert not schedule.is_over(9, 1e9)


def test_the_clock_revises_without_turning_back() -> None:
    schedule = Schedule(FinetuneParams(minutes=1.0, evaluations=1))
    assert schedule.share(5) == 0
    assert schedule.needs_revision(6)
    schedule.revise(6, 12.0, critic_seconds=0.0, evaluation_seconds=0.0)  # a slow start: 2 s a step
    assert schedule.planned == 6 + 24
    before = schedule.share(12)
    schedule.revise(12, 13.0, critic_seconds=0.0, evaluation_seconds=0.0)  # steps now take next to no time
    assert schedule.planned > 1000
    assert schedule.share(12) == pytest.approx(before)
    shares = [schedule.share(step) for step in range(schedule.planned + 1)]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_a_recorded_plan_repeats_the_shares() -> None:
    clock = Schedule(FinetuneParams(minutes=1.0))
    clock.revise(6, 3.0, critic_seconds=0.1, evaluation_seconds=1.0)
    clock.revise(12, 30.0, critic_seconds=0.1, evaluation_seconds=1.0)
    plan = tuple(clock.plan)
    again = Schedule(FinetuneParams(minutes=None, steps=plan[-1][1], plan=plan))
    assert [again.share(step) for step in range(40)] == [clock.share(step) for step in range(40)]
    assert not any(again.needs_revision(step) for step in range(100))
