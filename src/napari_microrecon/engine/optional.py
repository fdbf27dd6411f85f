"""Packages that only an extra brings."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .errors import InputError


def optional(module: str, what: str) -> Any:
    """Import a package of the extra `notebook`.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        remedy = f'pip install "napari-microrecon[notebook]", or pip install {module}'
        raise InputError(what, f'needs {module}, which is not installed', remedy) from error
