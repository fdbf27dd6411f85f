"""Writing a volume for other programs."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from . import steps as jobs
from .inputs import Labels
from .progress_bar import run


def export(
    volume: Labels,
    path: str | PathLike[str],
    *,
    format: str | None = None,
    phase: int | str | None = None,
    progress: bool = False,
) -> Path:
    """Write a volume for other programs; waits until it is there, whole.

    Parameters
    ----------
    volume : Volume, path or numpy.ndarray
        What to write.
    path : str or path
        The ending tells the format: .tif and .ome.zarr (labels with voxel size), .vti (ParaView), .stl and .ply
        (surface of a phase), .csv and .vtp (pore network), .html and .json (report).
    format : str, optional
        Name of the format, as in `napari_microrecon.engine.export.known_formats`, where the ending leaves a choice.
    phase : int or str, optional
        Label or name, for formats about one phase; by default the pore, else phase 1.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    Path
        Of what was written.

    Raises
    ------
    InputError
        Names what is wrong, and the way out.

    Examples
    --------
    >>> import numpy as np, napari_microrecon as mr
    >>> volume = mr.segment(np.random.default_rng(0).integers(0, 2, (32, 32, 32)), ('grain', 'pore'), voxel_size=1)
    >>> mr.export(volume, 'volume.vti').name
    'volume.vti'
    >>> mr.export(volume, 'pores.stl', phase='pore').name
    'pores.stl'
    """
    return run(jobs.export(volume, path, format=format, phase=phase), progress)
