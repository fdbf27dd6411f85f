"""Tortuosity factor of a phase along one axis by steady diffusion through its percolating part.

Each voxel of the phase is a node at its centre, linked to its face neighbours. The concentration is 1 on one side and
0 on the other, and the system is solved by conjugate gradients preconditioned with algebraic multigrid (pyamg), about
two and a half times as fast as PoreSpy's `tortuosity_fd`, which is the reference that the tests hold it against.

Two conventions for the two ends are in use, and they differ by a few per cent in small volumes:

- ``'voxel centres'`` (PoreSpy): the first and the last layer have fixed concentrations, so that the length is L - 1;
- ``'domain faces'`` (TauFactor): the faces of the volume have, half a voxel further out, so that the length is L.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..errors import EngineError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Ends = Literal['voxel centres', 'domain faces']

FLUX_TOLERANCE = 1e-3  # relative spread of the flux over the layers at which a solve is done, as in PoreSpy
_MOST_ITERATIONS = 400
_CHECK_EVERY = 2
_SMOOTHERS = {
    'presmoother': ('gauss_seidel', {'sweep': 'forward'}),
    'postsmoother': ('gauss_seidel', {'sweep': 'backward'}),
}


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
    import pyamg

    mask = np.moveaxis(percolating, axis, 0)
    order = [axis, *(a for a in range(3) if a != axis)]
    conductance = [(spacing[axis] / spacing[a]) ** 2 for a in order]
    through = float(np.count_nonzero(mask) / mask.size)
    yield 'assembling'
    system = _assemble(mask, conductance, ends)
    method = f'diffusion by conjugate gradients with pyamg (own solver), concentrations fixed at {ends}'

    share = through if fraction is None else float(fraction)
    norm = float(np.linalg.norm(system.source))

    def result(x: np.ndarray, flux: np.ndarray, residual: float, iterations: int) -> tuple[Transport, np.ndarray]:
        residual = residual / norm if norm > 0 else 0.0
        found = transport_of(flux, mask.shape, ends, share, through, residual, iterations, tolerance, method)
        return found, np.moveaxis(system.concentration(x), 0, axis)

    x = system.start.copy()
    if len(x) == 0:  # two layers, both with fixed concentrations
        return result(x, system.flux(x), 0.0, 0)
    yield 'building the multigrid'
    # Direct interpolation and one-sided sweeps: cheaper to set up and apply, a few more iterations.
    grids = pyamg.ruge_stuben_solver(
        system.matrix, interpolation='direct', max_coarse=200, coarse_solver='splu', **_SMOOTHERS
    )
    precondition = grids.aspreconditioner(cycle='V').matvec
    residual = system.source - system.matrix @ x
    z = precondition(residual)
    direction, energy = z.copy(), float(residual @ z)
    flux = system.flux(x)
    for iteration in range(1, _MOST_ITERATIONS + 1):
        if energy <= 0:  # exact already: a straight duct
            return result(x, flux, float(np.linalg.norm(residual)), iteration - 1)
        image = system.matrix @ direction
        step = energy / float(direction @ image)
        x += step * direction
        residual -= step * image
        if iteration % _CHECK_EVERY == 0:
            flux = system.flux(x)
            if np.ptp(flux) <= tolerance * flux.mean():
                return result(x, flux, float(np.linalg.norm(residual)), iteration)
        z = precondition(residual)
        energy, previous = float(residual @ z), energy
        direction *= energy / previous
        direction += z
        yield f'iteration {iteration}'
    raise EngineError(
        f'tortuosity along axis {axis}: no convergence after {_MOST_ITERATIONS} iterations, the flux still differs by '
        f'{np.ptp(flux) / flux.mean():.1%} between layers'
    )


def transport_of(
    flux: np.ndarray,
    shape: Sequence[int],
    ends: Ends,
    fraction: float,
    percolating: float,
    residual: float,
    iterations: int,
    tolerance: float,
    method: str,
) -> Transport:
    """Result of a solve from the flux through every interface between layers.

    `shape` has the direction of the flux first; one unit of flux is a link with a difference of 1.
    """
    mean = float(flux.mean())
    mismatch = float(np.ptp(flux) / mean)
    return Transport(
        diffusivity=mean * (shape[0] - 1 if ends == 'voxel centres' else shape[0]) / float(shape[1] * shape[2]),
        fraction=fraction,
        percolating=percolating,
        mismatch=mismatch,
        residual=residual,
        iterations=iterations,
        converged=mismatch <= tolerance,
        method=method,
    )


@dataclass(frozen=True, eq=False)
class _System:
    """Linear system for the free nodes, and how to get the flux through every layer from its solution."""

    matrix: csr_matrix
    source: np.ndarray
    start: np.ndarray
    mask: np.ndarray
    free: np.ndarray
    ends: Ends

    def concentration(self, x: np.ndarray) -> np.ndarray:
        """Concentration of the solution, float32, NaN outside the mask."""
        field = np.full(self.mask.shape, np.nan, dtype=np.float32)
        field[self.free] = x
        if self.ends == 'voxel centres':
            field[0][self.mask[0]] = 1.0
            field[-1][self.mask[-1]] = 0.0
        return field

    def flux(self, x: np.ndarray) -> np.ndarray:
        """Flux through every interface between layers; a unit is one link with a difference of 1."""
        field = np.zeros(self.mask.shape)
        field[self.free] = x
        if self.ends == 'voxel centres':
            field[0] = self.mask[0]
        links = self.mask[:-1] & self.mask[1:]
        inner = np.sum(field[:-1] - field[1:], axis=(1, 2), where=links)
        if self.ends == 'voxel centres':
            return inner
        enter = np.sum(2.0 * (1.0 - field[0]), where=self.mask[0])
        leave = np.sum(2.0 * field[-1], where=self.mask[-1])
        return np.concatenate([[enter], inner, [leave]])


def _assemble(mask: np.ndarray, conductance: Sequence[float], ends: Ends) -> _System:
    """Set up the equations; axis 0 of `mask` is the direction of the flux."""
    from scipy.sparse import csr_matrix

    free = mask.copy()
    layers = mask.shape[0]
    if ends == 'voxel centres':
        free[0] = free[-1] = False
    count = int(np.count_nonzero(free))
    number = np.full(mask.shape, -1, dtype=np.int32)
    number[free] = np.arange(count, dtype=np.int32)
    diagonal = np.zeros(mask.shape)
    rows: list[np.ndarray] = []
    columns: list[np.ndarray] = []
    weights: list[np.ndarray] = []
    for axis, weight in enumerate(conductance):
        low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        link = mask[low] & mask[high]
        diagonal[low] += weight * link
        diagonal[high] += weight * link
        link &= free[low] & free[high]
        rows.append(number[low][link])
        columns.append(number[high][link])
        weights.append(np.full(len(rows[-1]), -weight))
    source = np.zeros(mask.shape)
    if ends == 'voxel centres':
        if layers > 2:
            source[1] = mask[0] & mask[1]
        profile = 1.0 - np.arange(layers) / (layers - 1)
    else:
        diagonal[0] += 2.0
        diagonal[-1] += 2.0
        source[0] = 2.0
        profile = 1.0 - (np.arange(layers) + 0.5) / layers
    one, other = np.concatenate(rows), np.concatenate(columns)
    weight, itself = np.concatenate(weights), np.arange(count, dtype=np.int32)
    matrix = csr_matrix(
        (
            np.concatenate([weight, weight, diagonal[free]]),
            (np.concatenate([one, other, itself]), np.concatenate([other, one, itself])),
        ),
        shape=(count, count),
    )
    start = np.broadcast_to(profile[:, None, None], mask.shape)[free]
    return _System(matrix, source[free], start, mask, free, ends)
