"""Probability and spread of a volume between slices as layers, hidden until the user wants them."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from .layers import KEY, common_keywords, role_of

if TYPE_CHECKING:
    import numpy as np
    from napari.components import ViewerModel
    from napari.layers import Layer

    from ..session.likelihood import Likelihood
    from ..session.session import Session


class LikelihoodMaps:
    """The layers that show how sure the reconstruction is.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly.
    session : Session
        Its `likelihood` is shown.
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._viewer = weakref.ref(viewer)
        session.events.likelihood.connect(self._on_likelihood)

    @property
    def layers(self) -> list[Layer]:
        """Layers that show the maps, in the viewer's order."""
        viewer = self._viewer()
        return [] if viewer is None else [one for one in viewer.layers if role_of(one) == 'likelihood']

    def _on_likelihood(self, likelihood: Likelihood | None) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        wanted = [] if likelihood is None else map_layers(likelihood)
        present = self.layers
        for layer, (data, keywords) in zip(present, wanted, strict=False):
            layer.data = data
            for key in ('name', 'metadata', 'scale', 'units', 'contrast_limits', 'colormap'):
                setattr(layer, key, keywords[key])
        for data, keywords in wanted[len(present) :]:
            viewer.layers.append(_new(data, keywords))
        for layer in present[len(wanted) :]:
            viewer.layers.remove(layer)


def map_layers(likelihood: Likelihood) -> list[tuple[np.ndarray, dict[str, Any]]]:
    """Data and keywords of the Image layers of a likelihood: one per probability, then the spread."""
    volume = likelihood.volume
    made: list[tuple[np.ndarray, dict[str, Any]]] = []
    most = 100 - 100 // volume.phases.count  # two draws differ most often where all phases are alike likely
    for what, data, limit, colormap in (
        *((f'probability of {volume.phases.names[k]}', one, 100, 'viridis') for k, one in likelihood.probabilities),
        ('chance that two realisations differ', likelihood.spread, most, 'magma'),
    ):
        keywords = {
            **common_keywords(volume.voxel_size),
            'name': f'{what} (%)',
            'contrast_limits': (0, limit),
            'colormap': colormap,
            'metadata': {KEY: {'role': 'likelihood'}},
        }
        made.append((data, keywords))
    return made


def _new(data: np.ndarray, keywords: dict[str, Any]) -> Layer:
    from napari.layers import Image

    layer = Image(data, visible=False, rendering='attenuated_mip', **keywords)
    layer.colorbar.visible = True
    return layer
