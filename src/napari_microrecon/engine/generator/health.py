"""Signs that a training goes wrong, measured on the volumes of an evaluation, and said in one sentence.

The statistics that choose the best weights see sections only on average; these see what such averages hide:
seeds that look alike, patterns of the network's own grid, streaks across the axes, a critic that runs away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..voxels import AXES, IMAGE_AXES
from .exemplar import Exemplars

# Where a number becomes a warning. Healthy trainings stay well inside.
DIVERSITY = 0.93
LATTICE_RATIO, LATTICE = 5.0, 0.05
CHECKERBOARD = 0.006
SMOOTH, ROUGH, SPREAD = 0.85, 1.2, 1.3
OBLIQUE = 0.08
LOST = 0.05  # of a phase's percolating fraction, against the untrained prior; more where that is low and scatters
SPIKE = 5.0  # largest critic gap over the median one
SLOPE = 1.0  # mean (|gradient| - 1)^2 of the critics; where the penalty holds them it stays below 0.5
LEAD, STAYS = 8.0, 0.7  # critic gap over its scatter from step to step, and over the largest of the training
OVERSHOOT = 6.0  # standard errors by which the critic gap is negative over a quarter of the steps
SWING = 0.3  # of the score, up and down again
FLAT = 0.05  # of the score, over three evaluations
DIAGONALS = 4  # lags
PREFIX = 'health_'


@dataclass(frozen=True)
class Health:
    """What an evaluation says of the training.

    Attributes
    ----------
    numbers : mapping of str to float
        diversity, lattice, lattice_ratio, checkerboard, surface_ratio, axis_spread, oblique; with critics those of
        `critic_course`.
    sentence : str
        In plain words: 'healthy', or what is wrong and by how much.
    advice : str
        What to do about it; empty where nothing needs doing.
    good : bool
        Whether nothing is wrong.
    """

    numbers: Mapping[str, float]
    sentence: str
    advice: str = ''
    good: bool = True

    @property
    def note(self) -> str:
        """Sentence and advice in one line."""
        return f'{self.sentence}: {self.advice}' if self.advice else self.sentence


class HealthCheck:
    """Indicators of evaluation volumes; what real slices have some of is measured on them once."""

    def __init__(self, exemplars: Exemplars) -> None:
        self._count = exemplars.phase_count
        self._phases = [k for k in range(self._count) if exemplars.fractions[k] > 0.02] or [0]
        self._faces = np.array([[exemplars.edge_density(k)[axis] for axis in AXES] for k in range(self._count)])
        # (K, 3): the obliqueness that the slices have; of an isotropic material in either direction.
        self._oblique = np.zeros((self._count, 3))
        for plane, normal in enumerate(AXES):
            for k in range(self._count):
                found = [obliqueness(image == k) for image in exemplars.images[normal]]
                self._oblique[k, plane] = np.mean(np.abs(found)) if exemplars.isotropic else np.mean(found)
        self._isotropic = exemplars.isotropic

    def measure(self, labels: Sequence[np.ndarray], logits: Sequence[np.ndarray]) -> dict[str, float]:
        """Indicators of periodic volumes of one size.

        Parameters
        ----------
        labels : sequence of numpy.ndarray
            Calibrated labels (Z, Y, X) of volumes with different seeds.
        logits : sequence of numpy.ndarray
            Their calibrated logits (K, Z, Y, X).

        Returns
        -------
        dict
            Names begin with 'health_'.
        """
        soft = np.stack([_softmax(part) for part in logits])  # (V, K, Z, Y, X)
        if self._count == 2:
            soft = soft[:, 1:]
        variance = float(soft.var(axis=(0, 2, 3, 4)).sum())
        mean = soft.mean(0)
        eight, two = folded(mean, 8), folded(mean, 2)
        # Seven voxels are no period of the network: chance alone. A pattern of eight must not leak into it.
        repeats = np.tile(eight, (1, *(-(-n // 8) for n in mean.shape[1:])))
        chance = folded(mean - repeats[:, : mean.shape[1], : mean.shape[2], : mean.shape[3]], 7)
        lattice, checkerboard, chance = (
            float(np.sqrt(cells.var(axis=(1, 2, 3)).sum() / max(variance, 1e-9))) for cells in (eight, two, chance)
        )
        ratios = np.array([
            [np.mean([(m != np.roll(m, 1, axis)).mean() for m in masks]) for axis in range(3)]
            for masks in ([volume == k for volume in labels] for k in range(self._count))
        ]) / self._faces  # fmt: skip
        worst = max(self._phases, key=lambda k: abs(np.log(max(ratios[k].mean(), 1e-6))))
        found = {
            'diversity': seed_diversity(soft, variance),
            'lattice': lattice,
            'lattice_ratio': lattice / max(chance, 1e-6),
            'checkerboard': checkerboard,
            'surface_ratio': float(ratios[worst].mean()),
            'axis_spread': float(max(r.max() / max(r.min(), 1e-6) for r in ratios[self._phases])),
            'oblique': self._streaks(labels),
        }
        return {PREFIX + name: float(value) for name, value in found.items()}

    def _streaks(self, labels: Sequence[np.ndarray]) -> float:
        """Largest obliqueness over phases and planes beyond what the slices have."""
        worst = 0.0
        for k in self._phases[1:] if self._count == 2 and len(self._phases) == 2 else self._phases:
            for plane, normal in enumerate(AXES):
                row, column = (AXES.index(axis) for axis in IMAGE_AXES[normal])
                found = [obliqueness(volume == k, (row, column), periodic=True) for volume in labels]
                got = np.mean(found)
                # What scatter between so few volumes explains is no streak.
                chance = 2 * np.std(found, ddof=1) / np.sqrt(len(found)) if len(found) > 1 else 0.0
                real = self._oblique[k, plane]
                low, high = (-abs(real), abs(real)) if self._isotropic else (min(real, 0.0), max(real, 0.0))
                worst = max(worst, low - got - chance, got - high - chance)
        return float(worst)


def _softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(0))
    return shifted / shifted.sum(0)


def seed_diversity(soft: np.ndarray, variance: float) -> float:
    """E (p_a - p_b)^2 / 2 Var p over pairs of seeds: 1 where they are independent, 0 where they are the same.

    `soft` (V, K, Z, Y, X); `variance` is the sum over K of the variance within all volumes together.
    """
    if len(soft) < 2 or variance < 1e-9:
        return 1.0 if len(soft) < 2 else 0.0
    # The mean over pairs of (p_a - p_b)^2 is twice the unbiased variance over volumes.
    return float(soft.var(0, ddof=1).mean((1, 2, 3)).sum() / variance)


def folded(values: np.ndarray, period: int) -> np.ndarray:
    """Mean of (K, Z, Y, X) over all cubes of `period` voxels, (K, period, period, period)."""
    count, *size = values.shape
    z, y, x = (n // period for n in size)
    cut = values[:, : z * period, : y * period, : x * period]
    return cut.reshape(count, z, period, y, period, x, period).mean((1, 3, 5))


def obliqueness(mask: np.ndarray, plane: tuple[int, int] = (0, 1), *, periodic: bool = False) -> float:
    """Mean over lags r of (S2(r, r) - S2(r, -r)) / phi (1 - phi): positive where streaks run down to the right."""
    phi = float(mask.mean())
    if not 0 < phi < 1:
        return 0.0
    row, column = plane
    total = 0.0
    for r in range(1, DIAGONALS + 1):
        if periodic:
            down = np.roll(mask, -r, row)
            total += float((mask & np.roll(down, -r, column)).mean() - (mask & np.roll(down, r, column)).mean())
        else:
            down_right = mask[:-r, :-r] & mask[r:, r:]
            down_left = mask[:-r, r:] & mask[r:, :-r]
            total += float(down_right.mean() - down_left.mean())
    return total / DIAGONALS / (phi * (1 - phi))


def critic_course(gaps: Sequence[float], slope: float = 0.0) -> dict[str, float]:
    """Indicators of the critics over a stretch of steps; names begin with 'health_critic_'.

    Parameters
    ----------
    gaps : sequence of float
        Score of the slices less that of the volumes' sections, per step.
    slope : float
        Mean (|gradient| - 1)^2 of the last step, 0 for a critic that is a measure of distance.

    Returns
    -------
    dict
        spike: largest gap over the median one; 1 without enough of them. And where there are enough,
        gap: the median; slope: as given; lead: the median over the scatter from step to step;
        overshoot: mean of the lowest quarter of the stretch below nothing, in standard errors from that scatter. A gap
        estimates a distance: where it is negative for long, the generator has overrun the critic, and they circle.
    """
    if len(gaps) < 8:
        return {PREFIX + 'critic_spike': 1.0}
    values = np.asarray(gaps, float)
    sizes = np.abs(values)
    median = float(np.median(values))
    scatter = max(float(np.sqrt(np.mean(np.diff(values) ** 2) / 2)), 1e-3)
    found = {
        # A gap near nothing is no measure for others.
        'spike': sizes.max() / max(float(np.median(sizes)), 0.1),
        'gap': median,
        'slope': slope,
        'lead': median / scatter,
        'overshoot': max(-part.mean() * np.sqrt(len(part)) / scatter for part in np.array_split(values, 4)),
    }
    return {f'{PREFIX}critic_{name}': float(value) for name, value in found.items()}


def diagnose(
    measured: Mapping[str, float],
    reference: Mapping[str, float],
    earlier: Sequence[Mapping[str, float]] = (),
    *,
    voxels: int = 10**6,
    share: float = 1.0,
    inside: bool = False,
) -> Health:
    """Say in a sentence what an evaluation shows.

    Parameters
    ----------
    measured : mapping
        Statistics and indicators of this evaluation.
    reference : mapping
        Statistics of the untrained prior.
    earlier : sequence of mapping
        Earlier evaluations of the training, oldest first.
    voxels : int
        Voxels of all volumes together: chance alone leaves a pattern of about 1 / sqrt(voxels per cell).
    share : float
        Share of the training that is done.
    inside : bool
        Whether the statistics are as near as the slices determine them.
    """
    numbers = {name[len(PREFIX) :]: value for name, value in measured.items() if name.startswith(PREFIX)}
    late = share > 0.5

    def bad(sentence: str, advice: str) -> Health:
        return Health(numbers, sentence, advice, good=False)

    if numbers['diversity'] < DIVERSITY:
        return bad(
            f'collapsing, seeds look alike (diversity {numbers["diversity"]:.2f}, 1 is right)',
            'stop and train again with a lower learning rate or critic weight',
        )
    if numbers['lattice'] > LATTICE and numbers['lattice_ratio'] > LATTICE_RATIO:
        return bad(
            f'lattice artefact, {100 * numbers["lattice"]:.0f} % of the contrast repeats every 8 voxels',
            'lower the critic weight, or train longer',
        )
    if numbers['checkerboard'] > max(CHECKERBOARD, 2 / np.sqrt(voxels / 8)):
        return bad(
            f'checkerboard artefact, {100 * numbers["checkerboard"]:.1f} % of the contrast repeats every 2 voxels',
            'lower the critic weight, or train longer',
        )
    before = earlier[-1] if earlier else None
    if (
        before is not None
        and numbers.get('critic_spike', 1.0) > SPIKE
        and measured['surface_error'] > 1.5 * before['surface_error'] + 0.02
    ):
        return bad('critic dominating, its gap jumps and the surface suffers', 'lower the critic weight or its rate')
    if numbers.get('critic_slope', 0.0) > SLOPE:
        return bad(
            f'critic dominating, the gradient penalty does not hold it (slope error {numbers["critic_slope"]:.1f}, '
            'below 0.5 is right)',
            'raise the gradient penalty, or lower the rate of the critic',
        )
    if numbers.get('critic_overshoot', 0.0) > OVERSHOOT:
        return bad(
            f'oscillating, generator and critic overrun each other in turn (gap below 0 by '
            f'{numbers["critic_overshoot"]:.0f} standard errors)',
            'train again with a lower learning rate, or with more critic steps',
        )
    gap = numbers.get('critic_gap', 0.0)
    widest = max((row.get(PREFIX + 'critic_gap', 0.0) for row in earlier), default=0.0)
    if late and numbers.get('critic_lead', 0.0) > LEAD and gap > STAYS * widest > 0:
        return bad(
            f'critic dominating, the generator does not follow (gap {gap:.2g}, {max(widest, gap):.2g} at most)',
            'raise the learning rate of the generator, or take fewer critic steps',
        )
    if numbers['oblique'] > OBLIQUE:
        return bad(
            f'oblique streaks that the slices do not have ({numbers["oblique"]:.2f}, 0 is right)',
            'raise the weight of s2, or lower that of the critic',
        )
    lost = max(
        (
            before_it - measured[name]
            for name, before_it in reference.items()
            if name.startswith('percolating') and before_it - measured[name] > max(LOST, (1 - before_it) / 3)
        ),
        default=0.0,
    )
    if lost:
        return bad(
            f'connectivity is being lost, {100 * lost:.0f} % less percolates than in the prior',
            'raise the weight of connectivity'
            if late
            else 'it usually comes back; else raise the weight of connectivity',
        )
    patience = 'more time would help' if late else 'usual at this stage'
    surface = numbers['surface_ratio']
    if surface < SMOOTH:
        return bad(f'over-smoothed, surface {100 * (1 - surface):.0f} % below the slices', patience)
    if surface > ROUGH:
        return bad(f'too rough, surface {100 * (surface - 1):.0f} % above the slices', patience)
    if numbers['axis_spread'] > SPREAD:
        return bad(
            f'axes differ, one has {numbers["axis_spread"]:.2f} times as much surface as another, against the slices',
            patience,
        )
    scores = [row['score'] for row in earlier[-3:]] + [measured['score']]
    if len(scores) == 4 and late:
        turns = np.sign(np.diff(scores))
        if (turns[1:] * turns[:-1] < 0).all() and np.abs(np.diff(scores)).min() > SWING * np.median(scores):
            return bad('oscillating, every other evaluation is worse', 'train again with a lower learning rate')
    if inside:
        how = 'converged' if share >= 0.5 else 'healthy'
        # Of the training: whether the material has the shapes of the slices, these statistics do not see.
        return Health(numbers, f'{how}, its statistics are as near to the slices as these determine them')
    if len(scores) >= 3 and late and np.ptp(scores[-3:]) < FLAT * np.mean(scores[-3:]):
        return Health(numbers, 'converged, nothing has changed over three evaluations')
    return Health(numbers, 'healthy')
