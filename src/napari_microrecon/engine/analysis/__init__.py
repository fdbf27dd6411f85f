"""Statistics of microstructures: one volume, one slice, or a reconstruction beside real material.

Importing this package loads none of the modules behind it; each name loads its own on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .anisotropy import Anisotropy, anisotropy_of_slice, anisotropy_of_volume
    from .comparing import BandEntry, Comparison, CurveBand, Verdict, compare
    from .html_report import report_html
    from .measuring import measure
    from .report import Curve, Report, Statistic, VolumeInfo, title

_HOMES = {
    'anisotropy': ('Anisotropy', 'anisotropy_of_slice', 'anisotropy_of_volume'),
    'comparing': ('BandEntry', 'Comparison', 'CurveBand', 'Verdict', 'compare'),
    'html_report': ('report_html',),
    'measuring': ('measure',),
    'report': ('Curve', 'Report', 'Statistic', 'VolumeInfo', 'title'),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    'Anisotropy',
    'BandEntry',
    'Comparison',
    'Curve',
    'CurveBand',
    'Report',
    'Statistic',
    'Verdict',
    'VolumeInfo',
    'anisotropy_of_slice',
    'anisotropy_of_volume',
    'compare',
    'measure',
    'report_html',
    'title',
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'.{_HOME[name]}', __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
