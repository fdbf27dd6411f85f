"""Phases of a material and the only place that turns labels into masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from .errors import InputError

# Colour-blind safe (Okabe and Ito 2008), ordered so that two phases contrast in grey as well.
PALETTE = ('#d9c8a9', '#1b6ca8', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#f0e442')
_PORES = ('pore', 'pores', 'void', 'voids')


class Phase(BaseModel):
    """One phase: its label in arrays, its name and its display colour (#rrggbb)."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    label: int = Field(ge=0, le=254)
    name: str = Field(min_length=1)
    color: str = Field(pattern=r'^#[0-9a-fA-F]{6}$')


class Phases(BaseModel):
    """The ordered phases of a material; labels are 0..K-1 in this order.

    Attributes
    ----------
    items : tuple of Phase
        K >= 2 phases.
    pore : int or None
        Label of the pore phase, None where the material has none or it is not known.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    items: tuple[Phase, ...] = Field(min_length=2)
    pore: int | None = None

    @model_validator(mode='after')
    def _check(self) -> Self:
        if [phase.label for phase in self.items] != list(range(len(self.items))):
            raise ValueError('labels must be 0..K-1 in order')
        if self.pore is not None and not 0 <= self.pore < len(self.items):
            raise ValueError(f'pore label {self.pore} is none of the {len(self.items)} phases')
        return self

    @classmethod
    def named(cls, *names: str, pore: int | None = None) -> Self:
        """Phases with the given names and the default colours."""
        items = tuple(Phase(label=i, name=n, color=PALETTE[i % len(PALETTE)]) for i, n in enumerate(names))
        return cls(items=items, pore=pore)

    @classmethod
    def default(cls, count: int) -> Self:
        """`count` phases called 'phase 0', 'phase 1', ..., none of them named as the pore."""
        if count < 2:
            raise InputError('phases', f'{count} is too few', 'a microstructure has at least two phases')
        return cls.named(*(f'phase {i}' for i in range(count)))

    @classmethod
    def of_names(cls, names: Sequence[str]) -> Self:
        """Phases with the given names; one called pore or void is the pore."""
        return cls.named(*names, pore=next((i for i, name in enumerate(names) if name.lower() in _PORES), None))

    @property
    def count(self) -> int:
        """Number of phases K."""
        return len(self.items)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in label order."""
        return tuple(phase.name for phase in self.items)

    @property
    def main(self) -> int:
        """Label to analyse when nobody says which: the pore, else phase 1."""
        return 1 if self.pore is None else self.pore

    def check(self, label: int) -> int:
        """Return `label` if it is one of the phases.

        Raises
        ------
        InputError
            If it is not.
        """
        if not 0 <= label < self.count:
            known = ', '.join(f'{p.label} ({p.name})' for p in self.items)
            raise InputError('phase', f'{label} is not in the volume', f'choose one of {known}')
        return label

    def mask(self, labels: np.ndarray, label: int) -> np.ndarray:
        """Boolean mask of one phase, same shape as `labels`."""
        return labels == self.check(label)

    def fractions(self, labels: np.ndarray) -> np.ndarray:
        """Volume (or area) fraction of every phase, shape (K,), dimensionless."""
        # Not by bincount, which makes eight bytes of each voxel first.
        return np.array([np.count_nonzero(labels == label) for label in range(self.count)]) / labels.size


def check_labels(labels: np.ndarray, phases: Phases, subject: str, ndim: int) -> np.ndarray:
    """Return `labels` as a contiguous read-only uint8 array after checking it.

    Raises
    ------
    InputError
        If it is no array, has the wrong dimensions or holds a label outside 0..K-1.
    """
    if not hasattr(labels, 'ndim'):
        raise InputError(subject, f'is a {type(labels).__name__}, not an array', 'give numpy.asarray of it')
    if labels.ndim != ndim:
        raise InputError(subject, f'has {labels.ndim} dimensions', f'give a {ndim}D label image')
    if labels.size == 0:
        raise InputError(subject, 'is empty', 'give an image with at least one pixel')
    if labels.dtype.kind not in 'uib':
        raise InputError(subject, f'has {labels.dtype} values', 'segment it into integer phase labels first')
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= phases.count:
        raise InputError(
            subject, f'holds label {high if high >= phases.count else low}', f'labels must be 0..{phases.count - 1}'
        )
    checked = np.ascontiguousarray(labels, dtype=np.uint8)
    if checked is labels:
        checked = checked.view()
    checked.flags.writeable = False
    return checked
