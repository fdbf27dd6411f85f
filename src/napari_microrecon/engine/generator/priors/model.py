"""The structural prior of one material: a field per phase boundary, and how it was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Self, Union

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Described
from scipy.special import ndtri

from ..calibration import calibrate
from ..random_streams import Stream, random_stream
from ..synthesis import ExemplarField
from .bounds import MOST_CROWDED, MOST_PHASES, Number, counted
from .families import field_types
from .fields import Field, NoiseField

if TYPE_CHECKING:
    AnyField = Field
else:
    # Files tell the family of a field by its kind.
    AnyField = Annotated[Union[field_types()], Described(discriminator='kind')]  # noqa: UP007  # known when it runs


class PriorModel(BaseModel):
    """Random fields that a volume inherits its three-dimensional structure from.

    Two phases have one field, which favours phase 1. K > 2 phases take their places one after the
    other, K - 1 fields in all: the phase that a field describes best first (the particles), the next
    one in what is left (the binder), the last fills the rest (the pores). So the shape of the first
    is not broken by the others.

    Attributes
    ----------
    phase_count : int
        K.
    fields : tuple of Field
        K - 1.
    order : tuple of int
        Phase labels in the order in which they take their places; the last one has no field.
    thresholds : tuple of float
        Added to each field: the phase takes what is positive.
    exemplar : ExemplarField or None
        Grows untrained volumes from the slices' own patches, from noise or from these fields' volume; networks are
        trained on the fields alone.
    reason : str
        Why these families, in words for the user.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    phase_count: int = Described(ge=2, le=MOST_PHASES)
    fields: tuple[AnyField, ...]
    order: tuple[int, ...] = ()
    thresholds: tuple[Number, ...] = ()
    exemplar: ExemplarField | None = None
    reason: str = ''

    @model_validator(mode='after')
    def _check(self) -> Self:
        count, is_two = self.phase_count, self.phase_count == 2
        counted(self.fields, count - 1, 'fields')
        # Two phases have one place each: early versions did not say which.
        counted(self.thresholds, count - 1, 'thresholds', may_lack=is_two)
        if sorted(self.order) != list(range(count)) and not (is_two and not self.order):
            raise ValueError(f'order does not name each of the {count} phases once')
        for index, field in enumerate(self.fields):
            field.check_place(index)
            if field.crowd > MOST_CROWDED:
                raise ValueError(f'fields.{index} asks for {field.crowd:.3g} grains, cells or arms in every voxel')
        if self.exemplar is not None and self.exemplar.phase_count != count:
            raise ValueError(f'exemplar has {self.exemplar.phase_count} phases, the prior {count}')
        return self

    @property
    def channels(self) -> int:
        """Channels F that `sample` returns: the field itself for two phases, else K phase logits."""
        return 1 if self.phase_count == 2 else self.phase_count

    @property
    def support(self) -> float:
        """Distance in voxels beyond which two values are independent."""
        return max(field.support for field in self.fields)

    @property
    def period(self) -> tuple[int, int, int]:
        """Smallest periodic volume (z, y, x) in voxels whose statistics are those of a large one; 0: any will do."""
        z, y, x = (max(field.period[axis] for field in self.fields) for axis in range(3))
        return z, y, x

    def sample(self, shape: tuple[int, int, int], seed: int, *, periodic: bool) -> np.ndarray:
        """Draw the prior, float32 (F, Z, Y, X); the same for the same shape and seed on any machine."""
        fields = combine(
            self.fields,
            [
                field.sample(shape, random_stream(seed, Stream.FIELD, index), periodic=periodic)
                for index, field in enumerate(self.fields)
            ],
        )
        return fields if self.phase_count == 2 else nest(fields, self.order, self.thresholds)

    def offsets(self, fractions: np.ndarray) -> np.ndarray:
        """Offsets (K,) by which the untrained prior has these fractions over the ensemble, exactly."""
        if self.phase_count == 2:
            return np.array([0.0, float(ndtri(fractions[1] / np.sum(fractions)))])
        return _ensemble_offsets(self.fields, self.order, self.thresholds, tuple(float(f) for f in fractions))

    def logits(self, fields: np.ndarray) -> np.ndarray:
        """Untrained phase logits (K, ...) of fields (F, ...); their argmax needs calibrated offsets."""
        if self.phase_count == 2:
            return np.concatenate([np.zeros_like(fields), fields])
        return fields


@lru_cache(maxsize=8)
def _independent(count: int) -> np.ndarray:
    """Independent standard normal values (n, count): what the fields of the ensemble are."""
    return random_stream(0, Stream.INDEPENDENT_VALUES).standard_normal((50_000, count))


@lru_cache(maxsize=64)
def _ensemble_offsets(
    families: tuple[Field, ...], order: tuple[int, ...], thresholds: tuple[float, ...], fractions: tuple[float, ...]
) -> np.ndarray:
    fields = combine(families, list(_independent(len(families)).T))
    logits = nest(fields, order, thresholds)
    return calibrate(logits.T.astype(float), np.array(fractions))


def combine(families: Sequence[Field], drawn: list[np.ndarray]) -> np.ndarray:
    """Fields (K - 1, ...) from independent draws, each with what it owes to those before it."""
    fields: list[np.ndarray] = []
    for family, own in zip(families, drawn, strict=True):
        fields.append(family.combine(own, fields))
    return np.stack(fields)


def nest(fields: np.ndarray, order: tuple[int, ...], thresholds: tuple[float, ...]) -> np.ndarray:
    """Logits (K, ...) whose largest is the first phase in `order` with a positive field (K - 1, ...), else the last."""
    logits = np.empty((len(order), *fields.shape[1:]), np.float32)
    rest: np.ndarray | None = None
    for label, field, threshold in zip(order[:-1], fields, thresholds, strict=True):
        own = field + np.float32(threshold)
        logits[label] = own if rest is None else np.minimum(rest, own)
        rest = -own if rest is None else np.minimum(rest, -own)
    logits[order[-1]] = rest
    return logits


def noise_prior(phase_count: int) -> PriorModel:
    """White noise in place of structure, the baseline that other generators start from."""
    return PriorModel(
        phase_count=phase_count,
        fields=(NoiseField(),) * (phase_count - 1),
        order=tuple(range(phase_count)) if phase_count > 2 else (1, 0),
        thresholds=tuple(float(ndtri(1 / (phase_count - i))) for i in range(phase_count - 1)),
        reason='white noise, as asked',
    )
