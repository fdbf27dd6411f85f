"""What is told about how well an image represents a phase fraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..results.report import Statistic

RepresentativityVerdict = Literal['large enough', 'too small', 'cannot tell']


@dataclass(frozen=True)
class Interval:
    """Confidence interval of a phase fraction, dimensionless."""

    low: float
    high: float
    confidence: float

    @property
    def half_width(self) -> float:
        """Half its length."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Needed:
    """Image that would give the phase fraction to a wished precision.

    Attributes
    ----------
    precision : float
        Wished half-width of the interval.
    edge : Statistic
        Edge of one square (cubic) image of the same voxel size; its sd is that of the integral range.
    images : Statistic
        How many images of the size at hand, from places far apart, would do instead.
    """

    precision: float
    edge: Statistic
    images: Statistic


@dataclass(frozen=True)
class Representativity:
    """How well an image tells the fraction of one phase.

    Attributes
    ----------
    fraction : Statistic
        Fraction in the image; sd is the standard error from its finite size alone, None where it is too small.
    verdict : {'large enough', 'too small', 'cannot tell'}
        Whether the interval means what it says.
    sentence : str
        The verdict in words with its numbers.
    interval : Interval or None
        Sampling error and, where there was a threshold, its error together in quadrature; None unless large enough.
    sampling : Interval or None
        From the finite size alone.
    threshold : Statistic or None
        Standard deviation of the fraction that comes from the grey threshold; None where the labels were given.
    integral_range : Statistic
        Area (volume) of one independent sample.
    samples : Statistic
        Number of independent samples in all images.
    freedom : float
        Degrees of freedom of the error; 0 where it is not known.
    needed : Needed or None
        For a wished precision.
    notes : tuple of str
        What else to know.
    """

    fraction: Statistic
    verdict: RepresentativityVerdict
    sentence: str
    interval: Interval | None
    sampling: Interval | None
    threshold: Statistic | None
    integral_range: Statistic
    samples: Statistic
    freedom: float
    needed: Needed | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {
            'fraction': self.fraction.model_dump(),
            'verdict': self.verdict,
            'sentence': self.sentence,
            'interval': _interval_data(self.interval),
            'sampling_interval': _interval_data(self.sampling),
            'threshold_sd': None if self.threshold is None else self.threshold.model_dump(),
            'integral_range': self.integral_range.model_dump(),
            'independent_samples': self.samples.model_dump(),
            'degrees_of_freedom': self.freedom,
            'needed': None
            if self.needed is None
            else {
                'precision': self.needed.precision,
                'edge': self.needed.edge.model_dump(),
                'images': self.needed.images.model_dump(),
            },
            'notes': list(self.notes),
        }


def _interval_data(interval: Interval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {'low': interval.low, 'high': interval.high, 'confidence': interval.confidence}
