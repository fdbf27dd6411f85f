"""Tortuosity and effective diffusivity axis by axis, and permeability estimates."""

from __future__ import annotations

from collections.abc import Generator

from ...diffusion.solver import Transport
from ...diffusion.solver_process import TortuositySolver
from ...errors import EngineError
from ...statistics.correlation import Steps
from ...statistics.permeability import katz_thompson, kozeny_carman
from ...voxels import AXES
from ..measurement import Measurement

_OWN = "percolating fraction x D0 / Deff (PoreSpy's convention)"
_TOTAL = "phase fraction x D0 / Deff (TauFactor's convention)"
_DIFFUSIVITY = 'effective over free diffusivity, Deff / D0'
_RESIDUAL = 'relative spread of the flux over the layers where the solve ended'
_KOZENY = 'estimate by Kozeny-Carman: phi^3 / (5 s^2) with the Crofton surface s (Carman 1937); no flow is solved'
_KATZ = (
    'estimate by Katz and Thompson (1986): l_c^2 / (226 F) with the largest sphere that passes, l_c, and the '
    'formation factor F = D0 / Deff; no flow is solved'
)


def tortuosity(m: Measurement, axis: int, solver: TortuositySolver) -> Steps[None]:
    """Tortuosity factor in both conventions, effective diffusivity, residual, permeability along one axis."""
    name = AXES[axis]
    why = ''
    if m.mask.shape[axis] < 2:
        why = f'volume is one voxel thick along {name}'
    elif m.count == 0:
        why = m.absent
    elif m.clusters.percolating_fraction(axis) == 0:
        why = f'no path along {name}'
    elif solver.needs_cubes and not m.volume.voxel_size.is_isotropic:
        why = 'PoreSpy takes cubic voxels only; use our own solver'
    result: Transport | None = None
    if not why:
        try:
            mask = m.clusters.percolating_mask(axis)
            result = yield from _fractions(solver.solve(mask, axis, m.spacing, m.phi))
        except EngineError as error:  # one axis without a number is no reason to lose the rest
            why = str(error)
    keys = [f'{stem}_{name}' for stem in ('tortuosity', 'tortuosity_total', 'effective_diffusivity')]
    if result is None:
        for key, method in zip(keys, (_OWN, _TOTAL, _DIFFUSIVITY), strict=True):
            m.refuse([key], method, why)
        if m.is_pore:
            m.refuse([f'permeability_katz_thompson_{name}'], _KATZ, why)
        return
    note = '' if result.converged else f'not converged: the flux differs by {result.mismatch:.1%} between layers'
    how = f'{result.method}; {result.convergence}'
    values = (result.tortuosity, result.tortuosity_total, result.diffusivity)
    for key, value, method in zip(keys, values, (_OWN, _TOTAL, _DIFFUSIVITY), strict=True):
        m.put(key, value, f'{method}; {how}', note)
    m.put(f'tortuosity_residual_{name}', result.mismatch, f'{_RESIDUAL}; {result.convergence}', note)
    if m.is_pore:
        widest = m.critical.get(axis)
        estimate = None if widest is None else katz_thompson(widest, result.diffusivity)
        why = m.absent or (note or _coarse(m, widest))
        m.put(f'permeability_katz_thompson_{name}', estimate, _KATZ, why)


def permeability(m: Measurement) -> None:
    """Kozeny-Carman's estimate, which needs no solve."""
    if not m.is_pore:
        return
    key = 'permeability_kozeny_carman'
    surface = m.statistics.get('specific_surface_crofton')
    if surface is None or not surface.value:
        m.refuse([key], _KOZENY, m.flat or 'no surface')
    elif not any(m.clusters.percolating_fraction(axis) for axis in range(3)):
        m.refuse([key], _KOZENY, 'no path along any axis')
    else:
        m.put(key, kozeny_carman(m.phi, surface.value), _KOZENY, 'made for beds of grains; knows no connectivity')


def _coarse(m: Measurement, widest: float | None) -> str:
    """Warning where the throats are resolved by few voxels."""
    voxels = 0.0 if widest is None else widest / max(m.spacing)
    return '' if voxels >= 8 else f'the throats are {voxels:.1f} voxels wide: an error of one counts twice'


def _fractions(steps: Generator[str, None, Transport]) -> Steps[Transport]:
    """Turn the solver's words into the fractions that pieces yield."""
    try:
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                return stop.value
            yield 0.5
    finally:
        steps.close()
