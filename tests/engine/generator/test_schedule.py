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


@pytest.mark.parametrize('params', [FinetuneParams(minutes=None, steps=400), FinetuneParams(minutes=1.0)])
def test_an_aim_reached_brings_the_end_nearer_and_can_be_repeated(params: FinetuneParams) -> None:
    schedule = Schedule(params)
    if params.steps is None:
        schedule.revise(6, 1.0, critic_seconds=0.0, evaluation_seconds=0.0)
    planned = schedule.planned
    step = round(0.6 * planned)
    before = [schedule.share(at) for at in range(step + 1)]
    schedule.hurry(step)
    assert schedule.planned == step + round(0.25 * (planned - step))
    assert [schedule.share(at) for at in range(step + 1)] == before
    shares = [schedule.share(at) for at in range(step, schedule.planned + 1)]
    assert shares == sorted(shares)  # the rates fall to their end, only faster
    assert shares[-1] == pytest.approx(1)
    assert schedule.is_over(schedule.planned, 0.0)
    assert not any(schedule.needs_revision(at) for at in range(step, planned))
    plan = tuple(schedule.plan)
    schedule.hurry(step + 1)
    assert tuple(schedule.plan) == plan  # once is enough
    again = Schedule(FinetuneParams(minutes=None, steps=plan[-1][1], plan=plan))
    again.hurry(step)
    assert tuple(again.plan) == plan
    assert [again.share(at) for at in range(planned)] == [schedule.share(at) for at in range(planned)]


def test_time_of_an_evaluation_before_the_first_step_is_no_speed() -> None:
    schedule = Schedule(FinetuneParams(minutes=1.0))
    schedule.pause(6.0)
    schedule.revise(6, 12.0, critic_seconds=0.0, evaluation_seconds=0.0)
    assert schedule.planned == 6 + 48
