"""What our own files carry besides pixels: phases, voxel size, provenance, and a hash that shows later edits."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ..phases import Phases
from ..provenance import Provenance
from ..voxels import Axis, VoxelSize

KEY = 'napari-microrecon'


class Metadata(BaseModel):
    """The record inside a file (ImageJ 'Info', OME description or zarr attribute).

    Attributes
    ----------
    labels_sha256 : str
        Hash of the labels as written (`hash_array`); another hash on reading means that the pixels were edited.
    normal, position
        Plane of a slice; None for volumes.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    name: str
    phases: Phases
    voxel_size: VoxelSize
    provenance: Provenance = Provenance()
    labels_sha256: str = ''
    normal: Axis | None = None
    position: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready dictionary under our key."""
        return {KEY: self.model_dump(mode='json')}

    def as_text(self) -> str:
        """ASCII JSON, as TIFF descriptions need."""
        return json.dumps(self.as_dict())

    @classmethod
    def find(cls, record: object) -> Metadata | None:
        """Our record in a JSON text or dictionary, None where there is none that we understand."""
        if isinstance(record, str):
            try:
                record = json.loads(record)
            except ValueError:
                return None
        if not isinstance(record, dict) or KEY not in record:
            return None
        try:
            return cls.model_validate(record[KEY])
        except ValidationError:
            return None
