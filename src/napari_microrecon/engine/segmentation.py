"""From grey or colour images to phase labels; says in words what it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, cast

import numpy as np

from .errors import InputError
from .greys import grey_of, luminance, packed, within_usual_range
from .odd_pictures import Done, blurred_as, by_region, by_snapping, is_snapped, listed, refuse_regions, single_phase
from .phases import Phases
from .raw_image import MOST_LABELS, RawImage, sampled

Method = Literal['auto', 'labels', 'otsu', 'multi-otsu', 'colours', 'snap', 'boundaries', 'region']
Order = Literal['dark-first', 'bright-first']
_RARE = 0.1  # per cent of the pixels, below which a phase is doubted


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Phase labels of an image and how they were made.

    Attributes
    ----------
    labels : numpy.ndarray
        uint8, shape of the image, values 0..K-1.
    phases : Phases
        What the labels mean.
    thresholds : tuple of float
        Grey levels between neighbouring phases; empty where none were used.
    method : str
        'labels', 'otsu', 'multi-otsu', 'given' (thresholds) or 'colours'.
    note : str
        What was done, in words.
    warning : str
        What of the result should be looked at, in words; empty for nothing.
    """

    labels: np.ndarray
    phases: Phases
    thresholds: tuple[float, ...]
    method: str
    note: str
    warning: str = ''


def segment(
    image: RawImage,
    phases: Phases | int | None = None,
    method: Method = 'auto',
    *,
    order: Order = 'dark-first',
    thresholds: Sequence[float] | None = None,
    region: int | None = None,
    seed: int = 0,
) -> Segmentation:
    """Turn an image into phase labels 0..K-1.

    Parameters
    ----------
    image : RawImage
        2D image or 3D stack.
    phases : Phases or int, optional
        The phases or their number. Without it: what the file says, the number of distinct values of a label
        image, else 2.
    method : {'auto', 'labels', 'otsu', 'multi-otsu', 'colours'}
        'labels' maps distinct values (or few distinct colours) in rising order; 'otsu' (Otsu 1979) and
        'multi-otsu' (Liao, Chen and Chung 2001) threshold the luminance; 'colours' runs k-means in CIE Lab.
        'snap' takes the labels that a resize or JPEG has blurred; of a map of numbered regions 'boundaries' and
        'region' make two phases. 'auto' takes labels where the values allow it, snaps where the picture looks like
        as many blurred labels as there are phases, else Otsu; it refuses a map of numbered regions.
    order : {'dark-first', 'bright-first'}
        Whether phase 0 is the darkest (or lowest) or the brightest.
    thresholds : sequence of float, optional
        Grey values between the phases, rising, one fewer than phases; they take the place of Otsu's, and of labels. A
        pixel at a threshold belongs to the phase below.
    region : int, optional
        Id of the one region that is phase 1, for the method 'region'.
    seed : int
        Of the k-means starting points.

    Raises
    ------
    InputError
        If the image does not hold the phases asked for.
    """
    wanted = phases if phases is not None else image.phases
    count = wanted.count if isinstance(wanted, Phases) else wanted
    if count is not None and not 2 <= count <= MOST_LABELS:
        raise InputError('phases', f'{count} is not possible', f'choose 2 to {MOST_LABELS}')
    if method == 'otsu' and count not in (None, 2):
        raise InputError('method', f'otsu makes 2 phases, not {count}', "use 'multi-otsu'")
    done = None
    doubt = ''
    if method in ('boundaries', 'region') and thresholds is None:
        done = by_region(image, count, region if method == 'region' else None)
    elif thresholds is not None:
        done = _by_given(image, count or len(thresholds) + 1, thresholds)
    elif method in ('auto', 'snap') and image.phases is None and (found_levels := blurred_as(image, count, method)):
        levels, doubt = found_levels
        done = None if doubt else by_snapping(image, levels)
    if done is None and thresholds is None and method in ('auto', 'labels'):
        done = _by_palette(image.array, count) if image.kind == 'rgb' else _by_value(image, count)
        if done is None and method == 'labels':
            raise InputError(
                image.name,
                f'holds more values than {count or MOST_LABELS} phases',
                "use the method 'otsu' or 'colours'",
            )
    if done is None and method == 'colours':
        if image.kind != 'rgb':
            raise InputError(image.name, 'has no colours', "use the method 'otsu'")
        done = _by_colour(image, count or 2, seed)
    if done is None:
        if method == 'auto':
            refuse_regions(image)
        done = _by_threshold(image, count or 2)
    labels, found, levels, used, note = done
    if order == 'bright-first':
        labels = (found - 1 - labels).astype(np.uint8)
        note = note.replace('dark', 'bright') if note.endswith('= phase 0') else f'{note}, in reverse order'
    given = wanted if isinstance(wanted, Phases) else Phases.default(max(found, count or 0))
    if used == 'labels' and len(values := image.values) == given.count and image.phases is None:
        given = given.read_from(values if order == 'dark-first' else values[::-1])
    return Segmentation(
        labels,
        given,
        levels,
        used,
        note,
        '; '.join(filter(None, (doubt, _rare(labels, given) if image.phases is None else ''))),
    )


def is_labelled(image: RawImage, count: int | None = None, method: Method = 'auto') -> bool:
    """Whether `segment` would take the values (or few colours) of an image as labels of at most `count` phases."""
    if method in ('boundaries', 'region'):
        return True
    if method not in ('auto', 'labels') or (method == 'auto' and is_snapped(image, count)):
        return False
    if image.kind == 'rgb':
        return _by_palette(image.array, count) is not None
    return bool(image.values) and (count is None or len(image.values) <= count)


def _rare(labels: np.ndarray, phases: Phases) -> str:
    """Phases of hardly any pixels, in words: more often stray grey values than a phase of the material."""
    found = [
        f'{name} holds {share:.2g} % of the pixels'
        for name, share in zip(phases.names, 100 * phases.fractions(labels), strict=True)
        if 0 < share < _RARE
    ]
    return f'{", ".join(found)}: look at the thresholds or labels' if found else ''


def _by_value(image: RawImage, count: int | None) -> Done | None:
    """Labels from few distinct whole values, None where there are more values than phases."""
    values = image.values
    if not values or (count is not None and len(values) > count):
        return None
    if len(values) == 1:
        raise single_phase(image.name, f'holds the single value {values[0]}')
    known = len(values) if count is None else count
    if values[0] >= 0 and values[-1] < known:
        # Already 0..K-1; a section may lack a phase without the others changing their label.
        return image.array.astype(np.uint8), known, (), 'labels', f'labels {_listed(values)} taken as they are'
    if len(values) < known:
        raise InputError(
            image.name,
            f'holds {len(values)} distinct values ({_listed(values)}) and {known} phases were asked for',
            f'ask for {len(values)} phases or store the labels as 0..{known - 1}',
        )
    labels = np.searchsorted(np.asarray(values), image.array).astype(np.uint8)
    pairs = ', '.join(f'{value} -> {label}' for label, value in enumerate(values))
    return labels, known, (), 'labels', f'values mapped to labels in rising order: {pairs}'


def _by_palette(array: np.ndarray, count: int | None) -> Done | None:
    """Labels from few distinct colours, by rising luminance; None where there are more colours than phases."""
    numbers = packed(array)
    if numbers is None or len(np.unique(numbers.ravel()[:: max(1, numbers.size // 4096)])) > MOST_LABELS:
        return None
    colours = np.unique(numbers)
    if len(colours) < 2 or len(colours) > (MOST_LABELS if count is None else count):
        return None
    rgb = np.stack([colours >> 16, (colours >> 8) & 255, colours & 255], axis=1)
    ranks = np.empty(len(colours), np.uint8)
    ranks[np.argsort(luminance(rgb), kind='stable')] = np.arange(len(colours), dtype=np.uint8)
    labels = ranks[np.searchsorted(colours, numbers)]
    pairs = ', '.join(f'#{c:06x} -> {r}' for c, r in sorted(zip(colours, ranks, strict=True), key=lambda p: p[1]))
    return labels, count or len(colours), (), 'labels', f'colours mapped to labels by rising brightness: {pairs}'


def _by_given(image: RawImage, count: int, thresholds: Sequence[float]) -> Done:
    """Labels from thresholds that somebody chose."""
    if len(thresholds) != count - 1:
        raise InputError(
            'thresholds',
            f'{len(thresholds)} were given for {count} phases',
            f'give {count - 1}, or another phase count',
        )
    if not np.isfinite(thresholds).all() or any(b <= a for a, b in pairwise(thresholds)):
        raise InputError('thresholds', f'{listed(thresholds)} do not rise', 'give them from dark to bright')
    grey = grey_of(image)
    labels = np.searchsorted(np.asarray(thresholds, float), grey, side='left').astype(np.uint8)
    if labels.min() == labels.max():
        raise InputError(
            'thresholds', f'{listed(thresholds)} leave a single phase in {image.name}',
            f'choose values between its grey values, {grey.min():.4g} to {grey.max():.4g}',
        )  # fmt: skip
    levels = tuple(float(t) for t in thresholds)
    plural, source = 's' if count > 2 else '', 'luminance' if image.kind == 'rgb' else 'grey value'
    note = f'{count} phases by the threshold{plural} {listed(levels)} of the {source} (set by the user), dark = phase 0'
    return labels, count, levels, 'given', note


def automatic_thresholds(image: RawImage, count: int) -> tuple[float, ...]:
    """Grey values (luminance of colours) between `count` phases by Otsu or multi-Otsu; rising.

    For a plane of a stack they are those of the whole stack, so that the plane is labelled as the stack is.

    Raises
    ------
    InputError
        If the image has too few grey values.
    """
    from skimage.filters import threshold_multiotsu, threshold_otsu

    sample = within_usual_range(sampled(grey_of(image)) if image.stack_greys is None else image.stack_greys)
    if sample.min() == sample.max():
        raise single_phase(image.name, f'is of one grey value ({sample.min():g})')
    if count == 2:
        return (float(threshold_otsu(sample)),)
    try:
        return tuple(float(t) for t in threshold_multiotsu(sample, classes=count))
    except ValueError as error:
        raise InputError(image.name, f'has too few grey values for {count} phases', 'ask for fewer') from error


def _by_threshold(image: RawImage, count: int) -> Done:
    """Labels from thresholds between the grey classes (Otsu)."""
    thresholds = automatic_thresholds(image, count)
    labels = np.searchsorted(np.asarray(thresholds), grey_of(image), side='left').astype(np.uint8)
    source = 'luminance' if image.kind == 'rgb' else 'grey value'
    name = 'Otsu threshold' if count == 2 else 'multi-Otsu thresholds'
    method = 'otsu' if count == 2 else 'multi-otsu'
    note = f'{count} phases by {name} {listed(thresholds)} of the {source}, dark = phase 0'
    return labels, count, thresholds, method, note


def _by_colour(image: RawImage, count: int, seed: int) -> Done:
    """Labels by k-means on the colours in CIE Lab, darkest cluster first."""
    from scipy.cluster.vq import ClusterError, kmeans2, vq
    from skimage.color import rgb2lab

    array = image.array
    lab = rgb2lab(array).reshape(-1, 3).astype(np.float32)
    sample = lab[:: max(1, len(lab) // 100_000)]
    try:
        centres, _ = kmeans2(sample, count, iter=30, minit='++', rng=np.random.default_rng(seed), missing='raise')
    except ClusterError as error:
        raise InputError(image.name, f'has too few colours for {count} phases', 'ask for fewer') from error
    centres = centres[np.argsort(centres[:, 0])]
    labels = vq(lab, centres)[0].reshape(array.shape[:2]).astype(np.uint8)
    return labels, count, (), 'colours', f'{count} phases by k-means on the colours (CIE Lab), darkest = phase 0'


def remove_specks(labels: np.ndarray, count: int, smallest: int) -> tuple[np.ndarray, int]:
    """Give specks the nearest label that stays.

    Parameters
    ----------
    labels : numpy.ndarray
        2D or 3D, values 0..count - 1.
    count : int
        Number of phases.
    smallest : int
        Regions (connected through faces) of fewer pixels than this are specks.

    Returns
    -------
    labels : numpy.ndarray
        The input itself where there are no specks, or nothing else.
    changed : int
        Pixels in specks.
    """
    from scipy.ndimage import distance_transform_edt, label

    specks = np.zeros(labels.shape, bool)
    for phase in range(count):
        pieces: np.ndarray = cast(Any, label(labels == phase))[0]
        sizes = np.bincount(pieces.ravel())
        sizes[0] = smallest
        specks |= (sizes < smallest)[pieces]
    if not specks.any() or specks.all():
        return labels, 0
    nearest = cast(Any, distance_transform_edt(specks, return_distances=False, return_indices=True))
    return labels[tuple(nearest)], int(specks.sum())


def _listed(values: tuple[int, ...]) -> str:
    return ', '.join(str(v) for v in values)
