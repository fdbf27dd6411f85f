"""What adjusting a picture would give: small pictures at once, the whole with its fractions in the background."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import InputError
from ..engine.greys import within_usual_range
from ..engine.progress import Progress

if TYPE_CHECKING:
    from ..engine.phases import Phases
    from ..engine.preparation import Picture, Preparation
    from ..engine.progress import Job as EngineJob
    from ..engine.raw_image import RawImage

EDGE = 480  # pixels of a preview's longer edge
_BINS = 160
_SAMPLES = 2_000_000


@dataclass(frozen=True, eq=False)
class Look:
    """A picture as it would be segmented.

    Attributes
    ----------
    picture : Picture
        All steps before the thresholds, whole.
    grey, labels : numpy.ndarray
        Every n-th pixel of the picture and of its phases, at most `EDGE` along an edge.
    fractions : tuple of float
        Of the whole.
    thresholds, automatic : tuple of float
        Those used (empty for labels and colours), and those that (multi-)Otsu finds.
    counts, edges : numpy.ndarray
        Histogram of the grey values, in parts of all pixels.
    note : str
        What was done, in words.
    """

    picture: Picture
    grey: np.ndarray
    labels: np.ndarray
    fractions: tuple[float, ...]
    thresholds: tuple[float, ...]
    automatic: tuple[float, ...]
    counts: np.ndarray
    edges: np.ndarray
    note: str
    key: tuple[Any, ...]


def looking(
    image: RawImage, preparation: Preparation, phases: Phases | int, former: Look | None = None
) -> EngineJob[Look]:
    """Prepare a picture; takes up to minutes where a large one is filtered, so not for the main thread.

    Parameters
    ----------
    image, preparation, phases
        See `engine.preparation.prepare`.
    former : Look, optional
        Of the same image: what has not changed since is taken from there.

    Raises
    ------
    InputError
        As `prepare` does.
    """
    from ..engine.preparation import phases_of, picturing
    from ..engine.segmentation import automatic_thresholds, grey_of

    key, count = _key(image, preparation), phases if isinstance(phases, int) else phases.count
    known = former if former is not None and former.key == key else None
    if known is None:
        yield Progress(f'Preparing {image.name}')
        picture = yield from picturing(image, preparation, phases)
        yield Progress('Counting grey values')
        grey = grey_of(picture.image)
        counts, edges = _histogram(grey)
        small = np.ascontiguousarray(_thin(grey))
    else:
        asked = preparation.model_copy(update={'crop': known.picture.preparation.crop})
        picture = replace(known.picture, preparation=asked)
        small, counts, edges = known.grey, known.counts, known.edges
    same = known is not None and len(known.automatic) == count - 1
    yield Progress('Looking for thresholds')
    automatic = known.automatic if known is not None and same else automatic_thresholds(picture.image, count)
    yield Progress(f'Segmenting {image.name}')
    made = phases_of(picture, phases)
    return Look(
        picture=picture,
        grey=small,
        labels=np.ascontiguousarray(_thin(made.slice.labels)),
        fractions=tuple(float(f) for f in made.slice.fractions),
        thresholds=made.segmentation.thresholds,
        automatic=automatic,
        counts=counts,
        edges=edges,
        note=made.segmentation.note,
        key=key,
    )


def glimpse(
    image: RawImage, preparation: Preparation, thresholds: tuple[float, ...], former: Look | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Preview from every n-th pixel, within milliseconds; noise and small regions are still there unless looked at.

    Returns
    -------
    grey : numpy.ndarray
        At most `EDGE` along an edge.
    labels : numpy.ndarray or None
        uint8; None without thresholds.

    Raises
    ------
    InputError
        If the crop does not fit.
    """
    from ..engine.crop import Crop
    from ..engine.picture_steps import turned
    from ..engine.segmentation import grey_of

    if former is not None and former.key == _key(image, preparation):
        grey = former.grey
    else:
        array = image.array
        if isinstance(preparation.crop, Crop):
            (top, bottom), (left, right) = (lambda c: (c.rows, c.columns))(preparation.crop.within(array.shape))
            array = array[top:bottom, left:right]
        small, _ = turned(image.altered(array=_thin(array)), preparation.quarter_turns, preparation.flip)
        grey = grey_of(small)
    if not thresholds:
        return grey, None
    labels = np.searchsorted(np.asarray(thresholds), grey, side='left').astype(np.uint8)
    return grey, len(thresholds) - labels if preparation.order == 'bright-first' else labels


def data_bar(image: RawImage) -> tuple[int, int]:
    """First row of a data bar at the bottom and the number of its rows.

    Raises
    ------
    InputError
        If there is none.
    """
    from ..engine.crop import suggest_crop

    rows = image.array.shape[0]
    found = suggest_crop(image)
    if found is None or found.rows[1] is None:
        raise InputError('data bar', f'none was found in {image.name}', 'set the rows by hand where there is one')
    return found.rows[1], rows - found.rows[1]


def _key(image: RawImage, preparation: Preparation) -> tuple[Any, ...]:
    """What a picture before its thresholds depends on."""
    by_colour = image.kind == 'rgb' and preparation.thresholds is None
    return (
        id(image),
        by_colour,
        preparation.model_copy(update={'thresholds': None, 'least_size': 0, 'order': 'dark-first'}),
    )


def _thin(array: np.ndarray) -> np.ndarray:
    step = max(1, math.ceil(max(array.shape[:2]) / EDGE))
    return array[::step, ::step]


def _histogram(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Parts of all pixels by grey value; bins of whole levels where the values are whole, others would beat."""
    sample = within_usual_range(grey.ravel()[:: max(1, grey.size // _SAMPLES)])
    low, high = float(sample.min()), float(sample.max())
    if sample.dtype.kind in 'ui':
        width = max(1, math.ceil((high - low + 1) / 256))
        edges = np.arange(low, high + 1 + width, width) - 0.5
    else:
        edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    counts, edges = np.histogram(sample, edges)
    return counts / max(1, sample.size), edges
