"""Steps that a picture goes through before its thresholds; each tells in words what it did."""

from __future__ import annotations

from collections.abc import Generator
from typing import Literal

import numpy as np

from .errors import InputError
from .greys import within_usual_range
from .progress import Job, Progress, Throttle
from .raw_image import RawImage
from .segmentation import grey_of
from .slices import SMALLEST_SLICE
from .voxels import IMAGE_AXES, VoxelSize

Denoise = Literal['none', 'median', 'total-variation']
Flip = Literal['none', 'up-down', 'left-right']
_LARGEST = 2**28  # pixels of a resampled picture


def turned(image: RawImage, quarter_turns: int, flip: Flip) -> tuple[RawImage, list[str]]:
    """Turn counterclockwise by 90 degrees a turn, then mirror; the pixel size follows."""
    array, size, steps = image.array, image.voxel_size, []
    if quarter_turns:
        array = np.rot90(array, quarter_turns)
        steps.append(f'turned by {90 * quarter_turns} degrees counterclockwise')
        if quarter_turns % 2:
            row, column = IMAGE_AXES[image.normal or 'z']
            size = size.model_copy(update={row: getattr(size, column), column: getattr(size, row)})
    if flip != 'none':
        array = np.flip(array, 0 if flip == 'up-down' else 1)
        steps.append(f'flipped {flip}')
    return (image.altered(array=np.ascontiguousarray(array), voxel_size=size), steps) if steps else (image, steps)


def resampling(image: RawImage, edge: float) -> Job[tuple[RawImage, str]]:
    """Grey values or colours at another pixel size: linear, smoothed first where it gets coarser."""
    from .resampling import resample

    shape, words = _new_shape(image, edge)
    array = image.array
    resized = yield from _told(resample(array, shape), f'Resampling {image.name}')
    if array.dtype.kind in 'ui':
        resized = np.round(resized)
    return image.altered(array=resized.astype(array.dtype), voxel_size=square(image.voxel_size, edge)), words


def nearest(labels: np.ndarray, image: RawImage, edge: float) -> tuple[np.ndarray, str]:
    """Labels at another pixel size: that of the nearest pixel."""
    shape, words = _new_shape(image, edge)
    rows, columns = (
        np.minimum(((np.arange(new) + 0.5) * old / new).astype(int), old - 1)
        for new, old in zip(shape, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)], words


def _new_shape(image: RawImage, edge: float) -> tuple[tuple[int, int], str]:
    pixel = image.voxel_size.pixel(image.normal or 'z')
    rows, columns = (round(n * old / edge) for n, old in zip(image.array.shape[:2], pixel, strict=True))
    unit = image.voxel_size.unit if image.voxel_size.is_known else 'pixel'
    if min(rows, columns) < SMALLEST_SLICE or rows * columns > _LARGEST:
        raise InputError(
            'pixel_size', f'{edge:g} {unit} makes {rows} x {columns} pixels of {image.name}',
            f'choose another size; its pixels are {pixel[0]:g} x {pixel[1]:g} {unit}',
        )  # fmt: skip
    before = f'{pixel[0]:g}' if pixel[0] == pixel[1] else f'{pixel[0]:g} x {pixel[1]:g}'
    return (rows, columns), f'resampled from {before} to {edge:g} {unit} a pixel'


def square(size: VoxelSize, edge: float) -> VoxelSize:
    """Cube of the new edge; where no unit is known, a picture of other pixels has no unit either."""
    return VoxelSize.cube(edge, size.unit) if size.is_known else size


def denoising(image: RawImage, denoise: Denoise, radius: int, weight: float) -> Job[tuple[RawImage, str]]:
    """Filter grey values, in the numbers of the picture so that thresholds keep their meaning; tell what was done."""
    from .denoising import median, total_variation

    grey = grey_of(image)
    if denoise == 'median':
        done = yield from _told(median(grey, radius), f'Denoising {image.name}')
        words = f'median over a disc of radius {radius} pixel{"s" if radius > 1 else ""}'
    else:
        # A hot pixel would make everything else flat beside it.
        grey = within_usual_range(grey)
        low, high = float(grey.min()), float(grey.max())
        unit = (grey.astype(np.float32) - low) / max(high - low, 1e-30)
        smooth = yield from _told(total_variation(unit.astype(np.float32), weight), f'Denoising {image.name}')
        done = (smooth * (high - low) + low).astype(np.float32)
        words = f'total-variation filter of weight {weight:g} (Chambolle)'
    return image.altered(array=done, kind='grey', few=()), words


def _told(steps: Generator[tuple[int, int], None, np.ndarray], stage: str) -> Job[np.ndarray]:
    """The steps of a filter as signs of life."""
    throttle = Throttle()
    try:
        while True:
            try:
                done, total = next(steps)
            except StopIteration as end:
                return end.value
            if throttle.ready():
                yield Progress(stage, done, total)
    finally:
        steps.close()
