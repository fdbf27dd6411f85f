"""Dendrites of an alloy that solidified in one direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import PhaseOfSlices, PriorFamily

if TYPE_CHECKING:
    from ....progress import Job
    from ..dendrites import DendriteField
    from ..effort import Effort
    from ..judging import Scored


class Dendrites(PriorFamily):
    """Stems that bear rows of side arms, with a finer structure between them."""

    name = 'dendrites'
    title = 'dendrites along an axis'
    fits = (
        'The spacing of the arms is the wavelength along rows of them; the spacing of the stems, the radii and the '
        'finer structure follow from the phase fraction and the interface density. Two planes are needed.'
    )
    methods_text = 'a field of stems with side arms'
    cost = 'fit 5 s; about 2 s per 128³'
    order = 40

    @property
    def field(self) -> type[DendriteField]:
        """Model of the parameters."""
        from ..dendrites import DendriteField

        return DendriteField

    def refined(self, phase: PhaseOfSlices, near: Scored, found: Scored, effort: Effort) -> Job[Scored]:
        """Dendrites of the phase and of the others, where the slices show rows of arms."""
        from ..growth import grown_dendrites, rows_of_arms
        from ..judging import DRAWS, scored

        if not effort.allows('dendrites'):
            return {}
        yield effort.trial('dendrites').sign()
        exemplars, label = phase.exemplars, phase.label
        rows = rows_of_arms(exemplars, label)
        grown: dict[str, DendriteField] = {}
        if rows is not None:
            for name, favoured in (('dendrites of this phase', True), ('dendrites', False)):
                if effort.allows(name):
                    trial = effort.trial(name)
                    grown[name] = yield from grown_dendrites(exemplars, label, rows, trial, favoured=favoured)
        return (yield from scored(exemplars, label, grown, DRAWS, effort))
