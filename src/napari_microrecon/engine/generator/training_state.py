"""A training on disk, to be taken up later exactly where it stopped."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ..errors import InputError
from .checkpoint import Weights, WeightsHeader
from .params import FinetuneParams

KEY = 'napari-microrecon-training'


class TrainingRecord(BaseModel):
    """Where a training stands; the tensors lie beside it in the same file."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    params: FinetuneParams
    header: WeightsHeader
    best: WeightsHeader | None
    best_score: float | None
    inputs: tuple[str, ...]
    step: int
    plan: tuple[tuple[int, int], ...]
    seconds: float
    hurried: bool = False
    gaps: tuple[float, ...] = ()
    history: tuple[dict[str, float], ...] = ()


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
        partial = path.with_name(path.name + '.part')
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(tensors, partial, {KEY: self.record.model_dump_json()})
            partial.replace(path)
        except (OSError, SafetensorError) as error:
            raise InputError(str(path), f'the training cannot be saved ({error})', 'free disk space') from error
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> TrainingState:
        """Read a file written by `save`."""
        if not path.is_file():
            raise InputError(str(path), 'no such training state', 'give the Run folder of an interrupted fine-tuning')
        try:
            with safe_open(path, 'pt') as file:
                text = (file.metadata() or {}).get(KEY, '')
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
            record = TrainingRecord.model_validate(json.loads(text))
        except (SafetensorError, OSError, ValidationError, json.JSONDecodeError) as error:
            raise InputError(path.name, 'is no readable training state', 'start a new fine-tuning') from error
        best = {name[5:]: tensor for name, tensor in tensors.items() if name.startswith('best/')}
        state = {name[6:]: tensor for name, tensor in tensors.items() if name.startswith('state/')}
        return cls(record, state, Weights(record.best, best) if record.best is not None else None)
