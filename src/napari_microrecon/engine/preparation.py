"""What happens to a picture before it is a slice: crop, turn, resample, denoise, thresholds, clean-up.

The steps are taken in that order. The data bar of a microscope must go before a threshold is taken from the grey
values, and noise before small regions are counted. Grey values are resampled before thresholding, labels by the
nearest pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .crop import Crop, evident_bar, suggest_crop
from .errors import InputError
from .looks import count_of_regions
from .phases import Phases
from .picture_steps import Denoise, Flip, denoising, nearest, resampling, square, turned
from .progress import Job, drain
from .provenance import Provenance, Source, hash_array, versions
from .raw_image import MOST_LABELS, RawImage
from .segmentation import Method, Order, Segmentation, is_labelled, remove_specks, segment
from .slices import Slice


class Preparation(BaseModel):
    """How a picture becomes a slice; the default does nothing but segment it.

    The same object is the form in the window, the options of the command line and the record in the provenance.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    crop: Crop | Literal['auto', 'none'] | None = Field(
        default=None,
        description='Part of the picture that is kept; auto cuts off a data bar at the bottom, none keeps all. Where '
        'nothing is said, a picture that is opened loses a bar that is evident',
    )
    quarter_turns: int = Field(default=0, ge=0, le=3, description='Turns by 90 degrees, counterclockwise')
    flip: Flip = Field(default='none', description='Mirror the picture, after it was turned')
    pixel_size: float | None = Field(
        default=None, gt=0, allow_inf_nan=False,
        description="Edge of a pixel after resampling, in the picture's unit (in pixels where it has none)",
    )  # fmt: skip
    denoise: Denoise = Field(
        default='none',
        description='median: the middle value of a disc, keeps straight edges; total-variation (Rudin, Osher and '
        'Fatemi 1992): flattens grains, keeps corners',
    )
    radius: int = Field(default=1, ge=1, le=15, description='Radius of the disc that the median is taken of, in pixels')
    weight: float = Field(
        default=0.1, gt=0, le=5, description='Strength of the total-variation filter, for grey values of 0 to 1'
    )
    method: Method = Field(default='auto', description='How grey or colour becomes phases; auto keeps labels')
    order: Order = Field(default='dark-first', description='Whether phase 0 is the darkest or the brightest')
    thresholds: tuple[float, ...] | None = Field(
        default=None, max_length=MOST_LABELS - 1,
        description="Grey values between the phases, one fewer than phases, in the picture's own numbers; automatic by "
        '(multi-)Otsu where none are given',
    )  # fmt: skip
    region: int | None = Field(
        default=None,
        description="Id of the region that is phase 1, for the method 'region' and a map of numbered regions",
    )
    least_size: int = Field(
        default=0, ge=0, description='Connected regions with fewer pixels take the phase that surrounds them'
    )

    @model_validator(mode='after')
    def _rising(self) -> Self:
        levels = self.thresholds
        if levels is not None and (not levels or not np.isfinite(levels).all()):
            raise ValueError('thresholds must be one number or more')
        if levels is not None and any(b <= a for a, b in pairwise(levels)):
            raise ValueError('thresholds must rise')
        return self

    @classmethod
    def of(cls, **values: Any) -> Self:
        """Build it from untrusted values.

        Raises
        ------
        InputError
            Names the field that is wrong.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            problem = first['msg'].removeprefix('Value error, ')
            # A rule about several values has no place of its own; its text begins with the field's name.
            subject = str(first['loc'][0]) if first['loc'] else problem.split()[0]
            raise InputError(subject, f'{problem[0].lower()}{problem[1:]}', 'choose another value') from error


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture that is ready to be thresholded, and what was done to it.

    Attributes
    ----------
    image : RawImage
        Cropped, turned, resampled and denoised; a labelled one is cropped and turned only.
    preparation : Preparation
        What was asked for, an automatic crop in numbers.
    steps : tuple of str
        What was done, in words, in order.
    labelled : bool
        Whether the values are labels already.
    source : Source
        Name and hash of the picture as read.
    """

    image: RawImage
    preparation: Preparation
    steps: tuple[str, ...]
    labelled: bool
    source: Source


@dataclass(frozen=True, eq=False)
class Prepared:
    """A slice with the picture and the segmentation that it came from.

    Attributes
    ----------
    slice : Slice
        Its provenance holds the steps and the parameters.
    picture : Picture
        What was thresholded.
    segmentation : Segmentation
        Labels, thresholds and the note of all steps.
    remark : str
        What was done unasked, for the user; empty for nothing.
    """

    slice: Slice
    picture: Picture
    segmentation: Segmentation
    remark: str = ''


def without_bar(image: RawImage, preparation: Preparation | None = None) -> tuple[Preparation | None, str]:
    """What to do to a picture that is opened: an evident data bar goes, unless the crop was chosen.

    Returns
    -------
    Preparation or None
        With the bar cut off; as given where there is none.
    str
        What the user has to know of it; empty where nothing was cut.
    """
    if (preparation is not None and preparation.crop is not None) or (bar := evident_bar(image)) is None:
        return preparation, ''
    if image.kind != 'rgb' and count_of_regions(image.array):  # a row of numbered tiles is no bar
        return preparation, ''
    prepared = (preparation or Preparation()).model_copy(update={'crop': bar})
    return prepared, f'a data bar at the bottom was cut off (rows from {bar.rows[1]} on)'


def prepare(image: RawImage, preparation: Preparation | None = None, phases: Phases | int | None = None) -> Prepared:
    """Make a slice of a picture.

    Parameters
    ----------
    image : RawImage
        2D, any kind; its normal (z unless known), position and voxel size go to the slice.
    preparation : Preparation, optional
        What to do; by default nothing but segment.
    phases : Phases or int, optional
        See `engine.segmentation.segment`.

    Raises
    ------
    InputError
        If a value does not fit the picture, naming the field, or one phase only is left.
    """
    return drain(preparing(image, preparation, phases))


def preparing(
    image: RawImage, preparation: Preparation | None = None, phases: Phases | int | None = None
) -> Job[Prepared]:
    """`prepare` as a job: a filter of a large picture takes long and can be stopped."""
    picture = yield from picturing(image, preparation or Preparation(), phases)
    return phases_of(picture, phases)


def picture_of(image: RawImage, preparation: Preparation, phases: Phases | int | None = None) -> Picture:
    """Take all steps before the thresholds; parameters as for `prepare`.

    Raises
    ------
    InputError
        If a value does not fit the picture.
    """
    return drain(picturing(image, preparation, phases))


def picturing(image: RawImage, preparation: Preparation, phases: Phases | int | None = None) -> Job[Picture]:
    """`picture_of` as a job."""
    if image.kind == 'stack':
        raise InputError(image.name, 'is a 3D stack', 'take a plane of it')
    source = Source(name=image.name, sha256=hash_array(image.array))
    done, steps, resolved = _framed(image, preparation)
    done, words_of_turns = turned(done, preparation.quarter_turns, preparation.flip)
    steps += words_of_turns
    count = phases.count if isinstance(phases, Phases) else phases
    labelled = preparation.thresholds is None and is_labelled(done, count, preparation.method)
    if labelled and preparation.denoise != 'none':
        raise InputError('denoise', f'{image.name} holds labels, not grey values', 'set it to none')
    if not labelled:
        if preparation.pixel_size is not None:
            done, words = yield from resampling(done, preparation.pixel_size)
            steps.append(words)
        if preparation.denoise != 'none':
            filtering = denoising(done, preparation.denoise, preparation.radius, preparation.weight)
            done, words = yield from filtering
            steps.append(words)
    return Picture(done, resolved, tuple(steps), labelled, source)


def phases_of(picture: Picture, phases: Phases | int | None = None) -> Prepared:
    """Take the steps from the thresholds on.

    Raises
    ------
    InputError
        If the thresholds are not one fewer than the phases, or one phase only is left.
    """
    asked, image = picture.preparation, picture.image
    wanted = phases if phases is not None or asked.thresholds is None else len(asked.thresholds) + 1
    found = segment(image, wanted, asked.method, order=asked.order, thresholds=asked.thresholds, region=asked.region)
    labels, steps, size = found.labels, [*picture.steps, found.note], image.voxel_size
    if picture.labelled and asked.pixel_size is not None:
        labels, words = nearest(labels, image, asked.pixel_size)
        size = square(size, asked.pixel_size)
        steps.append(words)
    if asked.least_size > 1:
        labels, changed = remove_specks(labels, found.phases.count, asked.least_size)
        steps.append(
            f'{changed} pixels in regions smaller than {asked.least_size} pixels took the phase that surrounds them'
        )
    note = '; '.join(steps)
    made = Slice(
        labels,
        found.phases,
        normal=image.normal or 'z',
        position=image.position,
        voxel_size=size,
        name=image.name,
        provenance=_provenance(picture, note, found.phases.count),
    )
    return Prepared(
        made, picture, Segmentation(labels, found.phases, found.thresholds, found.method, note, found.warning)
    )


def _provenance(picture: Picture, note: str, count: int) -> Provenance:
    before = picture.image.provenance
    if before is not None and picture.labelled and picture.preparation == Preparation():
        return before  # labels that were taken as they are
    return (before or Provenance()).model_copy(
        update={
            'description': note,
            'inputs': (picture.source,),
            'parameters': {'preparation': picture.preparation.model_dump(mode='json'), 'phases': count},
            'versions': versions(),
        }
    )


def _framed(image: RawImage, asked: Preparation) -> tuple[RawImage, list[str], Preparation]:
    if asked.crop in (None, 'none'):
        return image, [], asked.model_copy(update={'crop': None})
    crop = suggest_crop(image) if asked.crop == 'auto' else asked.crop
    if crop is None:
        return image, ['no data bar found'], asked.model_copy(update={'crop': None})
    crop = crop.within(image.array.shape)
    (top, bottom), (left, right) = crop.rows, crop.columns
    words = f'rows {top} to {(bottom or 0) - 1} and columns {left} to {(right or 0) - 1} kept'
    kept = image.altered(array=image.array[top:bottom, left:right])
    return kept, [words], asked.model_copy(update={'crop': crop})
