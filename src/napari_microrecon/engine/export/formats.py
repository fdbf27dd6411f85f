"""The formats that a volume and what belongs to it can be written in."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError


@dataclass(frozen=True)
class Format:
    """One way to hand results on.

    Attributes
    ----------
    key : str
        Name on the command line.
    title : str
        Name in a menu.
    endings : tuple of str
        File endings that it takes; the first is offered.
    opens : str
        Who opens it.
    phase : bool
        Whether it is about one phase.
    """

    key: str
    title: str
    endings: tuple[str, ...]
    opens: str
    phase: bool = False


FORMATS = (
    Format('tiff', 'TIFF stack', ('.tif', '.tiff'), 'Fiji, napari, Avizo, Dragonfly: labels with voxel size'),
    Format('ome-zarr', 'OME-Zarr pyramid', ('.ome.zarr', '.zarr'), 'napari, BigDataViewer, OMERO: several resolutions'),
    Format('vti', 'VTK image', ('.vti',), 'ParaView, PyVista: labels as cell data, physical size'),
    Format('stl', 'STL mesh of a phase', ('.stl',), 'COMSOL, Abaqus, 3D printing: closed surface', True),
    Format('ply', 'PLY mesh of a phase', ('.ply',), 'MeshLab, Blender, trimesh: closed surface', True),
    Format('network', 'Pore network of a phase', ('.csv', '.vtp'), 'OpenPNM (.csv), ParaView (.vtp)', True),
    Format('report', 'Report', ('.html', '.json'), 'a browser (.html) or a script (.json): all statistics', True),
    Format('weights', 'Weights', ('.safetensors',), 'this program, on another machine'),
)


def format_of(key: str) -> Format:
    """Return a format by its name.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    for known in FORMATS:
        if known.key == key:
            return known
    raise InputError('format', f'{key!r} is not known', f'use one of {", ".join(f.key for f in FORMATS)}')
