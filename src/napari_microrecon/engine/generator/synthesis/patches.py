"""The patches of one plane's slices at one level, and a tree that finds similar ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import kernels
from .features import turned

DIMENSIONS = 8  # of the patches in the tree, by principal components
LEAF = 8  # patches that are looked at, of those that fall into the same leaf
MOST = 120_000  # patches of one channel that the tree holds
BIN = 4  # pixels; patches that begin in the same square of this edge are one place
CELLS = 8  # levels of the tree that make a cell of patch space
PENALTIES = 0.05, 0.1  # of often used places and cells, in mean squared distances an iteration


@dataclass(frozen=True, eq=False)
class PatchIndex:
    """Patches of one plane's slices at one level.

    Attributes
    ----------
    stack : numpy.ndarray
        Features of all turned copies, one after the other, flat float32 of (L, H, W, C).
    height, width : int
        H and W.
    channels : int
        C.
    valid : numpy.ndarray
        Whether a patch lies whole around a flat (L, H, W) centre, bool.
    basis, centre : numpy.ndarray
        First principal components of the patches (D, n), rows padded as the search reads them, and what they are of the
        mean patch (D,); float32.
    depth : int
        Levels of the tree.
    dims, cuts, bounds, leaves : numpy.ndarray
        The tree (see `kernels.plant`) and the patches of its leaves in order, int32 flat centres.
    points : numpy.ndarray
        Components (n, D) of those patches, in the same order.
    largest : int
        Patches of the largest leaf.
    place, cell : numpy.ndarray
        Square of the picture, and cell of patch space, of every flat centre, int32.
    place_share, cell_share : numpy.ndarray
        Share of all patches in each.
    """

    stack: np.ndarray
    height: int
    width: int
    channels: int
    valid: np.ndarray
    basis: np.ndarray
    centre: np.ndarray
    depth: int
    dims: np.ndarray
    cuts: np.ndarray
    bounds: np.ndarray
    leaves: np.ndarray
    points: np.ndarray
    largest: int
    place: np.ndarray
    cell: np.ndarray
    place_share: np.ndarray
    cell_share: np.ndarray

    @classmethod
    def of(cls, images: list[np.ndarray], *, isotropic: bool, seed: int = 0) -> PatchIndex:
        """Index features (rows, columns, C) of one or more pictures of the same plane."""
        channels, radius = images[0].shape[-1], kernels.RADIUS
        layers: list[np.ndarray] = []
        places: list[np.ndarray] = []
        count = 0
        for image in images:
            rows, columns = image.shape[:2]
            across = -(-columns // BIN)
            square = count + (np.arange(rows)[:, None] // BIN) * across + np.arange(columns) // BIN
            layers += turned(image, isotropic=isotropic)
            places += turned(square, isotropic=isotropic)
            count += -(-rows // BIN) * across
        height, width = max(a.shape[0] for a in layers), max(a.shape[1] for a in layers)
        stack = np.zeros((len(layers), height, width, channels), np.float32)
        place = np.zeros((len(layers), height, width), np.int32)
        valid = np.zeros((len(layers), height, width), bool)
        for i, (layer, square) in enumerate(zip(layers, places, strict=True)):
            rows, columns = layer.shape[:2]
            stack[i, :rows, :columns], place[i, :rows, :columns] = layer, square
            valid[i, radius : rows - radius, radius : columns - radius] = True
        flat, place, valid = stack.ravel(), place.ravel(), valid.ravel()
        centres = np.flatnonzero(valid).astype(np.int32)
        rng = np.random.Generator(np.random.Philox(seed))
        most = max(MOST // channels, 1 << CELLS)
        held = centres
        if len(centres) > most:
            held = np.sort(rng.choice(centres, most, replace=False)).astype(np.int32)
        found = _gathered(flat, width, channels, held)
        mean = found.mean(0)
        few = found[rng.choice(len(found), min(20_000, len(found)), replace=False)] - mean
        _, vectors = np.linalg.eigh(few.T @ few / len(few))
        basis = np.ascontiguousarray(vectors[:, ::-1][:, :DIMENSIONS].T.astype(np.float32))
        points = np.ascontiguousarray((found - mean) @ basis.T)
        del found, few
        depth = max(1, int(np.log2(max(len(held) / LEAF, 2))))
        order, dims, cuts, bounds = kernels.plant(points, depth)
        cut = min(depth, CELLS)
        cell = np.full(len(valid), -1, np.int32)
        for first in range(0, len(centres), 100_000):
            some = centres[first : first + 100_000]
            near = np.ascontiguousarray((_gathered(flat, width, channels, some) - mean) @ basis.T)
            number = np.empty(len(some), np.int32)
            kernels.descend(near, dims, cuts, cut, number)
            cell[some] = number
        row = (2 * radius + 1) * channels
        padded = np.zeros((len(basis), 2 * radius + 1, -(-row // kernels.LANES) * kernels.LANES), np.float32)
        padded[:, :, :row] = basis.reshape(len(basis), 2 * radius + 1, row)
        padded = padded.reshape(len(basis), -1)
        return cls(
            stack=np.append(flat, np.zeros(kernels.LANES, np.float32)),  # the last patch is read in whole registers
            height=height,
            width=width,
            channels=channels,
            valid=valid,
            basis=padded,
            centre=basis @ mean,
            depth=depth,
            dims=dims,
            cuts=cuts,
            bounds=bounds,
            leaves=held[order],
            points=points[order],
            largest=int(np.diff(bounds).max()),
            place=place,
            cell=cell,
            place_share=np.bincount(place[centres], minlength=count) / len(centres),
            cell_share=np.bincount(cell[centres], minlength=1 << cut) / len(centres),
        )


def _gathered(stack: np.ndarray, width: int, channels: int, centres: np.ndarray) -> np.ndarray:
    out = np.empty((len(centres), (2 * kernels.RADIUS + 1) ** 2 * channels), np.float32)
    kernels.gather(stack, width, channels, centres, out)
    return out


class Usage:
    """How often patches are used, and what that adds to their distances: against copies and favourites.

    Histograms are integers that slabs can be summed over; they act one iteration later.
    """

    def __init__(self, index: PatchIndex) -> None:
        self._index = index
        self._places = np.zeros(len(index.place_share))
        self._cells = np.zeros(len(index.cell_share))
        self.potential = np.zeros(len(index.valid), np.float32)

    def count(self, matches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How often places and cells are used by matches, int64."""
        index, flat = self._index, matches.ravel()
        return (
            np.bincount(index.place[flat], minlength=len(index.place_share)),
            np.bincount(index.cell[flat], minlength=len(index.cell_share)),
        )

    def learn(self, places: np.ndarray, cells: np.ndarray, distance: float) -> None:
        """Raise the potential of what is used too often; `distance` is the typical squared distance of a match."""
        index = self._index
        for running, used, share, rate, lowest in (
            (self._places, places, index.place_share, PENALTIES[0], 1.0),
            (self._cells, cells, index.cell_share, PENALTIES[1], 2.0),
        ):
            running += rate * distance * (np.clip(used / used.sum() / np.maximum(share, 1e-9), 0, 4) - 1)
            np.clip(running, -lowest * distance, 4 * distance, out=running)
        self.potential = (self._places[index.place] + self._cells[np.maximum(index.cell, 0)]).astype(np.float32)
        self.potential -= self.potential.min()
