"""Every sample by its name."""

from __future__ import annotations

from ..errors import InputError
from .bundled import bundled_samples
from .published import published_samples
from .sample import Sample


def get_sample(name: str) -> Sample:
    """The sample of that name, bundled or published.

    Raises
    ------
    InputError
        If there is none; the message lists the names.
    """
    bundled, published = bundled_samples(), published_samples()
    for sample in (*bundled, *published):
        if sample.name == name:
            return sample
    raise InputError(
        'sample',
        f'{name!r} is not known',
        f'choose one of {", ".join(s.name for s in bundled)}, '
        f'or of the published scans {", ".join(s.name for s in published)}',
    )
