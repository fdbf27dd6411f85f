"""What has been found out about a material, and what of it remains true when the material changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..engine.volume import Volume

if TYPE_CHECKING:
    from ..engine.analysis import Face
    from ..engine.conditioned.experiment import SliceCounts
    from ..engine.holdback import HeldBack
    from ..engine.originality import Novelty, Repeats
    from ..engine.representativity import Representativity
    from ..engine.results import Comparison, Ensemble, Report
    from ..engine.shape import ShapeVerdict


@dataclass(frozen=True, eq=False)
class ShownFace:
    """The spatial face of a statistic and the volume that it belongs to."""

    face: Face
    volume: Volume


@dataclass(frozen=True, eq=False)
class Findings:
    """What has been found out about a material.

    Attributes
    ----------
    report, comparison, ensemble : Report, Comparison, Ensemble or None
        Of the volume that is measured; the comparison is with the reference.
    face : ShownFace or None
        Where in the measured volume one of its numbers comes from.
    novelty, repeats : Novelty, Repeats or None
        Whether the reconstruction copies its slices, or repeats itself.
    shape : ShapeVerdict or None
        Whether sections of the reconstruction have the shapes of the slices.
    held_back : HeldBack or None
        What the part of the slices says that was held back.
    representativity : tuple of (str, Representativity) or None
        What the slices tell of every phase, by its name.
    experiment : SliceCounts or None
        What numbers of slices of the reference would give.
    """

    report: Report | None = None
    comparison: Comparison | None = None
    ensemble: Ensemble | None = None
    face: ShownFace | None = None
    novelty: Novelty | None = None
    repeats: Repeats | None = None
    shape: ShapeVerdict | None = None
    held_back: HeldBack | None = None
    representativity: tuple[tuple[str, Representativity], ...] | None = None
    experiment: SliceCounts | None = None

    def with_other_slices(self) -> Findings:
        """What remains true of other slices; numbers of the volume do."""
        return replace(self, novelty=None, repeats=None, shape=None, held_back=None, representativity=None)

    def with_other_volumes(self) -> Findings:
        """What remains true of another reconstruction."""
        return replace(self.with_other_subject(), novelty=None, repeats=None, shape=None)

    def with_other_subject(self) -> Findings:
        """What remains true when another volume is measured."""
        return replace(self, report=None, comparison=None, ensemble=None, face=None)

    def with_other_reference(self) -> Findings:
        """What remains true beside another reference; the report of our own volume does."""
        return replace(self, comparison=None, experiment=None)
