"""The material at hand as one value: slices, weights, volumes, reference and findings.

What becomes stale when a part changes is decided here and nowhere else: every change is a method that returns another
`Material`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from ..engine.matching import Reordering, check_scale
from ..engine.run.reference import Origin
from ..engine.slices import SliceSet
from ..engine.volume import Volume
from ..engine.voxels import VoxelSize
from .drafts import SliceDraft
from .findings import Findings
from .training import Training

if TYPE_CHECKING:
    from ..engine.generator import Weights, WeightsChoice
    from ..engine.run import Run
    from ..engine.samples import Sample
    from ..engine.shape import ShapeVerdict
    from .labelling import Labelling
    from .likelihood import Likelihood

MOST_KEPT = 6  # volumes to compare with; each takes memory


@dataclass(frozen=True, eq=False)
class Material:
    """Everything that belongs to one material; a new one is made for every change.

    Attributes
    ----------
    sample : Sample or None
        That was opened.
    drafts : tuple of SliceDraft
        Slices with the pictures that they came from.
    slices : SliceSet or None
        The slices of the drafts.
    volumes : tuple of Volume
        Reconstructions; the first is shown and measured.
    likelihood : Likelihood or None
        How sure the volume is between slices.
    subject : Volume or None
        Measured instead of the reconstruction: a layer, the reference, a crop.
    labelling : Labelling or None
        Labels of a layer that wait for their meaning.
    reference : Volume or None
        Compared with.
    kept : tuple of Volume
        What can be compared with; the reference is one of them.
    reordering : Reordering or None
        Of the reference's labels, where another order fits the slices better.
    origins : mapping of Volume to Origin
        Where references came from, as far as it is known.
    borrowers : frozenset of Volume
        Volumes whose voxel size is that of the slices.
    weights_spec : str
        The weights to start from, as the user names them.
    choice : WeightsChoice or None
        The weights that were taken for the slices at hand.
    tuned : Weights or None
        Fine-tuned on this material.
    training : Training
        Curves of the fine-tuning.
    run, resumable : Run or None
        Record of the newest reconstruction or fine-tuning, and of a fine-tuning that can go on.
    opened : Run or None
        The run that was opened again: forms show its parameters.
    findings : Findings
        What has been found out.
    given : tuple or None
        `made` as it was when a sample or a run had been opened.
    """

    sample: Sample | None = None
    drafts: tuple[SliceDraft, ...] = ()
    subject: Volume | None = None
    volumes: tuple[Volume, ...] = ()
    kept: tuple[Volume, ...] = ()
    reference: Volume | None = None
    slices: SliceSet | None = None
    reordering: Reordering | None = None
    origins: Mapping[Volume, Origin] = field(default_factory=dict)
    borrowers: frozenset[Volume] = frozenset()
    labelling: Labelling | None = None
    likelihood: Likelihood | None = None
    weights_spec: str = 'auto'
    choice: WeightsChoice | None = None
    tuned: Weights | None = None
    training: Training = field(default_factory=Training)
    findings: Findings = field(default_factory=Findings)
    run: Run | None = None
    resumable: Run | None = None
    opened: Run | None = None
    given: tuple[Any, ...] | None = None

    # -- what follows from the parts --------------------------------------------------------------

    @property
    def volume(self) -> Volume | None:
        """The reconstruction that is shown."""
        return self.volumes[0] if self.volumes else None

    @property
    def measured(self) -> Volume | None:
        """The volume that is measured: the subject, else the reconstruction."""
        return self.volume if self.subject is None else self.subject

    @property
    def scale(self) -> VoxelSize:
        """Voxel size of the slices; unknown without any."""
        return VoxelSize() if self.slices is None else self.slices.voxel_size

    @property
    def made(self) -> tuple[Any, ...]:
        """What the user opens, makes or changes: tells one state of the work from another by identity."""
        return self.drafts, self.volumes, self.kept, self.tuned

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that would be missed."""
        return not (self.drafts or self.volumes or self.kept) and self.tuned is None

    @property
    def is_own(self) -> bool:
        """Whether the user has made or changed something since a sample or a run was opened."""
        if self.is_empty:
            return False
        return self.given is None or any(a is not b for a, b in zip(self.made, self.given, strict=True))

    @property
    def name(self) -> str:
        """What the user knows the work by."""
        if self.sample is not None:
            return f'{self.sample.title.split(",")[0].split(" (")[0]} (sample)'
        things = [draft.slice for draft in self.drafts] or [*self.volumes, *self.kept]
        return things[0].name or 'your work' if things else 'your work'

    @property
    def holds(self) -> str:
        """What there is of it, in words."""
        count, volumes, kept = len(self.drafts), len(self.volumes), len(self.kept)
        parts = [f'{count} slice{"s" if count > 1 else ""}'] if count else []
        if volumes:
            parts.append('a reconstruction' if volumes == 1 else f'{volumes} reconstructions')
        if kept:
            parts.append('a reference volume' if kept == 1 else f'{kept} volumes to compare with')
        if self.tuned is not None:
            parts.append('fine-tuned weights')
        return ', '.join(parts)

    def origin_of(self, volume: Volume) -> Origin:
        """Where a volume came from, as far as it is known."""
        return self.origins.get(volume, Origin())

    # -- slices and their scale ---------------------------------------------------------------------

    def with_drafts(self, drafts: Sequence[SliceDraft], like: SliceSet | None = None) -> Material:
        """Material with other slices; what was reconstructed from the former ones stays.

        Parameters
        ----------
        drafts : sequence of SliceDraft
            All slices, in the order to show.
        like : SliceSet, optional
            Takes symmetry and evidence from there instead of from the planes at hand.

        Raises
        ------
        InputError
            If the slices do not belong together.
        """
        slices = SliceSet.of([d.slice for d in drafts]) if drafts else None
        if slices is not None and like is not None:
            slices = replace(slices, symmetry=like.symmetry, evidence=like.evidence)
        findings = self.findings.with_other_slices()
        return replace(self, drafts=tuple(drafts), slices=slices, choice=None, findings=findings)

    def check_scale(self, size: VoxelSize) -> None:
        """Refuse a voxel size of the slices that cannot belong to the volumes at hand; those that follow are free.

        Raises
        ------
        InputError
            As `engine.matching.check_scale`.
        """
        for shown in (self.reference, self.volume):
            if shown is not None and shown not in self.borrowers:
                check_scale(shown, size)

    def with_scale(self, size: VoxelSize) -> Material:
        """Material whose volumes have the voxel size of the slices, but for those that have one of their own.

        What was measured of a volume that follows is dropped: its lengths were in voxels, or in the former size.
        """
        sized: dict[Volume, Volume] = {}
        for one in (*self.kept, *self.volumes):
            borrows = not one.voxel_size.is_known or one in self.borrowers
            if borrows and one.voxel_size != size:
                sized.setdefault(one, replace(one, voxel_size=size))
        if not sized:
            return self
        made = self
        for former in (one for one in self.kept if one in sized):
            made = made.with_other_description(former, sized[former])
        if any(one in sized for one in self.volumes):
            likelihood, shape = self.likelihood, self.findings.shape
            if likelihood is not None and likelihood.volume in sized:
                likelihood = replace(likelihood, volume=sized[likelihood.volume])
            volumes = [sized.get(one, one) for one in self.volumes]
            made = made.with_volumes(volumes, likelihood=likelihood, shape=shape)
        if self.subject is not None and self.subject in sized:
            made = made.with_subject(sized[self.subject])
        return replace(made, borrowers=self.borrowers.union(sized.values()))._without_memories()

    # -- volumes ------------------------------------------------------------------------------------

    def with_volumes(
        self, volumes: Sequence[Volume], *, likelihood: Likelihood | None = None, shape: ShapeVerdict | None = None
    ) -> Material:
        """Material with other reconstructions; what was found out of the former ones is dropped.

        Parameters
        ----------
        volumes : sequence of Volume
            The first is shown.
        likelihood : Likelihood, optional
            Maps of the first.
        shape : ShapeVerdict, optional
            On the shapes in their sections.
        """
        findings = replace(self.findings.with_other_volumes(), shape=shape)
        return replace(self.with_subject(None), volumes=tuple(volumes), likelihood=likelihood, findings=findings)

    def with_subject(self, volume: Volume | None) -> Material:
        """Material of which another volume is measured, or the reconstruction again (None)."""
        return replace(self, subject=volume, labelling=None, findings=self.findings.with_other_subject())

    # -- reference ----------------------------------------------------------------------------------

    def with_reference(self, volume: Volume | None, origin: Origin | None = None, *, borrows: bool = False) -> Material:
        """Material that is compared with this volume, or with none; former ones can be had again.

        Parameters
        ----------
        volume : Volume or None
            To compare with.
        origin : Origin, optional
            Where it came from; by default what is known of it.
        borrows : bool
            Whether its voxel size is that of the slices.
        """
        kept, origins, borrowers = self.kept, self.origins, self.borrowers
        if volume is not None and not any(one is volume for one in kept):
            kept = (*kept, volume)[-MOST_KEPT:]
        if volume is not None and origin is not None:
            origins = {**origins, volume: origin}
        if volume is not None and borrows:
            borrowers = borrowers | {volume}
        made = replace(
            self, reference=volume, kept=kept, origins=origins, borrowers=borrowers, reordering=None,
            findings=self.findings.with_other_reference(),
        )  # fmt: skip
        return made._without_memories()

    def without_reference(self) -> Material:
        """Material without the volume that it is compared with; others that were compared with stay."""
        left = tuple(one for one in self.kept if one is not self.reference)
        return replace(self, kept=left).with_reference(None)

    def with_other_description(self, former: Volume, volume: Volume) -> Material:
        """Material in which a volume to compare with is described anew: other phases, another size; same place."""
        kept = tuple(volume if one is former else one for one in self.kept)
        origins = {**self.origins, volume: self.origin_of(former)}
        borrowers = self.borrowers | {volume} if former in self.borrowers else self.borrowers
        made = replace(self, kept=kept, origins=origins, borrowers=borrowers)
        if self.reference is not former:
            return made
        return replace(made.with_reference(volume), reordering=self.reordering)

    def _without_memories(self) -> Material:
        """The same without what is remembered of volumes that are gone: their arrays would stay in memory."""
        present = {*self.kept, *self.volumes}
        origins = {one: origin for one, origin in self.origins.items() if one in present}
        return replace(self, origins=origins, borrowers=self.borrowers & present)

    # -- weights and findings -----------------------------------------------------------------------

    def with_tuned(self, weights: Weights) -> Material:
        """Material with fine-tuned weights, which are used from now on."""
        return replace(self, tuned=weights, weights_spec='tuned')

    def with_findings(self, **found: Any) -> Material:
        """Material of which this was found out; names are those of `Findings`."""
        return replace(self, findings=replace(self.findings, **found))

    def as_given(self) -> Material:
        """Material that was opened, not made, as it is now: it can be had again without being kept."""
        return replace(self, given=self.made)


FINDINGS = tuple(one.name for one in fields(Findings))
_FIELDS = tuple(one.name for one in fields(Material) if one.name != 'findings')
_VOLUMES = _FIELDS.index('volumes') + 1
# All that is told of one by one, in that order: a volume before what is drawn beside it.
PARTS = (*_FIELDS[:_VOLUMES], 'volume', *_FIELDS[_VOLUMES:], *FINDINGS)


def part_of(material: Material, name: str) -> Any:
    """A part of a material, or one of its findings, by name."""
    return getattr(material.findings if name in FINDINGS else material, name)


def is_same(one: Any, other: Any) -> bool:
    """Whether a part is unchanged; parts are replaced, never changed in place."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
    return one is other or (isinstance(one, str | Mapping | frozenset) and one == other)
