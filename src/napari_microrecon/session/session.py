"""The state of a window: the material at hand, the job at hand, and what stands beside them.

Panels and layers listen to ``session.events``; nothing here knows that they exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from psygnal import Signal, SignalGroup, SignalGroupDescriptor

from ..engine.errors import InputError
from ..engine.progress import Progress
from ..engine.slices import SliceSet
from ..engine.volume import Volume
from .drafts import SliceDraft
from .findings import Findings
from .jobs import Job, JobKind, JobState
from .material import PARTS, Material, is_same, part_of

if TYPE_CHECKING:
    from ..engine.generator.forecast import Forecast
    from ..engine.run.reference import Origin

# One signal for every part of the material, beside those of the session's own fields.
_PartEvents: type[SignalGroup] = type('_PartEvents', (SignalGroup,), {name: Signal(object) for name in PARTS})


@dataclass(frozen=True)
class Status:
    """One line for the user and how serious it is."""

    text: str = ''
    level: Literal['info', 'success', 'warning', 'error'] = 'info'


@dataclass(eq=False)
class Session:
    """Evented state; every field, and every part of the material, has a signal ``session.events.NAME``.

    The signal carries the new value. Fields are replaced, never changed in place. When the material is replaced, all of
    it is new before the first of its parts is told. Write from the main thread only.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor(signal_group_class=_PartEvents)

    material: Material = field(default_factory=Material)
    put_away: Material | None = None  # what has given way to the material at hand
    preview: Volume | None = None
    labels_layers: tuple[str, ...] = ()  # names of the viewer's labels layers that are not ours
    # Phases that the user has chosen to measure, by names of the phases and the pore that was declared then.
    phase_choices: Mapping[tuple[tuple[str, ...], int | None], int] = field(default_factory=dict)
    pausing: bool = False  # the fine-tuning is being stopped in order to go on later
    awaiting: bool = False  # a job that was freed before its end is still going to leave something
    forecast: Forecast | None = None
    job: Job = field(default_factory=Job)
    status: Status = field(default_factory=Status)

    def __post_init__(self) -> None:
        self.events.material.connect(self._tell_parts)

    def _tell_parts(self, material: Material, former: Material) -> None:
        for name in PARTS:
            if not is_same(part_of(former, name), part_of(material, name)):
                self.events[name].emit(part_of(self.material, name))

    @property
    def findings(self) -> Findings:
        """What has been found out about the material at hand."""
        return self.material.findings

    # -- slices ---------------------------------------------------------------------------------

    def set_drafts(self, drafts: Sequence[SliceDraft], like: SliceSet | None = None) -> None:
        """Replace the slices; see `Material.with_drafts`.

        Raises
        ------
        InputError
            If the slices do not belong together; the former ones are kept.
        """
        self.material = self.material.with_drafts(drafts, like)

    def add_drafts(self, drafts: Sequence[SliceDraft]) -> None:
        """Append slices.

        Raises
        ------
        InputError
            If they do not go with those at hand.
        """
        self.set_drafts((*self.material.drafts, *drafts))

    def edit_draft(self, index: int, draft: SliceDraft) -> None:
        """Replace the slice at `index`."""
        drafts = self.material.drafts
        self.set_drafts((*drafts[:index], draft, *drafts[index + 1 :]))

    def remove_draft(self, index: int) -> None:
        """Drop the slice at `index`."""
        drafts = self.material.drafts
        self.set_drafts((*drafts[:index], *drafts[index + 1 :]))

    def need_slices(self) -> SliceSet:
        """Return the slices.

        Raises
        ------
        InputError
            If there are none yet.
        """
        if self.material.slices is None:
            raise InputError('slices', 'there are none yet', 'open a slice in step 1, or press a demo')
        return self.material.slices

    def need_volume(self) -> Volume:
        """Return the reconstruction at hand.

        Raises
        ------
        InputError
            If there is none yet.
        """
        if self.material.volume is None:
            raise InputError('reconstruction', 'there is none yet', 'press Reconstruct in step 2 first')
        return self.material.volume

    # -- results --------------------------------------------------------------------------------

    def set_volumes(self, volumes: Sequence[Volume]) -> None:
        """Take new reconstructions; see `Material.with_volumes`."""
        # The volumes come first: the layer of the preview becomes theirs instead of being removed.
        self.material = self.material.with_volumes(volumes)
        self.preview = None

    def need_measured(self) -> Volume:
        """Return the volume to measure.

        Raises
        ------
        InputError
            If there is none.
        """
        subject = self.material.subject
        return self.need_volume() if subject is None else subject

    def set_subject(self, volume: Volume | None) -> None:
        """Measure another volume than the reconstruction, or the reconstruction again (None); numbers are dropped."""
        self.material = self.material.with_subject(volume)

    def set_reference(self, volume: Volume | None, origin: Origin | None = None) -> None:
        """Take a volume to compare with; see `Material.with_reference`."""
        self.material = self.material.with_reference(volume, origin)

    def choose_weights(self, spec: str) -> None:
        """Start from these weights from now on."""
        self.material = replace(self.material, weights_spec=spec)

    def find(self, **found: Any) -> None:
        """Take what was found out; names are those of `Findings`."""
        self.material = self.material.with_findings(**found)

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
            self.material = replace(self.material, training=self.material.training.extended(progress))
        if self.job.kind == 'analyse':
            self._take_partial(progress.preview)
        return True

    def _take_partial(self, found: Any) -> None:
        """Show the statistics that are there already, while others are still being computed."""
        from ..engine.results import Comparison, Report

        volume = self.material.measured
        if isinstance(found, Comparison):
            self.find(report=found.generated, comparison=found, ensemble=found.ensemble)
        # The reference is measured too; its partial reports are not about our volume. The voxel size is not
        # compared, because a known one serves the volume that has none.
        elif isinstance(found, Report) and volume is not None:
            about = found.volume
            if (about.name, about.shape, about.provenance) == (volume.name, volume.shape, volume.provenance):
                self.find(report=found)

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
