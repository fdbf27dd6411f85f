"""The public functions as jobs: generators that yield `Progress` and return the result; closing one cancels it.

They take the parameters of the functions of the same name, without `progress`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..engine.errors import InputError
from ..engine.progress import Job, Progress
from ..engine.slices import Symmetry
from ..engine.volume import Volume
from .inputs import (
    Axes,
    Labels,
    Length,
    PhasesWanted,
    Pictures,
    Places,
    label_of,
    log,
    slices_of,
    target_labels,
    volume_of,
)  # fmt: skip

if TYPE_CHECKING:
    from ..engine.diffusion.solver_process import Solver
    from ..engine.export import Exported
    from ..engine.generator import Weights
    from ..engine.generator.params import Mode, Recipe
    from .results import Comparison, Report

__all__ = ['Progress', 'compare', 'export', 'finetune', 'measure', 'reconstruct']


def reconstruct(
    slices: Pictures,
    *,
    shape: tuple[int, int, int] = (128, 128, 128),
    voxel_size: Length | None = None,
    unit: str = 'um',
    phases: PhasesWanted | None = None,
    normal: Axes | None = None,
    position: Places | None = None,
    symmetry: Symmetry | None = None,
    weights: str | PathLike[str] | Weights = 'auto',
    mode: Mode | None = None,
    seed: int = 0,
    tile: int | None = None,
    periodic: bool = False,
    fractions: Literal['ensemble', 'volume'] = 'volume',
    target_fractions: Mapping[int | str, float] | None = None,
    training_volume: Labels | None = None,
    device: str = 'auto',
) -> Job[Volume]:
    """`napari_microrecon.reconstruct` as a job."""
    from ..engine.generator.params import ReconstructParams, validated
    from ..engine.workflows.reconstruct import reconstruct as job

    given = slices_of(
        slices, phases=phases, voxel_size=voxel_size, unit=unit, normal=normal, position=position, symmetry=symmetry
    )
    params = validated(
        ReconstructParams,
        shape=shape,
        mode=mode or ('unconditional' if position is None else 'conditioned'),
        seed=seed,
        tile=tile,
        periodic=periodic,
        fractions=fractions,
        target_fractions=target_labels(target_fractions, given.phases),
        device=device,
    )
    training = None if training_volume is None else volume_of(training_volume, phases=given.phases.count)
    spec = str(weights) if isinstance(weights, PathLike) else weights
    made = yield from job(given, spec, params, training)
    told = [f'weights: {made.chosen.reason}']
    if made.shape is not None:
        told.append(f'the shapes in its sections: {made.shape.words}')
        if made.shape.level != 'fits':
            log.warning('the shapes in its sections: %s', made.shape.words)
    return replace(made.volumes[0], note='; '.join(told))


def finetune(
    slices: Pictures,
    *,
    voxel_size: Length | None = None,
    unit: str = 'um',
    phases: PhasesWanted | None = None,
    normal: Axes | None = None,
    symmetry: Symmetry | None = None,
    start: str | PathLike[str] | Weights = 'auto',
    minutes: float | None = None,
    steps: int | None = None,
    recipe: Recipe = 'sections',
    seed: int = 0,
    device: str = 'auto',
    name: str = '',
    **options: Any,
) -> Job[Weights]:
    """`napari_microrecon.finetune` as a job."""
    from ..engine.generator import Weights
    from ..engine.generator import finetune as job
    from ..engine.generator.choice import choosing_weights
    from ..engine.generator.params import FinetuneParams, validated

    if minutes is not None and steps is not None:
        raise InputError('minutes', 'was given together with steps', 'give one of them')
    given = slices_of(slices, phases=phases, voxel_size=voxel_size, unit=unit, normal=normal, symmetry=symmetry)
    budget = {'steps': steps, 'minutes': 3.0 if minutes is None and steps is None else minutes}
    params = validated(FinetuneParams, recipe=recipe, seed=seed, device=device, **budget, **options)
    if isinstance(start, Weights):
        before = start
    else:
        choice = yield from choosing_weights(params.start_of(str(start)), given, training=True)
        log.info('start: %s', choice.reason)
        before = choice.weights
    return (yield from job(given, before, params, name=name or given.slices[0].name))


def measure(
    volume: Labels,
    phase: int | str | None = None,
    *,
    voxel_size: Length | None = None,
    unit: str = 'um',
    phases: PhasesWanted | None = None,
    tortuosity: bool = True,
    solver: Solver = 'auto',
) -> Job[Report]:
    """`napari_microrecon.measure` as a job."""
    from ..engine.analysis import measure as job
    from .results import Report

    given = volume_of(volume, phases=phases, voxel_size=voxel_size, unit=unit, phase=phase)
    label = label_of(phase, given.phases)
    return Report.of((yield from job(given, label, tortuosity=tortuosity, solver=solver)), given)


def compare(
    volume: Labels,
    real: Labels,
    phase: int | str | None = None,
    *,
    voxel_size: Length | None = None,
    unit: str = 'um',
    phases: PhasesWanted | None = None,
    tortuosity: bool = True,
    solver: Solver = 'auto',
    workers: int | None = None,
) -> Job[Comparison]:
    """`napari_microrecon.compare` as a job."""
    from ..engine.analysis import compare as job
    from ..engine.workflows.compare import phases_to_compare, remarks
    from .results import Comparison

    common: dict[str, Any] = {'phases': phases, 'voxel_size': voxel_size, 'unit': unit, 'phase': phase}
    first = volume_of(volume, name='volume', **common)
    second = volume_of(real, name='real', **common)
    named = phases_to_compare(first, second)
    for remark in remarks(first, second):
        log.warning(remark)
    label = label_of(phase, named)
    label = named.main if label is None else label
    found = yield from job(first, second, label, tortuosity=tortuosity, solver=solver, workers=workers)
    return Comparison.of(found, first, second)


def export(
    volume: Labels, path: str | PathLike[str], *, format: str | None = None, phase: int | str | None = None
) -> Job[Path]:
    """`napari_microrecon.export` as a job."""
    from ..engine.export import export as job
    from ..engine.export import known_formats

    given, target = volume_of(volume, phase=phase), Path(path)
    known = [one.key for one in known_formats() if one.key != 'weights' and target.name.lower().endswith(one.endings)]
    if format is None and not known:
        endings = ', '.join(ending for one in known_formats() if one.key != 'weights' for ending in one.endings)
        raise InputError(str(target), 'has no ending that is known', f'use one of {endings}')
    done: Exported = yield from job(given, format or known[0], target, label_of(phase, given.phases))
    log.info('wrote %s: %s', done.path, done.sentence)
    return done.path
