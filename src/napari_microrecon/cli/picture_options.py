"""Options that say how a picture becomes a slice, the same for every command that takes pictures."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Annotated, Any, get_args

import typer

from ..engine.errors import InputError
from ..engine.picture_steps import Flip
from ..engine.preparation import Preparation
from ..engine.segmentation import Method, Order

Segmentation = Annotated[
    str,
    typer.Option(
        '--segment', metavar='auto|labels|otsu|multi-otsu|colours|snap|boundaries|id:N',
        help='How grey, colour or numbered regions become phases; auto keeps labels as they are.',
    ),
]  # fmt: skip
PhaseOrder = Annotated[
    Order, typer.Option('--order', help='Whether phase 0 is the darkest or the brightest of a grey image.')
]
Thresholds = Annotated[
    str,
    typer.Option('--thresholds', metavar='110[,180]', help='Grey values between phases; default: (multi-)Otsu.'),
]
DenoiseText = Annotated[
    str,
    typer.Option(
        '--denoise', metavar='none|median:R|tv:W', help='Before thresholds: median over R pixels, or total variation.'
    ),
]
LeastSize = Annotated[
    int, typer.Option('--least-size', metavar='N', help='Regions of fewer pixels take the phase around them.')
]
CropText = Annotated[
    str,
    typer.Option(
        '--crop',
        metavar='auto|none|R0:R1,C0:C1',
        help="Rows and columns kept, such as ':-64,:'; auto also cuts off a thin data bar, none keeps all.",
    ),
]
Resample = Annotated[
    float | None, typer.Option('--resample', metavar='F', help='Pixel size to resample to, in the unit of the slices.')
]
Turn = Annotated[
    int, typer.Option('--turn', metavar='90|180|270', help='Degrees that the picture is turned by, counterclockwise.')
]
Mirror = Annotated[
    Flip, typer.Option('--mirror', help='Mirror the picture, after it was turned.', metavar='none|up-down|left-right')
]

UNCHANGED = Preparation()  # stands for what the options say, until they have been read


def takes_pictures(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options in the place of its parameter `prepared`, a Preparation."""
    own = inspect.signature(command, eval_str=True).parameters
    ours = inspect.signature(_read, eval_str=True).parameters
    shown: list[inspect.Parameter] = []
    for name, parameter in own.items():
        shown += ours.values() if name == 'prepared' else [parameter]

    @functools.wraps(command)
    def run(**values: Any) -> None:
        command(prepared=_read(**{name: values.pop(name) for name in ours}), **values)

    # What typer reads; names of annotations mean something only in the command's own module, so values stand here.
    run.__signature__ = inspect.Signature(shown)  # pyright: ignore[reportAttributeAccessIssue]
    run.__annotations__ = {one.name: one.annotation for one in shown} | {'return': None}
    return run


def _read(
    segment: Segmentation = 'auto',
    order: PhaseOrder = 'dark-first',
    thresholds: Thresholds = '',
    denoise: DenoiseText = 'none',
    least_size: LeastSize = 0,
    crop: CropText = '',
    resample: Resample = None,
    turn: Turn = 0,
    mirror: Mirror = 'none',
) -> Preparation:
    """Read what is to be done to the pictures before they are slices."""
    if turn not in _TURNS:
        raise InputError('--turn', f'{turn} is no quarter turn', 'write 90, 180 or 270 (degrees, counterclockwise)')
    values: dict[str, Any] = {
        **read_method(segment), 'order': order, 'least_size': least_size, 'pixel_size': resample,
        'quarter_turns': _TURNS.index(turn), 'flip': mirror,
    }  # fmt: skip
    if thresholds:
        try:
            values['thresholds'] = tuple(float(part) for part in thresholds.split(','))
        except ValueError as error:
            raise InputError('--thresholds', f'{thresholds!r} is not understood', 'write numbers: 110,180') from error
    kind, _, strength = denoise.strip().lower().partition(':')
    if kind not in _DENOISE or (kind == 'none' and strength):
        raise InputError('--denoise', f'{denoise!r} is not understood', 'write none, median:2 or tv:0.1')
    values['denoise'], field = _DENOISE[kind]
    if strength:
        values[field] = strength
    if crop:
        values['crop'] = word if (word := crop.strip().lower()) in ('auto', 'none') else _crop(crop)
    try:
        return Preparation.of(**values)
    except InputError as error:
        option = _OPTIONS.get(error.subject, f'--{error.subject.replace("_", "-")}')
        raise InputError(option, error.problem, 'see --help for what it takes') from error


def read_method(text: str, option: str = '--segment') -> dict[str, Any]:
    """Read 'otsu' or 'id:7' as a method and, where there is one, the id of a region."""
    word, _, number = text.strip().lower().partition(':')
    if word == 'id' and number.lstrip('-').isdigit():
        return {'method': 'region', 'region': int(number)}
    if number or word not in get_args(Method) or word == 'region':
        known = ', '.join(name for name in get_args(Method) if name != 'region')
        raise InputError(option, f'{text!r} is not known', f'use one of {known}, id:7')
    return {'method': word}


_OPTIONS = {'radius': '--denoise', 'weight': '--denoise', 'pixel_size': '--resample'}  # fields with another name
_DENOISE = {'none': ('none', ''), 'median': ('median', 'radius'), 'tv': ('total-variation', 'weight')}
_TURNS = (0, 90, 180, 270)
_RANGE = re.compile(r'(\d*):(-?\d+)?')


def _crop(text: str) -> dict[str, tuple[int, int | None]]:
    """Read '0:400,10:-10' as rows and columns, as Python slices."""
    parts = [_RANGE.fullmatch(part.strip()) for part in text.split(',')]
    found = [(int(part[1] or 0), int(part[2]) if part[2] else None) for part in parts if part]
    if len(found) != 2 or len(parts) != 2:
        raise InputError('--crop', f'{text!r} is not understood', 'write rows and columns kept: 0:400,0:640 or :-64,:')
    return {'rows': found[0], 'columns': found[1]}
