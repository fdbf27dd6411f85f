"""Lamellae in colonies, as a structural prior: pearlite, and eutectics that solidified as plates.

Each colony is a stack of parallel plates of the two phases, one period thick. A random line meets the plates of
colonies turned every way alike 2 / spacing times per unit of plate area, and so changes phase 1 / spacing times per
unit of length (Underwood, *Quantitative Stereology*, 1970, chapter 2): the interface density of the slices gives the
spacing, whatever the phase fraction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
from pydantic import Field as Described
from scipy.spatial import cKDTree

from napari_microrecon.plugins import Field, Length, PhaseOfSlices, PriorFamily, Share, gaussianise, smooth_noise

FINEST = 4.0  # voxels; finer lamellae are not resolved
COLONIES = {'small colonies': 4.0, 'large colonies': 10.0}  # mean diameter in spacings
WAVERING = 0.3  # spacings by which plates are displaced


class LamellarField(Field):
    """Gaussianised depth in a plate; high in its middle.

    Attributes
    ----------
    spacing : float
        Mean period of the plates, voxels.
    colony : float
        Cube root of the mean volume of a colony, voxels.
    wavering : float
        Standard deviation of the plates' displacement in spacings.
    """

    kind: Literal['lamellae'] = 'lamellae'
    spacing: Length
    colony: Length
    wavering: Share = Described(default=WAVERING)

    @property
    def work(self) -> float:
        """A search for the nearest colony in every voxel."""
        return 8.0

    @property
    def crowd(self) -> float:
        """Colonies per voxel."""
        return self.colony**-3

    @property
    def period(self) -> tuple[int, int, int]:
        """Room for some colonies."""
        edge = 8 * math.ceil(3 * self.colony / 8)
        return edge, edge, edge

    @property
    def measured_edge(self) -> int:
        """Of a volume with some dozens of colonies, as far as its edge allows."""
        return min(96, max(round(4 * self.colony), 64))

    def sample(self, shape: tuple[int, int, int], rng: np.random.Generator, *, periodic: bool) -> np.ndarray:
        """Draw the field on a grid, float32 (Z, Y, X)."""
        size = np.asarray(shape, float)
        margin = 0.0 if periodic else 2 * self.colony
        extent = size + 2 * margin
        count = max(1, rng.poisson(extent.prod() / self.colony**3))
        middles = rng.random((count, 3)) * extent - margin
        normals = rng.standard_normal((count, 3))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        offsets = rng.random(count)
        tree = cKDTree(middles % size, boxsize=size) if periodic else cKDTree(middles)
        wavering = self.wavering * smooth_noise(shape, (self.colony / 2,) * 3, rng, periodic=periodic)
        found = np.empty(shape, np.float32)
        rows, columns = np.indices(shape[1:])
        for z in range(shape[0]):  # plane by plane: memory for one
            points = np.stack([np.full_like(rows, z), rows, columns], -1)
            _, nearest = tree.query(points)
            away = points - middles[nearest]
            if periodic:
                away = (away + size / 2) % size - size / 2
            turns = (away * normals[nearest]).sum(-1) / self.spacing + offsets[nearest] + wavering[z]
            # Distance from the middle of the plate, 0..1, is uniform: its normal score is known exactly.
            found[z] = gaussianise(np.abs(2 * (turns % 1) - 1))
        return found

    def scaled(self, by: float) -> Self:
        """The same structure, `by` times as large."""
        return self.model_copy(update={name: getattr(self, name) * by for name in ('spacing', 'colony', 'support')})


class Lamellae(PriorFamily):
    """Plates of both phases, side by side in colonies."""

    name = 'lamellae'
    title = 'lamellae in colonies'
    fits = 'The spacing of the plates is one over the interface density; colonies of two sizes are tried.'
    methods_text = 'a field of lamellae in colonies'
    cost = 'fit 1 s; about 3 s per 128³'

    @property
    def field(self) -> type[LamellarField]:
        """Model of the parameters."""
        return LamellarField

    def first_guesses(self, phase: PhaseOfSlices) -> Mapping[str, LamellarField]:
        """Colonies of either size, where the plates are resolved."""
        spacing = 1 / float(np.mean(phase.edges))
        if spacing < FINEST:
            return {}
        return {f'lamellae in {words}': _colonies(spacing, size) for words, size in COLONIES.items()}


def _colonies(spacing: float, size: float) -> LamellarField:
    """Lamellae of this spacing in voxels, in colonies of this size in spacings."""
    return LamellarField(spacing=spacing, colony=size * spacing, support=2 * size * spacing)
