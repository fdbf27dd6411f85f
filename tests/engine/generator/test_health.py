"""Health: silent on volumes like the slices, loud on those with a fault; how much slices determine."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from napari_microrecon.engine.generator.band import Band
from napari_microrecon.engine.generator.calibration import calibrate
from napari_microrecon.engine.generator.exemplar import Exemplars
from napari_microrecon.engine.generator.health import LEAD, Health, HealthCheck, critic_course, diagnose
from napari_microrecon.engine.generator.measures import SectionScore
from napari_microrecon.engine.generator.network.critics import Critic, critic_loss
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice, SliceSet, Symmetry
from napari_microrecon.engine.voxels import AXES, Axis

SIZE = 48
POROSITY = 0.3
VOXELS = 6 * SIZE**3


def field(seed: int, sigma: float | tuple[float, ...] = 2.5, shape: tuple[int, ...] = (SIZE,) * 3) -> np.ndarray:
    """Periodic Gaussian field of unit variance."""
    values = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), sigma, mode='wrap')
    return (values / values.std()).astype(np.float32)


def streaky(seed: int, shape: tuple[int, ...] = (SIZE,) * 3) -> np.ndarray:
    """Field with streaks along (1, 1) in the planes of the last two axes."""
    values = field(seed, 2.0, shape)
    total = np.sum([np.roll(values, (r, r), (-2, -1)) for r in range(12)], axis=0)
    return (total / total.std()).astype(np.float32)


def exemplars_of(values: np.ndarray, symmetry: Symmetry = 'isotropic', planes: tuple[Axis, ...] = ('z',)) -> Exemplars:
    """Slices of a field that is cut at the porosity."""
    labels = (values > np.quantile(values, 1 - POROSITY)).astype(np.uint8)
    cuts = [Slice(np.take(labels, 5, AXES.index(plane)), Phases.default(2), plane) for plane in planes]
    return Exemplars.of(SliceSet.of(cuts, symmetry))


@pytest.fixture(scope='module')
def slices() -> Exemplars:
    """A slice of 160 x 160 pixels."""
    return exemplars_of(field(99, shape=(8, 160, 160)))


def examine(exemplars: Exemplars, fields: list[np.ndarray], share: float = 0.9) -> Health:
    """Calibrate volumes as an evaluation does, and let them be judged."""
    logits = [6 * np.stack([np.zeros_like(values), values]) for values in fields]
    flat = np.concatenate([part.reshape(2, -1).T for part in logits])
    offsets = calibrate(flat, exemplars.fractions).astype(np.float32)
    logits = [part + offsets[:, None, None, None] for part in logits]
    labels = [part.argmax(0).astype(np.uint8) for part in logits]
    measured = SectionScore(exemplars, labels[0].shape).measure(labels)
    measured |= HealthCheck(exemplars).measure(labels, logits)
    return diagnose(measured | {'score': 0.1}, {}, voxels=VOXELS, share=share)


@pytest.mark.parametrize('seed', [0, 100, 200])
def test_volumes_like_the_slices_are_healthy(slices: Exemplars, seed: int) -> None:
    health = examine(slices, [field(seed + i) for i in range(6)])
    assert health.good, health
    assert health.sentence == 'healthy'
    assert 0.93 < health.numbers['diversity'] < 1.07
    assert health.numbers['lattice_ratio'] < 3
    assert health.numbers['oblique'] < 0.04
    assert health.numbers['surface_ratio'] == pytest.approx(1, abs=0.1)


def test_seeds_that_look_alike(slices: Exemplars) -> None:
    health = examine(slices, [0.8 * field(0) + 0.6 * field(i) for i in range(1, 7)])
    assert not health.good
    assert 'seeds look alike' in health.sentence
    assert health.numbers['diversity'] < 0.7
    assert examine(slices, [field(0)] * 6).numbers['diversity'] == pytest.approx(0, abs=1e-6)


def test_a_lattice_of_the_network_s_stride(slices: Exemplars) -> None:
    pattern = np.tile(field(5, 1.0, (8, 8, 8)), (SIZE // 8,) * 3)
    health = examine(slices, [field(i) + 0.25 * pattern for i in range(6)])
    assert 'lattice' in health.sentence
    assert health.numbers['lattice_ratio'] > 5
    assert health.numbers['lattice'] > 0.05


def test_a_checkerboard(slices: Exemplars) -> None:
    checks = np.indices((SIZE,) * 3).sum(0) % 2 - 0.5
    health = examine(slices, [field(i) + 0.1 * checks for i in range(6)])
    assert 'checkerboard' in health.sentence


@pytest.mark.parametrize(
    ('sigma', 'words'), [(3.5, 'over-smoothed'), (1.7, 'too rough'), ((2.5, 2.5, 4.5), 'axes differ')]
)
def test_surface_away_from_that_of_the_slices(slices: Exemplars, sigma: float, words: str) -> None:
    made = [field(i, sigma) for i in range(6)]
    late, early = examine(slices, made), examine(slices, made, share=0.2)
    assert words in late.sentence
    assert early.advice == 'usual at this stage'
    assert 'more time' in late.advice


def test_over_smoothing_says_by_how_much(slices: Exemplars) -> None:
    health = examine(slices, [field(i, 3.5) for i in range(6)])
    percent = round(100 * (1 - health.numbers['surface_ratio']))
    assert f'surface {percent} % below the slices' in health.note


def test_oblique_streaks_only_where_the_slices_have_none(slices: Exemplars) -> None:
    made = [streaky(i) for i in range(6)]
    assert (
        HealthCheck(slices).measure([m > 0.5 for m in made], [np.stack([-m, m]) for m in made])['health_oblique'] > 0.2
    )
    mirrored = [m[:, :, ::-1] for m in made]
    real = exemplars_of(streaky(50, (96, 96, 96)), 'orthotropic', AXES)
    check = HealthCheck(real)

    def streaks(volumes: list[np.ndarray]) -> float:
        return check.measure([m > 0.5 for m in volumes], [np.stack([-m, m]) for m in volumes])['health_oblique']

    assert streaks(made) < 0.08
    assert streaks(mirrored) > 0.2


HEALTHY = {
    'health_diversity': 1.0, 'health_lattice': 0.01, 'health_lattice_ratio': 1.0, 'health_checkerboard': 0.001,
    'health_surface_ratio': 1.0, 'health_axis_spread': 1.05, 'health_oblique': 0.01, 'health_critic_spike': 1.5,
    'surface_error': 0.05, 'percolating_1': 0.95, 'score': 0.1,
}  # fmt: skip


def test_a_critic_that_runs_away_is_one_that_spoils_the_surface() -> None:
    spiky = HEALTHY | {'health_critic_spike': critic_course([0.3] * 20 + [9.0])['health_critic_spike']}
    assert spiky['health_critic_spike'] == pytest.approx(30)
    assert diagnose(spiky, {}, [HEALTHY]).good
    health = diagnose(spiky | {'surface_error': 0.14}, {}, [HEALTHY])
    assert 'critic dominating' in health.sentence
    assert critic_course(np.random.default_rng(0).normal(0.3, 0.2, 200).tolist())['health_critic_spike'] < 5
    assert critic_course([]) == {'health_critic_spike': 1}


def duel(
    *, rate: float = 0.02, critic_rate: float = 1e-3, critic_steps: int = 3, penalty: float = 10.0, steps: int = 100
) -> list[dict[str, float]]:
    """The product's critic against a small generator of pictures; indicators of every fifth of the steps."""
    chance = torch.Generator().manual_seed(0)
    edge, batch = 24, 8
    material = torch.from_numpy((field(0, shape=(160, 160)) > 0.5).astype(np.float32))
    pictures = torch.stack([1 - material, material]).unfold(1, edge, 1).unfold(2, edge, 1).movedim(0, 2).flatten(0, 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        maker = nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.Tanh(), nn.Conv2d(8, 2, 5, padding=2))
        critic = Critic(2, 16)
    theirs = torch.optim.Adam(maker.parameters(), rate, betas=(0.9, 0.99))
    mine = torch.optim.Adam(critic.parameters(), critic_rate, betas=(0.5, 0.9))
    gaps: list[float] = []
    slopes: list[float] = []
    for _ in range(steps):
        told: Mapping[str, float] = {}
        for _ in range(critic_steps):
            fake = torch.softmax(4 * maker(torch.randn((batch, 1, edge, edge), generator=chance)), 1).detach()
            real = pictures[torch.randint(len(pictures), (batch,), generator=chance)]
            loss, told = critic_loss(critic, real, fake, chance, penalty)
            mine.zero_grad()
            loss.backward()
            mine.step()
        gaps.append(told['critic_gap'])
        slopes.append(told['critic_slope'])
        fake = torch.softmax(4 * maker(torch.randn((batch, 1, edge, edge), generator=chance)), 1)
        theirs.zero_grad()
        (-critic(fake).mean()).backward()
        nn.utils.clip_grad_norm_(maker.parameters(), 1.0)
        theirs.step()
    ends = range(steps // 5, steps + 1, steps // 5)
    return [HEALTHY | critic_course(gaps[end - steps // 5 : end], slopes[end - 1]) for end in ends]


def told_of(rows: list[dict[str, float]]) -> list[Health]:
    """What is said at every evaluation."""
    return [diagnose(row, {}, rows[:i], share=(i + 1) / len(rows)) for i, row in enumerate(rows)]


def test_critics_that_the_generator_follows_are_healthy() -> None:
    rows = duel(steps=80)
    assert all(health.good for health in told_of(rows)), rows
    assert rows[-1]['health_critic_gap'] < 0.5 * max(row['health_critic_gap'] for row in rows)
    assert rows[-1]['health_critic_slope'] < 0.5


def test_a_critic_without_a_penalty_dominates() -> None:
    rows = duel(penalty=0.0, critic_steps=2, steps=60)
    assert 'the gradient penalty does not hold it' in told_of(rows)[-1].sentence
    assert rows[-1]['health_critic_slope'] > 10


def test_a_generator_that_cannot_follow_is_told() -> None:
    rows = duel(rate=1e-6, critic_steps=2, steps=60)
    told = told_of(rows)
    assert 'critic dominating, the generator does not follow' in told[-1].sentence
    assert rows[-1]['health_critic_lead'] > 2 * LEAD
    assert told[1].good  # early on that is usual


def test_a_generator_and_a_critic_that_circle_are_told() -> None:
    """A linear critic without a penalty and a generator of one picture circle for ever (Mescheder et al. 2018)."""
    chance = torch.Generator().manual_seed(0)
    line = nn.Linear(16, 1, bias=False)
    critic = nn.Sequential(nn.Flatten(), line)
    picture = torch.full((1, 4, 4), 0.2, requires_grad=True)
    nn.init.zeros_(line.weight)
    gaps: list[float] = []
    slopes: list[float] = []
    for _ in range(160):
        real, noise = (0.1 * torch.randn((8, 1, 4, 4), generator=chance) for _ in range(2))
        fake = picture + noise
        loss, told = critic_loss(critic, real, fake.detach(), chance, penalty=0.0)
        (uphill,) = torch.autograd.grad(-critic(fake).mean(), picture)
        (steeper,) = torch.autograd.grad(loss, line.weight)
        with torch.no_grad():
            line.weight -= 0.1 * steeper
            picture -= 0.1 * uphill
        gaps.append(told['critic_gap'])
        slopes.append(told['critic_slope'])
    rows = [HEALTHY | critic_course(gaps[end - 40 : end], slopes[end - 1]) for end in (40, 80, 120, 160)]
    assert min(gaps) < -0.1 < 0.1 < max(gaps)
    assert 'oscillating, generator and critic overrun each other' in told_of(rows)[-1].sentence


def test_lost_connectivity_is_told() -> None:
    assert diagnose(HEALTHY, {'percolating_1': 0.98}).good
    health = diagnose(HEALTHY | {'percolating_1': 0.8}, {'percolating_1': 0.98})
    assert 'connectivity is being lost, 18 %' in health.sentence
    assert 'weight of connectivity' in health.advice


def test_the_course_of_the_scores() -> None:
    def course(*scores: float, **more: float) -> Health:
        rows = [HEALTHY | {'score': value} for value in scores]
        return diagnose(rows[-1], {}, rows[:-1], share=0.8)

    assert 'oscillating' in course(0.1, 0.2, 0.1, 0.2).sentence
    assert 'nothing has changed' in course(0.3, 0.1, 0.101, 0.102).sentence
    assert course(0.4, 0.3, 0.2, 0.15).sentence == 'healthy'
    assert 'converged' in diagnose(HEALTHY, {}, inside=True).sentence


def test_indicators_cost_little() -> None:
    exemplars = exemplars_of(field(99, shape=(8, 160, 160)))
    made = [np.stack([np.zeros((64, 64, 64), np.float32), field(i, shape=(64, 64, 64))]) for i in range(6)]
    labels = [part.argmax(0).astype(np.uint8) for part in made]
    check = HealthCheck(exemplars)
    began = time.process_time()
    check.measure(labels, made)
    assert time.process_time() - began < 0.5


def test_band_is_the_uncertainty_of_the_slices() -> None:
    """Halves of the same material differ about as much as the band of both together says."""
    large = exemplars_of(field(1, shape=(8, 400, 400)))
    small = exemplars_of(field(2, shape=(8, 100, 100)))
    wide, narrow = (Band(slices, (SIZE,) * 3) for slices in (small, large))
    assert narrow.s2_error < wide.s2_error
    assert narrow.surface_error < wide.surface_error
    # Another slice of the same material: its own error and that of the first, root two together.
    errors: list[float] = []
    for seed in range(10, 18):
        other = exemplars_of(field(seed, shape=(8, 400, 400)))
        errors.append(abs(other.edge_density(1)['z'] / large.edge_density(1)['z'] - 1))
    assert np.sqrt(np.mean(np.square(errors))) < 2 * np.sqrt(2) * narrow.surface_error


def test_band_holds_volumes_of_the_material_and_no_others() -> None:
    slices = exemplars_of(field(2, shape=(8, 160, 160)))
    band, scorer = Band(slices, (SIZE,) * 3), SectionScore(slices, (SIZE,) * 3)

    def measured(sigma: float) -> dict[str, float]:
        made = [field(i, sigma) for i in range(6)]
        return scorer.measure([(m > np.quantile(m, slices.fractions[0])).astype(np.uint8) for m in made])

    good = measured(2.5)
    assert band.holds(good, good)
    assert not band.holds(good, good | {'percolating_1': good['percolating_1'] + 0.1})
    assert not band.holds(measured(3.2), {})
