"""Volumes from slices and weights: the job behind every reconstruction."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from collections.abc import Generator as Iteration
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import InputError
from ..phases import Phases
from ..progress import Job, Progress, Throttle
from ..provenance import Provenance, Source, now, versions
from ..slices import SliceSet
from ..volume import Volume
from .calibration import calibrate, wanted_fractions
from .checkpoint import Weights
from .choice import check_phases
from .conditioned import Anchors
from .device import Placement, device_errors, free_memory, placement, release
from .exemplar import one_hot
from .params import ReconstructParams
from .sampling import DEFAULT_TILE, MARGIN, Grid, Window, draw, sample_logits
from .unet import HALO, Film, Generator


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Result of a reconstruction.

    Attributes
    ----------
    volumes : tuple of Volume
        One per realisation.
    probabilities : numpy.ndarray or None
        Phase probabilities (K, Z, Y, X), float16, of the conditioned modes; None otherwise.
    """

    volumes: tuple[Volume, ...]
    probabilities: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a reconstruction will take: seconds on this device, bytes of its memory."""

    seconds: float
    bytes: int


class Sampler:
    """A generator (or an untrained prior) on a device, calibrated to the slices."""

    def __init__(self, weights: Weights, slices: SliceSet, params: ReconstructParams, place: Placement) -> None:
        self.weights, self.place, self.params = weights, place, params
        self.prior = weights.header.prior
        self.network: Generator | None = None
        self.film: Film | None = None
        if weights.header.trained:
            network = weights.network()
            film = weights.modulation(network)
            self.network = place.put_network(network)
            if film is not None:
                self.film = [(scale.to(place.device), shift.to(place.device)) for scale, shift in film]
        target = wanted_fractions(slices.fractions, params.target_fractions)
        self.offsets = weights.calibrated(target).astype(np.float32)

    @property
    def levels(self) -> int:
        """Levels of the network; 1 for an untrained prior."""
        return 1 if self.network is None else self.network.architecture.levels

    def grid(self, seed: int) -> Grid:
        """Random input of one realisation."""
        reach = 0 if self.network is None else self.network.reach
        return draw(self.prior, self.params.shape, seed, periodic=self.params.periodic, levels=self.levels, reach=reach)

    def logits(self, grid: Grid, tile: int, take: Callable[[Window, np.ndarray], None]) -> Iteration[tuple[int, int]]:
        """Hand calibrated logits (K, z, y, x) of every window to `take`; yields (done, total)."""
        if self.network is None:
            inner = tuple(slice(grid.margin, grid.margin + n) for n in grid.shape)
            z, y, x = (slice(0, n) for n in grid.shape)
            fields = np.ascontiguousarray(grid.fields[:, *inner])
            take((z, y, x), self.prior.logits(fields) + self.offsets[:, None, None, None])
            yield 1, 1
            return
        offsets = torch.from_numpy(self.offsets).to(self.place.device)[:, None, None, None]

        def hand_on(window: Window, logits: torch.Tensor) -> None:
            take(window, (logits + offsets).cpu().numpy())

        yield from sample_logits(self.network, grid, self.film, self.place, tile, hand_on)


def estimate(shape: tuple[int, int, int], weights: Weights, device: str = 'auto', tile: int | None = None) -> Estimate:
    """Time and memory of one volume; the time is scaled from a small volume run here and now.

    Notes
    -----
    Memory: prior and noise of the whole volume (4 bytes a value), the coarse levels of the whole
    volume (about 6 live tensors of 2 C channels at half resolution), and the finest level of one
    tile (about 6 live tensors of C channels).
    """
    place = placement(device)
    voxels = math.prod(n + 2 * MARGIN for n in shape)
    bytes_per = 2 if place.dtype == torch.bfloat16 else 4
    fields = weights.header.architecture.field_count
    base = voxels * 4 * (fields + 1) + math.prod(shape)
    if not weights.header.trained:
        return Estimate(voxels * fields * 1.5e-7, base + voxels * 12)
    channels = weights.header.architecture.channels
    tile = tile or DEFAULT_TILE
    coarse = voxels / 8 * 2 * channels * bytes_per * 6
    fine = min(math.prod(min(n + 2 * MARGIN, tile + 2 * HALO) for n in shape), voxels) * channels * (bytes_per + 4) * 4
    network = place.put_network(weights.network())
    small = (32, 32, 32)
    grid = draw(weights.header.prior, small, 0, periodic=False, levels=network.architecture.levels, reach=0)
    began = time.perf_counter()
    for _ in sample_logits(network, grid, None, place, 64, lambda _window, _logits: None):
        pass
    seconds = (time.perf_counter() - began) / (32 + 2 * MARGIN) ** 3 * voxels
    return Estimate(seconds, int(base + coarse + fine))


def reconstruct(slices: SliceSet, weights: Weights, params: ReconstructParams) -> Job[Reconstruction]:
    """Reconstruct volumes from slices.

    Parameters
    ----------
    slices : SliceSet
        What the material looks like in section; in the conditioned modes also where.
    weights : Weights
        From `choose_weights`, `finetune` or a file.
    params : ReconstructParams
        Shape, mode, seed and so on.

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
    anchors = None if params.mode == 'unconditional' else Anchors.of(slices, params.shape)
    if params.mode == 'most-likely' and params.realisations > 1:
        raise InputError('realisations', 'the most likely volume is a single one', 'use mode conditioned for several')
    name = str(place.device)
    try:
        with device_errors('Reconstruction'):
            _check_memory(slices.phases, weights, params, name)
            if params.mode == 'most-likely' and anchors is not None:
                yield Progress('interpolating between the slices', 0, 1)
                probabilities = anchors.most_likely(slices.fractions, params.target_fractions)
                labels = anchors.hold(probabilities.argmax(0).astype(np.uint8))
                volume = _volume(labels, slices, None, params, params.seed, name)
                return Reconstruction((volume,), probabilities)
            yield Progress('preparing the generator', 0, params.realisations)
            sampler = Sampler(weights, slices, params, place)
            volumes: list[Volume] = []
            summed: np.ndarray | None = None
            for index in range(params.realisations):
                labels = yield from _realisation(sampler, slices, params, anchors, index)
                volumes.append(_volume(labels, slices, weights, params, params.seed + index, name))
                if anchors is not None:
                    hot = one_hot(labels, slices.phases.count).astype(np.float16)
                    summed = hot if summed is None else summed + hot
            return Reconstruction(tuple(volumes), None if summed is None else summed / params.realisations)
    finally:
        release(name)


def _realisation(
    sampler: Sampler, slices: SliceSet, params: ReconstructParams, anchors: Anchors | None, index: int
) -> Iteration[Progress, None, np.ndarray]:
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
    exact = np.empty((slices.phases.count, *params.shape), np.float16) if _is_held(params) else None

    def take(window: Window, logits: np.ndarray) -> None:
        if anchors is not None:
            logits = anchors.blend(window, logits)
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
    return labels if anchors is None else anchors.hold(labels)


def _is_held(params: ReconstructParams) -> bool:
    """Whether every volume meets the wanted fractions itself."""
    return params.fractions == 'volume' or bool(params.target_fractions)


def _prior_preview(sampler: Sampler, grid: Grid) -> np.ndarray:
    """Labels of the untrained prior, which the network is about to refine."""
    inner = tuple(slice(grid.margin, grid.margin + n) for n in grid.shape)
    logits = sampler.prior.logits(np.ascontiguousarray(grid.fields[:, *inner]))
    offsets = sampler.prior.offsets(np.asarray(sampler.weights.header.fractions))
    return (logits + offsets[:, None, None, None].astype(np.float32)).argmax(0).astype(np.uint8)


def _volume(
    labels: np.ndarray, slices: SliceSet, weights: Weights | None, params: ReconstructParams, seed: int, device: str
) -> Volume:
    used = None if weights is None else Source(name=weights.name, sha256=weights.sha256)
    provenance = Provenance(
        kind='reconstruction',
        description=f'{params.mode} reconstruction from {len(slices)} slice{"s" if len(slices) > 1 else ""}',
        inputs=tuple(s.source for s in slices),
        weights=used,
        seed=seed,
        device=device,
        parameters=params.model_dump(mode='json'),
        versions=versions(),
        created=now(),
    )
    name = f'{weights.name if weights else params.mode} seed {seed}'
    return Volume(labels, slices.phases, slices.voxel_size, provenance, name)


def _check_memory(phases: Phases, weights: Weights, params: ReconstructParams, device: str) -> None:
    voxels = math.prod(params.shape)
    per_voxel = 4 * (weights.header.architecture.field_count + 1) * 1.5 + 1
    if weights.header.trained:
        per_voxel += 2 * weights.header.architecture.channels * 6 / 8 * 4
    if params.mode != 'unconditional':
        per_voxel += 8 * phases.count
    if _is_held(params):
        per_voxel += 6 * phases.count
    need, free = voxels * per_voxel, free_memory('cpu')
    if need > free:
        raise InputError(
            f'shape {params.shape}',
            f'needs about {need / 2**30:.1f} GiB of memory and {free / 2**30:.1f} GiB are free',
            f'use an edge of at most {int((free / per_voxel) ** (1 / 3))} voxels',
        )
