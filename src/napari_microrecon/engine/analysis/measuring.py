"""Measure a volume: cheap statistics first, then correlation and sizes, then tortuosity axis by axis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from ..diffusion.solver_process import Solver, TortuositySolver
from ..progress import Job
from ..results.report import Report
from ..statistics.catalogue import quantities
from ..statistics.correlation import Steps
from ..statistics.quantity import Cost
from ..volume import Volume
from ..voxels import AXES
from .measurement import Measurement
from .memory import check_memory
from .stages import connectivity, correlations, functions, shape, sizes, transport

Part = Literal['all', 'quick', 'slow']
Stage = Callable[[Measurement], Steps[None]]

_HERE = 256**3  # an iteration of our own solver takes a quarter of a second there, and leaves Python's lock alone
_PORESPY_HERE = 64**3  # its solve cannot be interrupted


def solved_here(voxels: int, solver: Solver) -> bool:
    """Whether a volume is solved in this process; larger ones get a child, which can be killed at once."""
    return voxels <= (_PORESPY_HERE if solver == 'porespy' else _HERE)


def measure(
    volume: Volume,
    phase: int | None = None,
    *,
    tortuosity: bool = True,
    max_lag: int | None = None,
    in_process: bool | None = None,
    solver: Solver = 'auto',
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
        Solve in this process rather than in a child. By default volumes above 256^3 voxels (PoreSpy: 64^3) get a
        child: a solve there can be killed at once.
    solver : {'auto', 'own', 'gpu', 'porespy'}
        Which tortuosity solver; they agree within a per mille. 'auto' takes the GPU where there is one and the volume
        is worth it, else our own on the CPU; PoreSpy's takes cubic voxels only. The method tells which ran.

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
        If the phase is not in the volume's phases, or the volume is too large for the free memory.
    """
    label = volume.phases.check(volume.phases.main if phase is None else phase)
    check_memory(volume, tortuosity=tortuosity)
    local = solved_here(volume.labels.size, solver) if in_process is None else in_process
    with TortuositySolver(in_process=local, solver=solver) as tortuosity_solver:
        return (yield from measure_with(volume, label, tortuosity_solver if tortuosity else None, max_lag))


def measure_with(
    volume: Volume, phase: int, solver: TortuositySolver | None, max_lag: int | None = None, part: Part = 'all'
) -> Job[Report]:
    """Measure with a solver that is already there and stays open; None leaves tortuosity out.

    Of several volumes the quick `part` can come first: fraction, surface, clusters and correlation take a tenth of
    the time, thickness, particles, permeability and tortuosity the rest.
    """
    m = Measurement(volume, phase, max_lag)
    stages: list[tuple[str, Stage]] = []
    if part != 'slow':
        stages += [('surface', shape.surface)]
        stages += [('interfaces', shape.interfaces)] if volume.phases.count > 2 else []
        stages += [('clusters', connectivity.clusters), ('correlation', correlations.correlation)]
        stages += _declared('quick')
    if part != 'quick':
        stages += [('local thickness', sizes.thickness)]
        stages += [('particles', sizes.particles)] if volume.phases.pore != phase else []
        stages += _declared('slow')
    m.total = 1 + len(stages) + (0 if solver is None or part == 'quick' else len(AXES))
    shape.fraction(m)
    yield m.progress('phase fraction')
    for stage, work in stages:
        m.step += 1
        yield from m.pieces(stage, work(m))
        yield m.progress(stage)
    if part == 'quick':
        return m.report()
    transport.permeability(m)
    if solver is not None:
        for axis, name in enumerate(AXES):
            m.step += 1
            stage = f'tortuosity along {name}'
            yield m.progress(stage)
            yield from m.pieces(stage, transport.tortuosity(m, axis, solver))
            yield m.progress(stage)
    return m.report(complete=True)


def _declared(cost: Cost) -> list[tuple[str, Stage]]:
    """Stages of the statistics that bring a function of their own."""
    found = [quantity for quantity in quantities().values() if quantity.cost == cost and callable(quantity.function)]
    return [(quantity.title.lower(), partial(functions.declared, quantity=quantity)) for quantity in found]
