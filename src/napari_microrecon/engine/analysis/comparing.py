"""Compare a generated volume with real material: every number beside the spread of real blocks of its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..diffusion.solver_process import Solver
from ..errors import InputError
from ..progress import Job, Progress
from ..results.averages import joined, mean_curves, mean_statistics
from ..results.bands import Band, CurveBand, Ensemble
from ..results.comparison import TOO_SMALL, Comparison, Verdict, judge_all
from ..results.report import Report
from ..results.s2_error import judge_s2
from ..statistics.catalogue import is_numerical
from ..volume import Volume
from .blocks import BlockPlan, Origin, name_block, plan_blocks, times
from .many import Order, run_orders
from .measuring import Part
from .memory import check_memory

__all__ = ['Band', 'Comparison', 'CurveBand', 'Ensemble', 'Verdict', 'compare']

TORTUOSITY_BLOCKS = 6  # a band of three solves a block: more would take minutes
SMALLEST_BLOCK = 16  # voxels; a smaller block says nothing about a material
_MOST_LIKELY = (
    'the likeliest phase at every voxel is smoother than the material: its fractions, surface and tortuosity are not '
    'those of the material; realisations between the slices have those'
)


def compare(
    generated: Volume,
    real: Volume,
    phase: int | None = None,
    *,
    tortuosity: bool = True,
    max_blocks: int = 12,
    leave_out: Origin | None = None,
    realisations: Sequence[Volume] = (),
    in_process: bool | None = None,
    solver: Solver = 'auto',
    workers: int | None = 1,
    cluster: str | None = None,
) -> Job[Comparison]:
    """Compare one phase of a generated volume with real material.

    Parameters
    ----------
    generated, real : Volume
        With the same number of phases. Voxel sizes may differ, which the notes then say: blocks have equal
        numbers of voxels, lengths are compared in physical units.
    phase : int, optional
        Label to compare, by default the real volume's pore or phase 1.
    tortuosity : bool
        Whether to solve for tortuosity: for both volumes and for at most 6 blocks of each.
    max_blocks : int
        Most blocks of the real volume to measure.
    leave_out : tuple of int, optional
        Where in the real volume the generated one was cut out (z, y, x), if it was: blocks that overlap it are left
        out of the band. A block identical to the generated volume is always left out.
    realisations : sequence of Volume
        More volumes like the generated one, from other seeds: their mean and spread stand beside the real band.
    in_process, solver
        As in `measure`.
    workers, cluster
        As in `measure_many`; one after the other by default, which leaves the other processors to others.

    Yields
    ------
    Progress
        Whose preview is the partial `Comparison` as soon as the quick statistics of both volumes are there. Those of
        all blocks follow, so that every quick number has its band before sizes and tortuosities are begun.

    Returns
    -------
    Comparison
        With the band of non-overlapping real blocks of the generated volume's shape. Where the real volume holds
        fewer than three of those, both volumes are cut into blocks of half the generated volume's edges, and the
        mean of the generated blocks is judged.

    Raises
    ------
    InputError
        If the phases disagree, or a volume is too large for the free memory.
    """
    label = real.phases.check(real.phases.main if phase is None else phase)
    if generated.phases.count != real.phases.count:
        raise InputError(
            generated.name,
            f'has {generated.phases.count} phases while {real.name} has {real.phases.count}',
            'segment both into the same phases',
        )
    for other in realisations:
        if other.phases.count != real.phases.count:
            raise InputError(other.name, f'has {other.phases.count} phases', f'all must have {real.phases.count}')
    generated, real, notes = _one_unit(generated, real)
    check_memory(generated, tortuosity=tortuosity)
    check_memory(real, tortuosity=False)
    plan = plan_blocks(generated, real, max_blocks, leave_out)
    if generated.provenance is not None and generated.provenance.parameters.get('mode') == 'most-likely':
        notes.append(_MOST_LIKELY)
    plan.notes[:0] = notes
    more = [_one_unit(volume, real)[0] for volume in realisations]
    options = {'solver': solver, 'in_process': in_process, 'workers': workers, 'cluster': cluster}
    return (yield from _Run(generated, real, label, plan, more, tortuosity, options).run())


def _one_unit(generated: Volume, real: Volume) -> tuple[Volume, Volume, list[str]]:
    """Bring both volumes to one unit: a known voxel size serves the volume that has none."""
    one, other = generated.voxel_size, real.voxel_size
    if one.is_known and other.is_known:
        if one.agrees_with(other):
            return replace(generated, voxel_size=other), real, []
        notes = [f'voxel sizes differ: {one} and {other}; blocks have equal numbers of voxels, not equal sizes']
        return replace(generated, voxel_size=one.to(other.unit)), real, notes
    if other.is_known:
        return (
            replace(generated, voxel_size=other),
            real,
            [f'voxel size of the generated volume taken from {real.name}'],
        )
    if one.is_known:
        return generated, replace(real, voxel_size=one), [f'voxel size of the real volume taken from {generated.name}']
    return replace(generated, voxel_size=other), real, []


class _Run:
    """One run of `compare`."""

    def __init__(
        self,
        generated: Volume,
        real: Volume,
        phase: int,
        plan: BlockPlan,
        realisations: Sequence[Volume],
        tortuosity: bool,
        options: dict[str, Any],
    ) -> None:
        self.generated = generated
        self.real = real
        self.phase = phase
        self.plan = plan
        self.tortuosity = tortuosity
        self.options = options
        # The whole real volume: cheap statistics only. Its tortuosity is that of its blocks.
        whole = tortuosity and real.labels.size <= 1.5 * generated.labels.size
        self.orders = [
            Order(generated, phase, tortuosity, 'generated volume'),
            Order(real, phase, whole, 'real volume'),
            *(Order(volume, phase, self.solving(n), volume.name) for n, volume in enumerate(realisations, 1)),
            *self.blocks(generated, plan.generated),
            *self.blocks(real, plan.real),
        ]
        counts = (2, len(realisations), len(plan.generated), len(plan.real))
        ends = np.cumsum(counts).tolist()
        self.parts = [range(end - count, end) for count, end in zip(counts, ends, strict=True)][1:]
        self.reports: dict[int, Report] = {}
        self.step = 0
        self.partial: Comparison | None = None

    def blocks(self, volume: Volume, origins: Sequence[Origin]) -> list[Order]:
        return [
            Order(volume.crop(o, self.plan.block), self.phase, self.solving(number), name_block(volume, o))
            for number, o in enumerate(origins)
        ]

    def solving(self, number: int) -> bool:
        return self.tortuosity and number < TORTUOSITY_BLOCKS

    def run(self) -> Job[Comparison]:
        yield from self.measured('quick')
        yield from self.measured('slow')
        return self.now(complete=True)

    def now(self, complete: bool = False) -> Comparison:
        """Comparison of what has been measured so far."""
        known = [[self.reports[i] for i in part if i in self.reports] for part in self.parts]
        return self.comparison(self.reports[0], self.reports[1], *known, complete=complete)

    def measured(self, part: Part) -> Job[None]:
        """Measure a part of the statistics of everything, passing on signs of life with the comparison so far."""
        orders = [replace(order, part=part) for order in self.orders]
        before = dict(self.reports)
        told: dict[int, int] = {}
        events = run_orders(orders, **self.options)
        try:
            for event in events:
                stage, metrics, preview = orders[event.index].name, {}, self.partial
                found = event.report
                if event.progress is not None:
                    stage, metrics = f'{stage}: {event.progress.stage}', event.progress.metrics
                    # Of the volumes themselves every new number is told at once, of blocks when they are done.
                    early = event.progress.preview if event.index < 2 else None
                    if isinstance(early, Report) and len(early.statistics) > told.get(event.index, 1):
                        told[event.index] = len(early.statistics)
                        found = early
                if found is not None:
                    self.reports[event.index] = joined(before.get(event.index), found)
                    if 0 in self.reports and 1 in self.reports and (part == 'slow' or event.report is not None):
                        preview = self.partial = self.now()
                self.step += event.report is not None
                if preview is None:
                    preview = self.reports.get(0)
                yield Progress(stage, self.step, 2 * len(orders), metrics, preview)
        finally:
            events.close()

    def comparison(
        self,
        generated: Report,
        real: Report,
        more: Sequence[Report],
        own: Sequence[Report],
        others: Sequence[Report],
        complete: bool,
    ) -> Comparison:
        plan = self.plan
        compared = dict(generated.statistics) if not own else mean_statistics(own)
        compared = {key: statistic for key, statistic in compared.items() if not is_numerical(key)}
        curves = dict(generated.curves) if not own else mean_curves(own)
        curve_bands: dict[str, CurveBand] = {}
        for key in curves:
            found = CurveBand.of([r.curves[key] for r in others if key in r.curves], key)
            if found is not None:
                curve_bands[key] = found
        band, verdicts = judge_all(compared, others)
        if (s2 := judge_s2(curves, curve_bands, own, others)) is not None:
            compared['s2_error'], band['s2_error'] = s2[:2]
            if s2[2] is not None:
                verdicts['s2_error'] = s2[2]
        if min(plan.block) < SMALLEST_BLOCK:
            tiny = f'{TOO_SMALL}: blocks of {times(plan.block)} voxels'
            verdicts = {key: Verdict(verdict='cannot tell', sentence=tiny) for key in verdicts}
        notes = list(plan.notes)
        solved = min(len(others), TORTUOSITY_BLOCKS)
        if self.tortuosity and len(plan.real) > TORTUOSITY_BLOCKS:
            notes.append(f'tortuosity band: {solved} of {len(plan.real)} real blocks, for its cost')
        return Comparison(
            generated=generated,
            real=real,
            block_shape=plan.block,
            basis=plan.basis,
            same_size=not plan.generated,
            compared=compared,
            band=band,
            curve_bands=curve_bands,
            compared_curves=curves,
            verdicts=verdicts,
            ensemble=Ensemble.of([generated, *more], complete=complete) if more else None,
            notes=tuple(notes),
            complete=complete,
        )
