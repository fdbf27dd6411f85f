"""Names of the weights that come with the package, found without loading torch."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def shipped_names() -> tuple[str, ...]:
    """Return the names in alphabetical order.

    The generator's own `shipped_weights` says the same, but importing it takes seconds, which a window
    that is just opening does not have.
    """
    folder = files('napari_microrecon') / 'weights'
    if not folder.is_dir():
        return ()
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix('.safetensors') for name in names if name.endswith('.safetensors')))
