"""Preferences of the plugin, as declared in the manifest and edited in napari's Preferences dialog."""

from __future__ import annotations

import logging
from dataclasses import dataclass

PLUGIN = 'napari-microrecon'
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Preferences:
    """What the user has set; the defaults are those of the manifest.

    Attributes
    ----------
    device : str
        Device that forms start with.
    edge : int
        Edge in voxels of the volume that forms start with.
    minutes : float
        Fine-tuning budget that forms start with.
    previews : bool
        Whether partial volumes are shown while a job runs.
    side_by_side : bool
        Whether a reconstruction is put beside its reference.
    start_in_3d : bool
        Whether volumes are shown in 3D at first.
    """

    device: str = 'auto'
    edge: int = 128
    minutes: float = 3.0
    previews: bool = True
    side_by_side: bool = True
    start_in_3d: bool = True


def preferences() -> Preferences:
    """Read the preferences; the defaults where the plugin is not installed but only imported."""
    from napari.settings import get_plugin_settings

    try:
        stored = get_plugin_settings(PLUGIN)
    except KeyError:
        log.debug('%s is not registered with napari; its default preferences are used', PLUGIN)
        return Preferences()
    return Preferences(
        device=stored.compute.device,
        edge=stored.compute.edge,
        minutes=stored.compute.minutes,
        previews=stored.display.previews,
        side_by_side=stored.display.side_by_side,
        start_in_3d=stored.display.start_in_3d,
    )
