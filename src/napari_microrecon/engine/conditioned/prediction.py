"""Phase probabilities of a whole volume from the sections of every direction."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ..generator.device import Placement
from ..progress import Job, Progress, Throttle
from ..voxels import AXES
from .network import HALO, STRIDE, SectionNet
from .planes import Planes
from .sections import Layout, Scheme

DEFAULT_TILE = 256
BATCH_PIXELS = 2**18  # of the sections that run together; the tile decides only over their windows


@torch.no_grad()
def predict(network: SectionNet, planes: Planes, scheme: Scheme, place: Placement, tile: int) -> Job[np.ndarray]:
    """Run the network over all sections and average the directions.

    Directions are averaged as probabilities, which keeps each one's calibration, with weights that fall with the
    square of the distance to the nearest line that a direction sees.

    Parameters
    ----------
    network : SectionNet
        Trained for `scheme`.
    planes : Planes
        The slices in their places.
    scheme : Scheme
        What the network is told.
    place : Placement
        Where to compute.
    tile : int
        Edge in pixels of the windows in which a section is run; it changes memory and not one voxel.

    Returns
    -------
    numpy.ndarray
        Probabilities (K, Z, Y, X), float32.
    """
    known = planes.known()
    known[known >= scheme.phases] = 0  # read on known lines only
    total = np.zeros((scheme.phases, *planes.shape), np.float32)
    weights = _weights(planes, scheme)
    steps = sum(planes.shape[AXES.index(layout.normal)] for layout in scheme.layouts)
    done, throttle = 0, Throttle()
    for layout, weight in zip(scheme.layouts, weights, strict=True):
        axis = AXES.index(layout.normal)
        source, target = np.moveaxis(known, axis, 0), np.moveaxis(total, axis + 1, 0)
        shares = None if weight is None else np.moveaxis(weight, axis, 0)
        count = max(1, BATCH_PIXELS // (layout.extent[0] * layout.extent[1]))
        for start in range(0, len(source), count):
            part = source[start : start + count]
            part = part.transpose(0, 2, 1) if layout.transposed else part
            found = _sections(network, scheme, layout, torch.from_numpy(part.astype(np.int64)), place, tile)
            found = found.transpose(0, 1, 3, 2) if layout.transposed else found
            share = 1 / len(scheme.layouts) if shares is None else shares[start : start + count, None]
            target[start : start + count] += share * found
            done += len(part)
            if throttle.ready():
                yield Progress('filling the sections', done, steps)
    return total


def _weights(planes: Planes, scheme: Scheme) -> list[np.ndarray | None]:
    """Share (Z, Y, X) of every direction; None where all are alike, as between parallel slices."""
    if len(planes.normals) == 1:
        return [None] * len(scheme.layouts)
    shape = ((-1, 1, 1), (1, -1, 1), (1, 1, -1))
    layers = [planes.layer_distances(axis).reshape(shape[i]) for i, axis in enumerate(AXES)]
    found: list[np.ndarray] = []
    for layout in scheme.layouts:
        seen = [layers[i] for i, axis in enumerate(AXES) if axis != layout.normal]
        found.append(1 / (1 + np.broadcast_to(np.minimum(*seen), planes.shape)) ** 2)
    total = np.sum(found, 0)
    return [weight / total for weight in found]


def _sections(
    network: SectionNet, scheme: Scheme, layout: Layout, labels: torch.Tensor, place: Placement, tile: int
) -> np.ndarray:
    """Probabilities (N, K, rows, columns) of sections."""
    features, interpolated = scheme.features(labels, layout.rows, layout.columns, layout.normal)
    height, width = layout.extent
    pad = (0, -width % STRIDE, 0, -height % STRIDE)
    features = torch.nn.functional.pad(features, pad, mode='replicate')
    interpolated = torch.nn.functional.pad(interpolated, pad, mode='replicate')
    found = torch.empty(len(labels), scheme.phases, *features.shape[2:])
    for outer_y, inner_y, own_y in _windows(features.shape[2], tile):
        for outer_x, inner_x, own_x in _windows(features.shape[3], tile):
            with place.autocast():
                logits = network(
                    features[:, :, outer_y, outer_x].to(place.device, memory_format=torch.channels_last),
                    interpolated[:, :, outer_y, outer_x].to(place.device),
                )
            found[:, :, own_y, own_x] = torch.softmax(logits, 1)[:, :, inner_y, inner_x].cpu()
    return found[:, :, :height, :width].numpy()


def _windows(size: int, tile: int) -> Iterator[tuple[slice, slice, slice]]:
    """Windows with their halo, themselves within it, and themselves within the section."""
    edge = max(STRIDE, tile // STRIDE * STRIDE)
    for start in range(0, size, edge):
        stop = min(start + edge, size)
        low, high = max(start - HALO, 0), min(stop + HALO, size)
        yield slice(low, high), slice(start - low, stop - low), slice(start, stop)
