"""Samples: five synthetic microstructures that ship with the package, and published CT volumes fetched on request.

Use
---
>>> from napari_microrecon.engine.samples import bundled_samples, fetch, get_sample
>>> sample = get_sample('sandstone')
>>> volume, slices = sample.load_volume(), sample.load_slices()

`fetch` is a job: it yields progress in bytes, closing it cancels.
"""

from __future__ import annotations

from .bundled import bundled_samples
from .catalogue import get_sample
from .download import fetch
from .published import CACHE_VARIABLE, URL_VARIABLE, published_samples
from .sample import Sample

__all__ = [
    'CACHE_VARIABLE',
    'URL_VARIABLE',
    'Sample',
    'bundled_samples',
    'fetch',
    'get_sample',
    'published_samples',
]
