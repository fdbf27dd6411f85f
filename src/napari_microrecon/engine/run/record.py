"""What run.json says."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..phases import Phases
from ..provenance import Source
from ..slices import Symmetry
from ..voxels import VoxelSize

RECORD = 'run.json'
SCHEMA = 1
CHECKPOINT = 'checkpoint.safetensors'

Command = Literal['reconstruct', 'finetune']


class RunFile(BaseModel):
    """A file that belongs to a run.

    Attributes
    ----------
    role : str
        'slice', 'weights', 'volume', 'probabilities'.
    path : str
        Relative to the run folder, with forward slashes.
    name : str
        What it was called where it came from.
    sha256 : str
        Of the file's bytes; '' for zarr folders.
    content_sha256 : str
        Of the labels or the weights themselves, whatever the file format.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    role: str
    path: str = Field(max_length=4096)
    name: str = ''
    sha256: str = ''
    content_sha256: str = ''


class ReferenceRecord(BaseModel):
    """The real volume, or other reconstruction, that the volumes of a run were compared with.

    It is copied into the folder only where it cannot be had again.

    Attributes
    ----------
    name : str
        As it was shown.
    origin : {'file', 'sample', 'run', 'layer'}
        Where it can be had again; a layer cannot.
    where : str
        Absolute path of the file or of the run's folder, or the name of the sample; for a layer the name of the copy in
        the run's own folder, empty where it was too large.
    content_sha256 : str
        Of its labels.
    phases : Phases
        What they mean.
    voxel_size : VoxelSize
        As it was used.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    name: str
    origin: Literal['file', 'sample', 'run', 'layer'] = 'layer'
    where: str = ''
    content_sha256: str
    phases: Phases
    voxel_size: VoxelSize


class RunRecord(BaseModel):
    """Content of run.json."""

    model_config = ConfigDict(frozen=True)

    schema_version: int = Field(default=SCHEMA, alias='schema', ge=1, le=SCHEMA)
    command: Command
    status: Literal['started', 'done', 'stopped'] = 'started'
    parameters: dict[str, Any] = Field(default_factory=dict)
    symmetry: Symmetry = 'isotropic'
    evidence: str = ''
    inputs: tuple[RunFile, ...] = ()
    weights: Source | None = None
    weights_reason: str = ''
    seed: int = 0
    device: str = ''
    versions: dict[str, str] = Field(default_factory=dict)
    results: dict[str, Any] = Field(default_factory=dict)
    outputs: tuple[RunFile, ...] = ()
    reference: ReferenceRecord | None = None
    created: str = ''
    process: str = ''  # that works on it, or did
