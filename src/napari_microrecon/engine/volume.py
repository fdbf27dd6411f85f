"""A labelled 3D microstructure with everything needed to interpret it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError
from .label_pictures import html_of_volume
from .optional import optional
from .phases import Phases, check_labels
from .provenance import Provenance
from .voxels import AXES, Axis, VoxelSize

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True, eq=False)
class Volume:
    """Phase labels of a 3D microstructure.

    Attributes
    ----------
    labels : numpy.ndarray
        uint8, shape (Z, Y, X), values 0..K-1; read-only.
    phases : Phases
        Names, colours and the pore phase.
    voxel_size : VoxelSize
        Edge lengths with unit.
    provenance : Provenance
        Where it came from.
    name : str
        Short name to show.
    note : str
        Remark on the reading for the user, as of `RawImage` ('' where there is none).
    """

    labels: np.ndarray
    phases: Phases
    voxel_size: VoxelSize = VoxelSize()
    provenance: Provenance = field(default_factory=Provenance)
    name: str = 'volume'
    note: str = ''

    def __post_init__(self) -> None:
        object.__setattr__(self, 'labels', check_labels(self.labels, self.phases, self.name, 3))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(Z, Y, X) in voxels."""
        z, y, x = self.labels.shape
        return z, y, x

    @property
    def fractions(self) -> np.ndarray:
        """Volume fraction of every phase, shape (K,)."""
        return self.phases.fractions(self.labels)

    def mask(self, label: int) -> np.ndarray:
        """Boolean mask (Z, Y, X) of one phase."""
        return self.phases.mask(self.labels, label)

    def crop(self, start: tuple[int, int, int], shape: tuple[int, int, int]) -> Volume:
        """Sub-volume that begins at `start` (z, y, x), in voxels."""
        window = tuple(slice(s, s + n) for s, n in zip(start, shape, strict=True))
        labels = self.labels[window]
        if labels.shape != tuple(shape):
            raise InputError('crop', f'{shape} at {start} leaves the volume {self.shape}', 'choose a smaller crop')
        return replace(self, labels=labels)

    def slice_labels(self, normal: Axis, position: int) -> np.ndarray:
        """Labels of the plane at `position` voxels along `normal`; rows and columns as IMAGE_AXES says."""
        axis = AXES.index(normal)
        if not 0 <= position < self.shape[axis]:
            raise InputError(
                'position', f'{position} lies outside the volume', f'choose 0..{self.shape[axis] - 1} along {normal}'
            )
        return np.take(self.labels, position, axis=axis)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The labels, so that `numpy.asarray(volume)` and what builds on it take a volume."""
        return np.asarray(self.labels, dtype=dtype, copy=copy)

    def to_xarray(self) -> xarray.DataArray:
        """Labels with dimensions z, y, x and coordinates of the voxel centres; needs xarray.

        Names, colours and the pore of the phases, the unit and where the volume came from are attributes.

        Examples
        --------
        >>> import numpy as np, napari_microrecon as mr
        >>> labels = np.arange(27).reshape(3, 3, 3) % 2
        >>> volume = mr.segment(labels, phases=('solid', 'pore'), voxel_size=0.5, unit='um')
        >>> volume.to_xarray().sel(z=0.75, method='nearest').shape
        (3, 3)
        """
        known: dict[Axis, float] = dict(zip(AXES, self.voxel_size.zyx, strict=True))
        unit = self.voxel_size.unit
        array = optional('xarray', 'to_xarray').DataArray(
            self.labels,
            dims=AXES,
            coords={
                axis: (axis, (np.arange(count) + 0.5) * known[axis], {'units': unit})
                for axis, count in zip(AXES, self.shape, strict=True)
            },
            name='phase',
            attrs={
                'long_name': self.name,
                'flag_values': list(range(self.phases.count)),  # as CF has it for categories
                'flag_meanings': ' '.join(name.replace(' ', '_') for name in self.phases.names),
                'phases': list(self.phases.names),
                'colors': [phase.color for phase in self.phases.items],
                'pore': self.phases.pore,
                'voxel_size': list(self.voxel_size.zyx),
                'units': unit,
                'provenance': self.provenance.model_dump_json(),
            },
        )
        return array

    def _repr_html_(self) -> str:
        return html_of_volume(self)
