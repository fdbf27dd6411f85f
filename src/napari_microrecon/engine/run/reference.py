"""The volume that a run was compared with: described, and found again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..errors import InputError
from ..files import read_image, read_volume, volume_from, write_volume
from ..provenance import hash_array
from ..volume import Volume
from .folder import Run
from .reading import input_path, readable_path
from .record import ReferenceRecord
from .replacing import COPY

LARGEST_COPY = 2**28  # voxels; a few seconds and some tens of megabytes


@dataclass(frozen=True)
class Origin:
    """Where a volume came from.

    Attributes
    ----------
    kind : {'file', 'sample', 'run', 'layer'}
        A layer cannot be had again: what came from one, or was changed since it was read, is kept by the run itself.
    where : str
        Path of the file or of the run's folder, or the name of the sample.
    """

    kind: Literal['file', 'sample', 'run', 'layer'] = 'layer'
    where: str = ''


def describe_reference(volume: Volume, origin: Origin) -> ReferenceRecord:
    """Describe a volume so that it can be found again; reads all of its labels."""
    return ReferenceRecord(
        name=volume.name,
        origin=origin.kind,
        where=origin.where,
        content_sha256=hash_array(volume.labels),
        phases=volume.phases,
        voxel_size=volume.voxel_size,
    )


def keep_reference(run: Run, volume: Volume, origin: Origin) -> bool:
    """Record what the volumes of a run are compared with; where it cannot be had again, keep a copy in the folder.

    Returns
    -------
    bool
        False where a copy is needed and the volume is too large for one.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    record, former = describe_reference(volume, origin), run.record.reference
    fits = volume.labels.size <= LARGEST_COPY
    if record.origin == 'layer':
        record = record.model_copy(update={'where': COPY if fits else ''})
        if fits and record != former:
            write_volume(volume, run.folder / COPY)
    run.set_reference(record)
    if record.where != COPY:
        (run.folder / COPY).unlink(missing_ok=True)  # of another one
    return record.origin != 'layer' or fits


def find_reference(record: ReferenceRecord, folder: Path | None = None, trusted: Sequence[Path] | None = ()) -> Volume:
    """Read the volume of a record again, with the phases and the voxel size that it had.

    Parameters
    ----------
    record : ReferenceRecord
        Of a run.
    folder : Path, optional
        Of the run, for what it has kept itself and to know what lies beside it.
    trusted : sequence of Path or None
        As of `Run.open`.

    Raises
    ------
    InputError
        If it is gone, has changed, came from a layer, or may not be opened (`readable_path`); in words for somebody
        who opens a run.
    """
    again = 'open it in step 1 to compare with it'
    subject = f'the reference {record.name}'
    if record.origin == 'layer':
        if not record.where or folder is None:
            raise InputError(subject, 'came from a layer and is not kept in the run', again)
        record = record.model_copy(update={'origin': 'file', 'where': str(input_path(folder, record.where))})
    if record.origin != 'sample' and folder is not None:
        readable_path(folder, record.where, trusted, subject=subject)
    if record.origin != 'sample' and not Path(record.where).exists():
        raise InputError(subject, f'is no longer at {record.where}', again)
    try:
        candidates = _candidates(record, trusted)
        found = next((one for one in candidates if hash_array(one.labels) == record.content_sha256), None)
    except InputError as error:
        raise InputError(subject, f'cannot be read again: {error.problem}', again) from error
    if found is None:
        place = '' if record.origin == 'sample' else f' at {record.where}'
        raise InputError(subject, f'is not the same any more{place}', again)
    return replace(found, name=record.name, phases=record.phases, voxel_size=record.voxel_size)


def _candidates(record: ReferenceRecord, trusted: Sequence[Path] | None) -> list[Volume]:
    if record.origin == 'sample':
        from ..samples import get_sample

        return [get_sample(record.where).load_volume()]
    path = Path(record.where)
    if record.origin == 'run':
        return Run.open(path, trusted).load_volumes()
    if path.suffix == '.zarr' or path.is_dir():
        return [read_volume(path)]
    image = read_image(path)
    is_labelled = bool(image.values) or image.phases is not None
    return [volume_from(image, None if is_labelled else record.phases.count)]
