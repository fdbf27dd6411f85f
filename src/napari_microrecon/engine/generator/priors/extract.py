"""Slices as a prior is fitted to them: no finer and no larger than it takes to tell their structure.

What a fit takes grows with the pixels. Features of a hundred pixels are as well told by every eighth of these, and a
picture of sixteen million pixels by some windows of it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ...progress import Job
from ...voxels import AXES
from ..exemplar import Exemplars
from .effort import Trial

FINE = 12.0  # pixels in the mean chord of the finest phase that are enough
SHORTEST = 64  # pixels along the shortest edge that are left
WHOLE = 512  # pixels; edges up to this are not split into windows
PIXELS = 2**19  # in the windows of all slices of one plane
MOST_SLICES = 32  # of one plane


def extracted(exemplars: Exemplars, trial: Trial) -> Job[tuple[Exemplars, int, str]]:
    """Slices at lower resolution and in windows, where either is enough.

    Returns
    -------
    Exemplars
        The same object where nothing is to be gained.
    int
        Pixels of the slices to a pixel of these.
    str
        What was done, in words that follow 'fitted'; empty for nothing.
    """
    yield trial.sign()
    by = 1
    for label in range(exemplars.phase_count):
        chord = _finest(exemplars, label)
        yield trial.sign()
        by = max(int(chord / FINE), 1) if not label else min(by, max(int(chord / FINE), 1))
    by = min(by, max(exemplars.smallest // SHORTEST, 1))
    # Under isotropy every plane has the same images: they are to stay the same.
    done: dict[int, list[np.ndarray]] = {}
    images: dict = {}
    whole = True
    for plane in AXES:
        theirs = exemplars.images[plane]
        key = id(theirs[0])
        if key not in done:
            yield trial.sign()
            done[key] = _windows([image[by // 2 :: by, by // 2 :: by] for image in theirs])
            whole &= sum(image.size for image in done[key]) >= sum(image.size for image in theirs) / by**2 * 0.99
        images[plane] = done[key]
    if whole and by == 1:
        return exemplars, 1, ''
    words = [f'at {by} pixels to one'] * (by > 1) + ['to windows of the slices'] * (not whole)
    return replace(exemplars, images=images), by, ' and '.join(words)


def _finest(exemplars: Exemplars, label: int) -> float:
    """Shorter of the mean chords through a phase and between its areas, pixels, along the axis where it is shortest."""
    densest = max(exemplars.edge_density(label).values())
    fraction = float(exemplars.fractions[label])
    return 2 * min(fraction, 1 - fraction) / densest


def _windows(images: list[np.ndarray]) -> list[np.ndarray]:
    """At most `PIXELS` of the images of one plane, from all over them."""
    images = [images[round(i)] for i in np.linspace(0, len(images) - 1, min(len(images), MOST_SLICES))]
    found: list[np.ndarray] = []
    for image in images:
        parts = [1 if n <= WHOLE else 2 for n in image.shape]
        rooms = [n // part for n, part in zip(image.shape, parts, strict=True)]
        pixels = PIXELS // len(images) // math.prod(parts)
        if image.size <= PIXELS // len(images):
            found.append(np.ascontiguousarray(image))
            continue
        rows = min(rooms[0], math.isqrt(pixels))
        columns = min(rooms[1], pixels // rows)
        rows = min(rooms[0], pixels // columns)
        for i in range(parts[0]):
            for j in range(parts[1]):
                top = round((i + 0.5) * image.shape[0] / parts[0] - rows / 2)
                left = round((j + 0.5) * image.shape[1] / parts[1] - columns / 2)
                found.append(np.ascontiguousarray(image[top : top + rows, left : left + columns]))
    return found
