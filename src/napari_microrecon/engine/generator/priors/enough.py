"""Whether slices hold enough of their features to tell how a material goes on beyond them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ...errors import InputError
from ..exemplar import Exemplars

FEWEST = 3  # features that statistics can be taken of


def feature_count(exemplars: Exemplars) -> float:
    """About how many features the slices hold in all.

    The larger of two counts. Of the areas of one phase in all slices, (sum A)^2 / sum A^2: those of one size are
    counted, and a speck beside a large area counts nothing. And, where a phase hangs together as a labyrinth does, the
    features that a row crosses times those that a column crosses, two phase changes each.
    """
    images = {id(image): image for found in exemplars.images.values() for image in found}.values()
    crossed = sum(_crossed(image) for image in images)
    if crossed >= FEWEST:
        return crossed
    most = crossed
    for label in range(exemplars.phase_count):
        sizes = np.concatenate([_areas(image == label) for image in images])
        if len(sizes):
            most = max(most, float(sizes.sum() ** 2 / (sizes**2).sum()))
    return most


def check_enough_features(exemplars: Exemplars) -> None:
    """Refuse slices of bands, halves or a single grain: nothing tells how these go on.

    Raises
    ------
    InputError
        With the number of features that was found.
    """
    count = feature_count(exemplars)
    if count < FEWEST:
        found = max(int(count), 1)
        held = 'one feature' if found == 1 else f'about {found} features'
        raise InputError(
            'slices',
            f'hold {held}, and {FEWEST} are needed to tell how the material goes on',
            'give a larger picture of it, a section at lower magnification, or more slices',
        )


def _crossed(image: np.ndarray) -> float:
    """Features along a row times those along a column."""
    along = [float(np.count_nonzero(np.diff(image, axis=axis))) / image.shape[1 - axis] / 2 for axis in (0, 1)]
    return along[0] * along[1]


def _areas(mask: np.ndarray) -> np.ndarray:
    """Pixels of every separate area, float64."""
    areas, _ = ndimage.label(mask)
    return np.bincount(areas.ravel())[1:].astype(float)
