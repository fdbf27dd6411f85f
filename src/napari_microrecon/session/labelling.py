"""Labels of a layer that wait for their meaning: which value is which phase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..engine.errors import InputError
from ..engine.phases import Phases
from ..engine.progress import Job, Progress, Throttle
from ..engine.provenance import Provenance, Source, hash_array
from ..engine.raw_image import MOST_LABELS
from ..engine.volume import Volume
from ..engine.voxels import VoxelSize

_SLAB_VOXELS = 4_000_000


@dataclass(frozen=True, eq=False)
class Labelling:
    """What a label array holds, before anybody has said what it means.

    Attributes
    ----------
    name : str
        Of the layer.
    array : numpy.ndarray
        Whole numbers, shape (Z, Y, X); not copied.
    voxel_size : VoxelSize
        As the layer says.
    values : tuple of int
        Distinct values in rising order; of more than eight only 0 and 1, which then stands for all others.
    shares : tuple of float
        Share of the voxels that have each value.
    merged : bool
        Whether the last value stands for all but the first.
    """

    name: str
    array: np.ndarray
    voxel_size: VoxelSize
    values: tuple[int, ...]
    shares: tuple[float, ...]
    merged: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The values as they are asked for."""
        if self.merged:
            return str(self.values[0]), 'all others'
        return tuple(str(value) for value in self.values)

    def volume(self, names: Sequence[str], pore: int | None = None, voxel_size: VoxelSize | None = None) -> Volume:
        """Volume of the phases that the values stand for.

        Parameters
        ----------
        names : sequence of str
            Phase of each value; values of the same name become one phase (see `distinct`).
        pore : int, optional
            Which of the distinct names is the pore.
        voxel_size : VoxelSize, optional
            Takes the place of the layer's.

        Raises
        ------
        InputError
            If a name is missing or all are the same.
        """
        given = [name.strip() for name in names]
        if len(given) != len(self.values) or not all(given):
            raise InputError(self.name, 'a label has no phase', 'name the phase of every label')
        phases = distinct(given)
        if len(phases) < 2:
            raise InputError(self.name, f'all labels are called {phases[0]!r}', 'give two phases or more')
        label_of = np.asarray([phases.index(name) for name in given], dtype=np.uint8)
        if self.merged:
            labels = np.where(self.array == self.values[0], label_of[0], label_of[1])
        else:
            labels = label_of[np.searchsorted(np.asarray(self.values), self.array)]
        pairs = ', '.join(f'{word} is {name}' for word, name in zip(self.words, given, strict=True))
        return Volume(
            labels,
            Phases.named(*phases, pore=pore),
            voxel_size or self.voxel_size,
            Provenance(
                description=f'layer {self.name}: {pairs}',
                inputs=(Source(name=self.name, sha256=hash_array(np.ascontiguousarray(self.array))),),
            ),
            self.name,
        )


def distinct(names: Sequence[str]) -> list[str]:
    """Names of the phases, in the order of their labels."""
    return list(dict.fromkeys(name.strip() for name in names))


def inspect_labels(name: str, array: np.ndarray, voxel_size: VoxelSize) -> Job[Labelling]:
    """Find the values of a label array, slab by slab.

    Raises
    ------
    InputError
        If it is no volume of whole numbers, or holds one value, or many of which none is 0.
    """
    data = np.asarray(array)  # a lazy array is computed here, in the job's thread
    while data.ndim > 3 and data.shape[0] == 1:
        data = data[0]
    if data.ndim != 3:
        way = 'take it as a slice in step 1' if data.ndim == 2 else 'select one volume of it'
        raise InputError(name, f'has {data.ndim} dimensions', f'{way}; a volume has three')
    if data.dtype.kind not in 'uib':
        raise InputError(name, f'holds {data.dtype} values', 'segment it into labels first')
    found: dict[int, int] = {}
    planes = max(1, _SLAB_VOXELS // max(1, data.shape[1] * data.shape[2]))
    throttle = Throttle()
    for start in range(0, data.shape[0], planes):
        values, counts = np.unique(data[start : start + planes], return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            found[int(value)] = found.get(int(value), 0) + count
        if throttle.ready():
            yield Progress(f'Looking at {name}', start, data.shape[0])
    if len(found) < 2:
        raise InputError(name, f'holds the label {next(iter(found), 0)} only', 'there is no second phase to tell apart')
    if len(found) <= MOST_LABELS:
        values = tuple(sorted(found))
        return Labelling(name, data, voxel_size, values, tuple(found[v] / data.size for v in values))
    if 0 not in found:
        raise InputError(
            name, f'holds {len(found)} labels, none of them 0', f'merge them into {MOST_LABELS} phases or fewer'
        )
    share = found[0] / data.size
    return Labelling(name, data, voxel_size, (0, 1), (share, 1 - share), merged=True)
