"""What the exemplar synthesis matches: squashed signed distances of the phases, at several resolutions."""

from __future__ import annotations

import numpy as np

SQUASHED = 1.5  # pixels of a level over which a distance is told in full; beyond it counts little
FARTHEST = 60.0  # pixels; what lies deeper is alike


def channel_count(phase_count: int) -> int:
    """Channels C: one signed distance tells two phases, more phases have one each."""
    return 1 if phase_count == 2 else phase_count


def signed_distances(labels: np.ndarray, phase_count: int) -> np.ndarray:
    """Distance in pixels to the boundary of a phase, positive inside; float32 (..., C) of labels (...).

    Boundaries lie between pixels: the pixel beside one has a distance of one half.
    """
    import edt

    found = []
    for phase in [1] if phase_count == 2 else range(phase_count):
        inside = np.ascontiguousarray(labels == phase)
        if not inside.any() or inside.all():
            found.append(np.full(labels.shape, FARTHEST if inside.any() else -FARTHEST, np.float32))
            continue
        own = edt.edt(inside.astype(np.uint8), black_border=False)
        other = edt.edt((~inside).astype(np.uint8), black_border=False)
        distance = np.where(inside, own - 0.5, 0.5 - other)
        found.append(np.clip(distance, -FARTHEST, FARTHEST).astype(np.float32))
    return np.stack(found, -1)


def squashed(distances: np.ndarray, level: int) -> np.ndarray:
    """Features of a level, -1 to 1: tanh(d / (1.5 * 2^level))."""
    return np.tanh(distances / np.float32(SQUASHED * 2**level)).astype(np.float32)


def halved(field: np.ndarray) -> np.ndarray:
    """Mean over blocks of two along every axis but the last (channels); an odd rest is left out."""
    for axis in range(field.ndim - 1):
        n = field.shape[axis] // 2 * 2
        even, odd = (np.take(field, np.arange(start, n, 2), axis) for start in (0, 1))
        field = (even + odd) * np.float32(0.5)
    return field


def halved_whole(field: np.ndarray) -> np.ndarray:
    """As `halved`, an odd rest included."""
    odd = [(0, n % 2) for n in field.shape[:-1]]
    return halved(np.pad(field, [*odd, (0, 0)], 'edge'))


def turned(field: np.ndarray, *, isotropic: bool) -> list[np.ndarray]:
    """The picture (rows, columns, ...) in its equivalent orientations: four mirrors, turned as well where isotropic."""
    found = []
    for image in (field, field.swapaxes(0, 1)) if isotropic else (field,):
        found += [image[::a, ::b] for a in (1, -1) for b in (1, -1)]
    return found
