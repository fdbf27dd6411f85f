"""Volumes grown from the patches of the slices, as a part of the job that reconstructs."""

from __future__ import annotations

from collections.abc import Generator as Iteration

import numpy as np
import torch

from ..conditioned.planes import Planes
from ..progress import Progress
from ..slices import SliceSet
from ..volume import Volume
from ..voxels import AXES
from .calibration import calibrate, wanted_fractions
from .cost import is_held
from .params import ReconstructParams
from .sampler import Sampler
from .synthesis.pinning import Pinned
from .synthesis.scatter import drawn_fractions


def grow(
    sampler: Sampler, slices: SliceSet, params: ReconstructParams, index: int, planes: Planes | None
) -> Iteration[Progress, None, np.ndarray]:
    """Labels (Z, Y, X) grown from noise or a volume of the parametric prior, around placed slices if any."""
    exemplar, seed = sampler.prior.exemplar, params.seed + index
    assert exemplar is not None
    what = 'growing' if params.realisations == 1 else f'growing {index + 1} of {params.realisations}'
    # What holds the slices has their fractions; other volumes scatter as windows of the slices do.
    held = is_held(params) or planes is not None
    own = np.asarray(slices.fractions) if held else drawn_fractions(exemplar.exemplars, params.shape, seed)
    fractions = wanted_fractions(own, params.target_fractions)
    yield Progress(what, 0, 0)
    pinned = None if planes is None else _pinned(planes)
    start = None
    if exemplar.from_prior:
        shape = params.shape if pinned is None else pinned.grown_shape
        logits = sampler.prior.logits(sampler.prior.sample(shape, seed, periodic=True))
        few = logits.reshape(len(logits), -1).T[:: max(1, logits[0].size // 200_000)]
        offsets = calibrate(few.astype(float), fractions)
        start = (logits + offsets[:, None, None, None].astype(np.float32)).argmax(0).astype(np.uint8)
        yield Progress(what, 0, 0, preview=Volume(start, slices.phases, slices.voxel_size, name='prior'))
    job = exemplar.growing(
        params.shape, seed, fractions, threads=torch.get_num_threads(), tile=params.tile, start=start,
        pinned=pinned,
    )  # fmt: skip
    while True:
        try:
            step = next(job)
        except StopIteration as stop:
            return stop.value
        shown = step.preview
        if shown is not None:
            z, y, x = params.shape  # more than that may be grown
            shown = Volume(np.ascontiguousarray(shown[:z, :y, :x]), slices.phases, slices.voxel_size, name='partial')
        yield Progress(what, step.step, step.total, step.metrics, shown)


def _pinned(planes: Planes) -> Pinned:
    placed = ((AXES.index(s.normal), s.position or 0, s.labels) for s in planes.slices)
    return Pinned(planes.shape, tuple(placed), planes.phase_count)
