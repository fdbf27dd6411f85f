"""The folder of a Run: made, opened, checked and filled."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from pydantic import BaseModel

from ..errors import InputError
from ..files import read_slice, read_volume, write_slice, write_text
from ..files.names import as_path, as_text
from ..files.processes import is_running, this_process
from ..files.staging import clear, followed, remove, temporary
from ..files.targets import write_error
from ..provenance import Source, hash_array, hash_file, now, versions
from ..slices import Slice, SliceSet
from ..volume import Volume
from .reading import input_path, read_record, readable_path
from .record import CHECKPOINT, RECORD, SCHEMA, Command, ReferenceRecord, RunFile, RunRecord
from .replacing import claim, put_run, remove_run


class _Weights(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str: ...

    @property
    def tensors(self) -> Mapping[str, Any]: ...

    def save(self, path: Path) -> object: ...


class RunExistsError(InputError):
    """The folder of a new run is taken."""


class Run:
    """A run folder and its record.

    Attributes
    ----------
    folder : Path
        Where it lies.
    record : RunRecord
        What run.json says.
    """

    def __init__(self, folder: Path, record: RunRecord, home: Path | None = None) -> None:
        self.folder = folder
        self.record = record
        self.trusted: tuple[Path, ...] | None = ()  # see `readable_path`
        self._home = home or folder  # where the folder will lie, where it is made elsewhere first

    @classmethod
    def create(
        cls,
        folder: Path | str,
        command: Command,
        slices: SliceSet,
        weights: _Weights,
        parameters: BaseModel,
        *,
        device: str = '',
        weights_reason: str = '',
        resume: Path | None = None,
        home: Path | None = None,
    ) -> Self:
        """Make a run folder and copy slices and weights into it.

        Parameters
        ----------
        folder : Path or str
            Must be free: missing or empty. An earlier run is replaced by `settle`, when this one is finished.
        resume : Path, optional
            State of the training that goes on: it is this run's own checkpoint from the first moment.
        home : Path, optional
            Where the folder will lie in the end; the record names its outputs from there.

        Raises
        ------
        RunExistsError
            If something is in the folder; of two processes at the same moment one gets it.
        InputError
            If it cannot be written.
        """
        folder = Path(folder)
        part = temporary(folder)
        try:
            part.mkdir(parents=True)
            record = _fill(part, command, slices, weights, parameters, resume)
            told = {'device': device, 'weights_reason': weights_reason, 'process': this_process()}
            cls(part, record.model_copy(update=told))._save()
            try:
                claim(part, folder)
            except OSError as error:
                if not folder.exists():
                    raise
                problem = 'holds something already'
                raise RunExistsError(str(folder), problem, 'choose another folder with --run') from error
        except RunExistsError:
            raise
        except InputError as error:
            # The names of the parts mean nothing to the user.
            raise type(error)(str(folder), error.problem, error.remedy) from error
        except OSError as error:
            raise write_error(folder, error) from error
        finally:
            remove(part)
        return cls(folder, record.model_copy(update=told), home)

    def settle(self, home: Path) -> None:
        """Take the place of an earlier run; files in it that its record does not name come along.

        Raises
        ------
        InputError
            If something else lies there by now, or it cannot be written.
        """
        try:
            put_run(self.folder, followed(home))
        except FileExistsError as error:
            raise InputError(str(home), 'holds something else by now', f'the run is in {self.folder}') from error
        except OSError as error:
            raise write_error(home, error) from error
        self.folder = self._home = home

    @classmethod
    def open(cls, folder: Path | str, trusted: Sequence[Path] | None = ()) -> Self:
        """Open a run folder (its run.json serves as well).

        Parameters
        ----------
        folder : Path or str
            Of the run.
        trusted : sequence of Path or None
            What the user lets it open besides its own folder and what lies beside that; see `readable_path`.

        Raises
        ------
        InputError
            If it is no run, damaged, of a format that this program does not know, or names inputs outside its folder.
        """
        folder = Path(folder)
        if folder.name == RECORD:
            folder = folder.parent
        path = folder / RECORD
        if not folder.exists():
            raise InputError(str(folder), 'does not exist', 'give the folder of a run, such as out.run')
        if not path.is_file():
            raise InputError(str(folder), f'is not a run (it holds no {RECORD})', 'give the folder of a run')
        run = cls(folder, read_record(folder))
        run.trusted = None if trusted is None else tuple(trusted)
        return run

    @property
    def checkpoint(self) -> Path:
        """Where fine-tuning keeps its best weights."""
        return self.folder / CHECKPOINT

    def load_slices(self) -> SliceSet:
        """Read the slices of the run, after checking that they are unchanged.

        Raises
        ------
        InputError
            If one is missing or differs from the record.
        """
        record = self.record
        slices = []
        for item in record.inputs:
            if item.role == 'slice':
                found = read_slice(self._checked(item))
                slices.append(replace(found, name=item.name or found.name))  # as it was called before it was copied
        by_default = SliceSet.of(slices)
        # Runs of earlier versions do not say why; what follows from the planes was nobody's word.
        evidence = record.evidence or (by_default.evidence if by_default.symmetry == record.symmetry else '')
        told = SliceSet.of(slices, record.symmetry)
        return replace(told, evidence=evidence) if evidence else told

    def input_path(self, role: str) -> Path | None:
        """Path of the first input with this role ('weights', 'resume', ...), unchanged; None where there is none."""
        for item in self.record.inputs:
            if item.role == role:
                return self._checked(item)
        return None

    def need_input(self, role: str) -> Path:
        """Path of the first input with this role.

        Raises
        ------
        InputError
            If there is none, or it has changed.
        """
        found = self.input_path(role)
        if found is None:
            raise InputError(str(self.folder), f'holds no {role}', 'make the run again')
        return found

    def load_volumes(self) -> list[Volume]:
        """Read the volumes that the run made, in order.

        Raises
        ------
        InputError
            If there are none, one is gone, or its labels are no longer those of the run.
        """
        recorded = self.outputs('volume')
        if not recorded:
            raise InputError(str(self.folder), 'holds no volume', 'give a run of `reconstruct` that was finished')
        volumes = []
        for item in recorded:
            path = self.result_path(item)
            volume = read_volume(path)
            # Of a file outside the folder it must be known what it held.
            known = item.content_sha256 or not path.is_relative_to(self.folder.resolve())
            if known and hash_array(volume.labels) != item.content_sha256:
                raise InputError(str(path), 'is no longer the volume of the run', 'replay the run to make it again')
            told = item.name not in ('', path.name)
            volumes.append(replace(volume, name=item.name) if told else volume)
        return volumes

    def result_path(self, item: RunFile) -> Path:
        """Where a recorded result lies.

        Raises
        ------
        InputError
            If that is neither in the folder nor beside it, nor a place that the user trusts.
        """
        path = readable_path(self.folder, item.path, self.trusted)
        return as_path(path.parent, path.name)

    def add_input(self, role: str, path: Path, content_sha256: str = '') -> None:
        """Record a file that has been written into the run's inputs/."""
        self._update(inputs=(*self.record.inputs, _describe(role, path, path.name, content_sha256)))

    def add_output(
        self, role: str, path: Path, content_sha256: str = '', name: str = '', *, made: Path | None = None
    ) -> None:
        """Record a result at `path`, and what it was called, if not as its file; `made` is where it still lies."""
        relative = as_text(Path(os.path.relpath(path.resolve(), self._home.resolve())).as_posix())
        output = RunFile(
            role=role,
            path=relative,
            name=as_text(name or path.name),
            sha256=hash_file(made or path) if (made or path).is_file() else '',
            content_sha256=content_sha256,
        )
        others = tuple(o for o in self.record.outputs if o.path != relative)
        self._update(outputs=(*others, output))

    def outputs(self, role: str) -> list[RunFile]:
        """Return the recorded results of one role, in order."""
        return [output for output in self.record.outputs if output.role == role]

    def finish(self, status: Literal['done', 'stopped'] = 'done', **results: Any) -> None:
        """Record how the run ended and numbers worth keeping (seconds, steps)."""
        self._update(status=status, results=self.record.results | results)

    def note(self, **results: Any) -> None:
        """Record something worth keeping while the run goes on."""
        self._update(results=self.record.results | results)

    def set_reference(self, reference: ReferenceRecord) -> None:
        """Record what the volumes were compared with."""
        if reference != self.record.reference:
            self._update(reference=reference)

    def discard(self) -> None:
        """Remove a run that came to nothing: what its record names, and the folder where nothing else is in it."""
        remove_run(self.folder)

    @property
    def is_at_work(self) -> bool:
        """Whether the process that writes this run still does."""
        return self.record.status == 'started' and is_running(self.record.process)

    def go_on(self, device: str = '') -> None:
        """Record that the work has been taken up by this process; clear what a killed one has left."""
        for name in (CHECKPOINT, RECORD):
            clear(self.folder / name)
        self._update(status='started', process=this_process(), device=device or self.record.device)

    def _update(self, **changes: Any) -> None:
        self.record = self.record.model_copy(update=changes)
        self._save()

    def _save(self) -> None:
        write_text(self.folder / RECORD, self.record.model_dump_json(indent=2, by_alias=True) + '\n')

    def _checked(self, item: RunFile) -> Path:
        path = input_path(self.folder, item.path)
        if not path.is_file():
            raise InputError(str(path), 'is missing from the run', 'restore it, or make the run again')
        if hash_file(path) != item.sha256:
            raise InputError(str(path), 'is not the file that the run recorded', 'restore it, or make the run again')
        return path


def hash_tensors(tensors: Mapping[str, Any]) -> str:
    """Sha256 of the numbers in a set of weights; unlike the file's hash it knows no time stamp."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        array = tensors[name].detach().cpu().float().numpy()
        digest.update(f'{name}{array.shape}'.encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _fill(
    folder: Path, command: Command, slices: SliceSet, weights: _Weights, parameters: BaseModel, resume: Path | None
) -> RunRecord:
    """Copy the inputs into `folder` and describe them."""
    values = parameters.model_dump(mode='json')
    (folder / 'inputs').mkdir(parents=True)
    inputs = [_save_slice(folder, index, item) for index, item in enumerate(slices)]
    path = folder / 'inputs' / 'weights.safetensors'
    weights.save(path)
    inputs.append(_describe('weights', path, weights.name, hash_tensors(weights.tensors)))
    if resume is not None:
        path = folder / 'inputs' / 'resume.safetensors'
        shutil.copyfile(resume, path)
        shutil.copyfile(resume, folder / CHECKPOINT)
        inputs.append(_describe('resume', path, CHECKPOINT))
    return RunRecord(
        schema=SCHEMA,
        command=command,
        parameters=values,
        symmetry=slices.symmetry,
        evidence=slices.evidence,
        inputs=tuple(inputs),
        weights=Source(name=weights.name, sha256=weights.sha256),
        seed=int(values.get('seed', 0)),
        versions=versions(),
        created=now(),
    )


def _save_slice(folder: Path, index: int, item: Slice) -> RunFile:
    path = write_slice(item, folder / 'inputs' / f'slice_{index:03d}.tif')
    return _describe('slice', path, item.name, item.source.sha256)


def _describe(role: str, path: Path, name: str, content_sha256: str = '') -> RunFile:
    return RunFile(
        role=role, path=f'inputs/{path.name}', name=name, sha256=hash_file(path), content_sha256=content_sha256
    )
