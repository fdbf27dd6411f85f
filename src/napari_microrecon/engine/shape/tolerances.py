"""What deviation still fits: limits found on sections of real volumes and on volumes that are wrong by eye."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """Largest deviation that fits: the larger of a fixed one and a share of what single windows of the slices have.

    Attributes
    ----------
    fixed : float
        In the unit of the statistic.
    share : float
        Of the mean deviation of single windows from all of them.
    family : str
        Statistics that tell of the same thing; a verdict names one of each.
    """

    fixed: float
    share: float
    family: str


# The first three are common bars for sections of a volume (within 10 % for faces, .05 or half the error of a single
# window for the covariance; areas below). The others were set on pooled blocks of eleven volumes, real and computed,
# against slices of their own, on thirty micrographs with volumes that are wrong by eye, and on bodies of wrong form.
LIMITS: dict[str, Limit] = {
    'faces': Limit(0.10, 0.0, 'faces'),
    'covariance': Limit(0.05, 0.5, 'covariance'),
    'areas': Limit(0.25, 0.0, 'areas'),
    'sizes': Limit(1.0, 1.0, 'sizes'),
    'roundness': Limit(0.4, 0.7, 'outline'),
    'aspect': Limit(0.25, 0.7, 'aspect'),
    'chords': Limit(0.2, 1.0, 'thickness'),
    'long chords': Limit(0.25, 1.0, 'thickness'),
    'depth': Limit(0.16, 1.2, 'thickness'),
    'outline 2': Limit(0.0187, 0.8, 'outline'),
    'outline 3': Limit(0.0245, 0.8, 'outline'),
    'outline 5': Limit(0.033, 0.8, 'outline'),
    'texture 1': Limit(0.08, 0.8, 'texture'),
    'texture 2': Limit(0.065, 0.7, 'texture'),
    'texture 4': Limit(0.085, 0.55, 'texture'),
    'alignment': Limit(0.13, 1.7, 'alignment'),
}
BARS = ('faces', 'covariance', 'areas')
ACROSS = 0.5  # of the deviation of single windows
RARE = 2.0  # how much wider for all but the two commonest phases, of which slices show little
NOT_AT_ALL = 2.0  # times a limit


def limit(name: str, floor: float, pieces: int, part: float, *, rare: bool, directed: bool, sets: float = 1.0) -> float:
    """Largest deviation of a statistic that fits.

    Parameters
    ----------
    name : str
        Of the statistic.
    floor : float
        Mean deviation of single windows.
    pieces : int
        Connected areas of the phase in the slices; few of them leave their number uncertain.
    part : float
        Area of a window over that of the slices. Where it is large, the slices themselves are a small sample: their
        mean lies sqrt(part / (1 - part)) floors from that of the material.
    rare : bool
        Whether the phase is none of the two commonest.
    directed : bool
        Whether rows and columns are told apart; along needles or films there are few faces, and their number scatters.
    sets : float
        Sets of statistics, 1 for two phases in one plane: of many more, some lie far out by chance.
    """
    at = LIMITS[name]
    share = at.share if name in BARS else max(at.share, math.sqrt(part / max(1 - part, 1e-6)))
    if name == 'faces' and directed:
        share = ACROSS
    value = max(at.fixed, share * floor)
    if name == 'areas':
        value = max(value, 3 / math.sqrt(max(pieces, 1)))
    # The bars stay where all sections are pooled; they were never meant for one direction in one plane of three.
    if directed or name not in BARS:
        value *= max(sets, 1.0) ** 0.25
    return value * (RARE if rare else 1.0)
