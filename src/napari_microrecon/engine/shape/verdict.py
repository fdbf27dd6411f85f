"""Whether a volume's sections have the shapes of the slices: one number, one of three levels, and words."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Level = Literal['fits', 'fits in part', 'does not fit']
LEVELS: tuple[Level, ...] = ('fits', 'fits in part', 'does not fit')


class ShapeVerdict(BaseModel):
    """How far the sections of volumes lie from the slices in shape.

    Attributes
    ----------
    error : float
        Fourth-power mean of all deviations over their limits, dimensionless, 0 is best; at most 1 where all fit.
    floor : float
        Mean error of single windows of the slices, of the size of the sections, against all of them: what one section
        of the material itself would score. Many sections together should lie well below it.
    level : {'fits', 'fits in part', 'does not fit'}
        'fits' where no deviation is beyond its limit.
    worst : tuple of str
        The two statistics that are nearest to their limit or farthest beyond it, in words.
    words : str
        One sentence for the user.
    numbers : dict
        Deviation of every statistic; its name tells the phase and, where planes differ, the plane.
    ratios : dict
        The same over the largest that fits: more than 1 is too much.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    error: float
    floor: float
    level: Level
    worst: tuple[str, ...]
    words: str
    numbers: dict[str, float]
    ratios: dict[str, float]

    @property
    def farthest(self) -> float:
        """Largest deviation over its limit: 1 and less fits."""
        return max(self.ratios.values(), default=0.0)

    @property
    def rank(self) -> tuple[int, float]:
        """Sort key: the smaller fits better."""
        return LEVELS.index(self.level), self.error


def in_words(name: str, sense: float, phase: str) -> str:
    """What is wrong with one statistic.

    Parameters
    ----------
    name : str
        Of the statistic.
    sense : float
        Of its deviation.
    phase : str
        Name of the phase that it was measured on.
    """
    more = sense > 1 if name in ('areas', 'faces') else sense > 0
    base, _, scale = name.rpartition(' ')
    if base == 'texture':
        return f'texture at {scale} px differs'
    if base == 'outline':
        return f'outlines too {"rough" if more else "smooth"}'
    return {
        'areas': f'pieces of {phase} too {"many" if more else "few"} ({sense:.2g} x)',
        'faces': f'too {"much" if more else "little"} boundary ({sense:.2g} x)',
        'covariance': f'structure too {"coarse" if more else "fine"}',
        'sizes': f'pieces of {phase} too {"large" if more else "small"}',
        'roundness': f'pieces of {phase} too {"round" if more else "irregular"}',
        'aspect': f'pieces of {phase} too {"long" if more else "compact"}',
        'chords': f'{phase} too {"thick" if more else "thin"}',
        'long chords': f'{phase} too {"thick" if more else "thin"}',
        'depth': f'{phase} too {"thick" if more else "thin"}',
        'alignment': f'boundaries too {"straight and parallel" if more else "winding"}',
    }[name]
