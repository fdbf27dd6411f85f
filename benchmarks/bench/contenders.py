"""Train, generate and measure one contender; every contender has the same slices, scorer and volumes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from scoring import LAGS, Band, Figures, blocks, figures

from napari_microrecon.engine.generator import (
    Architecture,
    FinetuneParams,
    LossWeights,
    ReconstructParams,
    Weights,
    choose_weights,
    finetune,
    reconstruct,
    starting_weights,
)
from napari_microrecon.engine.generator.exemplar import Exemplars
from napari_microrecon.engine.progress import Progress, drain
from napari_microrecon.engine.slices import SliceSet
from napari_microrecon.engine.voxels import AXES

from .bars import Reference, Result
from .forced_prior import forced_start
from .materials import Material, get_material
from .runs import Recipe, Record, Settings, Task

TRIAL = 14  # steps of the trial that tells what a step costs


def work(task: Task, keep: Path) -> Record:
    """Train where the recipe says so, generate, measure; keeps the weights and the first volume beside the record.

    Returns
    -------
    dict
        'rows': figures per row of the tables (a SliceGAN-style training makes two), 'cpu_seconds', 'wall_seconds',
        'steps', 'threads' of the training, and 'told', the reason for the weights in words.
    """
    import torch

    torch.set_num_threads(task.settings.threads)
    material = get_material(task.material, task.settings.edge)
    slices = material.slices()
    if task.recipe.start == 'slicegan':
        from .slicegan_style import SliceGanStyle

        clock = Clock()
        baseline = SliceGanStyle(slices, task.seed)
        if task.settings.steps is not None:
            steps = baseline.train(float('inf'), task.settings.steps)
        else:
            steps = baseline.train(task.settings.seconds)
        spent = clock.read()
        rows = {
            name: measure(baseline.volumes(material.shape, count(task.settings), calibrated=calibrated), task)
            for name, calibrated in (('SliceGAN-style', False), ('SliceGAN-style, calibrated', True))
        }
        told = baseline.description
    else:
        weights, told, spent = obtain(slices, task.recipe, task.seed, task.settings)
        steps = int(weights.header.training.get('steps_done', 0)) if task.recipe.start != 'prior' else 0
        if weights.header.trained:
            weights.save(keep.with_name(keep.name + '.safetensors'))
        if steps:
            told += f'; kept those of step {weights.header.training["steps"]}'
        params = ReconstructParams(
            shape=material.shape,
            realisations=count(task.settings),
            seed=1000 * (task.seed + 1),
            fractions='ensemble',
            device='cpu',
        )
        volumes = [volume.labels for volume in drain(reconstruct(slices, weights, params)).volumes]
        np.savez_compressed(keep.with_name(keep.name + '.npz'), labels=volumes[0])
        rows = {task.recipe.name: measure(volumes, task)}
    return {
        'rows': rows,
        'cpu_seconds': spent[0],
        'wall_seconds': spent[1],
        'steps': steps,
        'threads': task.settings.threads,
        'told': told,
    }


def count(settings: Settings) -> int:
    """Volumes that are generated."""
    return max(settings.volumes, settings.more)


class Clock:
    """Processor and wall seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.process_time(), time.monotonic()

    def read(self) -> tuple[float, float]:
        """Seconds, to a tenth."""
        return round(time.process_time() - self._began[0], 1), round(time.monotonic() - self._began[1], 1)


def obtain(slices: SliceSet, recipe: Recipe, seed: int, settings: Settings) -> tuple[Weights, str, tuple[float, float]]:
    """Weights by a recipe, how they came about in words, and processor and wall seconds of their training."""
    if recipe.start in ('prior', 'shipped', 'exemplar', 'combined'):
        choice = choose_weights('auto' if recipe.start == 'shipped' else recipe.start, slices)
        return choice.weights, choice.reason, (0.0, 0.0)
    if recipe.prior:
        start, told = forced_start(slices, recipe.prior), f'{recipe.prior} as the prior, forced'
    else:
        choice = starting_weights(recipe.start, slices)
        start, told = choice.weights, choice.reason
    architecture = Architecture(**dict(recipe.architecture)) if recipe.architecture else None
    common = {
        'seed': seed,
        'threads': settings.threads,
        'device': 'cpu',
        'loss': LossWeights(**dict(recipe.loss)),
        **dict(recipe.params),
    }
    if settings.steps is not None:
        params = FinetuneParams(minutes=None, steps=settings.steps, **common)
    elif settings.cpu_seconds is not None:
        steps = paced_steps(slices, start, common, architecture, settings.cpu_seconds)
        params = FinetuneParams(minutes=None, steps=steps, **common)
    else:
        params = FinetuneParams(minutes=settings.minutes, **common)
    clock = Clock()  # not of the trial that paced it
    weights = drain(finetune(slices, start, params, architecture=architecture))
    spent = clock.read()
    if recipe.prior and weights.header.prior.fields[0].kind != start.header.prior.fields[0].kind:
        raise RuntimeError(f'training put {weights.header.prior.fields[0].kind} in place of the {recipe.prior} prior')
    return weights, told, spent


def paced_steps(
    slices: SliceSet, start: Weights, common: dict[str, Any], architecture: Architecture | None, budget: float
) -> int:
    """Steps that fit a budget of processor seconds, preparation and evaluations included; by a trial of TRIAL steps."""
    params = FinetuneParams(minutes=None, steps=TRIAL, **{**common, 'evaluations': 1})
    at: dict[int, float] = {}

    def note(progress: Progress) -> None:
        if progress.stage == 'training' and progress.step > 0:
            at.setdefault(progress.step, time.process_time())

    began = time.process_time()
    drain(finetune(slices, start, params, architecture=architecture), note)
    ended = time.process_time()
    steps, seconds = list(at), list(at.values())

    def between(first: int, last: int) -> float:
        return float(np.interp(last, steps, seconds) - np.interp(first, steps, seconds)) / (last - first)

    # The first steps are slower than the rest, the critics join at the share critic_start, the last step evaluates.
    joined = int(np.ceil(params.critic_start * TRIAL))
    critic = between(max(joined, 1), TRIAL - 1) if joined < TRIAL - 1 else between(2, TRIAL - 1)
    plain = between(2, joined) if joined > 2 else critic
    preparation = float(np.interp(2, steps, seconds)) - began - 2 * plain
    evaluation = ended - float(np.interp(TRIAL - 1, steps, seconds)) - critic
    mean = params.critic_start * plain + (1 - params.critic_start) * critic
    left = budget - preparation - FinetuneParams(minutes=None, steps=1, **common).evaluations * evaluation
    return max(8, int(left / mean))


def measure(volumes: list[np.ndarray], task: Task) -> Record:
    """Figures of the first volumes in full, phase fractions of all."""
    material = get_material(task.material, task.settings.edge)
    found = [
        figures(labels, material.phases, transport=material.transport) for labels in volumes[: task.settings.volumes]
    ]
    return {'found': found, **fractions(volumes, material.phases, task.settings.spread_edge)}


def fractions(volumes: list[np.ndarray], phases: int, edge: int) -> dict[str, np.ndarray]:
    """Phase fractions (n, K) of volumes and of their corners of some edge."""
    whole = [[float((labels == k).mean()) for k in range(phases)] for labels in volumes]
    corners = [labels[:edge, :edge, :edge] for labels in volumes]
    return {
        'fractions': np.array(whole),
        'cropped': np.array([[float((labels == k).mean()) for k in range(phases)] for labels in corners]),
    }


def work_reference(task: Task, _keep: Path) -> Record:
    """Figures of the reference's blocks, and what the slices themselves say."""
    material = get_material(task.material, task.settings.edge)
    volume = material.volume()
    found = [figures(block, material.phases, transport=material.transport) for block in blocks(volume, material.shape)]
    corner = min(task.settings.spread_edge, material.edge)
    spread = fractions(list(blocks(volume, (corner,) * 3)), material.phases, corner)['fractions']
    slices = material.slices()
    return {
        'found': found,
        'spread': spread.std(0, ddof=1) if len(spread) > 1 else np.full(material.phases, np.nan),
        'slices': slices.fractions,
        'slice_figures': slice_figures(slices, material),
    }


def slice_figures(slices: SliceSet, material: Material) -> Figures:
    """Fraction, face densities (3) and S2 (3, lags) that the slices show, pooled where they are isotropic."""
    exemplars = Exemplars.of(slices)
    found: Figures = {}
    for k in material.measured:
        faces, curves = exemplars.edge_density(k), exemplars.s2_along(k, LAGS - 1)
        found[f'fraction {k}'] = np.array(slices.fractions[k])
        found[f'faces {k}'] = np.array([faces[axis] for axis in AXES])
        found[f's2 {k}'] = np.stack([curves[axis] for axis in AXES])
    return found


def as_figures(record: Record) -> Figures:
    """Figures as arrays again, from JSON."""
    return {key: np.asarray(value, float) for key, value in record.items()}


def as_reference(record: Record) -> Reference:
    """Reference from the record of `work_reference`."""
    real = tuple(as_figures(one) for one in record['found'])
    return Reference(
        real, Band.of(real), np.array(record['spread']), np.array(record['slices']), as_figures(record['slice_figures'])
    )


def as_result(row: Record) -> Result:
    """Result from one row of the record of `work`."""
    return Result(tuple(as_figures(one) for one in row['found']), np.array(row['fractions']), np.array(row['cropped']))
