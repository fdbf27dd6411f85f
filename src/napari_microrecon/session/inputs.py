"""Tasks that bring slices and reference volumes into a session: samples, files, layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.errors import InputError
from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress
from ..engine.slices import Slice, SliceSet
from ..engine.volume import Volume
from .session import Session, SliceDraft
from .task import Task
from .training import Training

if TYPE_CHECKING:
    from ..engine.phases import Phases
    from ..engine.raw_image import RawImage
    from ..engine.samples import Sample


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
    return _take(session, 'Reading files', paths, phases)


def take_images(session: Session, images: Sequence[RawImage], phases: Phases | int | None = None) -> Task:
    """Segment pictures that are already in memory (layers): 2D become slices, 3D the reference."""
    return _take(session, 'Segmenting', images, phases)


def _take(session: Session, title: str, sources: Sequence[Path | RawImage], phases: Phases | int | None) -> Task:
    known = session.slices.phases if session.slices is not None else None

    def run() -> EngineJob[Any]:
        drafts: list[SliceDraft] = []
        volume = None
        for i, source in enumerate(sources):
            yield Progress(f'{title}: {source.name}', i, len(sources))
            image = _read(source) if isinstance(source, Path) else source
            if isinstance(image, Volume):
                volume = image
            elif image.kind == 'stack':
                volume = labelled(image, phases or known)
            else:
                drafts.append(draft_of(image, phases))
        return drafts, volume

    def accept(result: Any) -> None:
        take_inputs(session, *result)

    return Task('load', title, run, accept)


def _read(path: Path) -> RawImage | Volume:
    from ..engine.files import read_image, read_volume

    # OME-Zarr is a folder: always a volume.
    return read_volume(path) if path.suffix == '.zarr' or path.is_dir() else read_image(path)


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
