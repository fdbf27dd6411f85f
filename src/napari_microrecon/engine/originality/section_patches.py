"""Which patches of slices and of a volume's sections are worth comparing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..slices import Slice
from ..volume import Volume
from ..voxels import AXES, Axis

MOST_PATCHES = 300  # of slices, and of each normal of the volume
_SAME = 0.95  # agreement from which a plane is the slice that the volume was conditioned on
_RICH = 0.5  # patches are looked for that mix the phases at least by this share of how the slices do


def mixing(labels: np.ndarray) -> float:
    """Probability that two pixels at random differ in their label (Simpson 1949)."""
    return 1.0 - float(np.sum((np.bincount(labels.ravel()) / labels.size) ** 2))


def plainest(sections: Sequence[Slice]) -> float:
    """Mixing below which a patch is too plain to tell anything."""
    return _RICH * mixing(np.concatenate([section.labels.ravel() for section in sections]))


def are_near(one: Slice, other: Slice, reach: float) -> bool:
    """Whether two slices are parallel and may show the same features."""
    if one.position is None or other.position is None or one.normal != other.normal:
        return False
    return abs(one.position - other.position) < reach


def conditioned(volume: Volume, sections: Sequence[Slice]) -> dict[tuple[Axis, int], str]:
    """Slices that lie in the volume at their own place: (normal, position) and name."""
    found: dict[tuple[Axis, int], str] = {}
    for section in sections:
        at = section.position
        if at is None or at >= volume.shape[AXES.index(section.normal)]:
            continue
        plane = volume.slice_labels(section.normal, at)
        if plane.shape == section.labels.shape and np.mean(plane == section.labels) >= _SAME:
            found[section.normal, at] = section.name
    return found


def places(
    volume: Volume,
    axis: Axis,
    edge: int,
    given: dict[tuple[Axis, int], str],
    apart: float,
    rng: np.random.Generator,
) -> list[tuple[int, int, int]]:
    """(position, row, column) of patches: sections spread over the volume, patches at random in them."""
    along = AXES.index(axis)
    rows, columns = (n for i, n in enumerate(volume.shape) if i != along)
    if min(rows, columns) < edge:
        return []
    allowed = [
        position
        for position in range(volume.shape[along])
        if all(normal != axis or abs(position - at) >= apart for normal, at in given)
    ]
    # As many places as patches fit side by side in sections that are as far apart as patches are wide, several times.
    wanted = min(MOST_PATCHES, 8 * (rows // edge) * (columns // edge) * max(1, len(allowed) // edge))
    if not allowed:
        return []
    positions = np.asarray(allowed)[np.linspace(0, len(allowed) - 1, wanted).round().astype(int)]
    return [
        (int(position), int(rng.integers(rows - edge + 1)), int(rng.integers(columns - edge + 1)))
        for position in positions
    ]
