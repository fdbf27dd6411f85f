"""Voxel size with its unit; it travels with every slice and volume."""

from __future__ import annotations

import math
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field

from .errors import InputError

Axis = Literal['z', 'y', 'x']
AXES: tuple[Axis, ...] = get_args(Axis)
# Image axes of a slice by its normal, for arrays in ZYX order. Never transposed silently.
IMAGE_AXES: dict[Axis, tuple[Axis, Axis]] = {'z': ('y', 'x'), 'y': ('z', 'x'), 'x': ('z', 'y')}

Unit = Literal['m', 'mm', 'um', 'nm', 'pm', 'voxel']
UNITS: tuple[Unit, ...] = get_args(Unit)
_METRES = {'m': 1.0, 'mm': 1e-3, 'um': 1e-6, 'nm': 1e-9, 'pm': 1e-12}
_SPELLINGS = {
    'µm': 'um', 'μm': 'um', 'micron': 'um', 'microns': 'um', 'micrometer': 'um', 'micrometre': 'um',
    'meter': 'm', 'metre': 'm', 'millimeter': 'mm', 'millimetre': 'mm', 'nanometer': 'nm',
    'nanometre': 'nm', 'picometer': 'pm', 'picometre': 'pm', 'pixel': 'voxel', 'px': 'voxel', '': 'voxel',
}  # fmt: skip


def parse_unit(text: str) -> Unit:
    """Return the canonical spelling of a length unit ('µm' and 'micron' become 'um').

    Raises
    ------
    InputError
        If the unit is not a length unit that we know.
    """
    unit = _SPELLINGS.get(text.strip().lower(), text.strip().lower())
    for known in UNITS:
        if unit == known:
            return known
    raise InputError('unit', f'{text!r} is not a known length unit', f'use one of {", ".join(UNITS)}')


class VoxelSize(BaseModel):
    """Edge lengths of a voxel along z, y and x, in ``unit``.

    The unit ``'voxel'`` means that the physical size is unknown.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    z: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    y: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    x: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    unit: Unit = 'voxel'

    @classmethod
    def cube(cls, edge: float, unit: str = 'voxel') -> Self:
        """Isotropic voxel of the given edge length."""
        if not (edge > 0 and math.isfinite(edge)):
            raise InputError('voxel size', f'{edge} is not a positive length', 'give the edge of one voxel')
        return cls(z=edge, y=edge, x=edge, unit=parse_unit(unit))

    @classmethod
    def parse(cls, text: str, unit: str = 'voxel') -> Self:
        """Read '3' or '3,2,2' (z, y, x).

        Raises
        ------
        InputError
            If the text is not one or three positive numbers.
        """
        try:
            parts = [float(part) for part in text.split(',')]
        except ValueError:
            parts = []
        if len(parts) not in (1, 3) or any(not (p > 0 and math.isfinite(p)) for p in parts):
            raise InputError(
                'voxel size', f'{text!r} is not one or three positive numbers', 'write it as 3 or as 3,2,2 (z,y,x)'
            )
        z, y, x = parts * 3 if len(parts) == 1 else parts
        return cls(z=z, y=y, x=x, unit=parse_unit(unit))

    @property
    def zyx(self) -> tuple[float, float, float]:
        """Edge lengths in array order."""
        return (self.z, self.y, self.x)

    @property
    def is_known(self) -> bool:
        """Whether the physical size is known."""
        return self.unit != 'voxel'

    @property
    def is_isotropic(self) -> bool:
        """Whether all edges agree within one part in a thousand."""
        return max(self.zyx) <= 1.001 * min(self.zyx)

    def pixel(self, normal: Axis) -> tuple[float, float]:
        """(row, column) pixel size of a slice with this normal."""
        row, column = IMAGE_AXES[normal]
        return getattr(self, row), getattr(self, column)

    def to(self, unit: str) -> VoxelSize:
        """Return the same size in another unit; an unknown size stays as it is."""
        unit = parse_unit(unit)
        if not self.is_known or unit == 'voxel':
            return self
        factor = _METRES[self.unit] / _METRES[unit]
        return VoxelSize(z=self.z * factor, y=self.y * factor, x=self.x * factor, unit=unit)

    def agrees_with(self, other: VoxelSize, tolerance: float = 1e-3) -> bool:
        """Whether both are the same size; an unknown size agrees with any."""
        if not (self.is_known and other.is_known):
            return True
        mine, theirs = self.zyx, other.to(self.unit).zyx
        return all(abs(a - b) <= tolerance * max(a, b) for a, b in zip(mine, theirs, strict=True))

    def __str__(self) -> str:
        if self.is_isotropic:
            return f'{self.x:g} {self.unit}'
        return f'{self.z:g} x {self.y:g} x {self.x:g} {self.unit} (z, y, x)'
