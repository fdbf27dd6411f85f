"""The synthetic samples in sample_data/, made by scripts/make_samples.py."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import InputError
from ..slices import Slice, SliceSet
from ..volume import Volume
from ..voxels import Axis
from .sample import Sample

ORDER = ('sandstone', 'limestone', 'cathode', 'cast-iron', 'brass')
_REINSTALL = 'install napari-microrecon again, or run scripts/make_samples.py in its repository'


class VolumeFile(BaseModel):
    """The reference volume's file, the sha256 of its bytes and of its labels."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    file: str
    sha256: str
    labels_sha256: str


class SliceFile(BaseModel):
    """A slice's file, the plane it shows and the sha256 of its bytes."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    file: str
    normal: Axis
    position: int
    sha256: str


class BundledSample(Sample):
    """A sample whose files lie in `folder`."""

    folder: Path
    volume: VolumeFile
    slices: tuple[SliceFile, ...]
    fractions: tuple[float, ...]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read sample.json in `folder`.

        Raises
        ------
        InputError
            If it is missing or is not what this version writes.
        """
        path = folder / 'sample.json'
        try:
            record: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
            if record.pop('schema') != 1:
                raise InputError(str(path), 'has a schema that this version does not know', _REINSTALL)
            return cls(folder=folder, **record)
        except OSError as error:
            raise InputError(str(path), f'cannot be read ({error.strerror})', _REINSTALL) from error
        except (KeyError, TypeError, json.JSONDecodeError, ValidationError) as error:
            raise InputError(str(path), 'is damaged', _REINSTALL) from error

    @property
    def is_local(self) -> bool:
        """Always."""
        return True

    @property
    def slice_paths(self) -> tuple[Path, ...]:
        """The slices' files, in the order of `load_slices`."""
        return tuple(self.folder / entry.file for entry in self.slices)

    def load_volume(self) -> Volume:
        """The reference volume; see `Sample.load_volume`."""
        labels = self._labels(self.volume.file, self.volume.sha256)
        return Volume(labels, self.phases, self.voxel_size, self.provenance, self.name)

    def load_slices(self) -> SliceSet:
        """The slices; see `Sample.load_slices`."""
        slices = tuple(
            Slice(
                labels=self._labels(entry.file, entry.sha256),
                phases=self.phases,
                normal=entry.normal,
                position=entry.position,
                voxel_size=self.voxel_size,
                name=f'{self.name} {entry.normal}={entry.position}',
            )
            for entry in self.slices
        )
        return SliceSet(slices, self.symmetry, self.evidence)

    def _labels(self, file: str, sha256: str) -> np.ndarray:
        import tifffile

        path = self.folder / file
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(str(path), f'cannot be read ({error.strerror})', _REINSTALL) from error
        # A few hundred kilobytes: hashing them costs less than decoding them.
        if hashlib.sha256(content).hexdigest() != sha256:
            raise InputError(str(path), 'is damaged (its sha256 differs)', _REINSTALL)
        return tifffile.imread(BytesIO(content))


def samples_folder() -> Path:
    """Folder with the samples: inside the installed package, else in the repository of an editable install.

    Raises
    ------
    InputError
        If there is none.
    """
    package = Path(str(files('napari_microrecon')))
    for folder in (package / 'sample_data', package.parents[1] / 'sample_data'):
        if any((folder / name / 'sample.json').is_file() for name in ORDER):
            return folder
    raise InputError('sample_data', 'is missing from this installation', _REINSTALL)


def bundled_samples() -> tuple[BundledSample, ...]:
    """The samples that came with the package, rocks first.

    Raises
    ------
    InputError
        If they are missing or damaged.
    """
    folder = samples_folder()
    return tuple(BundledSample.read(folder / name) for name in ORDER if (folder / name / 'sample.json').is_file())
