"""2D slices with their plane, position and voxel size, and the set a reconstruction starts from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Self

import numpy as np

from .errors import InputError
from .phases import Phases, check_labels
from .provenance import Provenance, Source, hash_array
from .volume import Volume
from .voxels import AXES, IMAGE_AXES, Axis, VoxelSize

Symmetry = Literal['isotropic', 'transverse', 'orthotropic']
SMALLEST_SLICE = 16  # pixels; below this no patch statistics can be taken
_STAND_INS: dict[Axis, tuple[Axis, ...]] = {'x': ('y', 'z'), 'y': ('x', 'z'), 'z': ('y', 'x')}


@dataclass(frozen=True, eq=False)
class Slice:
    """Phase labels of one 2D section.

    Attributes
    ----------
    labels : numpy.ndarray
        uint8, shape (rows, columns), values 0..K-1; image axes by normal: z -> (y, x), y -> (z, x), x -> (z, y).
    phases : Phases
        What the labels mean.
    normal : {'z', 'y', 'x'}
        Axis that the section is perpendicular to.
    position : int or None
        0-based voxel along the normal, None where it is not known.
    voxel_size : VoxelSize
        Edge lengths with unit.
    name : str
        File or layer that it came from.
    provenance : Provenance
        What was done to the picture that it was made of.
    """

    labels: np.ndarray
    phases: Phases
    normal: Axis = 'z'
    position: int | None = None
    voxel_size: VoxelSize = VoxelSize()
    name: str = 'slice'
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        if self.normal not in AXES:
            raise InputError('normal', f'{self.normal!r} is not an axis', 'use z, y or x')
        if self.position is not None and self.position < 0:
            raise InputError('position', f'{self.position} is negative', 'count voxels from 0')
        labels = check_labels(self.labels, self.phases, self.name, 2)
        if min(labels.shape) < SMALLEST_SLICE:
            raise InputError(
                self.name,
                f'is {labels.shape[0]} x {labels.shape[1]} pixels',
                f'give at least {SMALLEST_SLICE} x {SMALLEST_SLICE} (64 x 64 or more for a useful result)',
            )
        if np.ptp(labels) == 0:
            raise InputError(
                self.name, 'holds a single phase', 'check the segmentation: a slice must show two phases or more'
            )
        object.__setattr__(self, 'labels', labels)

    @classmethod
    def of_volume(cls, volume: Volume, normal: Axis, position: int) -> Self:
        """Section through a volume, at its position."""
        return cls(
            labels=volume.slice_labels(normal, position),
            phases=volume.phases,
            normal=normal,
            position=position,
            voxel_size=volume.voxel_size,
            name=f'{volume.name} {normal}={position}',
        )

    @property
    def fractions(self) -> np.ndarray:
        """Area fraction of every phase, shape (K,)."""
        return self.phases.fractions(self.labels)

    @property
    def source(self) -> Source:
        """Name and content hash, for provenance."""
        return Source(name=self.name, sha256=hash_array(self.labels))


@dataclass(frozen=True, eq=False)
class SliceSet:
    """All slices of one material and what is assumed about its symmetry.

    Attributes
    ----------
    slices : tuple of Slice
        One or more, with the same phases and voxel size.
    symmetry : {'isotropic', 'transverse', 'orthotropic'}
        isotropic: any plane stands for every other; transverse: two of the three planes are alike;
        orthotropic: every plane has its own statistics.
    evidence : str
        Why that symmetry, in words for the user.
    """

    slices: tuple[Slice, ...]
    symmetry: Symmetry = field(default='isotropic')
    evidence: str = ''

    def __post_init__(self) -> None:
        if not self.slices:
            raise InputError('slices', 'none were given', 'give at least one 2D slice')
        first = self.slices[0]
        for other in self.slices[1:]:
            if other.phases.count != first.phases.count:
                raise InputError(
                    other.name,
                    f'has {other.phases.count} phases while {first.name} has {first.phases.count}',
                    'segment all slices into the same phases',
                )
            if not other.voxel_size.agrees_with(first.voxel_size):
                raise InputError(
                    other.name,
                    f'has voxels of {other.voxel_size} while {first.name} has {first.voxel_size}',
                    'resample the slices to one voxel size',
                )

    @classmethod
    def of(cls, slices: Sequence[Slice], symmetry: Symmetry | None = None) -> Self:
        """Set of slices; the symmetry follows from the planes at hand unless it is given.

        A voxel size that only some slices name holds for all.
        """
        size = next((s.voxel_size for s in slices if s.voxel_size.is_known), None)
        if size is not None:
            slices = [s if s.voxel_size.is_known else replace(s, voxel_size=size) for s in slices]
        planes = {s.normal for s in slices}
        if symmetry is not None:
            return cls(tuple(slices), symmetry, 'as told by the user')
        if len(planes) <= 1:
            plane = next(iter(planes), 'z')
            evidence = f'slices of one plane only (normal {plane}): isotropy is assumed, not shown'
            return cls(tuple(slices), 'isotropic', evidence)
        if len(planes) == 2:
            return cls(tuple(slices), 'transverse', 'slices of two planes: the third is taken to look like one of them')
        return cls(tuple(slices), 'orthotropic', 'slices of three planes: every axis has its own statistics')

    @property
    def phases(self) -> Phases:
        """The phases that all slices share."""
        return self.slices[0].phases

    @property
    def voxel_size(self) -> VoxelSize:
        """The voxel size of the slices; the first known one."""
        return next((s.voxel_size for s in self.slices if s.voxel_size.is_known), self.slices[0].voxel_size)

    @property
    def fractions(self) -> np.ndarray:
        """Area fraction of every phase pooled over all pixels, shape (K,)."""
        counts = sum(s.fractions * s.labels.size for s in self.slices)
        return np.asarray(counts) / sum(s.labels.size for s in self.slices)

    @property
    def is_placed(self) -> bool:
        """Whether every slice has a position, so that a volume can be conditioned on them."""
        return all(s.position is not None for s in self.slices)

    def __iter__(self) -> Iterator[Slice]:
        return iter(self.slices)

    def __len__(self) -> int:
        return len(self.slices)

    def exemplars(self, normal: Axis) -> list[np.ndarray]:
        """Label images that planes with this normal should look like, axes as IMAGE_AXES[normal].

        Under isotropy every slice serves. A missing plane of a transverse material is served by the
        plane that is its mirror image when the two like axes change places.
        """
        if self.symmetry == 'isotropic':
            return [s.labels for s in self.slices]
        own = [s.labels for s in self.slices if s.normal == normal]
        if own:
            return own
        # The missing plane's normal and a given plane's normal are taken as the two like axes; the
        # pair (x, y) comes first, which makes z the axis of symmetry, as in layered materials.
        like: Axis = next(axis for axis in _STAND_INS[normal] if any(s.normal == axis for s in self.slices))
        swapped: dict[Axis, Axis] = {like: normal, normal: like}
        served: list[np.ndarray] = []
        for s in self.slices:
            if s.normal != like:
                continue
            row, column = IMAGE_AXES[like]
            axes = (swapped.get(row, row), swapped.get(column, column))
            served.append(s.labels if axes == IMAGE_AXES[normal] else np.ascontiguousarray(s.labels.T))
        return served
