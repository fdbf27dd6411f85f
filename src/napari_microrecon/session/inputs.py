"""Tasks that bring slices and reference volumes into a session: samples, files, layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.errors import InputError
from ..engine.matching import Reordering, adapted, seeming_order
from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress
from ..engine.run.reference import Origin
from ..engine.slices import Slice, SliceSet
from ..engine.volume import Volume
from ..engine.voxels import VoxelSize
from .drafts import SliceDraft
from .material import Material
from .references import follow_size
from .session import Session
from .shelf import put_away, take_up
from .task import Task
from .words import length, micro

if TYPE_CHECKING:
    from ..engine.phases import Phases
    from ..engine.preparation import Preparation
    from ..engine.raw_image import RawImage
    from ..engine.samples import Sample

_OTHER_REGIONS = 'one region against the rest: --segment id:7 on the command line, method="region" in Python'


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
    put_away(session)
    opened = Material(sample=sample).with_reference(volume, Origin('sample', sample.name))
    opened = opened.with_drafts([SliceDraft(s, note='sample') for s in slices], like=slices)
    take_up(session, opened.as_given())
    session.preview = None
    plural = 's' if len(slices) > 1 else ''
    session.say(f'{sample.title}: {len(slices)} slice{plural} and a reference volume are open', 'success')


def open_files(session: Session, paths: Sequence[Path], phases: Phases | int | None = None) -> Task:
    """Read files: 2D pictures become slices, 3D stacks the reference volume."""
    return _take(session, 'Reading files', paths, phases)


def take_images(session: Session, images: Sequence[RawImage], phases: Phases | int | None = None) -> Task:
    """Segment pictures that are already in memory (layers): 2D become slices, 3D the reference."""
    return _take(session, 'Segmenting', images, phases)


def _take(session: Session, title: str, sources: Sequence[Path | RawImage], phases: Phases | int | None) -> Task:
    earlier = session.material.slices if session.material.sample is None else None
    known = earlier.phases if earlier is not None else None
    reference = session.material.reference if session.material.sample is None else None

    def run() -> EngineJob[Any]:
        drafts: list[SliceDraft] = []
        volume, origin = None, Origin()
        for i, source in enumerate(sources):
            yield Progress(f'{title}: {source.name}', i, len(sources))
            image = _read(source) if isinstance(source, Path) else source
            if isinstance(image, Volume) or image.kind == 'stack':
                volume = image if isinstance(image, Volume) else labelled(image, phases or known)
                origin = Origin('file', str(source.resolve())) if isinstance(source, Path) else Origin()
            else:
                drafts.append((yield from draft_of(image, phases)))
        slices = [*(earlier or ()), *(draft.slice for draft in drafts)]
        together = SliceSet.of(slices) if slices else None
        words: list[str] = []
        if volume is not None:
            volume, words = adapted(volume, together)
        beside = volume or reference
        return drafts, volume, origin, words, None if beside is None else seeming_order(beside, together)

    def accept(result: Any) -> None:
        take_inputs(session, *result)

    return Task('load', title, run, accept)


def _read(path: Path) -> RawImage | Volume:
    from ..engine.files import open_slice, read_image, read_volume

    if not path.exists() and '@' in path.name:  # `volume.tif@z=64`
        return open_slice(path)
    # OME-Zarr is a folder: always a volume.
    return read_volume(path) if path.suffix == '.zarr' or path.is_dir() else read_image(path)


def resegment(session: Session, phases: Phases | int) -> Task:
    """Segment all slices anew into other phases, by automatic thresholds; crop and filters stay."""
    wishes: dict[int, Preparation] = {}
    for i, draft in enumerate(session.material.drafts):
        if draft.image is None:
            raise InputError(draft.slice.name, 'is already labelled', 'open the grey image to choose other phases')
        wishes[i] = _automatic(draft.preparation)
    return prepare_slices(session, wishes, phases, 'Segmenting')


def prepare_slices(session: Session, wishes: Mapping[int, Preparation], phases: Phases | int, title: str = '') -> Task:
    """Make some slices anew from their pictures.

    Parameters
    ----------
    session : Session
        Its drafts are replaced where they stand; plane, position and pixel size stay.
    wishes : mapping of int to Preparation
        What to do, by index of the draft; every one of them needs its picture.
    phases : Phases or int
        The phases or their number.
    title : str
        What is done, in words; by default that pictures are adjusted.
    """
    drafts, reference = session.material.drafts, session.material.reference

    def run() -> EngineJob[Any]:
        redone = list(drafts)
        for done, (i, wish) in enumerate(wishes.items()):
            former = drafts[i]
            yield Progress(f'{title or "Adjusting"} {former.slice.name}', done, len(wishes))
            if former.image is None:
                raise InputError(former.slice.name, 'came as labels', 'open its grey image to adjust it')
            made = yield from draft_of(former.image, phases, wish)
            redone[i] = made.placed(former.slice.normal, former.slice.position)
        order = None if reference is None else seeming_order(reference, SliceSet.of([one.slice for one in redone]))
        return redone, order

    def accept(result: tuple[list[SliceDraft], Reordering | None]) -> None:
        redone, order = result
        session.set_drafts(redone)
        said = '; '.join(dict.fromkeys(redone[i].note for i in wishes)) or 'No slices to segment'
        if session.material.volume is not None:
            said += '; the volume on the screen was made from the slices as they were before'
        session.say(micro(said), 'warning' if any(redone[i].is_doubtful for i in wishes) else 'info')
        if session.material.reference is reference:
            _doubt(session, order)

    names = [drafts[i].slice.name for i in wishes]
    return Task('load', title or f'Adjusting {names[0] if len(names) == 1 else f"{len(names)} pictures"}', run, accept)


def _automatic(preparation: Preparation | None) -> Preparation:
    """The same preparation with thresholds that are found, not given."""
    from ..engine.preparation import Preparation

    return (preparation or Preparation()).model_copy(update={'thresholds': None})


def draft_of(
    image: RawImage, phases: Phases | int | None = None, preparation: Preparation | None = None
) -> EngineJob[SliceDraft]:
    """Make a slice of one picture; its plane is z and its position unknown unless the file tells."""
    from ..engine.odd_pictures import RegionsError
    from ..engine.preparation import Preparation, preparing, without_bar

    said = ''
    if preparation is None:
        preparation, said = without_bar(image)
        said = f'{said}; Adjust… brings it back; ' if said else ''
    try:
        made = yield from preparing(image, preparation, phases)
    except RegionsError as error:
        # The window has no question about it: what is always right is taken, and told.
        said = f'{said}{error.problem}: '
        preparation = (preparation or Preparation()).model_copy(update={'method': 'boundaries'})
        made = yield from preparing(image, preparation)
        made = replace(made, segmentation=replace(made.segmentation, warning=_OTHER_REGIONS))
    told = '; '.join(filter(None, (said + made.segmentation.note, made.segmentation.warning)))
    return SliceDraft(made.slice, image, told, preparation, bool(made.segmentation.warning))


def labelled(stack: RawImage, phases: Phases | int | None) -> Volume:
    """Make a volume of a stack; a grey one is segmented, into two phases unless `phases` says otherwise."""
    from ..engine.files import volume_from
    from ..engine.odd_pictures import RegionsError

    is_labelled = bool(stack.values) or stack.phases is not None
    try:
        return volume_from(stack, None if is_labelled else phases or 2)
    except RegionsError as error:
        volume = volume_from(stack, method='boundaries')
        return replace(volume, note=f'{error.problem}: its boundaries are phase 1; {_OTHER_REGIONS}')


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
    drafts = [replace(d, slice=replace(d.slice, phases=phases)) for d in session.material.drafts]
    material, reference = session.material.with_drafts(drafts), session.material.reference
    if reference is not None and reference.phases.count == count:
        material = material.with_other_description(reference, replace(reference, phases=phases))
    session.material = material


def take_inputs(
    session: Session,
    drafts: Sequence[SliceDraft],
    volume: Volume | None,
    origin: Origin | None = None,
    words: Sequence[str] = (),
    order: Reordering | None = None,
) -> None:
    """Add what was opened to the session and say what became of it.

    Parameters
    ----------
    session : Session
        To add to.
    drafts : sequence of SliceDraft
        What became slices.
    volume : Volume or None
        What became the reference.
    origin : Origin, optional
        Of the volume.
    words : sequence of str
        What else to say of the volume.
    order : Reordering, optional
        In which the reference's labels would fit the slices, see `engine.matching.seeming_order`.
    """
    said, followed = [], ''
    if session.material.sample is not None:  # own data replace a sample, they do not mix with it
        said.append(put_away(session))
        session.material = Material()
        session.preview = None
    if drafts:
        followed = join(session, drafts)
        said.append('; '.join(dict.fromkeys(f'{d.slice.name}: {d.note}' for d in drafts if d.note)) or 'Slices taken')
        said += [followed] if followed else []
    if volume is not None:
        session.material = session.material.with_reference(volume, origin, borrows=bool(words))
        size = ' × '.join(str(n) for n in volume.shape)
        said.append(f'{volume.name} ({size}) is a volume: it is the reference now')
        said += words
        if volume.phases.values is not None:
            said.append(volume.phases.mapping())
        if not session.material.drafts:
            session.set_drafts([slice_of(volume, 'z', volume.shape[0] // 2)])
            said.append('its middle slice was taken')
    doubtful = any(draft.is_doubtful for draft in drafts)
    session.say(micro('; '.join(said)), 'warning' if doubtful else 'success')
    _doubt(session, order, f'{followed[:1].upper()}{followed[1:]}. ' if followed else '')


def join(session: Session, drafts: Sequence[SliceDraft]) -> str:
    """Append slices; a pixel size that only some of all slices name holds for the others, and for volumes without one.

    Returns
    -------
    str
        What has taken a pixel size over, in words; empty for nothing.

    Raises
    ------
    InputError
        If they do not go with those at hand; nothing has changed then.
    """
    every = (*session.material.drafts, *drafts)
    size = SliceSet.of([draft.slice for draft in every]).voxel_size
    if not size.is_known:
        session.add_drafts(drafts)
        return ''
    session.material.check_scale(size)
    bare = [draft.slice.name for draft in every if not draft.slice.voxel_size.is_known]
    if any(not draft.slice.voxel_size.is_known for draft in session.material.drafts):
        # What is shown follows before more is: napari warns of layers with different units.
        session.set_drafts([_of_size(draft, size) for draft in session.material.drafts])
    followed = follow_size(session, size)
    session.add_drafts([_of_size(draft, size) for draft in drafts])
    taken = [*dict.fromkeys(bare), followed] if followed else list(dict.fromkeys(bare))
    return f'no pixel size was known of {", ".join(taken)}: {length(size)} holds for all now' if taken else ''


def _of_size(draft: SliceDraft, size: VoxelSize) -> SliceDraft:
    return draft if draft.slice.voxel_size.is_known else draft.sized(size)


def _doubt(session: Session, order: Reordering | None, before: str = '') -> None:
    """Say, after what comes before, that the reference's phases seem to be in another order than the slices'."""
    session.material = replace(session.material, reordering=order)
    reference, slices = session.material.reference, session.material.slices
    if order is None or reference is None or slices is None:
        return
    session.say(
        f'{before}{reference.name} has {order.there[1]:.2f} of {slices.phases.names[1]}, '
        f'the slices have {order.here[1]:.2f}: '
        'its phases seem to be in another order; press Swap phases in step 1 if they are',
        'warning',
    )


def slice_of(volume: Volume, normal: Any, position: int) -> SliceDraft:
    """Section through a volume, as a draft."""
    return SliceDraft(Slice.of_volume(volume, normal, position), note=f'section {normal} = {position}')
