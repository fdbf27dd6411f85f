"""Grow a volume whose sections look like the slices everywhere, from coarse to fine.

Solid texture synthesis by optimisation (Kopf et al., ACM Transactions on Graphics 26, 2, 2007): every voxel looks for
the patch of the slices that is most like its own surroundings, in each of three planes; then the patches vote for the
voxels. Here the field is the squashed signed distance of the phases, the candidates are the neighbours' matches and the
leaf of a tree, votes count by how well their patch fits, and after every vote the spectra of the sections, the amount
of boundary and the histogram are brought back to those of the slices, all of which averaging takes away.

All randomness is in the first field. An iteration reads the last one only, so that slabs, threads and tiles change no
voxel.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from ...progress import Progress, Throttle
from ..priors.fields import random_stream
from . import kernels
from .corrections import gaussian_ranks, remapped, sharpened
from .features import halved_whole, squashed
from .finishing import labels_of
from .patches import PatchIndex, Usage
from .pinning import Pinned
from .pyramid import Level, Pyramid
from .slabs import Result, Waiting, Workers, slabs, wrapped
from .spectra import Spectra
from .votes import doubled, vote_weights

ITERATIONS = (4, 12, 16, 30)  # of half the voxels, finest level first
FIRST_PULLS, FIRST_LARGEST = 30, 1.5  # of the random field towards the spectra
SHARPENED = 1  # coarsest level that is sharpened
DRAWN = 0.25  # share by which voxels beside a held slice take its values at the coarse levels
CORE = 1.3  # standard deviation in pixels of the weight within a vote
STAGE = 'growing the volume'

Growing = Generator[Progress, None, np.ndarray]
Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class _State:
    """What a level leaves to the next finer one."""

    field: np.ndarray
    matches: list[np.ndarray]
    weights: list[np.ndarray]


class Grower:
    """Grows the field of one periodic volume.

    Parameters
    ----------
    pyramid : Pyramid
        What sections should look like.
    shape : tuple of int
        Of the volume (Z, Y, X), in voxels.
    seed : int
        Of the first field.
    threads : int
        Slabs that are worked on at once.
    tile : int, optional
        Planes of a slab; changes memory, not one voxel.
    pinned : Pinned, optional
        Slices whose voxels keep their values; `shape` is then their grown shape.
    """

    def __init__(
        self, pyramid: Pyramid, shape: Shape, seed: int, threads: int = 1, tile: int | None = None,
        pinned: Pinned | None = None,
    ) -> None:  # fmt: skip
        self.pyramid, self.shape, self.seed, self.tile = pyramid, shape, seed, tile
        self.workers = Workers(threads)
        self._pinned = pinned
        self._kept = [] if pinned is None else pinned.features(len(pyramid.levels))
        self._began = time.monotonic()
        self._done = 0.0
        self._work = 1.0

    def run(self, start: np.ndarray | None = None, start_level: int = 1, stop_level: int = 0) -> Growing:
        """Field (Z, Y, X, C) of level `stop_level`, float32, whose sections look like the slices.

        Parameters
        ----------
        start : numpy.ndarray, optional
            Signed distances (Z, Y, X, C) of a volume of this shape to begin with, at `start_level`, instead of noise.
        start_level : int
            Where that volume gives way.
        stop_level : int
            Finest level that is grown.

        Yields
        ------
        Progress
            After every level with labels (Z, Y, X) of the whole volume as preview; `seconds_left` in the metrics.
        """
        top = self.pyramid.top(self.shape)
        if start is not None:
            top = min(top, start_level)
        self._work = sum(self._units(level) for level in range(stop_level, top + 1))
        self._began, self._done = time.monotonic(), 0.0
        throttle = Throttle()
        try:
            state: _State | None = None
            for level in range(top, stop_level - 1, -1):
                growth = self._grow(level, state, start)
                while True:
                    try:
                        done = next(growth)
                    except StopIteration as stop:
                        state = stop.value
                        break
                    if throttle.ready():
                        yield self._progress(done)
                self._done += self._units(level)
                assert state is not None
                if level:
                    yield self._progress(0.0, self._preview(state.field, level))
            assert state is not None
            return state.field
        finally:
            self.workers.close()

    # --- progress ----------------------------------------------------------------------------

    def _size(self, level: int) -> Shape:
        z, y, x = (-(-n // 2**level) for n in self.shape)
        return z, y, x

    def _units(self, level: int) -> float:
        """Work of a level, in voxel searches."""
        return float(np.prod(self._size(level))) * ITERATIONS[min(level, len(ITERATIONS) - 1)]

    def _progress(self, within: float, preview: np.ndarray | None = None) -> Progress:
        done = self._done + within
        spent = time.monotonic() - self._began
        metrics = {'seconds_left': spent / done * (self._work - done)} if done > 0.02 * self._work else {}
        return Progress(STAGE, round(1000 * done / self._work), 1000, metrics, preview)

    def _preview(self, field: np.ndarray, level: int) -> np.ndarray:
        labels = labels_of(field, self.pyramid.fractions)
        for axis in range(3):
            labels = np.repeat(labels, 2**level, axis)
        return np.ascontiguousarray(labels[tuple(slice(n) for n in self.shape)])

    # --- one level ---------------------------------------------------------------------------

    def _grow(self, number: int, above: _State | None, start: np.ndarray | None) -> Generator[float, None, _State]:
        """Grow one level from the one above; yields the voxel searches done in it."""
        pyramid, workers = self.pyramid, self.workers
        level, shape = pyramid.levels[number], self._size(number)
        parts = slabs(shape, self.tile)
        spectra = level.spectra(shape, isotropic=pyramid.isotropic)
        first = above is None
        if above is None:
            field = yield from _waiting(self._first_field(number, level, shape, spectra, start), 0.0)
            matches = [np.zeros(shape, np.int32) for _ in range(3)]
        else:
            coarse = pyramid.levels[number + 1]
            matches = yield from _waiting(self._risen(above.matches, coarse, level, shape), 0.0)
            wide = [doubled(weight, shape) for weight in above.weights]
            field = np.empty((*shape, level.channels), np.float32)
            yield from _waiting(self._vote(level, matches, wide, field, parts), 0.0)
            remapped(field, level.quantiles)
        self._hold(field, number)
        weights: list[np.ndarray] = []
        best = [np.ones(shape, np.float32) for _ in range(3)]
        spare = np.empty(shape, np.int32)
        indices = {id(index): index for index in level.indices}
        usage = {key: Usage(index) for key, index in indices.items()}
        length = (2 * kernels.RADIUS + 1) ** 2 * level.channels
        rounds = ITERATIONS[min(number, len(ITERATIONS) - 1)]
        for iteration in range(rounds):
            parity = 2 if first else iteration & 1
            done = self._units(number) * iteration / rounds
            for normal in range(3):
                index = level.indices[normal]
                potential = usage[id(index)].potential
                search = self._search(
                    normal, index, potential, field, matches[normal], spare, best[normal], first, parity
                )
                yield from _waiting(workers.each(search, parts), done)
                matches[normal], spare = spare, matches[normal]
            first = False
            means = [float(b.mean(dtype=np.float64)) for b in best]
            if iteration < rounds - 1:
                for key, own in usage.items():
                    at = [normal for normal in range(3) if id(level.indices[normal]) == key]
                    counts = [own.count(matches[normal]) for normal in at]
                    own.learn(
                        np.sum([places for places, _ in counts], 0), np.sum([cells for _, cells in counts], 0),
                        float(np.mean([means[normal] for normal in at])),
                    )  # fmt: skip
                    yield done
            weights = vote_weights(best, length)
            yield from _waiting(self._vote(level, matches, weights, field, parts), done)
            yield from _waiting(
                workers.one(
                    lambda last=iteration == rounds - 1: self._corrected(
                        field, number, level, spectra, 0.0 if last or not number else DRAWN, ends=last and not number
                    )
                ),
                done,
            )
        return _State(field, matches, weights)

    def _first_field(
        self, number: int, level: Level, shape: Shape, spectra: list[Spectra], start: np.ndarray | None
    ) -> Waiting[np.ndarray]:
        """Noise with the spectra and the histogram of the slices, or the volume that is to be begun with."""
        if start is not None:
            distances = start
            for _ in range(number):
                distances = halved_whole(distances)
            field = squashed(distances, number)
            remapped(field, level.quantiles)
            return field
        noise = random_stream(self.seed, 31).random((*shape, level.channels), dtype=np.float32)
        field = np.empty_like(noise)
        for k in range(level.channels):
            field[..., k] = np.interp(noise[..., k], gaussian_ranks(level.quantiles.shape[1]), level.quantiles[k])
        for _ in range(FIRST_PULLS):
            for k, wanted in enumerate(spectra):
                field[..., k] = wanted.pull(field[..., k], largest=FIRST_LARGEST, threads=self.workers.threads)
            remapped(field, level.quantiles)
            yield
        return field

    def _risen(self, matches: list[np.ndarray], above: Level, level: Level, shape: Shape) -> Waiting[list[np.ndarray]]:
        found = []
        for normal, coarse in enumerate(matches):
            old, own = above.indices[normal], level.indices[normal]
            fine = np.empty(shape, np.int32)
            yield from self.workers.one(
                lambda normal=normal, coarse=coarse, old=old, own=own, fine=fine: kernels.rise(
                    normal, coarse, old.height, old.width, own.height, own.width, own.valid, fine
                )
            )
            found.append(fine)
        return found

    def _search(
        self, normal: int, index: PatchIndex, potential: np.ndarray, field: np.ndarray, old: np.ndarray,
        new: np.ndarray, best: np.ndarray, first: bool, parity: int,
    ) -> Callable[[int, int], None]:  # fmt: skip
        search = kernels.searcher(index.channels == 1)

        def work(start: int, stop: int) -> None:
            padded = wrapped(field, start, stop, kernels.RADIUS)
            search(
                normal, start, stop, padded, index.stack, index.channels, index.valid, potential, index.height,
                index.width,
                index.basis, index.centre, index.depth, index.dims, index.cuts, index.bounds, index.leaves,
                index.points, index.largest, old, new, best, first, parity,
            )  # fmt: skip

        return work

    def _vote(
        self, level: Level, matches: list[np.ndarray], weights: list[np.ndarray], field: np.ndarray,
        parts: list[tuple[int, int]],
    ) -> Waiting[list[None]]:  # fmt: skip
        """Write what the patches say into `field`."""
        at = np.arange(-kernels.VOTE, kernels.VOTE + 1)
        line = np.exp(-(at**2) / (2 * (1.5 / CORE) ** 2))
        core = (line[:, None] * line).astype(np.float32)

        def work(start: int, stop: int) -> None:
            total = np.zeros((stop - start, *field.shape[1:]), np.float32)
            weight = np.zeros(total.shape[:3], np.float32)
            for normal in range(3):
                index = level.indices[normal]
                kernels.vote(
                    normal, start, stop, index.stack, index.width, index.channels, matches[normal],
                    weights[normal], core, total, weight,
                )  # fmt: skip
            field[start:stop] = total / weight[..., None]

        return self.workers.each(work, parts)

    def _corrected(
        self, field: np.ndarray, number: int, level: Level, spectra: list[Spectra], drawn: float, *, ends: bool
    ) -> None:
        """Bring spectra, amount of boundary and histogram back to those of the slices, in place.

        The very last field `ends` without their histogram: of fine textures it is almost two-valued, which would leave
        the finishing nothing to sharpen.
        """
        for k, wanted in enumerate(spectra):
            field[..., k] = wanted.pull(field[..., k], threads=self.workers.threads)
        if number <= SHARPENED:
            sharpened(field, level, self.pyramid.fractions)
        if not ends:
            remapped(field, level.quantiles)
        self._hold(field, number, drawn)

    def _hold(self, field: np.ndarray, number: int, drawn: float = 0.0) -> None:
        if self._pinned is not None:
            self._pinned.hold(field, self._kept, number, drawn)


def _waiting(work: Waiting[Result], done: float) -> Generator[float, None, Result]:
    """Say how far the level is while some work goes on; returns its result."""
    while True:
        try:
            next(work)
        except StopIteration as stop:
            return stop.value
        yield done
