"""The state of one piece of work: slices, weights, volumes, comparison and the job at hand.

Panels and layers listen to ``session.events``; nothing here knows that they exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from weakref import WeakKeyDictionary, WeakSet

from psygnal import SignalGroupDescriptor

from ..engine.errors import InputError
from ..engine.progress import Progress
from ..engine.slices import SliceSet
from ..engine.volume import Volume
from .drafts import SliceDraft
from .jobs import Job, JobKind, JobState
from .training import Training

if TYPE_CHECKING:
    from ..engine.analysis import Face
    from ..engine.conditioned.experiment import SliceCounts
    from ..engine.generator import Weights, WeightsChoice
    from ..engine.generator.forecast import Forecast
    from ..engine.holdback import HeldBack
    from ..engine.originality import Novelty, Repeats
    from ..engine.representativity import Representativity
    from ..engine.results import Comparison, Ensemble, Report
    from ..engine.run import Run
    from ..engine.run.reference import Origin
    from ..engine.samples import Sample
    from ..engine.shape import ShapeVerdict
    from .labelling import Labelling
    from .likelihood import Likelihood
    from .references import Reordering
    from .shelf import Work


MOST_KEPT = 6  # volumes to compare with; each takes memory


@dataclass(frozen=True, eq=False)
class ShownFace:
    """The spatial face of a statistic and the volume that it belongs to."""

    face: Face
    volume: Volume


@dataclass(frozen=True)
class Status:
    """One line for the user and how serious it is."""

    text: str = ''
    level: Literal['info', 'success', 'warning', 'error'] = 'info'


@dataclass(eq=False)
class Session:
    """Evented state; every field has a signal ``session.events.FIELD`` that carries its new value.

    Fields are replaced, never changed in place. Write from the main thread only.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    drafts: tuple[SliceDraft, ...] = ()
    slices: SliceSet | None = None
    sample: Sample | None = None
    weights_spec: str = 'auto'
    choice: WeightsChoice | None = None
    tuned: Weights | None = None
    volumes: tuple[Volume, ...] = ()
    volume: Volume | None = None
    reference: Volume | None = None
    reordering: Reordering | None = None  # of the reference's labels, where another order fits the slices better
    origins: WeakKeyDictionary[Volume, Origin] = field(default_factory=WeakKeyDictionary)  # of references
    borrowers: WeakSet[Volume] = field(default_factory=WeakSet)  # references whose voxel size is that of the slices
    kept: tuple[Volume, ...] = ()  # what a reconstruction can be compared with; the reference is one of them
    preview: Volume | None = None
    shape: ShapeVerdict | None = None  # whether sections of the volumes have the shapes of the slices
    likelihood: Likelihood | None = None  # of the volumes, where they lie between slices
    experiment: SliceCounts | None = None  # what numbers of slices of the reference would give
    subject: Volume | None = None  # measured instead of the reconstruction: a layer, the reference, a crop
    labels_layers: tuple[str, ...] = ()  # names of the viewer's labels layers that are not ours
    labelling: Labelling | None = None
    # Phases that the user has chosen to measure, by names of the phases and the pore that was declared then.
    phase_choices: Mapping[tuple[tuple[str, ...], int | None], int] = field(default_factory=dict)
    report: Report | None = None
    comparison: Comparison | None = None
    ensemble: Ensemble | None = None
    novelty: Novelty | None = None
    repeats: Repeats | None = None
    held_back: HeldBack | None = None  # what the part of the slices says that was held back
    face: ShownFace | None = None
    representativity: tuple[tuple[str, Representativity], ...] | None = None  # by name of the phase
    training: Training = field(default_factory=Training)
    run: Run | None = None  # record of the newest reconstruction or fine-tuning
    opened: Run | None = None  # the run that was opened again: forms show its parameters
    resumable: Run | None = None  # a fine-tuning that can go on
    pausing: bool = False  # the fine-tuning is being stopped in order to go on later
    given: tuple[Any, ...] | None = None  # what the user has opened and not made, see `shelf`
    put_away: Work | None = None  # what has given way to the work at hand
    awaiting: bool = False  # a job that was freed before its end is still going to leave something
    forecast: Forecast | None = None
    job: Job = field(default_factory=Job)
    status: Status = field(default_factory=Status)

    # -- slices ---------------------------------------------------------------------------------

    def set_drafts(self, drafts: Sequence[SliceDraft], like: SliceSet | None = None) -> None:
        """Replace the slices; what was reconstructed from others stays.

        Parameters
        ----------
        drafts : sequence of SliceDraft
            All slices, in the order to show.
        like : SliceSet, optional
            Takes symmetry and evidence from there instead of from the planes at hand.

        Raises
        ------
        InputError
            If the slices do not belong together; the former ones are kept.
        """
        slices = SliceSet.of([d.slice for d in drafts]) if drafts else None
        if slices is not None and like is not None:
            slices = replace(slices, symmetry=like.symmetry, evidence=like.evidence)
        self.drafts = tuple(drafts)
        self.representativity = None
        self.repeats = None
        self.novelty = None
        self.held_back = None
        self.slices = slices
        self.choice = None
        self.shape = None  # it was told against the former slices

    def add_drafts(self, drafts: Sequence[SliceDraft]) -> None:
        """Append slices.

        Raises
        ------
        InputError
            If they do not go with those at hand.
        """
        self.set_drafts((*self.drafts, *drafts))

    def edit_draft(self, index: int, draft: SliceDraft) -> None:
        """Replace the slice at `index`."""
        self.set_drafts((*self.drafts[:index], draft, *self.drafts[index + 1 :]))

    def remove_draft(self, index: int) -> None:
        """Drop the slice at `index`."""
        self.set_drafts((*self.drafts[:index], *self.drafts[index + 1 :]))

    def need_slices(self) -> SliceSet:
        """Return the slices.

        Raises
        ------
        InputError
            If there are none yet.
        """
        if self.slices is None:
            raise InputError('slices', 'there are none yet', 'open a slice in step 1, or press a demo')
        return self.slices

    def need_volume(self) -> Volume:
        """Return the reconstruction at hand.

        Raises
        ------
        InputError
            If there is none yet.
        """
        if self.volume is None:
            raise InputError('reconstruction', 'there is none yet', 'press Reconstruct in step 2 first')
        return self.volume

    # -- results --------------------------------------------------------------------------------

    def set_volumes(self, volumes: Sequence[Volume]) -> None:
        """Take new reconstructions; the first is shown, and numbers of former ones are dropped."""
        self.repeats = None
        self.novelty = None
        self.set_subject(None)
        # The volumes come first: the layer of the preview becomes theirs instead of being removed.
        self.volumes = tuple(volumes)
        self.volume = self.volumes[0] if self.volumes else None
        self.preview = None
        if self.likelihood is not None and self.likelihood.volume is not self.volume:
            self.likelihood = None

    @property
    def measured(self) -> Volume | None:
        """The volume that is measured: the subject, else the reconstruction."""
        return self.volume if self.subject is None else self.subject

    def need_measured(self) -> Volume:
        """Return the volume to measure.

        Raises
        ------
        InputError
            If there is none.
        """
        return self.need_volume() if self.subject is None else self.subject

    def set_subject(self, volume: Volume | None) -> None:
        """Measure another volume than the reconstruction, or the reconstruction again (None); numbers are dropped."""
        self.report = None
        self.comparison = None
        self.ensemble = None
        self.face = None
        self.labelling = None
        self.subject = volume

    def set_reference(self, volume: Volume | None, origin: Origin | None = None) -> None:
        """Take a volume to compare with; a comparison with another one is dropped, the former ones can be had again."""
        self.comparison = None
        self.experiment = None
        self.reordering = None
        if volume is not None and not any(one is volume for one in self.kept):
            self.kept = (*self.kept, volume)[-MOST_KEPT:]
        if volume is not None and origin is not None:
            self.origins[volume] = origin
        self.reference = volume

    def origin_of(self, volume: Volume) -> Origin:
        """Where a volume came from, as far as it is known."""
        from ..engine.run.reference import Origin

        return self.origins.get(volume, Origin())

    def forget_references(self) -> None:
        """Drop the volume to compare with and all former ones, because the material is another one now."""
        self.set_reference(None)
        self.kept = ()

    # -- jobs -----------------------------------------------------------------------------------

    def begin_job(self, kind: JobKind, title: str) -> int:
        """Make a new job the current one and return its id; what the former one still says is stale."""
        self.job = Job.begin(kind, title)
        return self.job.id

    def advance_job(self, job_id: int, progress: Progress) -> bool:
        """Take a sign of life; False if the job is stale or being stopped, and nothing was taken."""
        if not self.is_current(job_id) or self.job.state is not JobState.RUNNING:
            return False
        self.job = self.job.advanced(progress)
        # Other jobs make volumes, too, but none that the user is to keep.
        if isinstance(progress.preview, Volume) and self.job.kind in ('reconstruct', 'finetune'):
            self.preview = progress.preview
        if self.job.kind == 'finetune':
            self.training = self.training.extended(progress)
        if self.job.kind == 'analyse':
            self._take_partial(progress.preview)
        return True

    def _take_partial(self, found: Any) -> None:
        """Show the statistics that are there already, while others are still being computed."""
        from ..engine.results import Comparison, Report

        volume = self.measured
        if isinstance(found, Comparison):
            self.report, self.comparison, self.ensemble = found.generated, found, found.ensemble
        # The reference is measured too; its partial reports are not about our volume. The voxel size is not
        # compared, because a known one serves the volume that has none.
        elif isinstance(found, Report) and volume is not None:
            about = found.volume
            if (about.name, about.shape, about.provenance) == (volume.name, volume.shape, volume.provenance):
                self.report = found

    def stop_job(self) -> None:
        """Note that the user wants the current job to stop."""
        if self.job.state is JobState.RUNNING:
            self.job = self.job.moved(JobState.STOPPING)

    def end_job(self, job_id: int, state: JobState, message: str = '') -> bool:
        """Note the end of a job; False if it is stale, so that its result is to be dropped."""
        if not self.is_current(job_id):
            return False
        self.job = self.job.moved(state, message)
        return True

    def is_current(self, job_id: int) -> bool:
        """Whether `job_id` is the job at hand and has not ended."""
        return self.job.id == job_id and self.job.is_active

    # -- words ----------------------------------------------------------------------------------

    def say(self, text: str, level: Literal['info', 'success', 'warning', 'error'] = 'info') -> None:
        """Show one line to the user."""
        self.status = Status(text, level)
