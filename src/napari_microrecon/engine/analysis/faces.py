"""Statistics that have a place in the volume, as arrays to look at: the spatial faces of the report's numbers."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..diffusion.solver_process import Solver, TortuositySolver
from ..errors import EngineError, InputError
from ..progress import Job, Progress, Throttle
from ..statistics.catalogue import quantities, quantity_of
from ..statistics.percolation import Clusters
from ..statistics.thickness import local_thickness
from ..volume import Volume
from ..voxels import AXES, VoxelSize
from .measuring import solved_here

FaceKind = Literal['labels', 'image']


@dataclass(frozen=True, eq=False)
class Face:
    """One spatial face of a statistic.

    Attributes
    ----------
    key : str
        Statistic that it belongs to.
    title : str
        What it shows, in words.
    kind : {'labels', 'image'}
        Whole numbers that stand for things (0 is nothing), or values with a unit.
    data : numpy.ndarray
        Shape (Z, Y, X) of the volume. int32 for labels, float32 for images, where 0 is outside the phase.
    unit : str
        Of the values of an image; '1' for pure numbers and for labels.
    limits : tuple of float
        Smallest and largest value within the phase.
    voxel_size : VoxelSize
        Of the volume.
    note : str
        What to know of it.
    """

    key: str
    title: str
    kind: FaceKind
    data: np.ndarray
    unit: str
    limits: tuple[float, float]
    voxel_size: VoxelSize
    note: str = ''


def face_title(key: str) -> str | None:
    """What the spatial face of a statistic or curve shows; None where it has none."""
    quantity = quantity_of(key)
    tail = key.removeprefix(quantity.key).removeprefix('_')
    return f'{quantity.map} along {tail}' if quantity.map and tail in AXES else quantity.map or None


def spatial_face(
    volume: Volume, key: str, phase: int | None = None, *, solver: Solver = 'auto', in_process: bool | None = None
) -> Job[Face]:
    """Compute the spatial face of a statistic.

    Parameters
    ----------
    volume : Volume
        The volume that the report is about.
    key : str
        Key of a statistic or curve for which `face_title` knows a face.
    phase : int, optional
        Label, by default the pore or phase 1.
    solver, in_process
        As in `measure`; for the concentration only.

    Raises
    ------
    InputError
        If the statistic has no spatial face, or the phase has nothing to show: it is absent, has no path along the
        axis, or no isolated cluster.
    EngineError
        If the solve fails.
    """
    label = volume.phases.check(volume.phases.main if phase is None else phase)
    title = face_title(key)
    if title is None:
        known = ', '.join(quantity.key for quantity in quantities().values() if quantity.map)
        raise InputError(key, 'has no place in the volume to show', f'choose one of {known}')
    mask = volume.mask(label)
    name = volume.phases.names[label]
    if not mask.any():
        raise InputError(key, f'no {name} in the volume', 'choose another phase')
    what = f'{name}: {title}'
    yield Progress(what)
    tail = key.rpartition('_')[2]
    axis = AXES.index(tail) if tail in AXES else 0

    def labels(data: np.ndarray, note: str) -> Face:
        found = data.astype(np.int32, copy=False)
        return Face(key, what, 'labels', found, '1', (0.0, float(found.max())), volume.voxel_size, note)

    if title.startswith('largest'):
        clusters = Clusters.of(mask)
        spanning = clusters.largest(clusters.spanning(axis))
        if not spanning.any():
            raise InputError(key, f'no path along {tail}', 'look at the isolated clusters')
        return labels(spanning, f'{spanning.sum() / mask.sum():.1%} of the phase')
    if title == 'isolated clusters':
        isolated = Clusters.of(mask).isolated()
        if not isolated.any():
            raise InputError(key, 'there is no isolated cluster', 'every cluster touches a face of the volume')
        return labels(isolated, f'{len(np.unique(isolated)) - 1} clusters that touch no face of the volume')
    if title == 'local thickness':
        found = yield from _told(local_thickness(mask, volume.voxel_size.zyx), what)
        values = found[mask]
        limits = (float(values.min()), float(values.max()))
        unit = volume.voxel_size.unit
        return Face(key, what, 'image', found, unit, limits, volume.voxel_size, 'diameters; 0 outside the phase')
    if title == 'particles':
        from ..statistics.particles import find_particles

        particles = yield from _told(find_particles(mask, volume.voxel_size.zyx), what)
        return labels(particles.labels, f'{particles.count} particles, those at the faces included')
    clusters = Clusters.of(mask)
    if mask.shape[axis] < 2 or len(clusters.spanning(axis)) == 0:
        raise InputError(key, f'no path along {tail}', 'choose another axis')
    local = solved_here(mask.size, solver) if in_process is None else in_process
    with TortuositySolver(in_process=local, solver=solver) as solves:
        steps = solves.solve_field(clusters.percolating_mask(axis), axis, volume.voxel_size.zyx, float(mask.mean()))
        result, field = yield from _told(steps, what)
    if not result.converged:
        raise EngineError(f'{key}: the solve did not converge, {result.convergence}')
    data = np.nan_to_num(field, nan=0.0, copy=False)
    note = f'1 where {tail} begins, 0 where it ends and outside the phase; {result.method}; {result.convergence}'
    return Face(key, what, 'image', data, '1', (0.0, 1.0), volume.voxel_size, note)


def _told(steps: Generator[Any, None, Any], stage: str) -> Generator[Progress, None, Any]:
    throttle = Throttle()
    try:
        while True:
            try:
                done = next(steps)
            except StopIteration as stop:
                return stop.value
            if throttle.ready():
                share = int(100 * done) if isinstance(done, float) else 0
                yield Progress(stage, share, 100 if share else 0)
    finally:
        steps.close()
