"""Phases of pictures that are neither grey values nor plain labels: blurred labels, maps of numbered regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from .errors import InputError
from .greys import grey_of, packed
from .looks import blurred_labels, boundaries, count_of_regions, snapped
from .raw_image import RawImage

# Labels, number of phases, thresholds, method, note.
Done: TypeAlias = 'tuple[np.ndarray, int, tuple[float, ...], str, str]'


class RegionsError(InputError):
    """A map of numbered regions was given without saying what of it is a phase."""


def blurred_as(image: RawImage, count: int | None, method: str) -> tuple[tuple[float, ...], str] | None:
    """Values of labels that were blurred, and what to say where they are not snapped to; None for other pictures."""
    levels = blurred_labels(grey_of(image))
    if method == 'snap':
        if not levels:
            raise InputError(image.name, 'does not look like labels that were blurred', "use the method 'otsu'")
        return levels, ''
    # Of two labels a threshold finds the boundary, too.
    if not levels or (len(levels) == 2 and not image.values):
        return None
    said = f'looks like {len(levels)} labels ({listed(levels)}) blurred by a resize or by JPEG'
    if len(levels) == count:
        return levels, ''
    return levels, f'{said}: ask for {len(levels)} phases (--phases {len(levels)}) to have them snapped to these'


def is_snapped(image: RawImage, count: int | None) -> bool:
    """Whether a picture is snapped to as many blurred labels as there are phases."""
    found = None if image.phases is not None or count is None else blurred_as(image, count, 'auto')
    return found is not None and not found[1]


def by_snapping(image: RawImage, levels: tuple[float, ...]) -> Done:
    """Labels of a picture of blurred ones."""
    labels = snapped(grey_of(image), levels)
    note = f'{len(levels)} labels ({listed(levels)}) that a resize or JPEG had blurred, snapped, lowest = phase 0'
    return labels, len(levels), (), 'snap', note


def _ids_of(image: RawImage) -> np.ndarray | None:
    """What tells regions apart: the values, or the colours of 8 bit as numbers."""
    return packed(image.array) if image.kind == 'rgb' else image.array


def refuse_regions(image: RawImage) -> None:
    """Refuse a map of numbered regions: a threshold would part low numbers from high ones."""
    ids = _ids_of(image)
    found = 0 if ids is None else count_of_regions(ids)
    if found:
        raise RegionsError(
            image.name,
            f'looks like a map of {found} numbered regions (grains, particles), not like grey values of phases',
            'take their boundaries as a phase (--segment boundaries; of a volume --phases boundaries) or one of them '
            'against the rest (--segment id:7; of a volume --phases id:7), or insist on grey values (--segment otsu)',
        )


def by_region(image: RawImage, count: int | None, region: int | None) -> Done:
    """Boundaries between regions, or one region, as phase 1."""
    ids = _ids_of(image)
    if count not in (None, 2):
        raise InputError('phases', f'{count} were asked for of a map of regions', 'ask for 2')
    if ids is None:
        raise InputError(image.name, 'is no map of regions', 'save it as 8 bit colours or whole numbers')
    if region is None:
        labels, note = boundaries(ids), 'boundaries between regions = phase 1, what they enclose = phase 0'
    else:
        labels, note = (ids == region).astype(np.uint8), f'region {region} = phase 1, all others = phase 0'
    if labels.min() == labels.max():
        raise single_phase(image.name, f'has no {"boundaries" if region is None else f"region {region} beside others"}')
    return labels, 2, (), 'boundaries' if region is None else 'region', note


def single_phase(name: str, problem: str) -> InputError:
    """What is raised where one phase is all that a picture shows."""
    return InputError(name, f'{problem}: one phase only', 'give an image that shows two phases or more')


def listed(values: Sequence[float]) -> str:
    """Grey values in words."""
    return ' and '.join(f'{v:.4g}' for v in values)
