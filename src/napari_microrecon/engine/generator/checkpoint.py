"""Self-describing weights: a safetensors file whose JSON header says all that is needed to use it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ..errors import InputError
from ..phases import Phases
from ..provenance import Provenance
from ..voxels import VoxelSize
from .calibration import calibrate
from .params import Architecture
from .priors import PriorModel

if TYPE_CHECKING:
    from .unet import Generator

FORMAT = 1
LOGIT_SAMPLE = 'calibration.logits'
SLICE_CODE = 'slices.code'  # what the slice encoder read from the training slices
SUFFIX = '.safetensors'


class Fingerprint(BaseModel):
    """Slice statistics by which the nearest weights are chosen; lengths in voxels."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    fractions: tuple[float, ...]
    correlation_lengths: tuple[tuple[float, float, float], ...]
    edges: tuple[tuple[float, float, float], ...]

    def reordered(self, order: Sequence[int]) -> Fingerprint:
        """The same material with its phases counted in another order: phase k is what `order[k]` was."""
        return Fingerprint(
            fractions=tuple(self.fractions[k] for k in order),
            correlation_lengths=tuple(self.correlation_lengths[k] for k in order),
            edges=tuple(self.edges[k] for k in order),
        )

    def distance(self, other: Fingerprint) -> float:
        """Root mean square difference: fractions over 0.1, lengths and edges as log ratios over ln 1.5."""
        if len(self.fractions) != len(other.fractions):
            return float('inf')
        parts = [(a - b) / 0.1 for a, b in zip(self.fractions, other.fractions, strict=True)]
        for mine, theirs in ((self.correlation_lengths, other.correlation_lengths), (self.edges, other.edges)):
            ratios = np.log(np.maximum(np.array(mine), 1e-4) / np.maximum(np.array(theirs), 1e-4)) / np.log(1.5)
            parts.extend(ratios.ravel().tolist())
        return float(np.sqrt(np.mean(np.square(parts))))


class WeightsHeader(BaseModel):
    """Everything but the numbers.

    `order` is set where the slices count their phases in another order: for each of their phases the phase of these
    weights that stands for it; empty for the same order.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    format: int = FORMAT
    name: str
    architecture: Architecture
    prior: PriorModel
    phases: Phases
    voxel_size: VoxelSize
    fractions: tuple[float, ...]
    isotropic: bool
    fingerprint: Fingerprint
    order: tuple[int, ...] = ()
    trained: bool = True
    provenance: Provenance = Provenance()
    training: dict[str, Any] = {}


@dataclass(frozen=True, eq=False)
class Weights:
    """A generator's header and tensors, independent of any device."""

    header: WeightsHeader
    tensors: dict[str, torch.Tensor]

    @property
    def name(self) -> str:
        """Short name to show."""
        return self.header.name

    @property
    def phases(self) -> Phases:
        """Phases that the generator makes."""
        return self.header.phases

    @property
    def voxel_size(self) -> VoxelSize:
        """Voxel size of the slices it was trained on."""
        return self.header.voxel_size

    def calibrated(self, fractions: np.ndarray) -> np.ndarray:
        """Logit offsets (K,) that give these phase fractions (K,) over the ensemble of volumes."""
        if not self.header.trained:
            return self.header.prior.offsets(fractions)
        return calibrate(self.tensors[LOGIT_SAMPLE].double().numpy(), fractions)

    def modulation(self, network: Generator) -> list[tuple[Tensor, Tensor]] | None:
        """Scale and shift per layer by the slices that `network` (of these weights) was trained on."""
        code = self.tensors.get(SLICE_CODE)
        return None if network.encoder is None or code is None else network.encoder.modulate(code)

    @property
    def sha256(self) -> str:
        """Hash of the file that `save` writes."""
        return hashlib.sha256(self._bytes()).hexdigest()

    def _bytes(self) -> bytes:
        tensors = {name: t.contiguous() for name, t in sorted(self.tensors.items())}
        return save(tensors, {'napari-microrecon': self.header.model_dump_json()})

    def save(self, path: Path | str) -> Path:
        """Write a .safetensors file; the final name appears only when it is whole."""
        path = Path(path)
        if path.suffix != SUFFIX:
            raise InputError(path.name, f'weights are saved as {SUFFIX}', f'name the file {path.stem}{SUFFIX}')
        partial = path.with_name(path.name + '.part')
        try:
            partial.write_bytes(self._bytes())
            partial.replace(path)
        except OSError as error:
            raise InputError(str(path), f'cannot be written ({error.strerror})', 'choose another folder') from error
        finally:
            if partial.exists():
                partial.unlink()
        return path

    @classmethod
    def load(cls, path: Path | str) -> Weights:
        """Read a file written by `save`.

        Raises
        ------
        InputError
            If the file is missing, not safetensors, or not ours.
        """
        path = Path(path)
        if not path.is_file():
            raise InputError(str(path), 'no such weights file', f'shipped weights: {", ".join(shipped_weights())}')
        try:
            with safe_open(path, 'pt') as file:
                text = (file.metadata() or {}).get('napari-microrecon')
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
        except (SafetensorError, OSError, ValueError) as error:
            raise InputError(path.name, f'is no readable safetensors file ({error})', 'give another file') from error
        if text is None:
            raise InputError(path.name, 'holds no microrecon weights', 'give a file that finetune has written')
        try:
            header = WeightsHeader.model_validate(json.loads(text))
        except (ValidationError, json.JSONDecodeError) as error:
            raise InputError(path.name, 'has a header of another version', 'train it again or update') from error
        return cls(header, tensors)

    def network(self) -> Generator:
        """Build the generator with these weights, in evaluation mode on the CPU."""
        from .unet import Generator

        network = Generator(self.header.architecture)
        if self.header.trained:
            state = {k: v.float() if v.is_floating_point() else v for k, v in self.tensors.items()}
            state = {k: v for k, v in state.items() if k not in (LOGIT_SAMPLE, SLICE_CODE)}
            network.load_state_dict(state)
        return network.eval()


def shipped_weights() -> dict[str, Path]:
    """Weights that come with the package, by name."""
    with as_file(files('napari_microrecon') / 'weights') as folder:
        if not folder.is_dir():
            return {}
        return {path.stem: path for path in sorted(folder.glob(f'*{SUFFIX}'))}
