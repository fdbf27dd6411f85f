"""Turn 2D slices of a material into trustworthy 3D microstructures, in napari and in Python.

>>> import napari_microrecon as mr
>>> volume = mr.reconstruct('sem.tif', shape=(128, 128, 128), voxel_size=0.5, unit='um', seed=1)  # doctest: +SKIP
>>> report = mr.measure(volume, phase='pore')  # doctest: +SKIP
>>> mr.compare(volume, mr.read_volume('ct.tif')).to_html('report.html')  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .engine.lazy import late

if TYPE_CHECKING:
    from .api import steps
    from .api.making import finetune, reconstruct
    from .api.measuring import compare, measure, representativity
    from .api.reading import load_weights, read_slices, read_volume, segment
    from .api.writing import export
    from .engine.slices import SliceSet
    from .engine.volume import Volume

__version__ = '0.1.0'

_HOMES = {
    'api': ('steps',),
    'api.making': ('finetune', 'reconstruct'),
    'api.measuring': ('compare', 'measure', 'representativity'),
    'api.reading': ('load_weights', 'read_slices', 'read_volume', 'segment'),
    'api.writing': ('export',),
    'engine.slices': ('SliceSet',),
    'engine.volume': ('Volume',),
}

__all__ = [
    'SliceSet', 'Volume', 'compare', 'export', 'finetune', 'load_weights', 'measure', 'read_slices', 'read_volume',
    'reconstruct', 'representativity', 'segment', 'steps',
]  # fmt: skip

__getattr__, __dir__ = late(__name__, _HOMES)
