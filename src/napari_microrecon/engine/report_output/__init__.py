"""Reports as HTML, CSV and plots.

Importing this package loads none of the modules behind it; each name loads its own on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import late

if TYPE_CHECKING:
    from .html_report import report_html
    from .html_shape import ShapeEvidence
    from .plot_files import write_plot
    from .table import table_csv

_HOMES = {
    'html_report': ('report_html',),
    'html_shape': ('ShapeEvidence',),
    'plot_files': ('write_plot',),
    'table': ('table_csv',),
}

__all__ = [
    'ShapeEvidence',
    'report_html',
    'table_csv',
    'write_plot',
]

__getattr__, __dir__ = late(__name__, _HOMES)
