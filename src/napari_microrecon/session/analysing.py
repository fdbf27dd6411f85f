"""Tasks that measure: statistics and their comparison, copies of the slice, spatial faces, what a slice can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import InputError
from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress
from ..engine.voxels import VoxelSize
from .drafts import SliceDraft
from .findings import ShownFace
from .phase_choice import choose_phase, is_unasked, phase_to_measure
from .runs import note_reference
from .session import Session
from .task import Task
from .words import lacking, tally

if TYPE_CHECKING:
    from ..engine.representativity import Representativity
    from ..engine.results import Comparison, Ensemble, Report
    from ..engine.volume import Volume

PRECISION = 0.01  # half-width that the slices panel tells the needed size for
_AT_A_TIME = 2  # volumes and blocks measured beside each other; solvers are processes, so that the window stays awake


@dataclass(frozen=True)
class Wish:
    """What to measure.

    Attributes
    ----------
    phase : int or None
        Label; by default that of `phase_choice.phase_to_measure`.
    tortuosity : bool
        Whether to solve for it.
    crop : tuple of int or None
        Measure the middle of this shape (Z, Y, X) only.
    factor : int
        Measure a grid this many times coarser, of the reference too.
    reference_crop : tuple of int or None
        Compare with the middle of the reference of this shape only.
    """

    phase: int | None = None
    tortuosity: bool = True
    crop: tuple[int, int, int] | None = None
    factor: int = 1
    reference_crop: tuple[int, int, int] | None = None

    @property
    def is_smaller(self) -> bool:
        """Whether something else than the whole volumes is wished for."""
        return self.crop is not None or self.factor > 1 or self.reference_crop is not None


def analyse(session: Session, wish: Wish | None = None) -> Task:
    """Measure the volume at hand: beside the reference where there is one, with the realisations where there are more.

    A reference with another number of phases is left out, and so is one that is itself measured.
    """
    asked = wish or Wish()
    if asked.is_smaller:
        return _shrink(session, asked)
    return _analyse(session, asked, session.material.reference)


def _analyse(session: Session, asked: Wish, reference: Volume | None) -> Task:
    volume = session.need_measured()
    phase = phase_to_measure(session) if asked.phase is None else asked.phase
    unasked = is_unasked(session, volume)
    others = session.material.volumes[1:] if volume is session.material.volume else ()
    told = ''
    if reference is volume:
        reference = None
    run_of = session.material.run if volume is session.material.volume else None
    origin = None if session.material.reference is None else session.material.origin_of(session.material.reference)
    whole = session.material.reference
    if reference is not None and reference.phases.count != volume.phases.count:
        told = f'; {reference.name} has {reference.phases.count} phases and is left out'
        reference = None

    def run() -> EngineJob[Any]:
        from ..engine.analysis import compare, measure

        yield Progress('Measuring')
        options = {'phase': phase, 'tortuosity': asked.tortuosity}
        if reference is not None:
            comparison = yield from compare(volume, reference, realisations=others, workers=_AT_A_TIME, **options)
            lack = ''
            if run_of is not None and whole is not None and origin is not None:
                lack = note_reference(run_of, whole, origin)
            return comparison.generated, comparison, comparison.ensemble, lack
        report = yield from measure(volume, **options)
        return report, None, (yield from _spread(report, others, asked)), ''

    def accept(result: tuple[Report, Comparison | None, Ensemble | None, str]) -> None:
        report, comparison, ensemble, lack = result
        session.find(report=report, comparison=comparison, ensemble=ensemble)
        of = f'for {report.phase_name}, as no pore phase is declared in step 1' if unasked else ''
        if comparison is None:
            said = f'Measured {volume.name} {of}'.rstrip()
        else:
            said = f'Compared {of}'.rstrip() + f': {tally(comparison)}'
        session.say(f'{said}{told}{lack}', 'warning' if lack else 'success')

    def stopped(_: object) -> None:
        missing = lacking(session.material, tortuosity=asked.tortuosity)
        if missing:
            session.say(f'Measuring was cancelled; what is shown is not complete, it lacks {missing}', 'warning')

    return Task('analyse', 'Measuring', run, accept, stopped=stopped)


def _spread(report: Report, others: Sequence[Volume], wish: Wish) -> EngineJob[Ensemble | None]:
    """Mean and spread over the measured volume and its other realisations."""
    from ..engine.analysis import measure_many
    from ..engine.results import Ensemble

    if not others:
        return None
    more = []
    job = measure_many(others, report.phase, tortuosity=wish.tortuosity, workers=1)
    try:
        while True:
            try:
                progress = next(job)
            except StopIteration as end:
                more = end.value
                break
            yield replace(progress, preview=report)
    finally:
        job.close()
    return Ensemble.of([report, *more])


def _shrink(session: Session, wish: Wish) -> Task:
    """Take the middle, or a coarser grid, of the volumes at hand; then measure that."""
    volume, reference = session.need_measured(), session.material.reference

    def run() -> EngineJob[tuple[Volume, Volume | None]]:
        yield Progress('Making the volume smaller')
        own = _smaller(volume, wish.factor, wish.crop)
        if reference is volume:
            return own, own
        return own, None if reference is None else _smaller(reference, wish.factor, wish.reference_crop)

    def accept(made: tuple[Volume, Volume | None]) -> Task:
        own, other = made
        if own is not volume:
            session.set_subject(own)
        return _analyse(session, replace(wish, crop=None, factor=1, reference_crop=None), other)

    return Task('analyse', 'Making the volume smaller', run, accept)


def _smaller(volume: Volume, factor: int, crop: tuple[int, int, int] | None) -> Volume:
    from ..engine.analysis import coarsen, crop_middle

    made = coarsen(volume, factor)
    if crop is None:
        return made
    z, y, x = (min(most, n) for most, n in zip(crop, made.shape, strict=True))
    return replace(crop_middle(made, (z, y, x)), name=f'{made.name}, middle {z} × {y} × {x}')


def look_at_labels(session: Session, name: str, array: np.ndarray, voxel_size: VoxelSize) -> Task:
    """Find the values of a layer, so that the user can be asked what they mean."""
    from .labelling import Labelling, inspect_labels

    def accept(found: Labelling) -> None:
        session.material = replace(session.material, labelling=found)
        session.say(f'{name}: say which label is which phase', 'info')

    session.material = replace(session.material, labelling=None)
    return Task('analyse', f'Looking at {name}', lambda: inspect_labels(name, array, voxel_size), accept)


def take_labels(session: Session, names: Sequence[str], is_pore: bool, voxel_size: VoxelSize, wish: Wish) -> Task:
    """Make a volume of the layer that was looked at, and measure the phase `wish.phase` of it.

    Parameters
    ----------
    session : Session
        With a `labelling`.
    names : sequence of str
        Phase of each label; labels of the same name become one phase.
    is_pore : bool
        Whether the phase to measure is the pore.
    voxel_size : VoxelSize
        As the user says.
    wish : Wish
        What to measure.

    Raises
    ------
    InputError
        If no layer was looked at.
    """
    labelling = session.material.labelling
    if labelling is None:
        raise InputError('layer', 'no labels layer was looked at', 'choose one')

    def run() -> EngineJob[Volume]:
        yield Progress(f'Taking {labelling.name}')
        return labelling.volume(names, wish.phase if is_pore else None, voxel_size)

    def accept(volume: Volume) -> Task:
        session.set_subject(volume)
        if wish.phase is not None:
            choose_phase(session, wish.phase)
        return analyse(session, wish)

    return Task('analyse', f'Taking {labelling.name}', run, accept)


def look_for_copies(session: Session) -> Task:
    """Say whether the reconstruction repeats parts of its slices, or of itself."""
    volume, slices = session.need_volume(), session.need_slices()

    def run() -> EngineJob[Any]:
        from ..engine.originality import find_copies, find_repeats

        yield Progress('Looking for repeats')
        repeats = yield from find_repeats(volume)
        yield Progress('Looking for copies')
        return (yield from find_copies(volume, slices)), repeats

    def accept(found: Any) -> None:
        copies, repeats = found
        session.find(repeats=repeats, novelty=copies)
        worse = repeats if repeats.verdict == 'repeats' and copies.verdict != 'copied' else copies
        session.say(worse.sentence, 'warning' if worse.verdict in ('copied', 'repeats') else 'info')

    return Task('analyse', 'Looking for copies and repeats', run, accept)


def show_face(session: Session, key: str) -> Task:
    """Compute the spatial face of a statistic of the volume at hand."""
    volume, report = session.need_measured(), session.findings.report
    phase = None if report is None else report.phase

    def run() -> EngineJob[Any]:
        from ..engine.analysis import spatial_face

        return (yield from spatial_face(volume, key, phase))

    def accept(face: Any) -> None:
        session.find(face=ShownFace(face, volume))
        session.say(f'{volume.name}: {face.title} is shown as a layer. {face.note}'.rstrip(), 'success')

    return Task('analyse', 'Computing what belongs to the number', run, accept)


def judge_slices(drafts: Sequence[SliceDraft]) -> EngineJob[tuple[tuple[str, Representativity], ...]]:
    """What the slices tell of every phase: its name and the interval of its fraction.

    Where a slice came from a grey image, the threshold's part is in the interval. Takes 0.1 to 2 s, and longer where a
    large picture is filtered: not for the main thread.
    """
    from ..engine.preparation import preparing
    from ..engine.representativity import representativity_of_slices
    from ..engine.representativity.threshold import pooled_threshold, threshold_uncertainty
    from ..engine.slices import SliceSet

    slices = SliceSet.of([draft.slice for draft in drafts])
    made = []
    for draft in drafts:
        done = None
        if draft.image is not None:
            done = yield from preparing(draft.image, draft.preparation, slices.phases.count)
        if done is not None and not np.array_equal(done.slice.labels, draft.slice.labels):
            done = None  # the labels did not come from this threshold
        made.append(done)
    found = []
    for phase in range(slices.phases.count):
        effects = [
            (
                None if done is None else threshold_uncertainty(done.picture.image, done.segmentation, phase),
                draft.slice.labels.size,
            )
            for draft, done in zip(drafts, made, strict=True)
        ]
        told = representativity_of_slices(slices, phase, precision=PRECISION, threshold=pooled_threshold(effects))
        found.append((slices.phases.names[phase], told))
    return tuple(found)
