"""Samples for napari's File > Open Sample menu.

A bundled sample opens at once. A published one is fetched in the background, so that napari stays usable:
the menu gets a placeholder layer, which gives way to the volume when the download is complete. So is any sample where
there is work already, which has to give way first. Either way the viewer's session takes the sample over, so that the
widget, once opened, is filled in.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .layers import KEY, LayerData, slice_layer, volume_layer

if TYPE_CHECKING:
    from .workbench import Workbench


def _bundled(name: str) -> list[LayerData]:
    from ..engine.samples import get_sample

    bench = _workbench()
    if bench is not None and not bench.session.material.is_empty:  # it gives way first, with its layers
        return _later(bench, name, 'opening…')
    sample = get_sample(name)
    volume, slices = sample.load_volume(), sample.load_slices()
    if bench is not None:
        _soon(lambda: bench.adopt_sample(sample, volume, slices))
    layers = [slice_layer(one) for one in slices]
    for _, keywords, _ in layers:
        keywords['visible'] = False
    return [*layers, volume_layer(volume, 'reference')]


def _published(name: str) -> list[LayerData]:
    from ..engine.progress import drain
    from ..engine.samples import fetch

    if (bench := _workbench()) is None:  # a script without a window waits
        return [volume_layer(drain(fetch(name)), 'reference')]
    return _later(bench, name, 'downloading…')


def _later(bench: Workbench, name: str, what: str) -> list[LayerData]:
    """Open a sample in the background; the placeholder, which napari insists on, goes with that job or before."""
    from ..engine.samples import get_sample

    _soon(lambda: bench.load_sample(name))
    placeholder = {'name': f'{get_sample(name).title}: {what}', 'metadata': {KEY: {'role': 'placeholder'}}}
    return [(np.zeros((2, 2, 2), np.uint8), placeholder, 'labels')]


def _workbench() -> Workbench | None:
    """Workbench of the current viewer, None without a window."""
    import napari

    from .workbench import Workbench

    viewer = napari.current_viewer()
    return None if viewer is None else Workbench.of(viewer)


def _soon(action: object) -> None:
    """Run something once napari has added the layers that we return."""
    from qtpy.QtCore import QTimer

    QTimer.singleShot(0, action)  # pyright: ignore[reportCallIssue, reportArgumentType]


sandstone = partial(_bundled, 'sandstone')
limestone = partial(_bundled, 'limestone')
cathode = partial(_bundled, 'cathode')
cast_iron = partial(_bundled, 'cast-iron')
brass = partial(_bundled, 'brass')
berea = partial(_published, 'berea')
ketton = partial(_published, 'ketton')
