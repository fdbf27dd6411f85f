"""A training on disk, to be taken up later exactly where it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from safetensors.torch import save

from ..errors import InputError
from ..files.targets import replacing
from ..formats import Kind
from .checkpoint import Weights, WeightsHeader, checked_weights
from .params import FinetuneParams
from .restoring import REMEDY
from .tensor_files import COUNTS, reading

FORMAT = 1
KEY = 'napari-microrecon-training'
KIND = Kind(KEY, FORMAT, 'stopped trainings', REMEDY)
MOST_STEPS = 10**9

Step = Annotated[int, Field(ge=0, le=MOST_STEPS)]
Seconds = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]


class TrainingRecord(BaseModel):
    """Where a training stands; the tensors lie beside it in the same file."""

    # What is measured may be no number; JSON has a word for that only if it is told so.
    model_config = ConfigDict(frozen=True, extra='forbid', ser_json_inf_nan='constants')

    format: int = FORMAT
    params: FinetuneParams
    header: WeightsHeader
    best: WeightsHeader | None
    best_score: float | None
    inputs: tuple[str, ...]
    step: Step
    plan: tuple[tuple[Step, Step], ...] = Field(max_length=10_000)
    seconds: Seconds
    hurried: bool = False
    gaps: tuple[float, ...] = ()
    history: tuple[dict[str, float], ...] = ()

    @model_validator(mode='after')
    def _check(self) -> Self:
        if self.best is not None and self.best.architecture != self.header.architecture:
            raise ValueError('the best weights are of another network than the training')
        if not self.header.trained:
            raise ValueError('header is that of an untrained prior')
        return self


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Record, tensors of the trainer, and the best weights so far."""

    record: TrainingRecord
    tensors: dict[str, torch.Tensor]
    best: Weights | None

    def save(self, path: Path) -> None:
        """Write one safetensors file; an older one is replaced only when the new one is whole."""
        tensors = {f'state/{name}': tensor for name, tensor in self.tensors.items()}
        if self.best is not None:
            tensors.update({f'best/{name}': tensor.contiguous() for name, tensor in self.best.tensors.items()})
        with replacing(path) as part:
            # In one piece: an error of the disk has its number then, which safetensors' own writing hides.
            part.write_bytes(save(tensors, {KEY: self.record.model_dump_json()}))

    @classmethod
    def load(cls, path: Path) -> TrainingState:
        """Read a file written by `save`.

        Raises
        ------
        InputError
            If it is damaged, of another format, or its numbers cannot be. The file stays as it is.
        """
        if not path.is_file():
            raise InputError(str(path), 'no such training state', 'give the Run folder of an interrupted fine-tuning')
        with reading(path, KIND) as file:
            record = file.parsed(TrainingRecord)
            for name in file.shapes:
                if not name.startswith(('state/', 'best/')):
                    raise file.refuse(f'holds a tensor {name[:60]!r} that does not belong')
                if file.types[name] not in COUNTS:
                    file.check_type(name)
            if record.best is None and any(name.startswith('best/') for name in file.shapes):
                raise file.refuse('holds best weights that its record does not describe')
            best = None if record.best is None else checked_weights(file, record.best, 'best/')
            return cls(record, file.tensors('state/'), best)
