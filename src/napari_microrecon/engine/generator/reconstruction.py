"""Volumes from slices and weights: the job behind every reconstruction."""

from __future__ import annotations

import time
from collections.abc import Generator as Iteration
from dataclasses import dataclass

import numpy as np

from ..conditioned.filling import fill, realise
from ..conditioned.planes import Planes
from ..errors import InputError
from ..progress import Job, Progress, Throttle
from ..provenance import Provenance, Source, hash_array, now, versions
from ..slices import SliceSet
from ..volume import Volume
from .calibration import calibrate, wanted_fractions
from .checkpoint import Weights
from .choice import check_phases
from .cost import check_memory, is_grown_around, is_held
from .device import Placement, device_errors, placement, release
from .grown import grow
from .params import ReconstructParams
from .priors.families import family_origins
from .sampler import Sampler
from .sampling import DEFAULT_TILE, Grid, Window

SMALLEST_TRAINING = 32  # voxels; a smaller volume shows no gap between slices


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Result of a reconstruction.

    Attributes
    ----------
    volumes : tuple of Volume
        One per realisation.
    probabilities : numpy.ndarray or None
        Calibrated phase probabilities (K, Z, Y, X), float16, of the conditioned modes; None otherwise.
    """

    volumes: tuple[Volume, ...]
    probabilities: np.ndarray | None = None

    @property
    def spread(self) -> np.ndarray | None:
        """Probability (Z, Y, X), float32, that two realisations differ in a voxel; 0 where it is given.

        1 - sum p_k^2 for the probabilities p of the phases.
        """
        if self.probabilities is None:
            return None
        spread = np.ones(self.probabilities.shape[1:], np.float32)
        for one in self.probabilities:
            spread -= one.astype(np.float32) ** 2
        return np.maximum(spread, 0, out=spread)


def reconstruct(
    slices: SliceSet, weights: Weights, params: ReconstructParams, training: Volume | None = None
) -> Job[Reconstruction]:
    """Reconstruct volumes from slices.

    Parameters
    ----------
    slices : SliceSet
        What the material looks like in section; in the conditioned modes also where.
    weights : Weights
        From `choose_weights`, `finetune` or a file.
    params : ReconstructParams
        Shape, mode, seed and so on.
    training : Volume, optional
        Real 3D material of the same kind, for the conditioned modes to learn from besides the slices.

    Yields
    ------
    Progress
        With a coarse or partial volume as preview and the seconds left.

    Returns
    -------
    Reconstruction
        Volumes with provenance, and probabilities in the conditioned modes.

    Raises
    ------
    InputError
        If weights and slices do not fit, or a slice does not fit the shape in a conditioned mode.
    EngineError
        If the device runs out of memory.
    """
    check_phases(weights, slices)
    for label in params.target_fractions:
        slices.phases.check(label)
    place = placement(params.device)
    if params.periodic and weights.header.trained:
        stride = 2 ** (weights.header.architecture.levels - 1)
        if any(n % stride for n in params.shape):
            raise InputError('shape', f'{params.shape} is no multiple of {stride}', 'periodic volumes need that')
    conditioned = params.mode != 'unconditional'
    if params.mode == 'most-likely' and params.realisations > 1:
        raise InputError('realisations', 'the most likely volume is a single one', 'use mode conditioned for several')
    if conditioned and params.periodic:
        raise InputError('periodic', 'given slices do not continue themselves', 'leave it out, or use no positions')
    if training is not None:
        _check_training(training, slices, params)
    name = str(place.device)
    try:
        with device_errors('Reconstruction'):
            check_memory(slices.phases, weights, params)
            if conditioned and not is_grown_around(weights, params):
                return (yield from _between(slices, params, place, training))
            if conditioned and training is not None:
                raise InputError(training.name, 'is no help to a volume grown from patches', 'leave it out')
            planes = Planes.of(slices, params.shape) if conditioned else None
            note = '' if planes is None else '; '.join(planes.notes)
            yield Progress('preparing the generator', 0, params.realisations, note=note)
            sampler = Sampler(weights, slices, params, place)
            volumes: list[Volume] = []
            for index in range(params.realisations):
                labels = yield from _realisation(sampler, slices, params, index, planes)
                volumes.append(_volume(labels, slices, weights, params, params.seed + index, name))
            return Reconstruction(tuple(volumes))
    finally:
        release(name)


def _between(
    slices: SliceSet, params: ReconstructParams, place: Placement, training: Volume | None
) -> Job[Reconstruction]:
    """Volumes that hold the given slices."""
    name = str(place.device)
    wanted = wanted_fractions(slices.fractions, params.target_fractions) if is_held(params) else None
    filling = yield from fill(
        slices, params.shape, seed=params.seed, place=place, tile=params.tile, volume=training, wanted=wanted
    )
    most_likely = filling.most_likely()
    if params.mode == 'most-likely':
        volumes = [_volume(most_likely, slices, None, params, params.seed, name, training)]
        return Reconstruction(tuple(volumes), filling.probabilities)
    preview = Volume(most_likely, slices.phases, slices.voxel_size, name='most likely')
    yield Progress('drawing', 0, 0, preview=preview)
    drawn = yield from realise(filling, slices, params.realisations, params.seed, wanted)
    volumes = [
        _volume(labels, slices, None, params, params.seed + index, name, training) for index, labels in enumerate(drawn)
    ]
    return Reconstruction(tuple(volumes), filling.probabilities)


def _check_training(training: Volume, slices: SliceSet, params: ReconstructParams) -> None:
    """Refuse a training volume that does not fit the slices or cannot serve."""
    if params.mode == 'unconditional':
        raise InputError(training.name, 'serves the conditioned modes only', 'leave it out, or give positions')
    if training.phases.count != slices.phases.count:
        raise InputError(
            training.name,
            f'has {training.phases.count} phases while the slices have {slices.phases.count}',
            'segment both into the same phases',
        )
    if not training.voxel_size.agrees_with(slices.voxel_size):
        raise InputError(
            training.name,
            f'has voxels of {training.voxel_size} while the slices have {slices.voxel_size}',
            'resample it to the voxel size of the slices',
        )
    if min(training.shape) < SMALLEST_TRAINING:
        raise InputError(
            training.name, f'has an edge of {min(training.shape)} voxels', f'give {SMALLEST_TRAINING} or more'
        )


def _realisation(
    sampler: Sampler, slices: SliceSet, params: ReconstructParams, index: int, planes: Planes | None
) -> Iteration[Progress, None, np.ndarray]:
    if sampler.network is None and sampler.prior.exemplar is not None:
        return (yield from grow(sampler, slices, params, index, planes))
    labels = np.zeros(params.shape, np.uint8)
    began = time.monotonic()
    throttle, preview = Throttle(), Throttle(1.0)
    what = 'reconstructing' if params.realisations == 1 else f'realisation {index + 1} of {params.realisations}'
    yield Progress(what, 0, 0)
    grid = sampler.grid(params.seed + index)
    prior_labels = _prior_preview(sampler, grid)
    labels[:] = prior_labels
    yield Progress(what, 0, 0, preview=Volume(labels.copy(), slices.phases, slices.voxel_size, name='prior'))

    # Fractions that the volume itself must meet need all of its logits.
    exact = np.empty((slices.phases.count, *params.shape), np.float16) if is_held(params) else None

    def take(window: Window, logits: np.ndarray) -> None:
        labels[window] = logits.argmax(0)
        if exact is not None:
            exact[:, *window] = logits

    for done, total in sampler.logits(grid, params.tile or DEFAULT_TILE, take):
        if throttle.ready():
            spent = time.monotonic() - began
            left = spent / max(done, 1) * (total - done)
            shown = Volume(labels.copy(), slices.phases, slices.voxel_size, name='partial') if preview.ready() else None
            yield Progress(what, done, total, {'seconds_left': left}, shown)
    if exact is not None:
        wanted = wanted_fractions(slices.fractions, params.target_fractions)
        step = max(1, labels.size // 2_000_000)
        offsets = calibrate(exact.reshape(len(exact), -1)[:, ::step].T.astype(float), wanted)
        labels = (exact + offsets[:, None, None, None].astype(np.float16)).argmax(0).astype(np.uint8)
    return labels


def _prior_preview(sampler: Sampler, grid: Grid) -> np.ndarray:
    """Labels of the untrained prior, which the network is about to refine."""
    inner = tuple(slice(grid.margin, grid.margin + n) for n in grid.shape)
    logits = sampler.prior.logits(np.ascontiguousarray(grid.fields[:, *inner]))
    offsets = sampler.prior.offsets(np.asarray(sampler.weights.header.fractions))
    ordered = (logits + offsets[:, None, None, None].astype(np.float32))[sampler.order]
    return ordered.argmax(0).astype(np.uint8)


def _volume(
    labels: np.ndarray,
    slices: SliceSet,
    weights: Weights | None,
    params: ReconstructParams,
    seed: int,
    device: str,
    training: Volume | None = None,
) -> Volume:
    used = None if weights is None else Source(name=weights.name, sha256=weights.sha256)
    provenance = Provenance(
        kind='reconstruction',
        description=f'{params.mode} reconstruction from {len(slices)} slice{"s" if len(slices) > 1 else ""}',
        inputs=(*(s.source for s in slices), *(() if training is None else (_source(training),))),
        weights=used,
        seed=seed,
        device=device,
        parameters=params.model_dump(mode='json'),
        versions=versions() | family_origins(() if weights is None else weights.header.prior.fields),
        created=now(),
    )
    name = f'{weights.name if weights else params.mode} seed {seed}'
    return Volume(labels, slices.phases, slices.voxel_size, provenance, name)


def _source(volume: Volume) -> Source:
    return Source(name=volume.name, sha256=hash_array(volume.labels))
