"""One run of `measure`: the report as it grows, and what the stages share."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np

from ..progress import Progress, Throttle
from ..results.report import Curve, Report, Statistic, VolumeInfo
from ..statistics.catalogue import quantity_of
from ..statistics.percolation import Clusters
from ..statistics.quantity import Subject
from ..volume import Volume


class Measurement:
    """The report on one phase of one volume as it grows.

    Parameters
    ----------
    volume : Volume
        What is measured.
    phase : int
        Label of the phase.
    max_lag : int, optional
        Largest lag of the curves in voxels; half the edge by default.

    Attributes
    ----------
    mask : numpy.ndarray
        bool, shape (Z, Y, X), the phase.
    count : int
        Its voxels.
    phi : float
        Its share of the volume.
    spacing : tuple of float
        Voxel edges in array order, in `unit`.
    is_pore : bool
        Whether this may be the pore: it is, or nobody said which phase is.
    critical : dict of int to float
        Diameter of the largest sphere that passes, per axis, once they are known.
    distance : numpy.ndarray or None
        Distance to the nearest voxel of another phase, left by the thickness for the particles.
    """

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
        self.is_pore = volume.phases.pore in (None, phase)
        self._subject: Subject | None = None
        self.critical: dict[int, float] = {}
        self.distance: np.ndarray | None = None
        self.statistics: dict[str, Statistic] = {}
        self.curves: dict[str, Curve] = {}
        self.step = 0
        self.total = 0
        self._throttle = Throttle()

    @property
    def absent(self) -> str:
        """Why boundary and correlation statistics mean nothing, or ''."""
        if self.count == 0:
            return f'no {self.name} in the volume'
        if self.count == self.mask.size:
            return f'{self.name} fills the whole volume'
        return ''

    @property
    def flat(self) -> str:
        """Why statistics that need all three axes mean nothing, or ''."""
        return self.absent or ('volume is one voxel thick' if min(self.mask.shape) < 2 else '')

    @property
    def subject(self) -> Subject:
        """The phase as the function of a statistic gets it."""
        if self._subject is None:
            self._subject = Subject(self.mask, self.volume.labels, self.phase, self.volume.voxel_size)
        return self._subject

    @property
    def clusters(self) -> Clusters:
        """Clusters of the phase."""
        return self.subject.clusters

    def put(self, key: str, value: float | None, method: str, note: str = '', sd: float | None = None) -> None:
        """Add a statistic in the unit of its declaration; without a value it is refused with the note."""
        self.statistics[key] = Statistic.of(value, self._unit_of(key), method, sd=sd, note=note)

    def refuse(self, keys: Sequence[str], method: str, why: str) -> None:
        """Add statistics that have no meaning here."""
        for key in keys:
            self.statistics[key] = Statistic.refused(self._unit_of(key), method, why)

    def _unit_of(self, key: str) -> str:
        return quantity_of(key).unit_in(self.unit)

    def curve(self, key: str, lag: np.ndarray, value: np.ndarray) -> None:
        """Add a curve; `lag` in the unit of the voxel size."""
        self.curves[key] = Curve(lag=tuple(lag.tolist()), lag_unit=self.unit, value=tuple(value.tolist()))

    def sizes(self) -> np.ndarray:
        """Diameters at which size distributions are given: steps of the smallest voxel edge up to half the edge."""
        step = min(self.spacing)
        reach = min(n * h for n, h in zip(self.mask.shape, self.spacing, strict=True)) / 2
        return np.arange(int(reach / step + 1e-6) + 1) * step

    def report(self, complete: bool = False) -> Report:
        """What is known so far."""
        return Report(
            volume=VolumeInfo.of(self.volume),
            phase=self.phase,
            phase_name=self.name,
            statistics=dict(self.statistics),
            curves=dict(self.curves),
            complete=complete,
        )

    def progress(self, stage: str) -> Progress:
        """Sign of life with the partial report."""
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
                if self._throttle.ready():
                    yield self.progress(stage)
        finally:
            steps.close()
