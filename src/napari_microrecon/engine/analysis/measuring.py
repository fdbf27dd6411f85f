"""Measure a volume: cheap statistics first, then correlation, then tortuosity axis by axis."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from ..errors import EngineError
from ..progress import Job, Progress, Throttle
from ..volume import Volume
from ..voxels import AXES
from .anisotropy import anisotropy_of_mask
from .chords import lineal_path, mean_chord
from .configurations import (
    configuration_histogram,
    crofton_surface,
    euler_number,
    face_densities,
    specific_surface,
)
from .correlation import Steps, autocovariance, count_lags, crossing, half_edges, radial_mean
from .percolation import Clusters
from .report import Curve, Report, Statistic, VolumeInfo
from .solver_process import Solver, TortuositySolver
from .transport import Transport

PROCESS_VOXELS = 64**3  # larger volumes are solved in a child process, so that cancelling is immediate
_MARCHING = 'marching cubes on the open domain, without smoothing; stair-steps make a curved surface read 8 to 9 % high'
_CROFTON = 'Cauchy-Crofton, crossings along 13 directions on the open domain'
_E_FOLDING = 'lag at which the normalised autocovariance falls to 1/e, interpolated'
_PERCOLATION = 'share of the phase in 6-connected clusters that touch both faces'
_OWN_CONVENTION = 'percolating fraction x D0 / Deff'
_TOTAL_CONVENTION = 'phase fraction x D0 / Deff'


def measure(
    volume: Volume,
    phase: int | None = None,
    *,
    tortuosity: bool = True,
    max_lag: int | None = None,
    in_process: bool | None = None,
    solver: Solver = 'own',
) -> Job[Report]:
    """Measure one phase of a volume.

    Parameters
    ----------
    volume : Volume
        Labels with phases and voxel size.
    phase : int, optional
        Label to measure, by default the pore or phase 1.
    tortuosity : bool
        Whether to solve for the tortuosity along the three axes, by far the most expensive part.
    max_lag : int, optional
        Largest lag of the curves in voxels; half the edge at most, which is the default.
    in_process : bool, optional
        Solve in this process rather than in a child. By default volumes above 64^3 voxels get a child: a solve
        there can be killed at once and does not hold the interpreter.
    solver : {'own', 'porespy'}
        Which tortuosity solver; they agree within a per mille, our own is faster and takes any voxel shape.

    Yields
    ------
    Progress
        Whose preview is the partial `Report`.

    Returns
    -------
    Report
        Statistics without a meaning have no value, and a note that says why.

    Raises
    ------
    InputError
        If the phase is not in the volume's phases.
    """
    label = volume.phases.check(volume.phases.main if phase is None else phase)
    local = volume.labels.size <= PROCESS_VOXELS if in_process is None else in_process
    with TortuositySolver(in_process=local, solver=solver) as tortuosity_solver:
        return (yield from measure_with(volume, label, tortuosity_solver if tortuosity else None, max_lag))


def measure_with(
    volume: Volume, phase: int, solver: TortuositySolver | None, max_lag: int | None = None
) -> Job[Report]:
    """Measure with a solver that is already there and stays open; None leaves tortuosity out."""
    return (yield from _Measurement(volume, phase, max_lag).run(solver))


class _Measurement:
    """One run of `measure`: the report as it grows."""

    def __init__(self, volume: Volume, phase: int, max_lag: int | None) -> None:
        self.volume = volume
        self.phase = phase
        self.name = volume.phases.names[phase]
        self.mask = volume.mask(phase)
        self.count = int(np.count_nonzero(self.mask))
        self.phi = self.count / self.mask.size
        self.spacing = volume.voxel_size.zyx
        self.unit = volume.voxel_size.unit
        self.max_lag = max_lag
        self.statistics: dict[str, Statistic] = {}
        self.curves: dict[str, Curve] = {}
        self.throttle = Throttle()
        self.step = 0
        self.total = 8

    def report(self, complete: bool = False) -> Report:
        return Report(
            volume=VolumeInfo.of(self.volume),
            phase=self.phase,
            phase_name=self.name,
            statistics=dict(self.statistics),
            curves=dict(self.curves),
            complete=complete,
        )

    def progress(self, stage: str) -> Progress:
        values = {key: s.value for key, s in self.statistics.items() if s.value is not None}
        return Progress(stage, self.step, self.total, metrics=values, preview=self.report())

    def pieces(self, stage: str, steps: Generator[Any, None, Any]) -> Generator[Progress, None, Any]:
        """Run a computation in pieces, with a sign of life now and then."""
        try:
            while True:
                try:
                    next(steps)
                except StopIteration as stop:
                    return stop.value
                if self.throttle.ready():
                    yield self.progress(stage)
        finally:
            steps.close()

    @property
    def absent(self) -> str:
        """Why boundary and correlation statistics mean nothing, or ''."""
        if self.count == 0:
            return f'no {self.name} in the volume'
        if self.count == self.mask.size:
            return f'{self.name} fills the whole volume'
        return ''

    def put(
        self, key: str, value: float | None, unit: str, method: str, note: str = '', sd: float | None = None
    ) -> None:
        self.statistics[key] = Statistic.of(value, unit, method, sd=sd, note=note)

    def run(self, solver: TortuositySolver | None) -> Job[Report]:
        self.total = 5 if solver is None else 8
        self.fraction()
        yield self.progress('phase fraction')
        for stage, work in (
            ('surface', self.surface),
            ('clusters', self.clusters),
            ('correlation', self.correlation),
            ('anisotropy', self.anisotropy),
        ):
            self.step += 1
            yield from self.pieces(stage, work())
            yield self.progress(stage)
        if solver is not None:
            for axis in range(3):
                self.step += 1
                stage = f'tortuosity along {AXES[axis]}'
                yield self.progress(stage)
                yield from self.pieces(stage, self.tortuosity(axis, solver))
                yield self.progress(stage)
        return self.report(complete=True)

    def fraction(self) -> None:
        self.put(
            'phase_fraction',
            self.phi,
            '1',
            'voxel count; error from the scatter between octants',
            sd=self.octant_error(),
        )

    def octant_error(self) -> float | None:
        """Standard error of the phase fraction, taking octants as independent samples."""
        if min(self.mask.shape) < 8 or self.absent:
            return None
        z, y, x = (n // 2 for n in self.mask.shape)
        parts = [
            self.mask[a, b, c].mean()
            for a in (slice(None, z), slice(z, None))
            for b in (slice(None, y), slice(y, None))
            for c in (slice(None, x), slice(x, None))
        ]
        return float(np.std(parts, ddof=1) / np.sqrt(len(parts)))

    def surface(self) -> Steps[None]:
        per_length = f'1/{self.unit}'
        self.faces = face_densities(self.mask)
        note = '' if not self.absent else f'{self.absent}: no surface'
        thin = min(self.mask.shape) < 2
        if self.absent or thin:
            why = note or 'volume is one voxel thick'
            for key, method in (('specific_surface', _MARCHING), ('specific_surface_crofton', _CROFTON)):
                self.statistics[key] = Statistic.refused(per_length, method, why)
        else:
            histogram = yield from configuration_histogram(self.mask)
            self.put('specific_surface', specific_surface(histogram, self.spacing), per_length, _MARCHING)
            self.put('specific_surface_crofton', crofton_surface(histogram, self.spacing), per_length, _CROFTON)
        method = (
            'boundary faces per voxel within the volume (larger than the true area: about 1.4 x for isotropic material)'
        )
        if self.absent:
            self.statistics['face_density'] = Statistic.refused('1/voxel', method, note)
        else:
            self.put('face_density', float(sum(self.faces)), '1/voxel', method)
        for axis, name in enumerate(AXES):
            method = '2 x phase fraction over boundary crossings per length'
            chord = None if self.absent else mean_chord(self.phi, self.faces[axis])
            why = self.absent or ('' if chord else f'no boundary is crossed along {name}')
            self.put(f'chord_length_{name}', chord and chord * self.spacing[axis], self.unit, method, why)
        yield 1.0

    def clusters(self) -> Steps[None]:
        self.found = Clusters.of(self.mask)
        yield 0.5
        volume = self.mask.size * float(np.prod(self.spacing))
        per_volume = f'1/{self.unit}^3'
        if self.count == 0:
            for key, unit in (('clusters', '1'), ('cluster_density', per_volume), ('euler_density', per_volume)):
                self.statistics[key] = Statistic.refused(unit, '6-connected clusters', self.absent)
        else:
            self.put('clusters', self.found.count, '1', '6-connected clusters')
            self.put('cluster_density', self.found.count / volume, per_volume, '6-connected clusters per volume')
            method = 'Euler number per volume, 6-connected: clusters - tunnels + cavities'
            self.put('euler_density', euler_number(self.mask) / volume, per_volume, method)
        for axis, name in enumerate(AXES):
            key = f'percolating_fraction_{name}'
            if self.count == 0:
                self.statistics[key] = Statistic.refused('1', _PERCOLATION, self.absent)
            elif self.mask.shape[axis] < 2:
                self.statistics[key] = Statistic.refused('1', _PERCOLATION, f'volume is one voxel thick along {name}')
            else:
                share = self.found.percolating_fraction(axis)
                self.put(key, share, '1', _PERCOLATION, '' if share > 0 else f'no path along {name}')

    def correlation(self) -> Steps[None]:
        lags = half_edges(self.mask.shape, self.max_lag)
        if self.absent:
            for name in AXES:
                refused = Statistic.refused(self.unit, _E_FOLDING, self.absent)
                self.statistics[f'correlation_length_{name}'] = refused
            return
        counts = yield from count_lags(self.mask, lags)
        for axis, name in enumerate(AXES):
            key = f'correlation_length_{name}'
            if lags[axis] < 1:
                why = f'volume is too thin for a lag along {name}'
                self.statistics[key] = Statistic.refused(self.unit, _E_FOLDING, why)
                continue
            s2 = counts.along(axis)
            lag = np.arange(len(s2)) * self.spacing[axis]
            decay = autocovariance(s2, self.phi)
            length = crossing(lag, decay)
            why = (
                ''
                if length is not None
                else f'volume is too thin: still correlated over {lag[-1]:g} {self.unit} along {name}'
            )
            self.put(key, length, self.unit, _E_FOLDING, why)
            self.curve(f's2_{name}', lag, s2)
            self.curve(f'autocovariance_{name}', lag, decay)
            self.curve(f'lineal_path_{name}', lag, lineal_path(self.mask, axis, lags[axis]))
            yield 0.9
        if min(lags) >= 1:
            lag, s2 = radial_mean(counts, self.spacing)
            self.curve('s2_radial', lag, s2)
            self.curve('autocovariance_radial', lag, autocovariance(s2, self.phi))

    def curve(self, key: str, lag: np.ndarray, value: np.ndarray) -> None:
        self.curves[key] = Curve(lag=tuple(lag.tolist()), lag_unit=self.unit, value=tuple(value.tolist()))

    def anisotropy(self) -> Steps[None]:
        method = (
            'own index: ratio of the axes of the ellipsoid fitted to the 1/e lengths; error by jackknife over octants'
        )
        found = yield from anisotropy_of_mask(self.mask, self.spacing)
        self.put('anisotropy_index', found.index, '1', method, found.sentence, found.sd)

    def tortuosity(self, axis: int, solver: TortuositySolver) -> Steps[None]:
        name = AXES[axis]
        why = ''
        if self.mask.shape[axis] < 2:
            why = f'volume is one voxel thick along {name}'
        elif self.count == 0:
            why = self.absent
        elif self.found.percolating_fraction(axis) == 0:
            why = f'no path along {name}'
        elif solver.needs_cubes and not self.volume.voxel_size.is_isotropic:
            why = 'PoreSpy takes cubic voxels only; use our own solver'
        result: Transport | None = None
        if not why:
            try:
                mask = self.found.percolating_mask(axis)
                result = yield from _fractions(solver.solve(mask, axis, self.spacing, self.phi))
            except EngineError as error:  # one axis without a number is no reason to lose the rest
                why = str(error)
        for key, convention, convention_name in (
            (f'tortuosity_{name}', _OWN_CONVENTION, "PoreSpy's"),
            (f'tortuosity_total_{name}', _TOTAL_CONVENTION, "TauFactor's"),
        ):
            method = f'{convention} ({convention_name} convention)'
            if result is None:
                self.statistics[key] = Statistic.refused('1', method, why)
                continue
            value = result.tortuosity if convention is _OWN_CONVENTION else result.tortuosity_total
            note = (
                '' if result.converged else f'not converged: the flux differs by {result.mismatch:.1%} between layers'
            )
            self.put(key, value, '1', f'{method}; {result.method}; flux mismatch {result.mismatch:.1e}', note)


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
