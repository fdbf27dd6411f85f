"""Voronoi cells behind walls, as in foams and polycrystals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .base import PhaseOfSlices, PriorFamily

if TYPE_CHECKING:
    from ....progress import Job
    from ..cells import CellField
    from ..effort import Effort
    from ..fields import Field

SMALLEST_CELL = 6.0  # voxels
EVEN = 0.75  # least distance of two seeds in mean spacings; most random packings get no closer to order
THICKEST_WALLS = 0.5  # fraction of the volume; what lies between more of it are scattered polyhedra, not cells


class Cells(PriorFamily):
    """Cells behind walls of the phase, or of the phase behind walls of the others."""

    name = 'cells'
    title = 'Voronoi cells behind walls'
    fits = 'Size and wall thickness follow from the phase fraction and the interface density along each axis.'
    methods_text = 'a field of cells'
    cost = 'fit 1 s; about 1 s per 128³'
    order = 30

    @property
    def field(self) -> type[CellField]:
        """Model of the parameters."""
        from ..cells import CellField

        return CellField

    def first_guesses(self, phase: PhaseOfSlices) -> Mapping[str, CellField]:
        """Cells around seeds strewn at random."""
        return self._fitted(phase, 0.0)

    def variants(self, phase: PhaseOfSlices, near: Mapping[str, Field], effort: Effort) -> Job[Mapping[str, Field]]:
        """Cells around seeds that keep apart, too."""
        from ..cells import DRAWN, drawn_distances

        if not near:
            return near
        for index in range(DRAWN):
            yield effort.trial('even cells').sign()
            drawn_distances(EVEN, index)
        return {**near, **self._fitted(phase, EVEN)}

    def _fitted(self, phase: PhaseOfSlices, apart: float) -> dict[str, CellField]:
        words = 'even cells' if apart else 'random cells'
        found: dict[str, CellField] = {}
        for name, filled, walls in (
            (f'walls of {words}', phase.fraction, True), (words, 1 - phase.fraction, False),
        ):  # fmt: skip
            if filled > THICKEST_WALLS:
                continue
            field = self.field.fit(filled, phase.edges, apart=apart, walls_favoured=walls)
            if field.spacing * min(field.stretch) >= SMALLEST_CELL:
                found[name] = field
        return found
