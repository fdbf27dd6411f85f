"""Run folders of a session: where they lie, how a reconstruction is written into one, how one is opened again."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.errors import InputError, NoSpaceError
from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress
from ..engine.run import RECORD, Command, Run, RunExistsError
from ..engine.run.reference import Origin
from ..engine.slices import SliceSet
from ..engine.volume import Volume
from .drafts import SliceDraft
from .material import Material
from .session import Session
from .shelf import put_away, take_up
from .task import Task
from .training import Training

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ..engine.generator import ReconstructParams, Weights
    from ..engine.shape import ShapeVerdict

log = logging.getLogger(__name__)
FOLDER_VARIABLE = 'NAPARI_MICRORECON_RUNS'
_SEGMENTATION = 'segmentation'  # in a run's results: how each slice was segmented
SHAPE = 'shape'  # in a run's results: the verdict on the shapes in its sections
_ENDING = re.compile(r'(\.ome)?\.[A-Za-z]\w{1,4}(?=\s|$)')  # of a file's name, before the place of a section
_LONGEST = 40  # characters of a slice's name in that of a folder
_NAME = re.compile(r'(\d{8}-\d{6})-(reconstruct|finetune)-(.+)\.run')
_LOOKED_AT = 30  # newest runs that an estimate learns from


def runs_folder() -> Path:
    """Folder that new runs are put into: NAPARI_MICRORECON_RUNS, else microrecon-runs in the home folder."""
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given).expanduser() if given else Path.home() / 'microrecon-runs'


def run_title(folder: Path) -> str:
    """What a run is called in a list: material, what was done, when; the folder's name where it tells nothing."""
    told = _NAME.fullmatch(folder.name)
    if told is None:
        return folder.name.removesuffix('.run')
    done = 'reconstructed' if told[2] == 'reconstruct' else 'fine-tuned'
    try:
        when = datetime.strptime(told[1], '%Y%m%d-%H%M%S')
    except ValueError:  # digits that are no time: a folder that somebody has renamed
        return folder.name.removesuffix('.run')
    return f'{told[3]}, {done} {when:%Y-%m-%d %H:%M:%S}'


def recent_runs(count: int = 10) -> list[Path]:
    """Newest run folders first; their names begin with the time."""
    folder = runs_folder()
    if not folder.is_dir():
        return []
    # Sorted by name before any is looked into: there may be thousands, on a slow disk.
    names = sorted((entry.name for entry in os.scandir(folder)), reverse=True)
    runs = (folder / name for name in names)
    return list(islice((run for run in runs if (run / RECORD).is_file()), count))


def new_run(
    command: Command,
    slices: SliceSet,
    weights: Weights,
    params: BaseModel,
    notes: Sequence[str],
    *,
    device: str,
    reason: str,
) -> Run:
    """Make a run folder with a name of its own.

    Raises
    ------
    InputError
        If the folder of runs cannot be written.
    """
    # After what the user knows it by; which weights served is in the record.
    name = _ENDING.sub('', slices.slices[0].name)
    material = re.sub(r'[^\w-]+', '-', name)[:_LONGEST].strip('-') or 'slices'
    stem = f'{datetime.now():%Y%m%d-%H%M%S}-{command}-{material}'
    number = 1
    while True:
        folder = runs_folder() / (f'{stem}.run' if number == 1 else f'{stem}-{number}.run')
        try:
            run = Run.create(folder, command, slices, weights, params, device=device, weights_reason=reason)
            break
        except RunExistsError:  # of the same second: another window, or this one
            number += 1
        except InputError as error:
            remedy = error.remedy if isinstance(error, NoSpaceError) else f'set {FOLDER_VARIABLE} to another folder'
            raise type(error)(error.subject, error.problem, remedy) from error
    run.note(**{_SEGMENTATION: list(notes)})
    return run


def record_volumes(
    slices: SliceSet,
    weights: Weights,
    params: ReconstructParams,
    volumes: Sequence[Volume],
    notes: Sequence[str],
    reason: str,
    seconds: float,
) -> EngineJob[Run]:
    """Write a finished reconstruction as a run.

    Raises
    ------
    InputError
        If it cannot be written; nothing is left behind.
    """
    from ..engine.files import write_volume
    from ..engine.provenance import hash_array

    yield Progress('Recording the run')
    device = volumes[0].provenance.device
    run = new_run('reconstruct', slices, weights, params, notes, device=device, reason=reason)
    try:
        for i, volume in enumerate(volumes):
            name = 'volume.tif' if len(volumes) == 1 else f'volume_{i:03d}.tif'
            run.add_output('volume', write_volume(volume, run.folder / name), hash_array(volume.labels), volume.name)
            yield Progress('Recording the run', i + 1, len(volumes))
        run.finish(seconds=round(seconds, 2))
    except BaseException:
        run.discard()
        raise
    return run


def note_shape(run: Run, shape: ShapeVerdict) -> None:
    """Record the verdict on the shapes of a run's volumes; a run that has been moved meanwhile is left alone."""
    if (run.folder / RECORD).is_file():
        try:
            run.note(**{SHAPE: shape.model_dump()})
        except InputError as error:
            log.warning('the shape verdict could not be recorded: %s', error)


def note_reference(run: Run, volume: Volume, origin: Origin) -> str:
    """Record what a run's volumes are compared with; a run that has been moved meanwhile is left alone.

    Returns
    -------
    str
        What the user has to know of it, as a clause; mostly empty.
    """
    from ..engine.run.reference import keep_reference

    if run.record.command != 'reconstruct' or not (run.folder / RECORD).is_file():
        return ''
    try:
        kept = keep_reference(run, volume, origin)
    except InputError as error:
        log.warning('the reference could not be recorded: %s', error)
        return f'; the reference is not recorded: {error}'
    if kept:
        return ''
    return (
        f'; {volume.name} came from a layer and is too large to be kept in the run: save it as a file and open that, '
        'so that the run finds it again'
    )


def past_speed(device: str, mode: str, weights: str) -> float | None:
    """Seconds per voxel of the latest runs on this device with weights of this name (median); None without any.

    A name tells enough: a prior that is fitted anew to other slices has another hash and costs the same.
    """
    speeds = []
    for folder in recent_runs(_LOOKED_AT):
        try:
            record = Run.open(folder).record
        except InputError:  # a damaged one, or of another version
            continue
        used = record.weights.name if record.weights is not None else ''
        seconds, params = record.results.get('seconds'), record.parameters
        if record.command != 'reconstruct' or record.device != device or used != weights or not seconds:
            continue
        if params.get('mode') == mode:
            z, y, x = params['shape']
            speeds.append(seconds / (z * y * x * params.get('realisations', 1)))
    return sorted(speeds)[len(speeds) // 2] if speeds else None


def open_run(session: Session, folder: Path) -> Task:
    """Open a run: its slices, weights, parameters and volumes take the place of what was there."""

    def run() -> EngineJob[Any]:
        from ..engine.generator import Weights
        from ..engine.generator.checkpoint import shipped_weights

        yield Progress(f'Opening {folder.name}')
        opened = Run.open(folder, _trusted(folder))
        slices = opened.load_slices()
        path = opened.need_input('weights')
        yield Progress(f'Opening {folder.name}')
        volumes = opened.load_volumes() if opened.record.command == 'reconstruct' else []
        weights = Weights.load(path)
        shipped = shipped_weights().get(weights.name)
        is_shipped = shipped is not None and Weights.load(shipped).sha256 == weights.sha256
        spec = weights.name if is_shipped else str(path)
        tuned, training = _training_of(opened) if opened.record.command == 'finetune' else (None, Training())
        reference, lack = yield from _reference_of(opened)
        return opened, slices, volumes, spec, tuned, training, reference, lack, _shape_of(opened)

    def accept(result: Any) -> None:
        opened, slices, volumes, spec, tuned, training, reference, lack, shape = result
        name = opened.record.weights.name if opened.record.weights is not None else 'none recorded'
        notes = opened.record.results.get(_SEGMENTATION) or [''] * len(slices)
        put_away(session)
        drafts = [SliceDraft(s, note=note) for s, note in zip(slices, notes, strict=False)]
        material = Material(weights_spec=spec, tuned=tuned, training=training, run=opened, opened=opened)
        if reference is not None:
            known = opened.record.reference
            material = material.with_reference(reference, Origin(known.origin, known.where))
        material = material.with_drafts(drafts, like=slices).with_volumes(volumes, shape=shape)
        material = replace(material, resumable=opened if can_go_on(opened) else None)
        take_up(session, material.as_given())
        session.preview = None
        went_on = '; it can be resumed in step 3' if session.material.resumable is not None else ''
        beside = f', beside its reference {reference.name}' if reference is not None else ''
        text = f'{folder.name} is open again: slices, weights ({name}), parameters and results{beside}{went_on}'
        session.say(f'{text}. {lack}'.rstrip('. ') if lack else text, 'warning' if lack else 'success')

    return Task('load', f'Opening {folder.name}', run, accept)


def _trusted(folder: Path) -> tuple[Path, ...] | None:
    """What a run may open besides its own: of those that windows have made anything, of one from elsewhere nothing."""
    return None if runs_folder().resolve() in folder.resolve().parents else ()


def _shape_of(run: Run) -> ShapeVerdict | None:
    """The verdict on the shapes of a run's volumes; None of a run from before there was one."""
    from pydantic import ValidationError

    from ..engine.shape import ShapeVerdict

    try:
        return ShapeVerdict.model_validate(run.record.results[SHAPE])
    except (KeyError, ValidationError):
        return None


def _reference_of(run: Run) -> EngineJob[tuple[Volume | None, str]]:
    """The volume that a run was compared with, else why it is not there; neither where there was none."""
    from ..engine.run.reference import find_reference

    record = run.record.reference
    if record is None:
        return None, ''
    yield Progress(f'Reading the reference {record.name}')
    try:
        return find_reference(record, run.folder, run.trusted), ''
    except InputError as error:
        return None, f'{error.subject[:1].upper()}{error.subject[1:]} {error.problem}: {error.remedy}'


def can_go_on(run: Run) -> bool:
    """Whether a fine-tuning stopped before its end and left its state."""
    stopped = run.record.command == 'finetune' and run.record.status != 'done' and not run.is_at_work
    return stopped and run.checkpoint.is_file()


def _training_of(run: Run) -> tuple[Weights | None, Training]:
    """Best weights and curves of a fine-tuning, finished or not."""
    from ..engine.generator import Weights
    from ..engine.generator.training_state import TrainingState

    found = [run.result_path(item) for item in run.outputs('weights')]
    if run.checkpoint.is_file():
        state = TrainingState.load(run.checkpoint)
        training = Training.of_history(state.record.history)
        return (Weights.load(found[-1]) if found else state.best), training
    return (Weights.load(found[-1]) if found else None), Training()
