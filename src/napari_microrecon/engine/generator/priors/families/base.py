"""What a family of structural priors declares, and the statistics of the slices that it is fitted to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from ....progress import Job
    from ...exemplar import Exemplars
    from ..effort import Effort, Trial
    from ..fields import Field
    from ..judging import Scored


@dataclass(frozen=True, eq=False)
class PhaseOfSlices:
    """One phase of the slices, which a family is fitted to.

    Attributes
    ----------
    exemplars : Exemplars
        The slices.
    label : int
        The phase.
    """

    exemplars: Exemplars
    label: int

    @cached_property
    def fraction(self) -> float:
        """Of the phase in all slices, 0..1."""
        from ..judging import fraction_of

        return fraction_of(self.exemplars, self.label)

    @cached_property
    def edges(self) -> tuple[float, float, float]:
        """Phase changes per voxel along z, y and x, half of the specific surface in an isotropic material."""
        from ..judging import edges_of

        return edges_of(self.exemplars, self.label)


class PriorFamily(ABC):
    """A family of random fields that may be the structural prior of a phase.

    A family is one file: a module in this folder, or a class that another package names as an entry point of the group
    ``napari_microrecon.priors``, under its `name`. It declares what it is, its field, and how the field's parameters
    follow from the slices; choice, files, command line, window and documentation read the rest from here. A family
    needs no more than `field` and `first_guesses`.

    Attributes
    ----------
    name : str
        What it is called in files and on the command line: the `kind` of its field, unless it fits the field of
        another family in its own way.
    title : str
        What it is called in the window and in lists.
    fits : str
        Which statistics of the slices set its parameters, in a sentence.
    methods_text : str
        What it is in the methods section of a paper, with its article; empty where the field is another family's.
    cost : str
        What fitting and drawing take, roughly.
    order : int
        Families are tried in this order; the first guesses of the lowest come first.
    describes_phases : bool
        Whether it can describe a phase by itself, so that a user may ask for it by name.
    relation : str
        What it makes of a phase placed after another one ('coating'), where `related` does that; else empty.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    fits: ClassVar[str]
    methods_text: ClassVar[str] = ''
    cost: ClassVar[str] = ''
    order: ClassVar[int] = 100
    describes_phases: ClassVar[bool] = True
    relation: ClassVar[str] = ''

    @property
    @abstractmethod
    def field(self) -> type[Field]:
        """Model of its fields' parameters, which weights files hold; imported when it is asked for."""

    def first_guesses(self, phase: PhaseOfSlices) -> Mapping[str, Field]:
        """Fields by name from statistics of the slices alone, in a moment: one small volume of each is judged."""
        return {}

    def variants(self, phase: PhaseOfSlices, near: Mapping[str, Field], effort: Effort) -> Job[Mapping[str, Field]]:
        """Fields to judge on more volumes, of the first guesses of this family that came near the slices."""
        yield from ()
        return near

    def refined(self, phase: PhaseOfSlices, near: Scored, found: Scored, effort: Effort) -> Job[Scored]:
        """Further fields that are fitted by drawing volumes, with their section errors.

        Parameters
        ----------
        phase : PhaseOfSlices
            What they are fitted to.
        near : mapping
            First guesses of all families that came near the slices; empty where only this family is asked for.
        found : mapping
            What has been judged so far, by name: section error and field.
        effort : Effort
            What may be drawn.
        """
        yield from ()
        return {}

    def finished(self, phase: PhaseOfSlices, name: str, field: Field, effort: Effort) -> Job[tuple[str, Field]]:
        """Name and field of the best of all once it is chosen, with what only the chosen one is worth."""
        yield from ()
        return name, field

    def refit(self, field: Field, exemplars: Exemplars, label: int, placed: tuple[int, ...], share: float) -> Field:
        """Field fitted anew to what the phases `placed` before leave over, of which the phase takes this share."""
        return field

    def completed(self, field: Field, effort: Effort) -> Job[Field]:
        """Field with what drawing levelled volumes does not need, but a model that is kept does."""
        yield from ()
        return field

    def related(
        self, exemplars: Exemplars, label: int, other: int, field: Field, threshold: float, trial: Trial
    ) -> Job[Field]:
        """Field of a phase beside phase `other`, which `field` + `threshold` > 0 places as the first of all."""
        raise NotImplementedError(f'{self.name} relates no phases')
        yield

    def related_words(self, field: Field) -> str:
        """What such a field makes of its phase, in words that another phase's name follows: 'coating of'."""
        return f'{self.relation} of'
