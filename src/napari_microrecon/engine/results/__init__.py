"""What a measurement returns: reports, bands of several volumes, comparisons and their verdicts.

Importing this package loads none of the modules behind it; each name loads its own on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import late

if TYPE_CHECKING:
    from .bands import Band, CurveBand, Ensemble
    from .comparison import Comparison, Verdict
    from .report import Curve, Report, Statistic, VolumeInfo

_HOMES = {
    'bands': ('Band', 'CurveBand', 'Ensemble'),
    'comparison': ('Comparison', 'Verdict'),
    'report': ('Curve', 'Report', 'Statistic', 'VolumeInfo'),
}

__all__ = [
    'Band',
    'Comparison',
    'Curve',
    'CurveBand',
    'Ensemble',
    'Report',
    'Statistic',
    'Verdict',
    'VolumeInfo',
]

__getattr__, __dir__ = late(__name__, _HOMES)
