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
    values : tuple of int or None
        What stands for each phase in the file or array that was read, where its values are labels (1, 2, 3 or 0, 255);
        None where they are 0..K-1, or no labels. Not written: our own files hold 0..K-1.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    items: tuple[Phase, ...] = Field(min_length=2)
    pore: int | None = None
    values: tuple[int, ...] | None = Field(default=None, exclude=True, repr=False)

    @model_validator(mode='after')
    def _check(self) -> Self:
        if [phase.label for phase in self.items] != list(range(len(self.items))):
            raise ValueError('labels must be 0..K-1 in order')
        if self.pore is not None and not 0 <= self.pore < len(self.items):
            raise ValueError(f'pore label {self.pore} is none of the {len(self.items)} phases')
        if self.values is not None and len(self.values) != len(self.items):
            raise ValueError(f'{len(self.values)} values stand for {len(self.items)} phases')
        return self

    def __eq__(self, other: object) -> bool:
        """Whether names, colours and pore are the same, whatever values stood for them in a file."""
        return isinstance(other, Phases) and (self.items, self.pore) == (other.items, other.pore)

    def __hash__(self) -> int:
        return hash((self.items, self.pore))

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

    def read_from(self, values: Sequence[int]) -> Phases:
        """The same phases as they were read from a file that holds these values, lowest label first.

        A phase without a name is called after its value where its label would be the value of another one: of 1, 2, 3
        the first is 'phase 1'.
        """
        if len(values) != self.count or tuple(values) == tuple(range(self.count)):
            return self.model_copy(update={'values': None})
        items = self.items
        if self.is_unnamed and any(value in range(self.count) and value != i for i, value in enumerate(values)):
            items = tuple(
                phase.model_copy(update={'name': f'phase {value}'}) for phase, value in zip(items, values, strict=True)
            )
        return self.model_copy(update={'items': items, 'values': tuple(values)})

    def as_stored(self) -> Phases:
        """The same phases as our own files hold them: values are the labels, and names after values go by these."""
        if self.values is None or not self.is_unnamed:
            return self.model_copy(update={'values': None})
        plain = Phases.default(self.count)
        items = tuple(
            phase.model_copy(update={'name': other.name}) for phase, other in zip(self.items, plain.items, strict=True)
        )
        return self.model_copy(update={'items': items, 'values': None})

    @property
    def is_unnamed(self) -> bool:
        """Whether nobody has named the phases: they are called by their labels, or by their values."""
        by_label = tuple(f'phase {i}' for i in range(self.count))
        by_value = tuple(f'phase {value}' for value in self.values or ())
        return self.names in (by_label, by_value)

    def find(self, wanted: int | str) -> int:
        """Label of the phase that a value of the file, or a name, stands for.

        Parameters
        ----------
        wanted : int or str
            A value as the file or array holds it, a name, or 'pore'. Of a mask of 0 and another value, 1 is the other.

        Raises
        ------
        InputError
            If there is no such phase; the message lists what there is.
        """
        text = str(wanted).strip()
        values = tuple(range(self.count)) if self.values is None else self.values
        number = int(text) if text.lstrip('+-').isdigit() else None
        if number is not None and number in values:
            return values.index(number)
        if text in self.names:
            return self.names.index(text)
        if number == 1 and self.count == 2 and values[0] == 0:
            return 1
        if text.lower() == 'pore' and self.pore is not None:
            return self.pore
        known = ', '.join(f'{value} ({name})' for value, name in zip(values, self.names, strict=True))
        shown = repr(text) if number is None else text
        raise InputError('phase', f'{shown} is not in the volume', f'choose one of {known}, by value or by name')

    def value_of(self, label: int) -> int:
        """What stands for a phase in the file that was read; its label where that is not known."""
        return self.values[label] if self.values is not None else label

    def mapping(self) -> str:
        """Which value of the file is which label and phase, in words."""
        if self.values is None:
            return ', '.join(f'value {i} = {name}' for i, name in enumerate(self.names))
        parts = enumerate(zip(self.values, self.names, strict=True))
        return ', '.join(f'value {value} = label {label} = {name}' for label, (value, name) in parts)

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
