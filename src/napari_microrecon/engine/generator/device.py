"""The one place that chooses a device, a precision and a memory layout."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch

from ..errors import EngineError, InputError
from ..host_memory import free_memory

Network = TypeVar('Network', bound=torch.nn.Module)


def resolve_device(name: str = 'auto') -> str:
    """Return the device to compute on: 'cuda', 'mps' or 'cpu' ('cuda:1' is passed on).

    Raises
    ------
    InputError
        If a device is asked for that this machine does not have.
    """
    if name == 'auto':
        if torch.cuda.is_available():
            return 'cuda'
        return 'mps' if torch.backends.mps.is_available() else 'cpu'
    kind = name.split(':')[0]
    if kind == 'cuda' and not torch.cuda.is_available():
        why = 'torch was built without CUDA' if torch.version.cuda is None else 'no NVIDIA GPU is visible'
        raise InputError('device', f'CUDA was asked for, but {why}', 'choose the device auto or cpu')
    if kind == 'mps' and not torch.backends.mps.is_available():
        raise InputError('device', 'MPS was asked for, but this is no Apple GPU', 'choose the device auto or cpu')
    if kind not in ('cpu', 'cuda', 'mps'):
        raise InputError('device', f'{name!r} is unknown', 'use auto, cpu, cuda or mps')
    return name


def describe_device(name: str) -> str:
    """Name of the device for people: 'CPU, 2 threads' or the GPU's model."""
    if name.startswith('cuda'):
        return torch.cuda.get_device_name(torch.device(name))
    return 'Apple GPU' if name == 'mps' else f'CPU, {torch.get_num_threads()} threads'


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how precisely the networks run."""

    device: torch.device
    dtype: torch.dtype

    def put(self, tensor: torch.Tensor) -> torch.Tensor:
        """Move a (N, C, Z, Y, X) tensor to the device, channels last (3x faster convolutions)."""
        return tensor.to(self.device).contiguous(memory_format=torch.channels_last_3d)

    def put_network(self, network: Network) -> Network:
        """Move a network to the device, with the weights of 3D convolutions channels last."""
        network.to(self.device)
        for parameter in network.parameters():
            if parameter.dim() == 5:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
        return network

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Context in which convolutions run in the chosen precision."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32)


def placement(name: str = 'auto', precision: Literal['auto', 'float32', 'bfloat16'] = 'auto') -> Placement:
    """Device and precision: bfloat16 where the hardware multiplies it natively, else float32."""
    device = torch.device(resolve_device(name))
    if precision != 'auto':
        return Placement(device, torch.bfloat16 if precision == 'bfloat16' else torch.float32)
    if device.type == 'cuda':
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == 'cpu':
        # oneDNN says yes for AVX512-BF16 and AMX, where it is three to five times faster.
        native = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    else:
        native = False
    return Placement(device, torch.bfloat16 if native else torch.float32)


def free_device_memory(name: str) -> int:
    """Bytes that a job may still take on the device; CPU and Apple GPUs use the memory of the host."""
    device = torch.device(name)
    return torch.cuda.mem_get_info(device)[0] if device.type == 'cuda' else int(free_memory())


def release(name: str) -> None:
    """Give cached device memory back after a job."""
    if name.startswith('cuda'):
        torch.cuda.empty_cache()
    elif name == 'mps':
        torch.mps.empty_cache()


@contextlib.contextmanager
def device_errors(what: str) -> Iterator[None]:
    """Turn torch's RuntimeErrors into errors with advice (napari's workers swallow RuntimeError)."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise EngineError(f'{what}: the device ran out of memory; use a smaller shape, a tile, or the CPU') from error
    except MemoryError as error:
        raise EngineError(f'{what}: the machine ran out of memory; use a smaller shape or a tile') from error
    except RuntimeError as error:
        if "can't allocate memory" in str(error) or 'not enough memory' in str(error):
            raise EngineError(f'{what}: the machine ran out of memory; use a smaller shape or a tile') from error
        raise EngineError(f'{what} failed in torch: {error}') from error
