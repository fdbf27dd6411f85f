"""Self-describing weights: a safetensors file whose JSON header says all that is needed to use it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from safetensors.torch import save
from torch import Tensor

from ..errors import InputError
from ..files.targets import replacing
from ..formats import Kind, shown
from ..phases import Phases
from ..provenance import Provenance
from ..voxels import VoxelSize
from .calibration import calibrate
from .params import Architecture
from .priors import PriorModel
from .priors.bounds import Fractions, Number, Share, add_up
from .tensor_files import TensorFile, reading

if TYPE_CHECKING:
    from .network import UNet

FORMAT = 1
LOGIT_SAMPLE = 'calibration.logits'
SLICE_CODE = 'slices.code'  # what the slice encoder read from the training slices
SUFFIX = '.safetensors'
KIND = Kind('napari-microrecon', FORMAT, 'microrecon weights', 'give weights that finetune has written')
SAMPLED = (64, 2**20)  # logits of each phase that a file may bring along
ALIKE = 1e-6  # spread of logits that say nothing
EDGES = (1e-15, 1e15)  # of a voxel, in any unit
_BATCH_NORM = '.norm.running_mean'  # of networks of before 21 November 2026


class Fingerprint(BaseModel):
    """Slice statistics by which the nearest weights are chosen; lengths in voxels."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    fractions: Fractions
    correlation_lengths: tuple[tuple[Number, Number, Number], ...]
    edges: tuple[tuple[Share, Share, Share], ...]

    @model_validator(mode='after')
    def _check(self) -> Self:
        add_up(self.fractions)
        if not len(self.fractions) == len(self.correlation_lengths) == len(self.edges):
            raise ValueError('has not as many lengths and edges as fractions')
        return self

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
    name: str = Field(max_length=300)
    architecture: Architecture
    prior: PriorModel
    phases: Phases
    voxel_size: VoxelSize
    fractions: Fractions
    isotropic: bool
    fingerprint: Fingerprint
    order: tuple[int, ...] = ()
    trained: bool = True
    provenance: Provenance = Provenance()
    training: dict[str, Any] = {}

    @model_validator(mode='after')
    def _check(self) -> Self:
        count = self.architecture.phase_count
        counts = {
            'prior': self.prior.phase_count,
            'phases': self.phases.count,
            'fractions': len(self.fractions),
            'fingerprint': len(self.fingerprint.fractions),
        }
        for name, found in counts.items():
            if found != count:
                raise ValueError(f'{name} has {found} phases, the network {count}')
        add_up(self.fractions)
        if self.prior.channels != self.architecture.field_count:
            raise ValueError(f'the network takes {self.architecture.field_count} fields, not {self.prior.channels}')
        if self.order and sorted(self.order) != list(range(count)):
            raise ValueError(f'order does not name each of the {count} phases once')
        if not all(EDGES[0] <= edge <= EDGES[1] for edge in self.voxel_size.zyx):
            raise ValueError(f'voxel_size is {self.voxel_size}, which nothing has')
        if not self.name.isprintable():
            raise ValueError('name holds characters that cannot be shown')
        return self


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
        with replacing(path) as part:
            part.write_bytes(self._bytes())
        return path

    @classmethod
    def load(cls, path: Path | str) -> Weights:
        """Read a file written by `save`.

        Raises
        ------
        InputError
            If the file is missing, not safetensors, not ours, of another format, or its numbers cannot be.
        """
        path = Path(path)
        if not path.is_file():
            raise InputError(str(path), 'no such weights file', f'shipped weights: {", ".join(shipped_weights())}')
        with reading(path, KIND) as file:
            _refuse_batch_norm(file)
            return checked_weights(file, file.parsed(WeightsHeader))

    def network(self) -> UNet:
        """Build the network with these weights, in evaluation mode on the CPU."""
        from .network import build_network

        network = build_network(self.header.architecture)
        if self.header.trained:
            state = {k: v.float() if v.is_floating_point() else v for k, v in self.tensors.items()}
            idle = _idle_tensors(self.header.architecture)
            state = {k: v for k, v in state.items() if k not in (LOGIT_SAMPLE, SLICE_CODE, *idle)}
            network.load_state_dict(state)
        return network.eval()


def checked_weights(file: TensorFile, header: WeightsHeader, prefix: str = '') -> Weights:
    """Tensors of an open file that belong to this header, as weights.

    Parameters
    ----------
    file : TensorFile
        Of which nothing is known but that its header is sound.
    header : WeightsHeader
        Of the weights.
    prefix : str
        That the names of their tensors begin with.

    Raises
    ------
    InputError
        If the tensors are not those of the network in the header, or say nothing.
    """
    _check_pictures(file, header)
    if not header.trained:
        file.check_like({}, prefix=prefix)
        return Weights(header, {})
    wanted = dict(_network_tensors(header.architecture))  # pyright: ignore[reportArgumentType]  # frozen: has a hash
    idle = _idle_tensors(header.architecture)
    if idle and prefix + next(iter(idle)) in file.shapes:
        wanted |= idle
    rows = file.shapes.get(prefix + LOGIT_SAMPLE, (0,))[0:1]
    if not rows or not SAMPLED[0] <= rows[0] <= SAMPLED[1]:
        raise file.refuse(
            f'brings {rows[0] if rows else 0} logits to calibrate by, {SAMPLED[0]} to {SAMPLED[1]} belong'
        )
    wanted[LOGIT_SAMPLE] = torch.empty((rows[0], header.architecture.phase_count), device='meta')
    if prefix + SLICE_CODE in file.shapes or header.architecture.slice_encoder:
        wanted[SLICE_CODE] = _code_like(wanted)
    file.check_like(wanted, prefix=prefix)
    weights = Weights(header, file.tensors(prefix))
    sample = weights.tensors[LOGIT_SAMPLE].double()
    if float((sample - sample[:, :1])[:, 1:].std(0).min()) < ALIKE:
        raise file.refuse('its logits are the same everywhere: volumes would be of one phase')
    return weights


def _refuse_batch_norm(file: TensorFile) -> None:
    if any(name.endswith(_BATCH_NORM) for name in file.shapes):
        made = file.record.get('provenance')
        created = shown(str(made.get('created', '')))[:10] if isinstance(made, dict) else ''
        raise InputError(
            file.name,
            'holds a network that is no longer built; napari-microrecon 0.1.0 of before 21 November 2026 can read it'
            + (f' (trained {created})' if created else ''),
            'train it again on its slices',
        )


def _check_pictures(file: TensorFile, header: WeightsHeader) -> None:
    if header.prior.exemplar is None:
        return
    try:
        header.prior.exemplar.check_pictures()
    except ValueError as error:
        raise file.refuse(f'its prior.exemplar: {error}') from error


@lru_cache(maxsize=8)
def _network_tensors(architecture: Architecture) -> dict[str, Tensor]:
    """Names, shapes and types of a network's tensors, without their memory."""
    from .network import build_network

    with torch.device('meta'):
        return build_network(architecture).state_dict()


def _idle_tensors(architecture: Architecture) -> dict[str, Tensor]:
    """Gates of attention in files of plain networks, which earlier versions wrote and never used."""
    from .network.cbam import ConvolutionalAttention

    if not architecture.is_plain:
        return {}
    found: dict[str, Tensor] = {}
    with torch.device('meta'):
        for level in range(1, architecture.levels):
            block = ConvolutionalAttention(architecture.channels * 2**level, 'none')
            found |= {f'attend.{level - 1}.{name}': tensor for name, tensor in block.state_dict().items()}
    return found


def _code_like(network: dict[str, Tensor]) -> Tensor:
    """What the encoder reads from slices: as many numbers as its last layer gives."""
    bias = network.get('encoder.film.bias')
    return torch.empty((1, 0 if bias is None else len(bias)), device='meta')


def shipped_weights() -> dict[str, Path]:
    """Weights that come with the package, by name."""
    with as_file(files('napari_microrecon') / 'weights') as folder:
        if not folder.is_dir():
            return {}
        return {path.stem: path for path in sorted(folder.glob(f'*{SUFFIX}'))}
