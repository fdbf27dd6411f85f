"""The solve of `solver` on a GPU, in torch: matrix-free conjugate gradients with Jacobi preconditioning.

Many cheap iterations suit a GPU better than a multigrid that is built on the CPU. Same equations, same two conventions
for the ends, same stopping rule; TauFactor's red-black over-relaxation is the other known way, but its package
brings IPython and PyVista, and answers a phase that does not percolate with a number.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Generator, Sequence
from functools import cache

import numpy as np

from ..errors import EngineError, InputError
from .equations import Ends, along_first, straight_profile
from .solver import FLUX_TOLERANCE, Transport, transport_of

WORTH_VOXELS = 100**3  # below, starting the device costs more than the CPU's solve
_CHECK_EVERY = 20
_Solved = tuple[np.ndarray, np.ndarray, float, int]
_BYTES_PER_VOXEL = 48  # five float64 fields and masks


@cache
def gpu_is_present() -> bool:
    """Whether the NVIDIA driver tells of a device; torch, which takes seconds to import, is not needed for this."""
    names = {'win32': ['nvcuda.dll'], 'linux': ['libcuda.so.1', 'libcuda.so']}.get(sys.platform, [])
    for name in names:
        try:
            driver = ctypes.CDLL(name)
            count = ctypes.c_int(0)
            if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0:
                return count.value > 0
        except (OSError, AttributeError):
            continue
    return False


def solve_field_torch(
    percolating: np.ndarray,
    axis: int,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    *,
    fraction: float | None = None,
    ends: Ends = 'voxel centres',
    tolerance: float = FLUX_TOLERANCE,
    device: str = 'cuda',
) -> Generator[str, None, tuple[Transport, np.ndarray]]:
    """Solve diffusion through a mask along `axis` on a torch device (parameters as in `solver.solve_field`).

    Raises
    ------
    InputError
        If the device is not there.
    EngineError
        If its memory is too small, or the solve does not converge.
    """
    import torch

    if device.startswith('cuda') and not torch.cuda.is_available():
        raise InputError('solver', 'torch finds no GPU', 'use the own solver')
    mask, weights = along_first(percolating, axis, spacing)
    mask = np.ascontiguousarray(mask)
    yield f'moving to {device}'
    try:
        steps = _conjugate_gradients(torch.from_numpy(mask).to(device), weights, ends, tolerance)
        flux, field, residual, iterations = yield from steps
    except torch.OutOfMemoryError as error:
        raise EngineError(
            f'tortuosity: the GPU is too small, about {mask.size * _BYTES_PER_VOXEL / 1e9:.1f} GB are needed; '
            'use the own solver or a crop'
        ) from error
    except RuntimeError as error:  # most of torch's errors; napari's workers would swallow it
        raise EngineError(f'tortuosity on the GPU: {error}') from error
    name = torch.cuda.get_device_name(device) if device.startswith('cuda') else device
    method = f'diffusion by conjugate gradients in torch on {name} (own solver), concentrations fixed at {ends}'
    found = transport_of(flux, mask, ends, fraction, residual, iterations, tolerance, method)
    field[~mask] = np.nan
    return found, np.moveaxis(field, 0, axis)


def _conjugate_gradients(
    mask: object, weights: Sequence[float], ends: Ends, tolerance: float
) -> Generator[str, None, _Solved]:
    """Flux per interface, concentration, relative residual and iterations."""
    import torch

    assert isinstance(mask, torch.Tensor)
    layers = mask.shape[0]
    free = mask.clone()
    diagonal = torch.zeros(mask.shape, dtype=torch.float64, device=mask.device)
    source = torch.zeros_like(diagonal)
    for dim, weight in enumerate(weights):
        n = mask.shape[dim]
        link = mask.narrow(dim, 0, n - 1) & mask.narrow(dim, 1, n - 1)
        diagonal.narrow(dim, 0, n - 1).add_(link, alpha=weight)
        diagonal.narrow(dim, 1, n - 1).add_(link, alpha=weight)
    if ends == 'voxel centres':
        free[0] = free[-1] = False
        if layers > 2:
            source[1] = (mask[0] & mask[1]).double()
    else:
        diagonal[0] += 2.0
        diagonal[-1] += 2.0
        source[0] = 2.0
    profile = torch.from_numpy(straight_profile(layers, ends)).to(mask.device)
    inside = free.double()
    source *= inside
    inverse = torch.where(free, 1.0 / diagonal.clamp(min=1e-30), 0.0)
    fixed = torch.zeros_like(source)
    if ends == 'voxel centres':
        fixed[0] = mask[0].double()

    def image(x: torch.Tensor) -> torch.Tensor:
        out = diagonal * x
        for dim, weight in enumerate(weights):
            n = x.shape[dim]
            out.narrow(dim, 0, n - 1).sub_(x.narrow(dim, 1, n - 1), alpha=weight)
            out.narrow(dim, 1, n - 1).sub_(x.narrow(dim, 0, n - 1), alpha=weight)
        return out.mul_(inside)

    links = mask[:-1] & mask[1:]

    def flux_of(x: torch.Tensor) -> np.ndarray:
        field = x + fixed
        inner = ((field[:-1] - field[1:]) * links).sum(dim=(1, 2))
        if ends == 'domain faces':
            enter = (2.0 * (1.0 - field[0]) * mask[0]).sum()[None]
            inner = torch.cat([enter, inner, (2.0 * field[-1] * mask[-1]).sum()[None]])
        return inner.cpu().numpy()

    def finished(x: torch.Tensor, flux: np.ndarray, residual: torch.Tensor, done: int) -> _Solved:
        norm = float(source.norm())
        left = float(residual.norm()) / norm if norm > 0 else 0.0
        return flux, (x + fixed).float().cpu().numpy(), left, done

    x = profile[:, None, None] * inside
    residual = source - image(x)
    z = inverse * residual
    direction, energy = z.clone(), (residual * z).sum()
    flux = flux_of(x)
    if float(energy) <= 1e-24 * max(1.0, float(source.norm()) ** 2):
        return finished(x, flux, residual, 0)
    most = 30 * max(mask.shape) + 1000
    for iteration in range(1, most + 1):
        turned = image(direction)
        step = energy / (direction * turned).sum()
        x += step * direction
        residual -= step * turned
        if iteration % _CHECK_EVERY == 0:
            flux = flux_of(x)
            if np.ptp(flux) <= tolerance * flux.mean() or float(energy) == 0.0:
                return finished(x, flux, residual, iteration)
            yield f'iteration {iteration}'
        z = inverse * residual
        energy, previous = (residual * z).sum(), energy
        direction = z + (energy / previous) * direction
    raise EngineError(
        f'tortuosity: no convergence after {most} iterations on the GPU, the flux still differs by '
        f'{np.ptp(flux) / flux.mean():.1%} between layers'
    )
