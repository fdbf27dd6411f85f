"""What can be done with a session: each task pairs an engine job with what its result changes.

The job runs in any thread and never sees the session; `accept` runs in the main thread. So the same
tasks serve the window (which runs them in a worker) and tests or scripts (which drain them).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.errors import InputError
from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress, drain
from ..engine.slices import Slice, SliceSet
from ..engine.volume import Volume
from .jobs import JobKind, JobState
from .session import Session, SliceDraft
from .training import Training
from .words import tally

if TYPE_CHECKING:
    from ..engine.generator import FinetuneParams, ReconstructParams, Weights, WeightsChoice
    from ..engine.phases import Phases
    from ..engine.raw_image import RawImage
    from ..engine.samples import Sample


def _nothing() -> None:
    """Leave the session as it is."""


@dataclass(frozen=True)
class Task:
    """One thing to do.

    Attributes
    ----------
    kind, title : str
        Which step it belongs to and what it does, in words.
    run : callable
        Makes the engine job; called in the worker thread.
    accept : callable
        Writes the job's result to the session, main thread only; may return the task that follows.
    stopped : callable
        Saves what a cancelled job leaves behind, main thread only.
    """

    kind: JobKind
    title: str
    run: Callable[[], EngineJob[Any]]
    accept: Callable[[Any], Task | None]
    stopped: Callable[[], None] = _nothing


def run_now(session: Session, task: Task | None) -> None:
    """Run a task and those that follow it here and now, for scripts and tests."""
    while task is not None:
        job_id = session.begin_job(task.kind, task.title)
        try:
            result = drain(task.run(), partial(_advance, session, job_id))
        except Exception as error:
            session.end_job(job_id, JobState.FAILED, str(error))
            raise
        session.end_job(job_id, JobState.DONE)
        task = task.accept(result)


def _advance(session: Session, job_id: int, progress: Progress) -> None:
    session.advance_job(job_id, progress)


# -- inputs -----------------------------------------------------------------------------------------


def load_sample(session: Session, name: str, then: Callable[[], Task | None] = lambda: None) -> Task:
    """Open a sample: its volume becomes the reference, its slices the input."""

    def run() -> EngineJob[Any]:
        from ..engine.samples import fetch, get_sample

        yield Progress(f'Opening {name}')
        sample = get_sample(name)
        if sample.kind == 'measured':
            volume = yield from fetch(name)
            yield Progress('Taking slices')
        else:
            volume = sample.load_volume()
        return sample, volume, sample.load_slices()

    def accept(result: Any) -> Task | None:
        adopt_sample(session, *result)
        return then()

    return Task('load', f'Opening {name}', run, accept)


def adopt_sample(session: Session, sample: Sample, volume: Volume, slices: SliceSet) -> None:
    """Start afresh with a sample that has been loaded."""
    session.set_volumes(())
    session.tuned = None
    session.training = Training()
    session.sample = sample
    session.weights_spec = 'auto'
    session.set_reference(volume)
    session.set_drafts([SliceDraft(s, note='sample') for s in slices], like=slices)
    plural = 's' if len(slices) > 1 else ''
    session.say(f'{sample.title}: {len(slices)} slice{plural} and a reference volume are open', 'success')


def open_files(session: Session, paths: Sequence[Path], phases: Phases | int | None = None) -> Task:
    """Read files: 2D pictures become slices, 3D stacks the reference volume."""
    known = session.slices.phases if session.slices is not None else None

    def run() -> EngineJob[Any]:
        from ..engine.files import read_image, read_volume

        drafts: list[SliceDraft] = []
        volume = None
        # OME-Zarr is a folder: always a volume.
        for i, path in enumerate(paths):
            yield Progress(f'Reading {path.name}', i, len(paths))
            if path.suffix == '.zarr' or path.is_dir():
                volume = read_volume(path)
                continue
            image = read_image(path)
            if image.kind == 'stack':
                volume = labelled(image, phases or known)
            else:
                drafts.append(draft_of(image, phases))
        return drafts, volume

    def accept(result: Any) -> None:
        take_inputs(session, *result)

    return Task('load', 'Reading files', run, accept)


def take_images(session: Session, images: Sequence[RawImage], phases: Phases | int | None = None) -> Task:
    """Segment pictures that are already in memory (layers): 2D become slices, 3D the reference."""
    known = session.slices.phases if session.slices is not None else None

    def run() -> EngineJob[Any]:
        drafts: list[SliceDraft] = []
        volume = None
        for i, image in enumerate(images):
            yield Progress(f'Segmenting {image.name}', i, len(images))
            if image.kind == 'stack':
                volume = labelled(image, phases or known)
            else:
                drafts.append(draft_of(image, phases))
        return drafts, volume

    def accept(result: Any) -> None:
        take_inputs(session, *result)

    return Task('load', 'Segmenting', run, accept)


def resegment(session: Session, phases: Phases | int, method: str = 'auto') -> Task:
    """Segment all slices anew into other phases."""
    drafts = session.drafts

    def run() -> EngineJob[Any]:
        redone = []
        for i, draft in enumerate(drafts):
            yield Progress(f'Segmenting {draft.slice.name}', i, len(drafts))
            if draft.image is None:
                raise InputError(draft.slice.name, 'is already labelled', 'open the grey image to choose other phases')
            new = draft_of(draft.image, phases, method)
            redone.append(new.placed(draft.slice.normal, draft.slice.position).sized(draft.slice.voxel_size))
        return redone

    def accept(redone: list[SliceDraft]) -> None:
        session.set_drafts(redone)
        session.say(redone[0].note if redone else 'No slices to segment', 'info')

    return Task('load', 'Segmenting', run, accept)


def draft_of(image: RawImage, phases: Phases | int | None = None, method: str = 'auto') -> SliceDraft:
    """Segment one picture into a slice; its plane is z and its position unknown unless the file tells."""
    from ..engine.segmentation import segment

    segmentation = segment(image, phases, method)  # pyright: ignore[reportArgumentType]  # checked there
    made = Slice(
        segmentation.labels,
        segmentation.phases,
        normal=image.normal or 'z',
        position=image.position,
        voxel_size=image.voxel_size,
        name=image.name,
    )
    return SliceDraft(made, image, segmentation.note)


def labelled(stack: RawImage, phases: Phases | int | None) -> Volume:
    """Make a volume of a stack; a grey one is segmented, into two phases unless `phases` says otherwise."""
    from ..engine.files import volume_from

    is_labelled = bool(stack.values) or stack.phases is not None
    return volume_from(stack, None if is_labelled else phases or 2)


def describe_phases(session: Session, phases: Phases) -> None:
    """Give the phases other names, colours or another pore; the labels stay.

    Raises
    ------
    InputError
        If the number of phases differs.
    """
    count = session.need_slices().phases.count
    if phases.count != count:
        raise InputError('phases', f'{phases.count} are described, the slices have {count}', 'segment them anew')
    session.set_drafts([replace(d, slice=replace(d.slice, phases=phases)) for d in session.drafts])
    if session.reference is not None and session.reference.phases.count == count:
        session.set_reference(replace(session.reference, phases=phases))


def take_inputs(session: Session, drafts: Sequence[SliceDraft], volume: Volume | None) -> None:
    """Add what was opened to the session and say what became of it."""
    if session.sample is not None:  # own data replace a sample, they do not mix with it
        session.set_drafts(())
        session.set_volumes(())
        session.sample = None
        session.set_reference(None)
    said = []
    if drafts:
        session.add_drafts(drafts)
        said.append('; '.join(dict.fromkeys(f'{d.slice.name}: {d.note}' for d in drafts if d.note)) or 'Slices taken')
    if volume is not None:
        session.set_reference(volume)
        size = ' × '.join(str(n) for n in volume.shape)
        said.append(f'{volume.name} ({size}) is a volume: it is the reference now')
        if not session.drafts:
            session.set_drafts([slice_of(volume, 'z', volume.shape[0] // 2)])
            said.append('its middle slice was taken')
    session.say('; '.join(said), 'success')


def slice_of(volume: Volume, normal: Any, position: int) -> SliceDraft:
    """Section through a volume, as a draft."""
    return SliceDraft(Slice.of_volume(volume, normal, position), note=f'section {normal} = {position}')


# -- the three verbs --------------------------------------------------------------------------------


def reconstruct(session: Session, params: ReconstructParams, then: Callable[[], Task | None] = lambda: None) -> Task:
    """Generate volumes from the session's slices and weights."""
    slices, spec, tuned = session.need_slices(), session.weights_spec, session.tuned

    def run() -> EngineJob[Any]:
        from ..engine.generator import reconstruct as generate

        yield Progress('Choosing weights')
        choice, weights = pick_weights(spec, tuned, slices)
        yield Progress('Reconstructing')
        result = yield from generate(slices, weights, params)
        return choice, result

    def accept(result: Any) -> Task | None:
        choice, reconstruction = result
        session.choice = choice
        session.set_volumes(reconstruction.volumes)
        volume = reconstruction.volumes[0]
        fractions = ', '.join(f'{p.name} {f:.3f}' for p, f in zip(volume.phases.items, volume.fractions, strict=True))
        session.say(f'Reconstructed {" × ".join(map(str, volume.shape))} voxels: {fractions}', 'success')
        return then()

    return Task('reconstruct', 'Reconstructing', run, accept)


def finetune(session: Session, params: FinetuneParams, checkpoint: Path) -> Task:
    """Adapt weights to the session's slices; when stopped, the best so far are kept."""
    slices, spec, tuned = session.need_slices(), session.weights_spec, session.tuned

    def run() -> EngineJob[Weights]:
        from ..engine.generator import finetune as train

        yield Progress('Choosing weights')
        _, start = pick_weights(spec, tuned, slices, training=True)
        return (yield from train(slices, start, params, checkpoint=checkpoint))

    def accept(weights: Weights) -> None:
        _keep(session, weights, 'Fine-tuning is done')

    def stopped() -> None:
        from ..engine.generator.training_state import TrainingState

        best = TrainingState.load(checkpoint).best if checkpoint.exists() else None
        if best is not None:
            _keep(session, best, 'Fine-tuning was stopped')
        else:
            session.say('Fine-tuning was stopped before its first evaluation: there are no weights to keep yet')

    session.training = Training()
    return Task('finetune', 'Fine-tuning', run, accept, stopped)


def _keep(session: Session, weights: Weights, how: str) -> None:
    """Make fine-tuned weights the ones to reconstruct with."""
    session.tuned = weights
    session.weights_spec = 'tuned'
    session.preview = None
    session.say(f'{how}: the best weights are kept and used by Reconstruct', 'success')


def analyse(session: Session, *, tortuosity: bool = True) -> Task:
    """Measure the reconstruction, and compare it with the reference where there is one."""
    volume, reference = session.need_volume(), session.reference

    def run() -> EngineJob[Any]:
        from ..engine.analysis import compare, measure

        yield Progress('Measuring')
        if reference is None:
            return (yield from measure(volume, tortuosity=tortuosity)), None
        comparison = yield from compare(volume, reference, tortuosity=tortuosity)
        return comparison.generated, comparison

    def accept(result: Any) -> None:
        session.report, session.comparison = result
        comparison = session.comparison
        session.say('Measured' if comparison is None else f'Compared: {tally(comparison)}', 'success')

    return Task('analyse', 'Measuring', run, accept)


def demo(session: Session, name: str, params: Callable[[Session], ReconstructParams]) -> Task:
    """Open a sample, reconstruct it and compare the result with the sample's volume."""
    return load_sample(session, name, lambda: reconstruct(session, params(session), lambda: analyse(session)))


def pick_weights(
    spec: str, tuned: Weights | None, slices: SliceSet, *, training: bool = False
) -> tuple[WeightsChoice | None, Weights]:
    """Return the choice (None for the session's own fine-tuned weights) and the weights of `spec`."""
    from ..engine.generator import choose_weights, starting_weights

    if spec == 'tuned':
        if tuned is None:
            raise InputError('weights', 'nothing has been fine-tuned yet', 'choose other weights, or fine-tune first')
        return None, tuned
    choice = (starting_weights if training else choose_weights)(spec, slices)
    return choice, choice.weights


# -- saving -----------------------------------------------------------------------------------------


def save_volume(session: Session, path: Path) -> Task:
    """Write the reconstruction with its voxel size, phases and provenance."""
    volume = session.need_volume()

    def run() -> EngineJob[None]:
        from ..engine.files import write_volume

        yield Progress(f'Writing {path.name}')
        write_volume(volume, path)

    return Task('save', f'Writing {path.name}', run, lambda _: session.say(f'Wrote {path}', 'success'))


def save_report(session: Session, path: Path) -> Task:
    """Write the comparison, or the report where there is no reference, as .html or .json."""
    subject = session.comparison or session.report
    if subject is None:
        raise InputError('report', 'nothing has been measured yet', 'press Measure in step 4 first')
    volumes = [v for v in (session.volume, session.reference) if v is not None]

    def run() -> EngineJob[None]:
        from ..engine.analysis import report_html

        yield Progress(f'Writing {path.name}')
        text = subject.to_json() if path.suffix == '.json' else report_html(subject, volumes)
        path.write_text(text, encoding='utf-8')

    return Task('save', f'Writing {path.name}', run, lambda _: session.say(f'Wrote {path}', 'success'))


def save_weights(session: Session, path: Path) -> Task:
    """Write the fine-tuned weights."""
    tuned = session.tuned
    if tuned is None:
        raise InputError('weights', 'nothing has been fine-tuned yet', 'press Fine-tune first')

    def run() -> EngineJob[None]:
        yield Progress(f'Writing {path.name}')
        tuned.save(path)

    return Task('save', f'Writing {path.name}', run, lambda _: session.say(f'Wrote {path}', 'success'))
