"""Closed surface of a phase by marching cubes, as STL or PLY, in the volume's unit of length."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..progress import Job, Progress, Throttle
from ..volume import Volume

# Above one half, voxels that touch along an edge or in a corner only are apart, as in all our statistics
# (6-connected); at exactly one half Lewiner's test for such faces is a tie, and edges come to be shared by four faces.
_LEVEL = 0.5001
_SLAB_VOXELS = 100_000  # at a time: about 0.1 s, during which nothing else in the process runs


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles.

    Attributes
    ----------
    vertices : numpy.ndarray
        (n, 3) float64, x, y, z in `unit`, from the corner of the first voxel.
    faces : numpy.ndarray
        (m, 3) int64 indices, anticlockwise seen from outside.
    unit : str
        Unit of length.
    """

    vertices: np.ndarray
    faces: np.ndarray
    unit: str

    @property
    def volume(self) -> float:
        """Enclosed volume in unit^3, by the divergence theorem."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        return float(np.einsum('ij,ij->', a, np.cross(b, c)) / 6)

    @property
    def area(self) -> float:
        """Surface in unit^2."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)

    @property
    def open_edges(self) -> int:
        """Edges that do not belong to exactly two faces; 0 for a closed surface."""
        pairs = np.sort(np.concatenate([self.faces[:, [0, 1]], self.faces[:, [1, 2]], self.faces[:, [2, 0]]]), axis=1)
        _, counts = np.unique(pairs[:, 0] * len(self.vertices) + pairs[:, 1], return_counts=True)
        return int(np.count_nonzero(counts != 2))


def surface_mesh(volume: Volume, label: int) -> Job[Mesh]:
    """Surface of one phase by marching cubes (Lorensen and Cline 1987; cases of Lewiner et al. 2003), closed.

    Where the phase meets the border of the volume it is cut off along the faces of the voxels. Done in slabs, whose
    shared vertices are merged, so that it can be cancelled and needs little memory.

    Parameters
    ----------
    volume : Volume
        The microstructure.
    label : int
        Phase to enclose.

    Returns
    -------
    Mesh
        Closed, oriented outwards.

    Raises
    ------
    InputError
        If the phase is not in the volume.
    """
    from skimage.measure import marching_cubes

    mask = volume.mask(label)
    if not mask.any():
        raise InputError(volume.name, f'holds no {volume.phases.names[label]}', 'choose a phase that is in the volume')
    depth, height, width = volume.shape
    thick = max(1, _SLAB_VOXELS // ((height + 2) * (width + 2)))
    vertices: list[np.ndarray] = []
    faces: list[np.ndarray] = []
    count, seam = 0, _Seam()
    throttle = Throttle()
    # Planes -1 and `depth` are empty: they close the surface.
    for start in range(-1, depth, thick):
        stop = min(start + thick, depth)
        block = np.zeros((stop - start + 1, height + 2, width + 2), np.float32)
        low, high = max(start, 0), min(stop, depth - 1)
        block[low - start : high - start + 1, 1:-1, 1:-1] = mask[low : high + 1]
        if throttle.ready():
            yield Progress('Marching cubes', max(start, 0), depth)
        if not block.any() or block.all():
            seam = _Seam()
            continue
        found, triangles, _, _ = marching_cubes(block, _LEVEL)
        # All vertices lie in the middle of a voxel edge: doubled, their coordinates are whole.
        doubled = np.rint(2 * found).astype(np.int64)
        doubled[:, 0] += 2 * start
        index, fresh = seam.number(doubled, 2 * start, count)
        seam = _Seam(doubled, index, 2 * stop)
        vertices.append(doubled[fresh])
        faces.append(index[triangles.astype(np.int64)])
        count += int(np.count_nonzero(fresh))
    # A voxel's centre is half an edge from its corner; the padding of y and x shifts by one voxel.
    points = np.concatenate(vertices) / 2 + (0.5, -0.5, -0.5)
    spacing = np.asarray(volume.voxel_size.zyx)
    return Mesh((points * spacing)[:, ::-1].copy(), np.concatenate(faces), volume.voxel_size.unit)


class _Seam:
    """Vertices in the last plane of a slab, to be found again by the next."""

    def __init__(
        self, doubled: np.ndarray | None = None, index: np.ndarray | None = None, plane: int | None = None
    ) -> None:
        self._keys = self._index = np.zeros(0, np.int64)
        if doubled is not None and index is not None:
            on = doubled[:, 0] == plane
            keys = _key(doubled[on])
            order = np.argsort(keys)
            self._keys, self._index = keys[order], index[on][order]

    def number(self, doubled: np.ndarray, plane: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Give vertices their indices in the mesh, and say which are new; `count` are there already."""
        fresh = np.ones(len(doubled), bool)
        index = np.empty(len(doubled), np.int64)
        if len(self._keys):
            on = np.flatnonzero(doubled[:, 0] == plane)
            keys = _key(doubled[on])
            at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            known = self._keys[at] == keys
            fresh[on[known]] = False
            index[on[known]] = self._index[at[known]]
        index[fresh] = count + np.arange(np.count_nonzero(fresh))
        return index, fresh


def _key(doubled: np.ndarray) -> np.ndarray:
    return doubled[:, 1] * (1 << 24) + doubled[:, 2]


def write_stl(path: Path, mesh: Mesh) -> Job[None]:
    """Write a binary STL; it knows no unit, so the header names it."""
    record = np.dtype([('normal', '<f4', 3), ('corners', '<f4', (3, 3)), ('attribute', '<u2')])
    with path.open('wb') as file:
        file.write(f'napari-microrecon, x y z in {mesh.unit}'.encode('ascii').ljust(80)[:80])
        file.write(np.uint32(len(mesh.faces)).tobytes())
        for start in range(0, len(mesh.faces), 200_000):
            yield Progress('Writing the mesh', start, len(mesh.faces))
            corners = mesh.vertices[mesh.faces[start : start + 200_000]]
            normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            rows = np.zeros(len(corners), record)
            rows['normal'] = normals / np.linalg.norm(normals, axis=1, keepdims=True)
            rows['corners'] = corners
            file.write(rows.tobytes())


def write_ply(path: Path, mesh: Mesh) -> Job[None]:
    """Write a binary PLY with shared vertices; a comment names the unit."""
    record = np.dtype([('count', 'u1'), ('corners', '<i4', 3)])
    head = [
        'ply', 'format binary_little_endian 1.0', f'comment napari-microrecon, unit {mesh.unit}',
        f'element vertex {len(mesh.vertices)}', 'property float x', 'property float y', 'property float z',
        f'element face {len(mesh.faces)}', 'property list uchar int vertex_indices', 'end_header',
    ]  # fmt: skip
    with path.open('wb') as file:
        file.write(('\n'.join(head) + '\n').encode('ascii'))
        file.write(mesh.vertices.astype('<f4').tobytes())
        for start in range(0, len(mesh.faces), 500_000):
            yield Progress('Writing the mesh', start, len(mesh.faces))
            part = mesh.faces[start : start + 500_000]
            rows = np.zeros(len(part), record)
            rows['count'] = 3
            rows['corners'] = part
            file.write(rows.tobytes())
