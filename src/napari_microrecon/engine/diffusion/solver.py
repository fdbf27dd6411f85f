"""Tortuosity factor of a phase along one axis by steady diffusion through its percolating part.

The equations and the two conventions for the ends are those of `equations`; they are solved by conjugate
gradients with the multigrid of `multigrid`. PoreSpy's `tortuosity_fd` is the reference that the tests hold it
against (times of both: benchmarks/analysis_speed.py).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import EngineError
from .equations import Ends, Equations, along_first
from .multigrid import Multigrid

FLUX_TOLERANCE = 1e-3  # relative spread of the flux over the layers at which a solve is done, as in PoreSpy
_SINGLE = 1e-5  # tolerance down to which numbers of single precision do
_EXACT = 1e-7  # relative residual that is rounding
_MOST_ITERATIONS = 400
_CHECK_EVERY = 2


@dataclass(frozen=True)
class Transport:
    """Result of one solve.

    Attributes
    ----------
    diffusivity : float
        Effective over free diffusivity, Deff / D0, dimensionless.
    fraction : float
        Fraction of the volume in the phase.
    percolating : float
        Fraction of the volume in the part of the phase that spans the axis.
    mismatch : float
        Relative spread of the flux over the layers, 0 at perfect convergence.
    residual : float
        Norm of the linear system's residual over that of its source; NaN where the solver does not tell.
    iterations : int
        Conjugate-gradient iterations.
    converged : bool
        Whether the mismatch fell under the tolerance.
    method : str
        Which solver ran, in words.
    """

    diffusivity: float
    fraction: float
    percolating: float
    mismatch: float
    residual: float
    iterations: int
    converged: bool
    method: str

    @property
    def tortuosity(self) -> float:
        """Percolating fraction x D0 / Deff (PoreSpy's convention)."""
        return self.percolating / self.diffusivity

    @property
    def tortuosity_total(self) -> float:
        """Phase fraction x D0 / Deff (TauFactor's convention)."""
        return self.fraction / self.diffusivity

    @property
    def convergence(self) -> str:
        """How well the solve ended, in words."""
        told = f'flux mismatch {self.mismatch:.1e}'
        if np.isfinite(self.residual):
            told += f', residual {self.residual:.1e}'
        if self.iterations:
            told += f', {self.iterations} iterations'
        return told if self.converged else f'{told}, not converged'


def solve_diffusion(
    percolating: np.ndarray,
    axis: int,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    *,
    fraction: float | None = None,
    ends: Ends = 'voxel centres',
    tolerance: float = FLUX_TOLERANCE,
) -> Generator[str, None, Transport]:
    """Solve diffusion through a mask along `axis` (see `solve_field`); yields what it is doing, returns the result."""
    found, _ = yield from solve_field(percolating, axis, spacing, fraction=fraction, ends=ends, tolerance=tolerance)
    return found


def solve_field(
    percolating: np.ndarray,
    axis: int,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    *,
    fraction: float | None = None,
    ends: Ends = 'voxel centres',
    tolerance: float = FLUX_TOLERANCE,
) -> Generator[str, None, tuple[Transport, np.ndarray]]:
    """Solve diffusion through a mask along `axis` and keep the concentration.

    Parameters
    ----------
    percolating : numpy.ndarray
        bool, shape (Z, Y, X): only clusters that touch both faces perpendicular to `axis`; two layers or more.
    axis : int
        Direction of the mean flux.
    spacing : sequence of float
        Voxel edges in array order; only their ratios matter.
    fraction : float, optional
        Fraction of the whole phase, by default that of `percolating`.
    ends : {'voxel centres', 'domain faces'}
        Where the concentrations are fixed, see the module.
    tolerance : float
        Relative spread of the flux over the layers to reach.

    Returns
    -------
    Transport, numpy.ndarray
        The result, and the concentration (float32, shape of `percolating`): 1 where the flux enters, 0 where it leaves,
        NaN outside the mask.

    Raises
    ------
    EngineError
        If the solve does not converge.
    """
    from .kernels import advance, inner, turn

    mask, conductance = along_first(percolating, axis, spacing)
    yield 'assembling'
    dtype = np.float32 if tolerance >= _SINGLE else np.float64
    system = Equations.of(mask, conductance, ends, dtype)
    method = f'diffusion by conjugate gradients with a multigrid (own solver), concentrations fixed at {ends}'
    norm = float(np.linalg.norm(system.source))

    def result(x: np.ndarray, flux: np.ndarray, squared: float, iterations: int) -> tuple[Transport, np.ndarray]:
        left = squared**0.5 / norm if norm > 0 else 0.0
        found = transport_of(flux, mask, ends, fraction, left, iterations, tolerance, method)
        return found, np.moveaxis(system.concentration(x), 0, axis)

    x = system.start
    turned = np.zeros_like(x)
    system.image(x, turned)
    residual = system.source - turned
    flux, left = system.flux(x), inner(residual, residual)
    if left <= (_EXACT * norm) ** 2:  # a straight duct, or two layers with fixed concentrations
        return result(x, flux, left, 0)
    yield 'building the multigrid'
    precondition = Multigrid(system)
    z = precondition(residual)
    direction, energy = z.copy(), inner(residual, z)
    for iteration in range(1, _MOST_ITERATIONS + 1):
        yield f'iteration {iteration}'
        step = energy / system.image(direction, turned)
        left = advance(x, residual, direction, turned, dtype(step))
        if iteration % _CHECK_EVERY == 0 or left <= (_EXACT * norm) ** 2:
            flux = system.flux(x)
            if np.ptp(flux) <= tolerance * flux.mean():
                return result(x, flux, left, iteration)
        z = precondition(residual)
        energy, previous = inner(residual, z), energy
        turn(direction, z, dtype(energy / previous))
    raise EngineError(
        f'tortuosity along axis {axis}: no convergence after {_MOST_ITERATIONS} iterations, the flux still differs by '
        f'{np.ptp(flux) / flux.mean():.1%} between layers'
    )


def transport_of(
    flux: np.ndarray,
    mask: np.ndarray,
    ends: Ends,
    fraction: float | None,
    residual: float,
    iterations: int,
    tolerance: float,
    method: str,
) -> Transport:
    """Result of a solve from the flux through every interface between layers.

    `mask` has the direction of the flux first; one unit of flux is a link with a difference of 1.
    """
    mean = float(flux.mean())
    mismatch = float(np.ptp(flux) / mean)
    layers, *across = mask.shape
    percolating = float(np.count_nonzero(mask) / mask.size)
    return Transport(
        diffusivity=mean * (layers - 1 if ends == 'voxel centres' else layers) / float(np.prod(across)),
        fraction=percolating if fraction is None else float(fraction),
        percolating=percolating,
        mismatch=mismatch,
        residual=residual,
        iterations=iterations,
        converged=mismatch <= tolerance,
        method=method,
    )
