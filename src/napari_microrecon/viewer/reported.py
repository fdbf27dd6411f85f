"""Bad input that is found before a job starts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from ..engine.errors import EngineError

if TYPE_CHECKING:
    from .workers import Runner


class HasRunner(Protocol):
    """What starts jobs."""

    runner: Runner


_Self = TypeVar('_Self', bound=HasRunner)
_P = ParamSpec('_P')


def reported(method: Callable[Concatenate[_Self, _P], None]) -> Callable[Concatenate[_Self, _P], None]:
    """Turn bad input, found before a job starts, into a notification."""

    @wraps(method)
    def wrapped(self: _Self, *args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except EngineError as error:
            self.runner.report(error)

    return wrapped
