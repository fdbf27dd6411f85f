"""The surface of a phase as a mesh: STL, PLY."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import InputError
from ...progress import Job
from ...volume import Volume
from ..formats import Format, Order


class _Mesh(Format):
    phase = True

    def check(self, volume: Volume, label: int) -> None:
        if volume.fractions[label] == 0:
            name = volume.phases.names[label]
            raise InputError(volume.name, f'holds no {name}', 'choose a phase that is in the volume')

    def write_file(self, part: Path, order: Order) -> Job[tuple[str, dict[str, Any]]]:
        from ..mesh import surface_mesh, write_ply, write_stl

        mesh = yield from surface_mesh(order.volume, order.label)
        yield from (write_stl if self.key == 'stl' else write_ply)(part, mesh)
        unit = order.volume.voxel_size.unit
        length = 'µm' if unit == 'um' else unit
        sentence = f'closed surface of {order.name}: {len(mesh.faces)} triangles, {_amount(mesh.area)} {length}², '
        return (
            sentence + f'enclosing {_amount(mesh.volume)} {length}³',
            {
                'triangles': len(mesh.faces), 'area': mesh.area, 'enclosed': mesh.volume, 'unit': unit,
                'phase': order.label,
            },
        )  # fmt: skip


class _Stl(_Mesh):
    key = 'stl'
    title = 'STL mesh of a phase'
    endings = ('.stl',)
    opens = 'COMSOL, Abaqus, 3D printing: closed surface'
    place = 40


class _Ply(_Mesh):
    key = 'ply'
    title = 'PLY mesh of a phase'
    endings = ('.ply',)
    opens = 'MeshLab, Blender, trimesh: closed surface'
    place = 50


FORMATS = (_Stl(), _Ply())


def _amount(value: float) -> str:
    """Four digits that count, without powers of ten as far as people read numbers without them."""
    rounded = float(f'{value:.4g}')
    return f'{rounded:,.0f}'.replace(',', ' ') if 1e4 <= rounded < 1e12 else f'{value:.4g}'
