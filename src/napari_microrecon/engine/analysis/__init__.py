"""Statistics of microstructures: one volume, one slice, or a reconstruction beside real material.

Importing this package loads none of the modules behind it; each name loads its own on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import late

if TYPE_CHECKING:
    from .anisotropy import Anisotropy, anisotropy_of_slice, anisotropy_of_volume
    from .bands import BandEntry, CurveBand, Ensemble
    from .comparing import compare
    from .comparison import Comparison, Verdict
    from .faces import Face, face_title, spatial_face
    from .html_report import report_html
    from .html_shape import ShapeEvidence
    from .many import measure_blocks, measure_many
    from .measuring import measure
    from .memory import MemoryEstimate, MemoryRefusal, check_memory, coarsen, crop_middle, estimate_memory
    from .novelty import Novelty, find_copies
    from .plot_files import write_plot
    from .repeats import Repeats, find_repeats
    from .report import Curve, Report, Statistic, VolumeInfo, title
    from .representativity import representativity_of_slices, representativity_of_volume
    from .representativity_result import Representativity
    from .table import table_csv

_HOMES = {
    'anisotropy': ('Anisotropy', 'anisotropy_of_slice', 'anisotropy_of_volume'),
    'bands': ('BandEntry', 'CurveBand', 'Ensemble'),
    'comparing': ('compare',),
    'comparison': ('Comparison', 'Verdict'),
    'faces': ('Face', 'face_title', 'spatial_face'),
    'html_report': ('report_html',),
    'html_shape': ('ShapeEvidence',),
    'many': ('measure_blocks', 'measure_many'),
    'measuring': ('measure',),
    'memory': ('MemoryEstimate', 'MemoryRefusal', 'check_memory', 'coarsen', 'crop_middle', 'estimate_memory'),
    'novelty': ('Novelty', 'find_copies'),
    'plot_files': ('write_plot',),
    'repeats': ('Repeats', 'find_repeats'),
    'report': ('Curve', 'Report', 'Statistic', 'VolumeInfo', 'title'),
    'representativity': ('representativity_of_slices', 'representativity_of_volume'),
    'representativity_result': ('Representativity',),
    'table': ('table_csv',),
}

__all__ = [
    'Anisotropy',
    'BandEntry',
    'Comparison',
    'Curve',
    'CurveBand',
    'Ensemble',
    'Face',
    'MemoryEstimate',
    'MemoryRefusal',
    'Novelty',
    'Repeats',
    'Report',
    'Representativity',
    'ShapeEvidence',
    'Statistic',
    'Verdict',
    'VolumeInfo',
    'anisotropy_of_slice',
    'anisotropy_of_volume',
    'check_memory',
    'coarsen',
    'compare',
    'crop_middle',
    'estimate_memory',
    'face_title',
    'find_copies',
    'find_repeats',
    'measure',
    'measure_blocks',
    'measure_many',
    'report_html',
    'representativity_of_slices',
    'representativity_of_volume',
    'spatial_face',
    'table_csv',
    'title',
    'write_plot',
]

__getattr__, __dir__ = late(__name__, _HOMES)
