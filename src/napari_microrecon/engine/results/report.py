"""The report on one phase of one volume: every statistic with value, unit, error, method and validity."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..provenance import Provenance
from ..volume import Volume
from ..voxels import VoxelSize

SCHEMA = 1


class Statistic(BaseModel):
    """One number and what is needed to trust it.

    Attributes
    ----------
    value : float or None
        None where the statistic has no meaning.
    unit : str
        '1' for pure numbers.
    sd : float or None
        Standard error of the value as estimate for the material, None where it is not known.
    method : str
        How it was computed.
    valid : bool
        False exactly where `value` is None.
    note : str
        Why it has no meaning, or what else to know.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    value: float | None = Field(allow_inf_nan=False)
    unit: str
    sd: float | None = Field(default=None, allow_inf_nan=False)
    method: str = ''
    valid: bool = True
    note: str = ''

    @model_validator(mode='after')
    def _check(self) -> Self:
        if self.valid == (self.value is None):
            raise ValueError('a statistic is valid exactly when it has a value')
        return self

    @classmethod
    def of(cls, value: float | None, unit: str, method: str, *, sd: float | None = None, note: str = '') -> Self:
        """Statistic from a number; a number that is not finite becomes invalid."""
        if value is None or not math.isfinite(value):
            return cls.refused(unit, method, note or 'could not be computed')
        if sd is not None and not math.isfinite(sd):
            sd = None
        return cls(value=float(value), unit=unit, sd=None if sd is None else float(sd), method=method, note=note)

    @classmethod
    def refused(cls, unit: str, method: str, note: str) -> Self:
        """Statistic that has no meaning here, and why."""
        return cls(value=None, unit=unit, method=method, valid=False, note=note)


class Curve(BaseModel):
    """A function of the lag, of a size or of a position.

    Attributes
    ----------
    lag : tuple of float
        Ascending, in `lag_unit`: lags and sizes up to half the edge, for profiles the centres of all layers.
    lag_unit : str
        Unit of length.
    value : tuple of float
        As long as `lag`, dimensionless.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    lag: tuple[float, ...]
    lag_unit: str
    value: tuple[float, ...]

    @model_validator(mode='after')
    def _check(self) -> Self:
        if len(self.lag) != len(self.value):
            raise ValueError('lag and value differ in length')
        if not all(map(math.isfinite, (*self.lag, *self.value))):
            raise ValueError('a curve holds a value that is not finite')
        return self


class VolumeInfo(BaseModel):
    """The volume that a report is about, without its voxels."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    name: str
    shape: tuple[int, int, int]
    voxel_size: VoxelSize
    provenance: Provenance = Field(default_factory=Provenance)

    @classmethod
    def of(cls, volume: Volume) -> Self:
        """Describe a volume."""
        return cls(name=volume.name, shape=volume.shape, voxel_size=volume.voxel_size, provenance=volume.provenance)


class Report(BaseModel):
    """All statistics of one phase of a volume.

    Attributes
    ----------
    volume : VolumeInfo
        Shape, voxel size, provenance.
    phase : int
        Label of the phase.
    phase_name : str
        Its name.
    statistics : dict of str to Statistic
        By key, in the order to show them.
    curves : dict of str to Curve
        By key.
    complete : bool
        False for the partial reports of a job that is still running.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    volume: VolumeInfo
    phase: int
    phase_name: str
    statistics: dict[str, Statistic] = Field(default_factory=dict)
    curves: dict[str, Curve] = Field(default_factory=dict)
    complete: bool = True

    def value(self, key: str) -> float | None:
        """Value of a statistic, None where it is missing or has no meaning."""
        found = self.statistics.get(key)
        return None if found is None else found.value

    @property
    def provenance(self) -> Provenance:
        """Where the volume came from."""
        return self.volume.provenance

    def to_dict(self) -> dict[str, Any]:
        """Plain data in the documented schema, ready for JSON."""
        size = self.volume.voxel_size
        return {
            'schema': SCHEMA,
            'volume': {
                'name': self.volume.name,
                'shape': list(self.volume.shape),
                'voxel_size': list(size.zyx),
                'unit': size.unit,
            },
            'phase': self.phase,
            'phase_name': self.phase_name,
            'statistics': {key: statistic.model_dump() for key, statistic in self.statistics.items()},
            'curves': {
                key: {'lag': list(curve.lag), 'lag_unit': curve.lag_unit, 'value': list(curve.value)}
                for key, curve in self.curves.items()
            },
            'provenance': self.provenance.model_dump(mode='json'),
        }

    def to_json(self) -> str:
        """JSON in the documented schema; never NaN or Infinity."""
        return dump_json(self.to_dict())


def dump_json(data: Mapping[str, Any]) -> str:
    """JSON text that refuses NaN and Infinity."""
    return json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False) + '\n'
