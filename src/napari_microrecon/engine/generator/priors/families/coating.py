"""A phase that coats another one, as binder does particles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import PriorFamily

if TYPE_CHECKING:
    from ....progress import Job
    from ...exemplar import Exemplars
    from ..coating import CoatingField
    from ..effort import Trial
    from ..fields import Field


class Coating(PriorFamily):
    """A fine texture that is the denser the nearer another phase is."""

    name = 'coating'
    title = 'coating on another phase'
    fits = (
        'Of three and more phases, the share of one at each distance from the phase that is placed first, and its '
        'two-point probability.'
    )
    methods_text = 'a coating on grains'
    cost = 'fit 3 s; two Fourier transforms a volume'
    order = 60
    describes_phases = False
    relation = 'coating'

    @property
    def field(self) -> type[CoatingField]:
        """Model of the parameters."""
        from ..coating import CoatingField

        return CoatingField

    def related(
        self, exemplars: Exemplars, label: int, other: int, field: Field, threshold: float, trial: Trial
    ) -> Job[CoatingField]:
        """Coating of one phase on the other."""
        return (yield from self.field.fitting(exemplars, label, other, field, threshold, trial))

    def related_words(self, field: Field) -> str:
        """Whether it hugs the other phase or keeps away from it."""
        # The same thing said of the other phase: it thins out where the coating is dense.
        return 'coating of' if isinstance(field, self.field) and field.hugs else 'denser away from'
